/*
 * `reason judge`: which of several responses is better, as a model that thinks about it
 * says, for each line of a file. Left to others: lines (pairs.c), verdicts as JSON
 * (judge_lines.c), what is kept of a stopped run (record.c). Invariant: lines come out in
 * the order in which they went in.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "interrupt.h"
#include "judge.h"
#include "output.h"
#include "progress.h"

#define AT(field) offsetof(struct rsn_cli_judge_options, field)

static const struct rsn_cli_choice kinds[] = {{"pair", REASON_JUDGE_PAIR},
                                              {"score", REASON_JUDGE_SCORE},
                                              {"checklist", REASON_JUDGE_CHECKLIST},
                                              {NULL, 0}};
static const struct rsn_cli_choice orders[] = {{"both", REASON_ORDER_BOTH},
                                               {"random", REASON_ORDER_RANDOM},
                                               {"given", REASON_ORDER_GIVEN},
                                               {NULL, 0}};
static const struct rsn_cli_choice methods[] = {
    {"elo", REASON_TOURNAMENT_ELO},
    {"bradley-terry", REASON_TOURNAMENT_BRADLEY_TERRY},
    {"knockout", REASON_TOURNAMENT_KNOCKOUT},
    {"sampled", REASON_TOURNAMENT_SAMPLED},
    {NULL, 0}};

enum { MOST_VOTES = 4096, DEFAULT_PARALLEL = 16 };

static const struct rsn_cli_option rows[] = {
    {"kind", 0, RSN_CLI_CHOICE, AT(kind), 0, 0, kinds, "KIND",
     "pair (which is better), score (a number each) or\nchecklist (yes or no to each item); "
     "default pair"},
    {"votes", 0, RSN_CLI_INT, AT(n_votes), 1, MOST_VOTES, NULL, "N",
     "verdicts on each thing that is asked; default 1"},
    {"order", 0, RSN_CLI_CHOICE, AT(order), 0, 0, orders, "ORDER",
     "both: each vote is a verdict in either order; random;\ngiven; default both"},
    {"method", 0, RSN_CLI_CHOICE, AT(method), 0, 0, methods, "METHOD",
     "of more than two responses: elo, bradley-terry,\nknockout, sampled; default elo"},
    {"opponents", 0, RSN_CLI_INT, AT(n_opponents), 0, INT32_MAX, NULL, "N",
     "whom each one meets with sampled; default 0: 4"},
    {"rubric", 0, RSN_CLI_TEXT, AT(rubric), 0, 0, NULL, "FILE", "what counts"},
    {"checklist", 0, RSN_CLI_TEXT, AT(checklist), 0, 0, NULL, "FILE",
     "requirements, one a line"},
    {"lowest", 0, RSN_CLI_INT, AT(lowest), INT32_MIN, INT32_MAX, NULL, "N",
     "the worst score; default 1"},
    {"highest", 0, RSN_CLI_INT, AT(highest), INT32_MIN, INT32_MAX, NULL, "N",
     "the best score; default 10"},
    {"prompt", 0, RSN_CLI_TEXT, AT(prompt), 0, 0, NULL, "FILE",
     "a prompt with {query}, {response_1} and {response_2},\nor {response} and {item}"},
    {"verdict-1", 0, RSN_CLI_TEXT, AT(verdict_1), 0, 0, NULL, "TEXT",
     "says that the first is better, or yes;\ndefault \\boxed{Assistant 1}, \\boxed{yes}"},
    {"verdict-2", 0, RSN_CLI_TEXT, AT(verdict_2), 0, 0, NULL, "TEXT",
     "says that the second is, or no"},
    {"limit", 0, RSN_CLI_INT, AT(limit), 0, INT32_MAX, NULL, "N",
     "only the first N lines; default 0: all"},
    {"parallel", 0, RSN_CLI_INT, AT(n_parallel), 0, MOST_VOTES, NULL, "N",
     "verdicts at once; default 0: 16"},
    {"texts", 0, RSN_CLI_FLAG, AT(texts), 0, 0, NULL, NULL,
     "what the judge wrote too, of pairs, scores and\nchecklists"},
    {"out", 0, RSN_CLI_TEXT, AT(out), 0, 0, NULL, "FILE",
     "lines go here, and what is there is not run again"},
    {"json", 0, RSN_CLI_FLAG, AT(json), 0, 0, NULL, NULL,
     "the figures over all lines as a JSON object"},
};

/* --- what is asked ------------------------------------------------------------------- */

