/*
 * Owns the translation between the command line and a request, and between a result and
 * JSON. Streaming is left to display.c. Invariant: a value that was not given on the
 * command line is the library's default, never one of the command's own.
 */
#include "generation.h"

#include "interrupt.h"
#include "json_out.h"

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
    {"budget", 0, RSN_CLI_INT, AT(budget), -1, INT32_MAX, NULL, "N",
     "most tokens of thinking; 0: none; default -1: what\nthe room allows"},
    {"effort", 0, RSN_CLI_CHOICE, AT(effort), 0, 0, rsn_cli_efforts, "LEVEL",
     "low, medium or high: the budget in words"},
    {"min-tokens", 0, RSN_CLI_INT, AT(min_tokens), 0, INT32_MAX, NULL, "N",
     "thinking that ends before N tokens goes on; default 0"},
    {"wait-text", 0, RSN_CLI_TEXT, AT(wait_text), 0, 0, NULL, "TEXT",
     "what makes it go on; default \"Wait\""},
    {"min-answer", 0, RSN_CLI_INT, AT(min_answer), -1, INT32_MAX, NULL, "N",
     "tokens kept free for the answer; default -1: 32"},
    {"grace", 0, RSN_CLI_INT, AT(grace), 0, INT32_MAX, NULL, "N",
     "in the last N tokens of the budget a sentence's\nend ends the thinking; default 0"},
    {"close-text", 0, RSN_CLI_TEXT, AT(close_text), 0, 0, NULL, "TEXT",
     "written inside the budget before it ends the\nthinking; default: nothing"},
};

const struct rsn_cli_option rsn_cli_sampling_rows[RSN_CLI_N_SAMPLING_ROWS] = {
    {"system", 0, RSN_CLI_TEXT, AT(system), 0, 0, NULL, "TEXT",
     "a system message before the prompt"},
    {"max-tokens", 'n', RSN_CLI_INT, AT(max_tokens), 0, INT32_MAX, NULL, "N",
     "thinking, answer and markup; default 0: what fits"},
    {"temperature", 0, RSN_CLI_FLOAT, AT(temperature), 0,
     RSN_CLI_MAX_TEMPERATURE, NULL, "T",
     "0: always the likeliest token; default 0.6"},
    {"top-k", 0, RSN_CLI_INT, AT(top_k), 0, INT32_MAX, NULL, "N",
     "draw from the N likeliest tokens; default 0: all"},
    {"top-p", 0, RSN_CLI_FLOAT, AT(top_p), 0, 1, NULL, "P",
     "draw from the likeliest that sum to P; default 0.95"},
    {"min-p", 0, RSN_CLI_FLOAT, AT(min_p), 0, 1, NULL, "P",
     "drop tokens below P times the likeliest; default 0"},
    {"seed", 0, RSN_CLI_UINT64, AT(seed), 0, 0, NULL, "S",
     "the same seed gives the same text; default 0"},
    {"stop", 0, RSN_CLI_LIST, AT(stops), 0, 0, NULL, "TEXT",
     "the answer ends before TEXT; may be repeated"},
};

int rsn_cli_generation_init(struct rsn_cli_generation *generation) {
    reason_thinking thinking;
    reason_sampling sampling;
    if (reason_thinking_init(&thinking, sizeof thinking) != REASON_OK ||
        reason_sampling_init(&sampling, sizeof sampling) != REASON_OK)
        return rsn_cli_fail_library();
    *generation = (struct rsn_cli_generation){
        .mode = (int)thinking.mode,
        .effort = (int)thinking.effort,
        .budget = thinking.budget,
        .min_tokens = thinking.min_tokens,
        .min_answer = thinking.min_answer,
        .grace = thinking.grace,
        .close_text = thinking.close_text,
        .wait_text = thinking.wait_text,
        .top_k = sampling.top_k,
        .temperature = (double)sampling.temperature,
        .top_p = (double)sampling.top_p,
        .min_p = (double)sampling.min_p,
        .seed = sampling.seed,
    };
    return RSN_CLI_OK;
}

int rsn_cli_generation_request(const struct rsn_cli_generation *generation,
                               struct rsn_cli_request *to) {
    if (reason_thinking_init(&to->thinking, sizeof to->thinking) != REASON_OK ||
        reason_sampling_init(&to->sampling, sizeof to->sampling) != REASON_OK ||
        reason_request_init(&to->request, sizeof to->request) != REASON_OK)
        return rsn_cli_fail_library();
    to->thinking.mode = (reason_think_mode)generation->mode;
    to->thinking.effort = (reason_effort)generation->effort;
    to->thinking.budget = generation->budget;
    to->thinking.min_tokens = generation->min_tokens;
    to->thinking.min_answer = generation->min_answer;
    to->thinking.grace = generation->grace;
    to->thinking.close_text = generation->close_text;
    to->thinking.wait_text = generation->wait_text;
    to->sampling.top_k = generation->top_k;
    to->sampling.temperature = (float)generation->temperature;
    to->sampling.top_p = (float)generation->top_p;
    to->sampling.min_p = (float)generation->min_p;
    to->sampling.seed = generation->seed;
    to->request.max_tokens = generation->max_tokens;
    to->request.thinking = &to->thinking;
    to->request.sampling = &to->sampling;
    to->request.stops = generation->stops.items;
    to->request.n_stops = generation->stops.n_items;
    to->request.cancel = rsn_cli_interrupt_token();
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
