/*
 * `reason search`: several samples of one prompt, and the answer that they choose. Left to
 * others: the options of a generation (generation.c), the search itself. Invariant:
 * standard output gets the answer, or JSON, and nothing else.
 */
#include <string.h>

#include "generation.h"
#include "input.h"
#include "interrupt.h"
#include "json_out.h"
#include "model.h"
#include "output.h"
#include "scoring.h"

struct search_options {
    int32_t n_samples, n_first, max_total, n_beams, max_steps;
    int answers; /* a reason_answer_kind */
    const char *reward; /* a model; NULL: none */
    bool answers_only, json;
};

struct search {
    struct rsn_cli_model_options model;
    struct rsn_cli_generation generation;
    struct search_options own;
    struct rsn_cli_scoring scoring;
    int method; /* a reason_search_method */
};

#define AT(field) offsetof(struct search_options, field)

static const struct rsn_cli_choice methods[] = {
    {"vote", REASON_SEARCH_VOTE}, {"confidence", REASON_SEARCH_CONFIDENCE},
    {"best", REASON_SEARCH_BEST}, {"weighted", REASON_SEARCH_WEIGHTED},
    {"first", REASON_SEARCH_FIRST}, {"short", REASON_SEARCH_SHORT},
    {"beam", REASON_SEARCH_BEAM}, {NULL, 0}};

static const struct rsn_cli_choice kinds[] = {
    {"auto", REASON_ANSWER_AUTO}, {"exact", REASON_ANSWER_EXACT},
    {"number", REASON_ANSWER_NUMBER}, {"boxed", REASON_ANSWER_BOXED},
    {"choice", REASON_ANSWER_CHOICE}, {NULL, 0}};

enum { MOST_SAMPLES = 4096 };

static const struct rsn_cli_option rows[] = {
    {"samples", 0, RSN_CLI_INT, AT(n_samples), 1, MOST_SAMPLES, NULL, "N",
     "samples; default 8"},
    {"first", 0, RSN_CLI_INT, AT(n_first), 0, MOST_SAMPLES, NULL, "N",
     "how many first and short wait for; default 0: 1 and 3"},
    {"answers", 0, RSN_CLI_CHOICE, AT(answers), 0, 0, kinds, "KIND",
     "what the answer of a sample is: auto, exact, number,\nboxed, choice"},
    {"max-total", 0, RSN_CLI_INT, AT(max_total), 0, INT32_MAX, NULL, "N",
     "most tokens of all samples; default 0: no limit"},
    {"reward", 0, RSN_CLI_TEXT, AT(reward), 0, 0, NULL, "MODEL",
     "judges, of best, weighted and beam"},
    {"answers-only", 0, RSN_CLI_FLAG, AT(answers_only), 0, 0, NULL, NULL,
     "it sees answers without thoughts; not of beam"},
    {"beams", 0, RSN_CLI_INT, AT(n_beams), 0, MOST_SAMPLES, NULL, "N",
     "how many beam keeps of the samples of a round;\ndefault 0: a quarter"},
    {"max-steps", 0, RSN_CLI_INT, AT(max_steps), 0, INT32_MAX, NULL, "N",
     "most rounds of beam; default 0: 64"},
    {"json", 0, RSN_CLI_FLAG, AT(json), 0, 0, NULL, NULL, "one JSON object"},
};

/* --- what was found ------------------------------------------------------------------ */

static json_t *answers_json(const reason_search_result *result) {
    json_t *list = json_array();
    for (size_t i = 0; i < reason_search_n_answers(result); i++) {
        reason_search_answer a = {.size = sizeof a};
        struct rsn_cli_object one = rsn_cli_object_new();
        if (reason_search_answer_at(result, i, &a) == REASON_OK) {
            rsn_cli_object_text(&one, "answer", a.text, strlen(a.text));
            rsn_cli_object_real(&one, "weight", a.weight);
            rsn_cli_object_int(&one, "samples", (int64_t)a.n_samples);
        }
        if (one.failed || json_array_append(list, one.root) != 0) {
            json_decref(list);
            list = NULL;
        }
        rsn_cli_object_free(&one);
    }
    return list;
}

static json_t *samples_json(const reason_result *all) {
    json_t *list = json_array();
    for (size_t i = 0; i < reason_result_n_samples(all); i++) {
        const reason_result *sample = reason_result_sample(all, i);
        struct rsn_cli_object one = rsn_cli_object_new();
        size_t n_bytes;
        const char *text = reason_result_answer(sample, &n_bytes);
        const char *finish = reason_finish_name(reason_result_finish(sample));
        rsn_cli_object_text(&one, "answer", text, n_bytes);
        rsn_cli_object_text(&one, "finish_reason", finish, strlen(finish));
        rsn_cli_object_int(&one, "tokens", (int64_t)reason_result_n_tokens(sample));
        if (one.failed || json_array_append(list, one.root) != 0) {
            json_decref(list);
            list = NULL;
        }
        rsn_cli_object_free(&one);
    }
    return list;
}

