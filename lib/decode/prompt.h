/* From a request to the tokens of its prompt, and to what the prompt already says about
 * thinking. */
#ifndef REASON_DECODE_PROMPT_H
#define REASON_DECODE_PROMPT_H

#include "decode/inserts.h"
#include "model/model.h"

typedef struct rsn_prompt {
    rsn_str text;
    rsn_vocab_ids ids;
    size_t others_end; /* behind the last text that was put in */
    bool open;     /* it ends inside a block, after the text `tail` (part of `text`) */
    bool closed;   /* it ends behind a block, or in the answer */
    bool in_header; /* it ends behind a header's mark */
    rsn_text tail;
    bool off_by_template;  /* a variable of the template has switched thinking off */
    reason_effort_use effort_use;
} rsn_prompt;

/* Renders (or copies), puts in the texts of others (NULL: there are none) and tokenizes.
 * The mode in force, effort and budget go to the template's own variables, where it has
 * them. INVALID_ARG, MISMATCH, and what rendering returns. */
reason_status rsn_prompt_build(const rsn_model *model, const reason_request *request,
                               reason_think_mode mode, const reason_thinking *thinking,
                               const rsn_inserts *inserts, rsn_prompt *prompt);
/* Puts tokens of an output behind it, as part of it. NO_MEMORY. */
reason_status rsn_prompt_extend(const rsn_model *model, const int32_t *ids, size_t n,
                                rsn_prompt *prompt);
void rsn_prompt_free(rsn_prompt *prompt);

/* INVALID_ARG unless exactly one source of a prompt is given, and whole. */
reason_status rsn_prompt_check(const reason_request *request);
/* The conversation of a request that has no `text`, as a JSON array. NO_MEMORY. */
reason_status rsn_conversation_json(const reason_request *request, rsn_str *json);
/* A conversation as a JSON array of objects. */
reason_status rsn_messages_json(const reason_message *const *messages, size_t n,
                                rsn_str *json);

/* Renders with the model's template, or another one: the defaults, then each of
 * `variables` (JSON objects, NULL ones skipped) over them. */
typedef struct rsn_render {
    const char *template_text; /* NULL: the model's */
    const char *messages_json;
    const char *variables[2];
    const char *now;
} rsn_render;
reason_status rsn_prompt_render(const rsn_model *model, const rsn_render *what,
                                rsn_str *text);

#endif