/* Lines of the checklist that are not empty; each ends with a NUL then. */
static int split_items(struct rsn_cli_judge *judge) {
    char *at = judge->checklist.data;
    size_t n = 1;
    for (const char *p = at; p && *p; p++) n += *p == '\n';
    judge->items = calloc(n, sizeof *judge->items);
    if (!judge->items) return rsn_cli_fail_memory();
    while (at && *at) {
        char *end = at + strcspn(at, "\r\n");
        bool last = *end == 0;
        *end = 0;
        if (*at) judge->items[judge->n_items++] = at;
        at = last ? NULL : end + 1;
    }
    return RSN_CLI_OK;
}

static int read_file(const char *path, struct rsn_cli_buffer *buffer) {
    if (!path) return RSN_CLI_OK;
    int code = rsn_cli_read_text(path, RSN_CLI_LIMIT_PROMPT, buffer);
    rsn_cli_drop_line_end(buffer);
    return code;
}

static int read_files(struct rsn_cli_judge *judge, const char *path) {
    size_t least = judge->own.kind == REASON_JUDGE_PAIR ? 2 : 1;
    int code = read_file(judge->own.rubric, &judge->rubric);
    if (code == RSN_CLI_OK) code = read_file(judge->own.checklist, &judge->checklist);
    if (code == RSN_CLI_OK) code = read_file(judge->own.prompt, &judge->prompt);
    if (code == RSN_CLI_OK) code = split_items(judge);
    if (code == RSN_CLI_OK)
        code = rsn_cli_pairs_read(path, (size_t)judge->own.limit, least, &judge->pairs);
    return code;
}

/* Everything but the line: the sampling, whose seed is the line's, is the caller's. */
static int make_request(struct rsn_cli_judge *judge, reason_judge_request *r) {
    const struct rsn_cli_judge_options *own = &judge->own;
    reason_request how;
    int code = rsn_cli_generation_request(&judge->generation, &how);
    if (code != RSN_CLI_OK) return code;
    if (reason_judge_request_init(r, sizeof *r) != REASON_OK) return rsn_cli_fail_library();
    r->kind = (reason_judge_kind)own->kind;
    r->order = (reason_judge_order)own->order;
    r->n_votes = own->n_votes;
    r->system = judge->generation.system;
    r->prompt = judge->prompt.data;
    r->verdict_1 = own->verdict_1;
    r->verdict_2 = own->verdict_2;
    r->rubric = judge->rubric.data;
    r->checklist = judge->items;
    r->n_checklist = judge->n_items;
    r->lowest = own->lowest;
    r->highest = own->highest;
    r->max_tokens = how.max_tokens;
    r->thinking = how.thinking;
    r->cancel = how.cancel;
    return RSN_CLI_OK;
}

/* Puts a line in. Its seed is far from its neighbours', as in an evaluation. */
static void put_pair(const struct rsn_cli_judge *judge, size_t i, reason_judge_request *r,
                     reason_sampling *sampling) {
    const struct rsn_cli_pair *pair = &judge->pairs.items[i];
    *sampling = judge->generation.sampling;
    sampling->seed += i * UINT64_C(0x9E3779B97F4A7C15);
    r->sampling = sampling;
    r->query = rsn_cli_pair_query(pair);
    r->responses = pair->responses;
    r->n_responses = pair->n;
}

