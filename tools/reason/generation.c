/*
 * Owns the translation between the command line and a request, and between a result and
 * JSON. Streaming is left to display.c. Invariant: a value that was not given on the
 * command line is the library's default, never one of the command's own.
 */
#include "generation.h"

#include "interrupt.h"
#include "json_out.h"
#include "model.h"

const struct rsn_cli_choice rsn_cli_think_modes[] = {{"auto", REASON_THINK_AUTO},
                                                     {"on", REASON_THINK_ON},
                                                     {"off", REASON_THINK_OFF},
                                                     {NULL, 0}};
const struct rsn_cli_choice rsn_cli_efforts[] = {{"none", REASON_EFFORT_NONE},
                                                 {"low", REASON_EFFORT_LOW},
                                                 {"medium", REASON_EFFORT_MEDIUM},
                                                 {"high", REASON_EFFORT_HIGH},
                                                 {NULL, 0}};

#define AT(field) offsetof(struct rsn_cli_generation, field)

const struct rsn_cli_option rsn_cli_thinking_rows[RSN_CLI_N_THINKING_ROWS] = {
    {"think", 0, RSN_CLI_CHOICE, AT(mode), 0, 0, rsn_cli_think_modes, "MODE",
     "auto (the model decides), on or off; default auto"},
    {"budget", 0, RSN_CLI_INT, AT(thinking.budget), -1, INT32_MAX, NULL, "N",
     "most tokens of thinking; 0: none; default -1: what\nthe room allows"},
    {"effort", 0, RSN_CLI_CHOICE, AT(effort), 0, 0, rsn_cli_efforts, "LEVEL",
     "low, medium or high: the budget in words"},
    {"min-tokens", 0, RSN_CLI_INT, AT(thinking.min_tokens), 0, INT32_MAX, NULL, "N",
     "thinking that ends before N tokens goes on; default 0"},
    {"wait-text", 0, RSN_CLI_TEXT, AT(thinking.wait_text), 0, 0, NULL, "TEXT",
     "what makes it go on; default \"Wait\""},
    {"min-answer", 0, RSN_CLI_INT, AT(thinking.min_answer), -1, INT32_MAX, NULL, "N",
     "tokens kept free for the answer; default -1: 32"},
    {"grace", 0, RSN_CLI_INT, AT(thinking.grace), 0, INT32_MAX, NULL, "N",
     "in the last N tokens of the budget a sentence's\nend ends the thinking; default 0"},
    {"close-text", 0, RSN_CLI_TEXT, AT(thinking.close_text), 0, 0, NULL, "TEXT",
     "written inside the budget before it ends the\nthinking; default: nothing"},
    {"close-bias", 0, RSN_CLI_FLOAT, AT(thinking.close_bias), -1000, 1000, NULL, "B",
     "added to the logit of the closing tag; default 0"},
    {"close-temperature", 0, RSN_CLI_FLOAT, AT(thinking.close_temperature), 1e-6, 1e6,
     NULL, "T", "of the decision to end thinking alone; default 1"},
    {"max-waits", 0, RSN_CLI_INT, AT(thinking.max_waits), 0, INT32_MAX, NULL, "N",
     "most times that thinking is made to go on;\ndefault 0: as min-tokens asks"},
    {"thought", 0, RSN_CLI_TEXT, AT(thinking.thought), 0, 0, NULL, "TEXT",
     "the whole of the thinking, given to the model"},
    {"think-threshold", 0, RSN_CLI_FLOAT, AT(thinking.think_threshold), 0, 1, NULL, "P",
     "auto thinks if its own probability of thinking is\nat least P; default 0: it draws"},
    {"exit-confidence", 0, RSN_CLI_FLOAT, AT(thinking.exit_confidence), 0, 1, NULL, "P",
     "thinking ends when the answer it would give is as\nlikely as P; default 0: off"},
    {"exit-entropy", 0, RSN_CLI_FLOAT, AT(thinking.exit_entropy), 0, 1000, NULL, "H",
     "... when the begin of that answer has an entropy of\nat most H nats; default 0: off"},
    {"exit-variance", 0, RSN_CLI_FLOAT, AT(thinking.exit_variance), 0, 1000, NULL, "V",
     "... when that entropy's variance is at most V;\ndefault 0: off"},
    {"exit-agreement", 0, RSN_CLI_INT, AT(thinking.exit_agreement), 0, INT32_MAX, NULL,
     "N", "... when N answers in a row are the same; default 0:\noff"},
    {"probe-every", 0, RSN_CLI_INT, AT(thinking.probe_every), 0, INT32_MAX, NULL, "N",
     "exits look after N more tokens of thinking; default\n0: after each line"},
    {"probe-tokens", 0, RSN_CLI_INT, AT(thinking.probe_tokens), 0, 4096, NULL, "N",
     "most tokens of an answer that they look at; default\n0: 16"},
    {"probe-text", 0, RSN_CLI_TEXT, AT(thinking.probe_text), 0, 0, NULL, "TEXT",
     "opens that answer; default: nothing"},
    {"loop-guard", 0, RSN_CLI_INT, AT(thinking.loop_guard), 0, INT32_MAX, NULL, "N",
     "ends text in which a passage comes N times in a row;\ndefault 0: off"},
    {"chunk", 0, RSN_CLI_INT, AT(thinking.chunk), 0, INT32_MAX, NULL, "N",
     "thinking goes on from its last tokens when the\ncontext has N of it; default 0: off"},
    {"chunk-carry", 0, RSN_CLI_INT, AT(thinking.chunk_carry), 0, INT32_MAX, NULL, "N",
     "how many tokens it goes on from; default 0: half of\nthe chunk"},
    {"chunk-keep", 0, RSN_CLI_INT, AT(thinking.chunk_keep), 0, INT32_MAX, NULL, "N",
     "how many of its first tokens stay as well; default 0"},
    {"adviser", 0, RSN_CLI_TEXT, AT(adviser), 0, 0, NULL, "MODEL",
     "another model that is asked for the thinking first"},
    {"advice-prompt", 0, RSN_CLI_TEXT, AT(thinking.advice_prompt), 0, 0, NULL, "TEXT",
     "its system message; default: one that asks for steps"},
    {"advice-tokens", 0, RSN_CLI_INT, AT(thinking.advice_tokens), 0, INT32_MAX, NULL, "N",
     "most tokens that it writes; default 0: 128"},
};

