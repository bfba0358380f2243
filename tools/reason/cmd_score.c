/*
 * `reason score`: what responses are worth, by a reward head or by likelihood, for each
 * line of a file. Left to others: lines (pairs.c), scores as JSON (score_lines.c), what is
 * kept of a stopped run (record.c). Invariant: lines come out in the order in which they
 * went in.
 */
#include <string.h>

#include "interrupt.h"
#include "output.h"
#include "progress.h"
#include "score.h"

#define AT(field) offsetof(struct rsn_cli_score_options, field)

static const struct rsn_cli_option rows[] = {
    {"reference", 0, RSN_CLI_TEXT, AT(reference), 0, 0, NULL, "MODEL",
     "of dpo: what the model was trained from"},
    {"system", 's', RSN_CLI_TEXT, AT(system), 0, 0, NULL, "TEXT",
     "a system message before each \"prompt\""},
    {"plain", 0, RSN_CLI_FLAG, AT(plain), 0, 0, NULL, NULL,
     "prompts are plain text, no template is used"},
    {"steps", 0, RSN_CLI_FLAG, AT(steps), 0, 0, NULL, NULL,
     "each step or token too; steps are always there"},
    {"limit", 0, RSN_CLI_INT, AT(limit), 0, INT32_MAX, NULL, "N",
     "only the first N lines; default 0: all"},
    {"out", 0, RSN_CLI_TEXT, AT(out), 0, 0, NULL, "FILE",
     "lines go here, and what is there is not run again"},
    {"json", 0, RSN_CLI_FLAG, AT(json), 0, 0, NULL, NULL,
     "the figures over all lines as a JSON object"},
};

/* --- what was found ------------------------------------------------------------------ */

/* Counts the next line; false: it is none of this run. */
static bool take_line(void *user, const json_t *line) {
    struct rsn_cli_score *score = user;
    const json_t *correct = json_object_get(line, "correct");
    if (score->n_done == score->pairs.n) return false;
    const struct rsn_cli_pair *pair = &score->pairs.items[score->n_done];
    if (json_integer_value(json_object_get(line, "line")) != (json_int_t)pair->line ||
        json_array_size(json_object_get(line, "scores")) != pair->n ||
        json_is_number(correct) != (pair->chosen >= 0))
        return false;
    score->n_done++;
    return !json_is_number(correct) ||
           rsn_cli_accuracy_add(&score->accuracy, pair->category,
                                json_number_value(correct)) == RSN_CLI_OK;
}

static int keep_line(struct rsn_cli_score *score, struct rsn_cli_object *line) {
    if (line->failed || !take_line(score, line->root)) {
        rsn_cli_object_free(line);
        return rsn_cli_fail_memory();
    }
    if (!score->own.out) return rsn_cli_object_print(line);
    rsn_cli_record_write(&score->record, line);
    return score->record.failed ? RSN_CLI_FAILED : RSN_CLI_OK;
}

static int say_figures(const struct rsn_cli_score *score) {
    if (score->own.json) {
        struct rsn_cli_object object = rsn_cli_object_new(), all = rsn_cli_object_new();
        rsn_cli_object_int(&all, "lines", (int64_t)score->n_done);
        if (score->accuracy.all.n > 0) rsn_cli_accuracy_put(&all, &score->accuracy);
        rsn_cli_object_put(&object, "summary", &all);
        return rsn_cli_object_print(&object);
    }
    if (score->accuracy.all.n > 0) rsn_cli_accuracy_say(&score->accuracy);
    return RSN_CLI_OK;
}

/* --- running ------------------------------------------------------------------------- */

static int make_request(const struct rsn_cli_score *score, reason_session *reference,
                        reason_request *prompt, reason_score_request *r) {
    if (reason_request_init(prompt, sizeof *prompt) != REASON_OK)
        return rsn_cli_fail_library();
    int code = rsn_cli_scoring_request(&score->scoring, r);
    if (code != RSN_CLI_OK) return code;
    r->prompt = prompt;
    r->reference = reference;
    r->cancel = rsn_cli_interrupt_token();
    return RSN_CLI_OK;
}

