/* Any bytes as a chat template, rendered with a conversation. The input is a template,
 * and behind a NUL its variables as JSON, and behind another one the messages. A template
 * is refused with a sentence or it prints UTF-8, twice the same, and nothing is left of a
 * render that failed. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "text/template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char own_messages[] =
    "[{\"role\": \"system\", \"content\": \"Be \\u00bd as <long>.\"},"
    " {\"role\": \"user\", \"content\": \"37 * 24?\"},"
    " {\"role\": \"assistant\", \"content\": \"<think>\\nx\\n</think>\\n\\n888\","
    "  \"tool_calls\": [{\"function\": {\"name\": \"f\", \"arguments\": {\"a\": 1}}}]}]";
static const char own_variables[] =
    "{\"add_generation_prompt\": true, \"bos_token\": \"<s>\", \"eos_token\": \"</s>\","
    " \"tools\": [{\"function\": {\"name\": \"f\", \"parameters\": {\"type\": "
    "\"object\"}}}],"
    " \"n\": 7, \"f\": 2.5, \"s\": \"A\\u00e9 b\", \"l\": [3, 1, 2], \"d\": {\"k\": "
    "null}}";

static void demand(int truth, const char *what) {
    if (truth) return;
    (void)fprintf(stderr, "fuzz_template: %s\n", what);
    abort();
}

/* The part of *rest up to a NUL, as text that ends with one; `otherwise` if there is no
 * such part. */
static char *next_part(const uint8_t **rest, size_t *n, const char *otherwise) {
    const uint8_t *end = *n ? memchr(*rest, 0, *n) : NULL;
    size_t n_part = end ? (size_t)(end - *rest) : *n;
    size_t n_text = n_part || !otherwise ? n_part : strlen(otherwise);
    char *text = malloc(n_text + 1);
    demand(text != NULL, "no memory");
    if (n_text) {
        memcpy(text, n_part || !otherwise ? (const char *)*rest : otherwise, n_text);
    }
    text[n_text] = '\0';
    *rest += end ? n_part + 1 : n_part;
    *n -= end ? n_part + 1 : n_part;
    return text;
}

static void render(const rsn_template *t, const rsn_template_input *in) {
    size_t bad;
    rsn_str first = {0}, second = {0};
    rsn_str_addz(&second, "kept");
    reason_status status = rsn_template_render(t, in, &first);
    demand(rsn_template_render(t, in, &second) == status,
           "a second render ends otherwise");
    demand(strncmp(second.data, "kept", 4) == 0, "what was there is gone");
    if (status) {
        demand(first.n == 0 && second.n == 4, "a failed render left something");
        demand(rsn_last_error()[0] != '\0', "an error has no sentence");
    } else {
        demand(second.n == first.n + 4, "a second render gives something else");
        demand(first.n == 0 || memcmp(first.data, second.data + 4, first.n) == 0,
               "a second render gives something else");
        demand(rsn_utf8_valid(rsn_str_text(&first), first.n, &bad), "not UTF-8");
    }
    rsn_str_free(&first);
    rsn_str_free(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    rsn_template *t = NULL;
    const uint8_t *end = size ? memchr(data, 0, size) : NULL;
    size_t n_source = end ? (size_t)(end - data) : size;
    reason_status status = rsn_template_compile((const char *)data, n_source, &t);
    demand((status == REASON_OK) == (t != NULL),
           "a template without OK or OK without one");
    if (status) {
        demand(rsn_last_error()[0] != '\0', "an error has no sentence");
        return 0;
    }
    const uint8_t *rest = data + n_source + (end != NULL);
    size_t n = size - n_source - (end != NULL);
    char *variables = next_part(&rest, &n, own_variables);
    char *messages = next_part(&rest, &n, own_messages);
    const char *const all[] = {variables};
    const rsn_template_input in = {messages, strlen(messages), all, 1,
                                   "2026-01-02T03:04:05"};
    (void)rsn_template_mentions(t, "enable_thinking");
    render(t, &in);
    rsn_template_free(t);
    free(variables);
    free(messages);
    return 0;
}
