/*
 * `reason template`: the prompt that a conversation becomes. Left to the library: the
 * template language. Invariant: standard output is the rendered prompt, nothing added,
 * nothing taken off.
 */
#include <string.h>

#include "input.h"
#include "json_out.h"
#include "model.h"
#include "output.h"

struct template_options {
    const char *template_file, *messages, *variables, *now;
    bool json;
};

/* Texts of the request, read whole. */
struct texts {
    struct rsn_cli_buffer messages, source;
};

#define AT(field) offsetof(struct template_options, field)

static const struct rsn_cli_option rows[] = {
    {"messages", 0, RSN_CLI_TEXT, AT(messages), 0, 0, NULL, "FILE",
     "the conversation, a JSON array of objects with role\n"
     "and content; \"-\" for standard input"},
    {"template", 0, RSN_CLI_TEXT, AT(template_file), 0, 0, NULL, "FILE",
     "Jinja source; default: the model's own template"},
    {"vars", 0, RSN_CLI_TEXT, AT(variables), 0, 0, NULL, "JSON",
     "an object of variables that the template sees"},
    {"now", 0, RSN_CLI_TEXT, AT(now), 0, 0, NULL, "TIME",
     "the clock that it sees, as 2026-01-02T03:04:05;\ndefault: now, local time"},
    {"json", 0, RSN_CLI_FLAG, AT(json), 0, 0, NULL, NULL,
     "one JSON object: {\"prompt\": ...}"},
};

static int print_prompt(const char *text, size_t n_bytes, bool json) {
    if (!json) {
        rsn_cli_write(stdout, text, n_bytes);
        return RSN_CLI_OK;
    }
    struct rsn_cli_object object = rsn_cli_object_new();
    rsn_cli_object_text(&object, "prompt", text, n_bytes);
    return rsn_cli_object_print(&object);
}

static int render(const struct template_options *own, const struct texts *texts,
                  const reason_model *model) {
    reason_template_request request;
    char *text = NULL;
    size_t n_bytes = 0;
    if (reason_template_request_init(&request, sizeof request) != REASON_OK)
        return rsn_cli_fail_library();
    request.messages_json = texts->messages.data;
    request.variables_json = own->variables;
    request.template_text = own->template_file ? texts->source.data : NULL;
    request.now = own->now;
    if (reason_template_render(model, &request, &text, &n_bytes) != REASON_OK)
        return rsn_cli_fail_library();
    int code = print_prompt(text, n_bytes, own->json);
    reason_free(text);
    return code;
}

static int render_texts(const struct template_options *own, struct texts *texts,
                        const struct rsn_cli_model_options *options) {
    reason_model *model = NULL;
    int code = rsn_cli_read_text(own->messages, RSN_CLI_LIMIT_JSON, &texts->messages);
    if (code == RSN_CLI_OK && own->template_file)
        code =
            rsn_cli_read_text(own->template_file, RSN_CLI_LIMIT_PROMPT, &texts->source);
    /* A template alone needs no model; a model given beside it tells its special tokens.
     */
    if (code == RSN_CLI_OK && (!own->template_file || options->path))
        code = rsn_cli_model_open(options, &model);
    if (code == RSN_CLI_OK) code = render(own, texts, model);
    reason_model_free(model);
    return code;
}

static int run(const struct rsn_cli_command *self, int argc, char **argv) {
    struct template_options own = {0};
    struct rsn_cli_model_options options = {0};
    struct rsn_cli_arguments arguments;
    struct texts texts = {0};
    int code = RSN_CLI_OK;
    const struct rsn_cli_group groups[] = {
        {"Options:", rows, RSN_CLI_COUNT(rows), &own},
        RSN_CLI_MODEL_GROUP(&options),
    };
    if (!rsn_cli_options_parse(self, groups, RSN_CLI_COUNT(groups), argc, argv,
                               &arguments, &code) ||
        !rsn_cli_options_no_arguments(self, &arguments, &code))
        return code;
    if (!own.messages) return rsn_cli_fail_usage(self, "--messages is needed");
    if (own.template_file && strcmp(own.template_file, "-") == 0 &&
        strcmp(own.messages, "-") == 0)
        return rsn_cli_fail_usage(self,
                                  "--template and --messages both want standard input");
    code = render_texts(&own, &texts, &options);
    rsn_cli_buffer_free(&texts.messages);
    rsn_cli_buffer_free(&texts.source);
    return code;
}

static const char notes[] =
    "Prints the rendered prompt and nothing else. With --template and without -m no\n"
    "model is opened; special tokens, such as bos_token, can then be given with\n"
    "--vars.\n"
    "\n"
    "Examples:\n"
    "  echo '[{\"role\":\"user\",\"content\":\"Hi\"}]' | reason template --messages -\n"
    "  reason template --messages chat.json --vars '{\"enable_thinking\": false}'\n"
    "  reason template --template chat.jinja --messages chat.json \\\n"
    "      --now 2026-01-02T03:04:05\n";

const struct rsn_cli_command rsn_cli_cmd_template = {
    "template", "the prompt that a conversation becomes", "[OPTIONS] --messages FILE",
    notes, run};