static int run_line(struct rsn_cli_score *score, reason_session *session,
                    reason_session *reference) {
    const struct rsn_cli_pair *pair = &score->pairs.items[score->n_done];
    reason_request prompt;
    reason_score_request request;
    reason_scores *scores;
    int code = make_request(score, reference, &prompt, &request);
    if (code != RSN_CLI_OK) return code;
    if (score->own.plain && !pair->prompt)
        return rsn_cli_fail("line %zu has messages, which --plain cannot render",
                            pair->line);
    prompt.text = score->own.plain ? pair->prompt : NULL;
    prompt.prompt = score->own.plain ? NULL : pair->prompt;
    prompt.messages_json = pair->messages;
    prompt.system = pair->prompt ? score->own.system : NULL;
    request.responses = pair->responses;
    request.n_responses = pair->n;
    if (reason_score(session, &request, &scores) != REASON_OK)
        return rsn_cli_fail("line %zu: %s", pair->line, reason_last_error());
    struct rsn_cli_object line = rsn_cli_score_line(score, pair, scores);
    reason_scores_free(scores);
    return keep_line(score, &line);
}

static int run_lines(struct rsn_cli_score *score, reason_session *session,
                     reason_session *reference) {
    struct rsn_cli_progress progress;
    int code = RSN_CLI_OK;
    rsn_cli_progress_start(&progress);
    while (score->n_done < score->pairs.n && code == RSN_CLI_OK) {
        code = run_line(score, session, reference);
        if (code == RSN_CLI_OK)
            (void)rsn_cli_progress_show(&progress, "score", score->n_done,
                                        score->pairs.n);
    }
    rsn_cli_progress_end(&progress);
    return code;
}

static struct rsn_cli_object make_header(struct rsn_cli_score *score,
                                         const reason_model *model) {
    const struct rsn_cli_group groups[] = {RSN_CLI_ADAPTER_GROUP(&score->model),
                                           RSN_CLI_SESSION_GROUP(&score->model),
                                           RSN_CLI_SCORING_GROUP(&score->scoring),
                                           {"", rows, RSN_CLI_COUNT(rows), &score->own}};
    static const char *const free_ones[] = {"out", "json"};
    struct rsn_cli_object header = rsn_cli_object_new(), settings = rsn_cli_object_new();
    char hash[24];
    snprintf(hash, sizeof hash, "%016llx", (unsigned long long)score->pairs.hash);
    rsn_cli_object_int(&header, "reason_score", 1);
    rsn_cli_object_text(&header, "lines", hash, strlen(hash));
    rsn_cli_record_model(&header, model);
    for (size_t i = 0; i < RSN_CLI_COUNT(groups); i++)
        rsn_cli_record_rows(&settings, &groups[i]);
    for (size_t i = 0; i < RSN_CLI_COUNT(free_ones); i++)
        (void)json_object_del(settings.root, free_ones[i]);
    rsn_cli_object_put(&header, "settings", &settings);
    return header;
}

static int open_record(struct rsn_cli_score *score, const reason_model *model) {
    static const struct rsn_cli_record_part parts[] = {{"lines", "of other lines"},
                                                       {"model", "of another model"},
                                                       {"settings", "with other settings"},
                                                       {NULL, NULL}};
    static const struct rsn_cli_record_kind kind = {"reason_score", "scores", parts,
                                                    "scores", take_line};
    if (!score->own.out) return RSN_CLI_OK;
    score->record.path = score->own.out;
    struct rsn_cli_object header = make_header(score, model);
    return rsn_cli_record_open(&score->record, &kind, &header, score);
}

static int open_session(const struct rsn_cli_model_options *options, reason_model **model,
                        reason_session **session) {
    int code = rsn_cli_model_open(options, model);
    return code == RSN_CLI_OK ? rsn_cli_session_open(options, *model, NULL, session)
                              : code;
}

static int open_reference(const struct rsn_cli_score *score, reason_model **model,
                          reason_session **session) {
    struct rsn_cli_model_options options = score->model;
    if (!score->own.reference) return RSN_CLI_OK;
    options.path = score->own.reference;
    options.adapters.n_items = 0;
    return open_session(&options, model, session);
}