/* --- what was found ------------------------------------------------------------------ */

/* Counts the next line; false: it is none of this run. */
static bool take_line(void *user, const json_t *line) {
    struct rsn_cli_judge *judge = user;
    const json_t *correct = json_object_get(line, "correct"),
                 *agreement = json_object_get(line, "agreement");
    if (judge->n_done == judge->pairs.n) return false;
    const struct rsn_cli_pair *pair = &judge->pairs.items[judge->n_done];
    if (json_integer_value(json_object_get(line, "line")) != (json_int_t)pair->line ||
        json_is_number(correct) != (pair->chosen >= 0))
        return false;
    judge->n_done++;
    if (json_is_number(agreement)) {
        judge->agreement += json_number_value(agreement);
        judge->n_agreement++;
    }
    return !json_is_number(correct) ||
           rsn_cli_accuracy_add(&judge->accuracy, pair->category,
                                json_number_value(correct)) == RSN_CLI_OK;
}

static int keep_line(struct rsn_cli_judge *judge, struct rsn_cli_object *line) {
    bool counted = !line->failed && take_line(judge, line->root);
    if (!counted) {
        rsn_cli_object_free(line);
        return rsn_cli_fail_memory();
    }
    if (judge->own.out) {
        rsn_cli_record_write(&judge->record, line);
        return judge->record.failed ? RSN_CLI_FAILED : RSN_CLI_OK;
    }
    int code = rsn_cli_object_print(line);
    rsn_cli_flush();
    return code;
}

static int say_figures(const struct rsn_cli_judge *judge) {
    double agreement = judge->agreement / (double)judge->n_agreement;
    if (judge->own.json) {
        struct rsn_cli_object object = rsn_cli_object_new(), all = rsn_cli_object_new();
        rsn_cli_object_int(&all, "lines", (int64_t)judge->n_done);
        if (judge->accuracy.all.n > 0) rsn_cli_accuracy_put(&all, &judge->accuracy);
        rsn_cli_object_real(&all, "agreement", agreement);
        rsn_cli_object_put(&object, "summary", &all);
        return rsn_cli_object_print(&object);
    }
    if (judge->accuracy.all.n > 0) rsn_cli_accuracy_say(&judge->accuracy);
    if (judge->n_agreement > 0)
        rsn_cli_say("agreement between orders %.4f, mean of %zu lines", agreement,
                    judge->n_agreement);
    return RSN_CLI_OK;
}

/* --- running ------------------------------------------------------------------------- */

/* Whether a line is judged in one go with others. */
static bool is_plain(const struct rsn_cli_judge *judge, size_t i) {
    return judge->own.kind != REASON_JUDGE_PAIR || judge->pairs.items[i].n == 2;
}

static int run_tournament(struct rsn_cli_judge *judge, reason_session *session) {
    const struct rsn_cli_pair *pair = &judge->pairs.items[judge->n_done];
    reason_judge_request request;
    reason_sampling sampling;
    reason_tournament_options o;
    reason_tournament *tournament = NULL;
    int code = make_request(judge, &request);
    if (code != RSN_CLI_OK) return code;
    if (reason_tournament_options_init(&o, sizeof o) != REASON_OK)
        return rsn_cli_fail_library();
    put_pair(judge, judge->n_done, &request, &sampling);
    o.method = (reason_tournament_method)judge->own.method;
    o.n_opponents = judge->own.n_opponents;
    o.seed = sampling.seed;
    if (reason_tournament_run(session, &request, &o, &tournament) != REASON_OK)
        return rsn_cli_fail("line %zu: %s", pair->line, reason_last_error());
    struct rsn_cli_object line = rsn_cli_tournament_line(judge, pair, tournament);
    reason_tournament_free(tournament);
    return keep_line(judge, &line);
}