static void put_usage(struct rsn_cli_object *object, const reason_search_usage *u) {
    struct rsn_cli_object usage = rsn_cli_object_new();
    rsn_cli_object_int(&usage, "tokens", (int64_t)u->tokens);
    rsn_cli_object_int(&usage, "longest", (int64_t)u->longest);
    rsn_cli_object_int(&usage, "stopped", (int64_t)u->n_stopped);
    rsn_cli_object_int(&usage, "unmade", (int64_t)u->unmade);
    rsn_cli_object_int(&usage, "reward_tokens", (int64_t)u->reward_tokens);
    rsn_cli_object_real(&usage, "seconds", u->seconds);
    rsn_cli_object_put(object, "usage", &usage);
}

static int print_json(const struct search *search, const reason_search_result *result) {
    struct rsn_cli_object object = rsn_cli_object_new();
    const reason_result *best = reason_search_best(result);
    const char *method = reason_search_method_name((reason_search_method)search->method);
    reason_search_answer won = {.size = sizeof won};
    reason_search_usage usage = {.size = sizeof usage};
    rsn_cli_object_text(&object, "method", method, strlen(method));
    if (best && reason_search_answer_at(result, 0, &won) == REASON_OK) {
        size_t n_bytes;
        const char *text = reason_result_answer(best, &n_bytes);
        rsn_cli_object_text(&object, "answer", text, n_bytes);
        text = reason_result_thinking(best, &n_bytes);
        rsn_cli_object_text(&object, "thinking", text, n_bytes);
        rsn_cli_object_int(&object, "sample", (int64_t)won.sample);
    } else {
        rsn_cli_object_set(&object, "answer", json_null());
    }
    rsn_cli_object_set(&object, "answers", answers_json(result));
    rsn_cli_object_set(&object, "samples", samples_json(reason_search_samples(result)));
    if (reason_search_usage_of(result, &usage) == REASON_OK) put_usage(&object, &usage);
    return rsn_cli_object_print(&object);
}

static int print_answer(const reason_search_result *result) {
    const reason_result *best = reason_search_best(result);
    reason_search_usage u = {.size = sizeof u};
    if (!best) return rsn_cli_fail("no sample has an answer");
    for (size_t i = 0; i < reason_search_n_answers(result); i++) {
        reason_search_answer a = {.size = sizeof a};
        if (reason_search_answer_at(result, i, &a) == REASON_OK)
            rsn_cli_say("%s: weight %.4g of %llu samples", a.text, a.weight,
                        (unsigned long long)a.n_samples);
    }
    if (reason_search_usage_of(result, &u) == REASON_OK)
        rsn_cli_say("%llu tokens, the longest sample %llu; %llu samples stopped; %.2f s",
                    (unsigned long long)u.tokens, (unsigned long long)u.longest,
                    (unsigned long long)u.n_stopped, u.seconds);
    rsn_cli_print("%s\n", reason_result_answer(best, NULL));
    return RSN_CLI_OK;
}

/* --- running ------------------------------------------------------------------------- */

static int open_session(const struct search *search, reason_model *model,
                        reason_session **session) {
    reason_session_options how;
    int code = rsn_cli_session_options(&search->model, NULL, &how);
    if (code != RSN_CLI_OK) return code;
    how.n_parallel = search->own.n_samples;
    reason_status status = reason_session_new(model, &how, session);
    reason_model_free(how.draft);
    return status == REASON_OK ? RSN_CLI_OK : rsn_cli_fail_library();
}

static int run_search(struct search *search, reason_session *session,
                      reason_session *reward, const char *prompt) {
    reason_request request;
    reason_score_request scoring;
    reason_search_options options;
    reason_search_result *result = NULL;
    int code = rsn_cli_generation_request(&search->generation, &request);
    if (code == RSN_CLI_OK) code = rsn_cli_scoring_request(&search->scoring, &scoring);
    if (code != RSN_CLI_OK) return code;
    request.prompt = prompt;
    request.system = search->generation.system;
    if (reason_search_options_init(&options, sizeof options) != REASON_OK)
        return rsn_cli_fail_library();
    options.method = (reason_search_method)search->method;
    options.n_samples = search->own.n_samples;
    options.n_first = search->own.n_first;
    options.answers = (reason_answer_kind)search->own.answers;
    options.max_tokens = search->own.max_total;
    options.reward = reward;
    options.scoring = &scoring;
    options.answers_only = search->own.answers_only;
    options.n_beams = search->own.n_beams;
    options.max_steps = search->own.max_steps;
    if (reason_search(session, &request, &options, &result) != REASON_OK)
        return rsn_cli_fail_library();
    code = search->own.json ? print_json(search, result) : print_answer(result);
    reason_search_result_free(result);
    return code;
}

