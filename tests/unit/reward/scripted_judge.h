/* A scripted model that judges: it reads its prompt as text and writes what a function of
 * the test says. */
#ifndef REASON_TESTS_SCRIPTED_JUDGE_H
#define REASON_TESTS_SCRIPTED_JUDGE_H

#include "unit/decode/scripted_model.h"

/* Fills `out` [1024] with what is written behind a prompt. A '?' becomes a 1 or a 2, as
 * likely as each other. */
typedef void (*say_fn)(const char *prompt, char *out);

static const char JUDGE_TURNS[] =
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% "
    "endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";
/* What prompts end with, with the template and without one. */
static const char TURN_END[] = "<|im_start|>assistant\n", PLAIN_END[] = "}.\n\n";

enum { SAID = 1024 };

static inline const char *last_of(const char *text, const char *what) {
    const char *hit = NULL;
    for (const char *at = text; (at = strstr(at, what)); at++)
        hit = at;
    return hit;
}

static inline void script_judge(scripted *m, const int32_t *history, size_t n,
                                float *logits) {
    static char text[8 * SCRIPT_CONTEXT];
    char said[SAID];
    size_t length = 0;
    flat(m, logits);
    for (size_t i = 0; i < n; i++) {
        rsn_text bytes = rsn_vocab_bytes(m->model.vocab, history[i]);
        memcpy(text + length, bytes.data, bytes.n);
        length += bytes.n;
    }
    text[length] = 0;
    const char *end = m->model.template_source.n > 0 ? TURN_END : PLAIN_END;
    const char *begin = last_of(text, end);
    assert_non_null(begin);
    begin += strlen(end);
    size_t at = strlen(begin);
    char kept = *begin;
    text[begin - text] = 0;
    ((say_fn)(uintptr_t)m->user)(text, said);
    text[begin - text] = kept;
    if (at >= strlen(said))
        logits[rsn_vocab_eos(m->model.vocab)] = 30;
    else if (strncmp(said + at, "<think>", 7) == 0)
        logits[token_of(m, "<think>")] = 30;
    else if (strncmp(said + at, "</think>", 8) == 0)
        logits[token_of(m, "</think>")] = 30;
    else if (said[at] == '?')
        logits['1'] = logits['2'] = 30;
    else
        logits[(unsigned char)said[at]] = 30;
}

static inline scripted *judge_new(say_fn say, script_tags tags, bool has_template) {
    scripted *m = scripted_new(script_judge, tags, has_template ? JUDGE_TURNS : NULL);
    if (has_template)
        assert_int_equal(
            rsn_template_compile(JUDGE_TURNS, strlen(JUDGE_TURNS), &m->model.chat),
            REASON_OK);
    m->user = (void *)(uintptr_t)say;
    return m;
}

/* What stands in a prompt between two texts. */
static inline void part_of(const char *prompt, const char *from, const char *to,
                           char *out) {
    const char *begin = strstr(prompt, from);
    assert_non_null(begin);
    begin += strlen(from);
    const char *end = strstr(begin, to);
    assert_non_null(end);
    memcpy(out, begin, (size_t)(end - begin));
    out[end - begin] = 0;
}

#endif