/* Lines that are judged together. */
struct slice {
    reason_judge_request *requests; /* [n] */
    const reason_judge_request **list;
    reason_sampling *samplings;
    reason_judgement **judgements;
    size_t n;
};

static int run_slice(struct rsn_cli_judge *judge, reason_session *session,
                     struct slice *s) {
    size_t first = judge->n_done;
    int code = RSN_CLI_OK;
    for (size_t i = 0; i < s->n && code == RSN_CLI_OK; i++) {
        code = make_request(judge, &s->requests[i]);
        put_pair(judge, first + i, &s->requests[i], &s->samplings[i]);
        s->list[i] = &s->requests[i];
    }
    if (code == RSN_CLI_OK &&
        reason_judge_batch(session, s->list, s->n, s->judgements) != REASON_OK)
        code = rsn_cli_fail("lines from %zu: %s", judge->pairs.items[first].line,
                            reason_last_error());
    for (size_t i = 0; i < s->n && code == RSN_CLI_OK; i++) {
        struct rsn_cli_object line = rsn_cli_judgement_line(
            judge, &judge->pairs.items[first + i], s->judgements[i]);
        code = keep_line(judge, &line);
    }
    for (size_t i = 0; i < s->n; i++) reason_judgement_free(s->judgements[i]);
    return code;
}

/* Places of the batch that a line takes. */
static size_t places_of(const struct rsn_cli_judge *judge, size_t i) {
    const struct rsn_cli_judge_options *own = &judge->own;
    size_t things = own->kind == REASON_JUDGE_PAIR ? own->order == REASON_ORDER_BOTH ? 2 : 1
                    : own->kind == REASON_JUDGE_SCORE
                        ? judge->pairs.items[i].n
                        : judge->pairs.items[i].n * judge->n_items;
    return things * (size_t)own->n_votes;
}

static int run_plain(struct rsn_cli_judge *judge, reason_session *session) {
    size_t most = judge->own.n_parallel ? (size_t)judge->own.n_parallel : DEFAULT_PARALLEL;
    struct slice s = {0};
    for (size_t places = 0, i = judge->n_done;
         i < judge->pairs.n && is_plain(judge, i) && (s.n == 0 || places < most); i++) {
        places += places_of(judge, i);
        s.n++;
    }
    s.requests = calloc(s.n, sizeof *s.requests);
    s.list = calloc(s.n, sizeof *s.list);
    s.samplings = calloc(s.n, sizeof *s.samplings);
    s.judgements = calloc(s.n, sizeof *s.judgements);
    int code = s.requests && s.list && s.samplings && s.judgements
                   ? run_slice(judge, session, &s)
                   : rsn_cli_fail_memory();
    free(s.requests);
    free(s.list);
    free(s.samplings);
    free(s.judgements);
    return code;
}

static int run_lines(struct rsn_cli_judge *judge, reason_session *session) {
    struct rsn_cli_progress progress;
    int code = RSN_CLI_OK;
    rsn_cli_progress_start(&progress);
    while (judge->n_done < judge->pairs.n && code == RSN_CLI_OK) {
        code = is_plain(judge, judge->n_done) ? run_plain(judge, session)
                                              : run_tournament(judge, session);
        if (code == RSN_CLI_OK)
            (void)rsn_cli_progress_show(&progress, "judge", judge->n_done, judge->pairs.n);
    }
    rsn_cli_progress_end(&progress);
    return code;
}