const struct rsn_cli_option rsn_cli_sampling_rows[RSN_CLI_N_SAMPLING_ROWS] = {
    {"system", 0, RSN_CLI_TEXT, AT(system), 0, 0, NULL, "TEXT",
     "a system message before the prompt"},
    {"max-tokens", 'n', RSN_CLI_INT, AT(max_tokens), 0, INT32_MAX, NULL, "N",
     "thinking, answer and markup; default 0: what fits"},
    {"temperature", 0, RSN_CLI_FLOAT, AT(sampling.temperature), 0,
     RSN_CLI_MAX_TEMPERATURE, NULL, "T",
     "0: always the likeliest token; default 0.6"},
    {"top-k", 0, RSN_CLI_INT, AT(sampling.top_k), 0, INT32_MAX, NULL, "N",
     "draw from the N likeliest tokens; default 0: all"},
    {"top-p", 0, RSN_CLI_FLOAT, AT(sampling.top_p), 0, 1, NULL, "P",
     "draw from the likeliest that sum to P; default 0.95"},
    {"min-p", 0, RSN_CLI_FLOAT, AT(sampling.min_p), 0, 1, NULL, "P",
     "drop tokens below P times the likeliest; default 0"},
    {"seed", 0, RSN_CLI_UINT64, AT(sampling.seed), 0, 0, NULL, "S",
     "the same seed gives the same text; default 0"},
    {"stop", 0, RSN_CLI_LIST, AT(stops), 0, 0, NULL, "TEXT",
     "the answer ends before TEXT; may be repeated"},
};

int rsn_cli_generation_init(struct rsn_cli_generation *generation) {
    *generation = (struct rsn_cli_generation){0};
    if (reason_thinking_init(&generation->thinking, sizeof generation->thinking) !=
            REASON_OK ||
        reason_sampling_init(&generation->sampling, sizeof generation->sampling) !=
            REASON_OK)
        return rsn_cli_fail_library();
    generation->mode = (int)generation->thinking.mode;
    generation->effort = (int)generation->thinking.effort;
    return RSN_CLI_OK;
}