static int run_score(struct rsn_cli_score *score) {
    reason_model *model = NULL, *other = NULL;
    reason_session *session = NULL, *reference = NULL;
    int code = rsn_cli_interrupt_catch();
    if (code == RSN_CLI_OK) code = open_session(&score->model, &model, &session);
    if (code == RSN_CLI_OK) code = open_reference(score, &other, &reference);
    if (code == RSN_CLI_OK) code = open_record(score, model);
    if (code == RSN_CLI_OK) code = run_lines(score, session, reference);
    if (code != RSN_CLI_OK && score->record.stream && rsn_cli_interrupt_signal())
        rsn_cli_say("stopped after %zu of %zu lines; '%s' keeps them, and the same command "
                    "goes on from there",
                    score->n_done, score->pairs.n, score->own.out);
    int closed = rsn_cli_record_close(&score->record);
    if (code == RSN_CLI_OK) code = closed;
    if (code == RSN_CLI_OK) code = say_figures(score);
    if (code != RSN_CLI_OK) code = rsn_cli_interrupt_code(code);
    rsn_cli_interrupt_release();
    reason_session_free(session);
    reason_session_free(reference);
    reason_model_free(model);
    reason_model_free(other);
    return code;
}

static int run(const struct rsn_cli_command *self, int argc, char **argv) {
    struct rsn_cli_score score = {.scoring = {.label = -1}};
    struct rsn_cli_arguments arguments;
    int code = RSN_CLI_OK;
    const struct rsn_cli_group groups[] = {
        {"Options:", rows, RSN_CLI_COUNT(rows), &score.own},
        RSN_CLI_SCORING_GROUP(&score.scoring),
        RSN_CLI_MODEL_GROUP(&score.model),
        RSN_CLI_SESSION_GROUP(&score.model),
    };
    if (!rsn_cli_options_parse(self, groups, RSN_CLI_COUNT(groups), argc, argv,
                               &arguments, &code))
        return code;
    if (arguments.n_items != 1)
        return rsn_cli_fail_usage(self, "one FILE is expected, found %zu arguments",
                                  arguments.n_items);
    if ((score.scoring.kind == REASON_SCORE_DPO) != (score.own.reference != NULL))
        return rsn_cli_fail_usage(self, "--kind dpo and --reference go together");
    code = rsn_cli_pairs_read(arguments.items[0], (size_t)score.own.limit, 1, &score.pairs);
    if (code == RSN_CLI_OK) code = run_score(&score);
    rsn_cli_pairs_free(&score.pairs);
    rsn_cli_accuracy_free(&score.accuracy);
    return code;
}

static const char notes[] =
    "FILE, \"-\" for standard input, has a JSON object a line: \"prompt\" (a text) or\n"
    "\"messages\", \"responses\" (texts, thoughts included), and if there are \"chosen\" (which\n"
    "one is better, from 0) or \"labels\" (a number for each response), and \"category\".\n"
    "The conversation goes through the model's template with the response as its last\n"
    "message; what all responses of a line begin with is run once.\n"
    "\n"
    "Prints a line for each, in the same order:\n"
    "  {\"line\", \"category\", \"scores\": [...], \"kind\", \"transform\", \"best\", \"correct\" (1,\n"
    "   0.5 for equals, 0; null if not known), \"raw\": [[...]], \"labels\", \"steps\": [[{\n"
    "   \"position\", \"token\", \"score\", \"raw\"}]], \"guards\": [{\"bytes\", \"tokens\",\n"
    "   \"thinking_tokens\", \"answer_tokens\", \"control_tokens\", \"thinking_closed\",\n"
    "   \"has_answer\", \"repeated\"}]}\n"
    "How often the better one has the highest score goes to standard error, with a 95%\n"
    "interval, by category, and as the mean of categories; with --json as one more line:\n"
    "  {\"summary\": {\"lines\", \"n\", \"accuracy\", \"accuracy_ci95\", \"by_category\",\n"
    "   \"category_mean\"}}\n"
    "A stopped run with --out goes on where it was; a file of other lines, settings or\n"
    "another model is refused.\n"
    "\n"
    "Examples:\n"
    "  reason score -m reward.gguf pairs.jsonl --json\n"
    "  reason score -m steps.gguf solutions.jsonl --aggregate product\n"
    "  reason score -m chat.gguf answers.jsonl --kind mean_logprob --out scores.jsonl\n"
    "  reason score -m tuned.gguf --kind dpo --reference base.gguf pairs.jsonl\n";

const struct rsn_cli_command rsn_cli_cmd_score = {
    "score", "what responses are worth, by a reward head or by likelihood",
    "[OPTIONS] FILE", notes, run};