static struct rsn_cli_object make_header(struct rsn_cli_judge *judge,
                                         const reason_model *model) {
    const struct rsn_cli_group groups[] = {
        RSN_CLI_THINKING_GROUP(&judge->generation),
        RSN_CLI_SAMPLING_GROUP(&judge->generation),
        RSN_CLI_ADAPTER_GROUP(&judge->model),
        RSN_CLI_SESSION_GROUP(&judge->model),
        {"", rows, RSN_CLI_COUNT(rows), &judge->own}};
    const char *const texts[] = {judge->rubric.data, judge->prompt.data};
    struct rsn_cli_object header = rsn_cli_object_new(), settings = rsn_cli_object_new();
    char hash[24];
    snprintf(hash, sizeof hash, "%016llx", (unsigned long long)judge->pairs.hash);
    rsn_cli_object_int(&header, "reason_judge", 1);
    rsn_cli_object_text(&header, "lines", hash, strlen(hash));
    rsn_cli_record_model(&header, model);
    for (size_t i = 0; i < RSN_CLI_COUNT(groups); i++)
        rsn_cli_record_rows(&settings, &groups[i]);
    static const char *const free_ones[] = {"out", "json", "parallel"};
    for (size_t i = 0; i < RSN_CLI_COUNT(free_ones); i++)
        (void)json_object_del(settings.root, free_ones[i]);
    for (size_t i = 0; i < RSN_CLI_COUNT(texts); i++)
        rsn_cli_object_text(&settings, i == 0 ? "rubric" : "prompt",
                            texts[i] ? texts[i] : "", texts[i] ? strlen(texts[i]) : 0);
    json_t *items = json_array();
    for (size_t i = 0; i < judge->n_items; i++)
        json_array_append_new(items,
                              rsn_cli_json_text(judge->items[i], strlen(judge->items[i])));
    rsn_cli_object_set(&settings, "checklist", items);
    rsn_cli_object_put(&header, "settings", &settings);
    return header;
}

static int open_record(struct rsn_cli_judge *judge, const reason_model *model) {
    static const struct rsn_cli_record_part parts[] = {{"lines", "of other lines"},
                                                       {"model", "of another model"},
                                                       {"settings", "with other settings"},
                                                       {NULL, NULL}};
    static const struct rsn_cli_record_kind kind = {
        "reason_judge", "judging", parts, "a verdict", take_line};
    judge->record.path = judge->own.out;
    if (!judge->own.out) return RSN_CLI_OK;
    struct rsn_cli_object header = make_header(judge, model);
    return rsn_cli_record_open(&judge->record, &kind, &header, judge);
}

static int open_session(const struct rsn_cli_judge *judge, reason_model *model,
                        reason_session **session) {
    reason_session_options how;
    int code = rsn_cli_session_options(&judge->model, NULL, &how);
    if (code != RSN_CLI_OK) return code;
    how.n_parallel = judge->own.n_parallel;
    reason_status status = reason_session_new(model, &how, session);
    reason_model_free(how.draft);
    return status == REASON_OK ? RSN_CLI_OK : rsn_cli_fail_library();
}

static int run_judge(struct rsn_cli_judge *judge) {
    reason_model *model = NULL;
    reason_session *session = NULL;
    int code = rsn_cli_interrupt_catch();
    if (code == RSN_CLI_OK) code = rsn_cli_model_open(&judge->model, &model);
    if (code == RSN_CLI_OK) code = open_session(judge, model, &session);
    if (code == RSN_CLI_OK) code = open_record(judge, model);
    if (code == RSN_CLI_OK) code = run_lines(judge, session);
    if (code != RSN_CLI_OK && judge->record.stream && rsn_cli_interrupt_signal())
        rsn_cli_say("stopped after %zu of %zu lines; '%s' keeps them, and the same command "
                    "goes on from there",
                    judge->n_done, judge->pairs.n, judge->own.out);
    int closed = rsn_cli_record_close(&judge->record);
    if (code == RSN_CLI_OK) code = closed;
    if (code == RSN_CLI_OK) code = say_figures(judge);
    if (code != RSN_CLI_OK) code = rsn_cli_interrupt_code(code);
    rsn_cli_interrupt_release();
    rsn_cli_generation_end(&judge->generation);
    reason_session_free(session);
    reason_model_free(model);
    return code;
}