static int open_adviser(struct rsn_cli_generation *generation) {
    const struct rsn_cli_model_options options = {.path = generation->adviser};
    reason_model *model = NULL;
    int code = rsn_cli_model_open(&options, &model);
    if (code == RSN_CLI_OK)
        code = rsn_cli_session_open(&options, model, NULL, &generation->thinking.adviser);
    reason_model_free(model);
    return code;
}

void rsn_cli_generation_end(struct rsn_cli_generation *generation) {
    reason_session_free(generation->thinking.adviser);
    generation->thinking.adviser = NULL;
}

int rsn_cli_generation_request(struct rsn_cli_generation *generation,
                               reason_request *request) {
    if (reason_request_init(request, sizeof *request) != REASON_OK)
        return rsn_cli_fail_library();
    if (generation->adviser && !generation->thinking.adviser) {
        int code = open_adviser(generation);
        if (code != RSN_CLI_OK) return code;
    }
    generation->thinking.mode = (reason_think_mode)generation->mode;
    generation->thinking.effort = (reason_effort)generation->effort;
    request->max_tokens = generation->max_tokens;
    request->thinking = &generation->thinking;
    request->sampling = &generation->sampling;
    request->stops = generation->stops.items;
    request->n_stops = generation->stops.n_items;
    request->cancel = rsn_cli_interrupt_token();
    return RSN_CLI_OK;
}

static void put_usage(struct rsn_cli_object *object, const reason_usage *usage) {
    struct rsn_cli_object inner = rsn_cli_object_new();
    rsn_cli_object_int(&inner, "prompt_tokens", (int64_t)usage->prompt_tokens);
    rsn_cli_object_int(&inner, "thinking_tokens", (int64_t)usage->thinking_tokens);
    rsn_cli_object_int(&inner, "answer_tokens", (int64_t)usage->answer_tokens);
    rsn_cli_object_int(&inner, "markup_tokens", (int64_t)usage->markup_tokens);
    rsn_cli_object_real(&inner, "prefill_s", usage->prefill_s);
    rsn_cli_object_real(&inner, "decode_s", usage->thinking_s + usage->answer_s);
    rsn_cli_object_int(&inner, "cached_tokens", (int64_t)usage->cached_tokens);
    rsn_cli_object_int(&inner, "kv_bytes", (int64_t)usage->kv_bytes);
    rsn_cli_object_int(&inner, "probe_tokens", (int64_t)usage->probe_tokens);
    rsn_cli_object_int(&inner, "guessed_tokens", (int64_t)usage->guessed_tokens);
    rsn_cli_object_int(&inner, "accepted_tokens", (int64_t)usage->accepted_tokens);
    rsn_cli_object_put(object, "usage", &inner);
}

int rsn_cli_result_print(const reason_result *result, int64_t line) {
    reason_usage usage = {.size = sizeof usage};
    if (reason_result_usage(result, &usage) != REASON_OK) return rsn_cli_fail_library();
    size_t n_thinking = 0, n_answer = 0;
    const char *thinking = reason_result_thinking(result, &n_thinking);
    const char *answer = reason_result_answer(result, &n_answer);
    const char *finish = reason_finish_name(reason_result_finish(result));
    const char *end = reason_finish_name(reason_result_answer_end(result));
    struct rsn_cli_object object = rsn_cli_object_new();
    rsn_cli_object_text(&object, "thinking", thinking, n_thinking);
    rsn_cli_object_text(&object, "answer", answer, n_answer);
    rsn_cli_object_set(&object, "finish_reason", json_string(finish));
    rsn_cli_object_real(&object, "p_think", reason_result_p_think(result));
    put_usage(&object, &usage);
    rsn_cli_object_set(&object, "answer_end", json_string(end));
    rsn_cli_object_int(&object, "budget", usage.budget);
    if (line > 0) rsn_cli_object_int(&object, "line", line);
    return rsn_cli_object_print(&object);
}

void rsn_cli_result_note(const reason_result *result) {
    size_t n_answer = 0;
    reason_result_answer(result, &n_answer);
    const char *finish = reason_finish_name(reason_result_finish(result));
    reason_finish end = reason_result_answer_end(result);
    if (end == REASON_FINISH_CANCELLED) {
        rsn_cli_say("stopped before the end");
    } else if (n_answer == 0) {
        rsn_cli_say("the answer is empty; finish reason: %s", finish);
    } else if (end == REASON_FINISH_LENGTH) {
        rsn_cli_say("the answer is cut: max-tokens or the context was reached");
    }
}