/* Of --reward, if there is one: with its own context, and without adapters. */
static int open_reward(const struct search *search, reason_model **model,
                       reason_session **session) {
    struct rsn_cli_model_options options = search->model;
    if (!search->own.reward) return RSN_CLI_OK;
    options.path = search->own.reward;
    options.adapters.n_items = 0;
    options.n_ctx = options.n_guess = options.lookup = 0;
    options.draft = NULL;
    int code = rsn_cli_model_open(&options, model);
    return code == RSN_CLI_OK ? rsn_cli_session_open(&options, *model, NULL, session)
                              : code;
}

static int run_session(struct search *search, const char *prompt) {
    reason_model *model = NULL, *judge = NULL;
    reason_session *session = NULL, *reward = NULL;
    int code = rsn_cli_interrupt_catch();
    if (code == RSN_CLI_OK) code = rsn_cli_model_open(&search->model, &model);
    if (code == RSN_CLI_OK) code = open_session(search, model, &session);
    if (code == RSN_CLI_OK) code = open_reward(search, &judge, &reward);
    if (code == RSN_CLI_OK) code = run_search(search, session, reward, prompt);
    rsn_cli_generation_end(&search->generation);
    reason_session_free(session);
    reason_session_free(reward);
    reason_model_free(model);
    reason_model_free(judge);
    code = rsn_cli_interrupt_code(code);
    rsn_cli_interrupt_release();
    return code;
}

static int run(const struct rsn_cli_command *self, int argc, char **argv) {
    struct search search = {.own = {.n_samples = 8}, .scoring = {.label = -1}};
    struct rsn_cli_arguments arguments;
    struct rsn_cli_buffer prompt = {0};
    int code = rsn_cli_generation_init(&search.generation);
    if (code != RSN_CLI_OK) return code;
    const struct rsn_cli_group groups[] = {
        {"Options:", rows, RSN_CLI_COUNT(rows), &search.own},
        RSN_CLI_SCORING_GROUP(&search.scoring),
        RSN_CLI_THINKING_GROUP(&search.generation),
        RSN_CLI_SAMPLING_GROUP(&search.generation),
        RSN_CLI_MODEL_GROUP(&search.model),
        RSN_CLI_SESSION_GROUP(&search.model),
        RSN_CLI_GUESS_GROUP(&search.model),
    };
    if (!rsn_cli_options_parse(self, groups, RSN_CLI_COUNT(groups), argc, argv,
                               &arguments, &code))
        return code;
    if (arguments.n_items == 0) return rsn_cli_fail_usage(self, "no method");
    if (!rsn_cli_choice_find(methods, arguments.items[0], &search.method))
        return rsn_cli_fail_usage(
            self,
            "method '%s', one of vote, confidence, best, weighted, first, short, beam "
            "expected",
            arguments.items[0]);
    arguments.items++;
    arguments.n_items--;
    code = rsn_cli_gather_prompt(self, &arguments, &prompt);
    if (code == RSN_CLI_OK) code = run_session(&search, prompt.data);
    rsn_cli_buffer_free(&prompt);
    return code;
}

static const char notes[] =
    "Makes samples of one prompt together and prints the answer that they choose; the\n"
    "answers and their weights go to standard error. METHOD:\n"
    "  vote        the answer that most samples have\n"
    "  confidence  a vote weighted by exp of a sample's mean log-probability\n"
    "  best        the sample that --reward likes best\n"
    "  weighted    a vote weighted by what --reward says\n"
    "  first       all stop when the first have ended; these vote\n"
    "  short       all others stop when the first have begun to answer; these vote\n"
    "  beam        thoughts grow step by step; --reward says which are kept\n"
    "How --reward judges is said under Scoring, as to 'reason score'.\n"
    "PROMPT is given as to 'reason ask'.\n"
    "\n"
    "--json prints an object:\n"
    "  {\"method\", \"answer\", \"thinking\", \"sample\",\n"
    "   \"answers\": [{\"answer\", \"weight\", \"samples\"}],\n"
    "   \"samples\": [{\"answer\", \"finish_reason\", \"tokens\"}],\n"
    "   \"usage\": {\"tokens\", \"longest\", \"stopped\", \"unmade\",\n"
    "   \"reward_tokens\", \"seconds\"}}\n"
    "answer is null if no sample has one; unmade are tokens that stopped samples\n"
    "might still have made, at most.\n"
    "\n"
    "Examples:\n"
    "  reason search vote --samples 16 \"What is 67 * 75?\"\n"
    "  reason search best -m model.gguf --reward reward.gguf \"What is 67 * 75?\"\n"
    "  reason search beam --samples 16 --reward steps.gguf --aggregate min < question.txt\n"
    "  reason search short --samples 8 --first 3 --json \"Sort 8 90 1 48.\"\n"
    "  reason search first --answers number --max-total 2000 < question.txt\n";

const struct rsn_cli_command rsn_cli_cmd_search = {
    "search", "several samples of one prompt, and the answer they choose",
    "[OPTIONS] METHOD [PROMPT...]", notes, run};