static int run(const struct rsn_cli_command *self, int argc, char **argv) {
    struct rsn_cli_judge judge = {.own = {.n_votes = 1, .lowest = 1, .highest = 10}};
    struct rsn_cli_arguments arguments;
    int code = rsn_cli_generation_init(&judge.generation);
    if (code != RSN_CLI_OK) return code;
    judge.generation.sampling.top_p = 1; /* as the library has it for judges */
    const struct rsn_cli_group groups[] = {
        {"Options:", rows, RSN_CLI_COUNT(rows), &judge.own},
        RSN_CLI_THINKING_GROUP(&judge.generation),
        RSN_CLI_SAMPLING_GROUP(&judge.generation),
        RSN_CLI_MODEL_GROUP(&judge.model),
        RSN_CLI_SESSION_GROUP(&judge.model),
        RSN_CLI_GUESS_GROUP(&judge.model),
    };
    if (!rsn_cli_options_parse(self, groups, RSN_CLI_COUNT(groups), argc, argv,
                               &arguments, &code))
        return code;
    if (arguments.n_items != 1)
        return rsn_cli_fail_usage(self, "one FILE is expected, found %zu arguments",
                                  arguments.n_items);
    if (judge.generation.stops.n_items > 0 || judge.generation.adviser)
        return rsn_cli_fail_usage(self, "a judge has no --stop and no --adviser");
    code = read_files(&judge, arguments.items[0]);
    if (code == RSN_CLI_OK) code = run_judge(&judge);
    rsn_cli_pairs_free(&judge.pairs);
    rsn_cli_accuracy_free(&judge.accuracy);
    rsn_cli_buffer_free(&judge.rubric);
    rsn_cli_buffer_free(&judge.checklist);
    rsn_cli_buffer_free(&judge.prompt);
    free(judge.items);
    return code;
}

static const char notes[] =
    "FILE, \"-\" for standard input, has a JSON object a line: \"prompt\" (a text) or\n"
    "\"messages\", \"responses\" (texts), and if there are \"chosen\" (which one is better, from\n"
    "0) or \"labels\" (a number for each response), and \"category\". A verdict on two\n"
    "responses is the last \\boxed{Assistant 1} or \\boxed{Assistant 2} of the answer; one\n"
    "that has none does not vote. More responses play a tournament. --system is the\n"
    "judge's; --top-p is 1 here, and --max-tokens 0 is 8192, or what fits.\n"
    "\n"
    "Prints a line for each:\n"
    "  {\"line\", \"category\", \"winner\" (null: a draw), \"correct\" (1, 0.5 for a draw, 0),\n"
    "   \"votes\", \"invalid\", \"share\" (of votes for the first), \"agreement\" (of both\n"
    "   orders), \"first_rate\" (votes for what was shown first), \"thinking_tokens\",\n"
    "   \"answer_tokens\", \"verdicts\" (with --texts)}\n"
    "of more responses \"method\", \"ranking\", \"ratings\", \"games\", \"rounds\", \"n_verdicts\";\n"
    "of scores and checklists \"scores\", \"spreads\", \"items\". Figures over all lines go to\n"
    "standard error; with --json they are one more line:\n"
    "  {\"summary\": {\"lines\", \"n\", \"accuracy\", \"accuracy_ci95\", \"by_category\",\n"
    "   \"category_mean\", \"agreement\"}}\n"
    "A stopped run with --out goes on where it was; a file of other lines, settings or\n"
    "another model is refused.\n"
    "\n"
    "Examples:\n"
    "  reason judge -m judge.gguf pairs.jsonl --votes 4 --budget 2048\n"
    "  reason judge -m judge.gguf answers.jsonl --method knockout --out verdicts.jsonl\n"
    "  reason judge -m judge.gguf answers.jsonl --kind score --rubric rubric.txt --json\n";

const struct rsn_cli_command rsn_cli_cmd_judge = {
    "judge", "which of several responses is better, as a model that thinks says",
    "[OPTIONS] FILE", notes, run};
