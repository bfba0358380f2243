/*
 * `reason eval`: accuracy and tokens of a model over tasks, for one or several settings
 * of its thinking. Left to others: tasks (tasks.c), the record of what is finished
 * (eval_record.c), how figures look (eval_report.c). Invariant: figures are printed only
 * when every setting has all tasks.
 */
#include <stdlib.h>
#include <string.h>

#include "eval.h"
#include "interrupt.h"
#include "json_out.h"
#include "progress.h"

#define AT(field) offsetof(struct rsn_cli_eval_options, field)

static const struct rsn_cli_choice kinds[] = {
    {"auto", REASON_ANSWER_AUTO}, {"exact", REASON_ANSWER_EXACT},
    {"number", REASON_ANSWER_NUMBER}, {"boxed", REASON_ANSWER_BOXED},
    {"choice", REASON_ANSWER_CHOICE}, {NULL, 0}};

enum { MOST_SAMPLES = 4096 };

static const struct rsn_cli_option rows[] = {
    {"samples", 0, RSN_CLI_INT, AT(n_samples), 1, MOST_SAMPLES, NULL, "N",
     "samples of each task; default 1"},
    {"hybrid", 0, RSN_CLI_FLAG, AT(hybrid), 0, 0, NULL, NULL,
     "run each task with thinking on and off too, and see\nwhether auto picks the better"},
    {"margin", 0, RSN_CLI_FLOAT, AT(margin), 0, 1, NULL, "X",
     "modes whose shares of right samples differ by no more\nare equal, and fewer tokens "
     "win; default 0"},
    {"limit", 0, RSN_CLI_INT, AT(limit), 0, INT32_MAX, NULL, "N",
     "only the first N tasks; default 0: all"},
    {"answers", 0, RSN_CLI_CHOICE, AT(answers), 0, 0, kinds, "KIND",
     "what the answer of a sample is: auto, exact, number,\nboxed, choice"},
    {"vary", 0, RSN_CLI_LIST, AT(vary), 0, 0, NULL, "WORDS",
     "a setting: NAME=VALUE of options of Thinking and\nAnswer, apart by spaces; repeatable"},
    {"parallel", 0, RSN_CLI_INT, AT(n_parallel), 0, MOST_SAMPLES, NULL, "N",
     "generations at once; default 0: 16"},
    {"out", 0, RSN_CLI_TEXT, AT(out), 0, 0, NULL, "FILE",
     "keep what is finished here; what is there is not run\nagain"},
    {"json", 0, RSN_CLI_FLAG, AT(json), 0, 0, NULL, NULL, "a JSON object a setting"},
};

/* --- settings ------------------------------------------------------------------------ */

enum { MOST_WORDS = 64 };

/* Makes NAME=VALUE the argument --NAME=VALUE. The arguments are of setting->words. */
static int split_words(const struct rsn_cli_command *self,
                       struct rsn_cli_setting *setting, char **arguments, int *n) {
    size_t n_name = strlen(setting->name), at = 0;
    setting->words = malloc(4 * n_name + 4);
    if (!setting->words) return rsn_cli_fail_memory();
    for (const char *p = setting->name + strspn(setting->name, " "); *p;) {
        size_t length = strcspn(p, " ");
        if (*n == MOST_WORDS)
            return rsn_cli_fail_usage(self, "more than %d words in a --vary", MOST_WORDS);
        if (*p == '-' || *p == '=' || !memchr(p, '=', length))
            return rsn_cli_fail_usage(self, "'%.*s' in --vary, NAME=VALUE expected",
                                      (int)(length < 200 ? length : 200), p);
        char *word = arguments[(*n)++] = setting->words + at;
        memcpy(word, "--", 2);
        memcpy(word + 2, p, length);
        word[2 + length] = 0;
        at += length + 3;
        p += length;
        p += strspn(p, " ");
    }
    return RSN_CLI_OK;
}

static int make_setting(const struct rsn_cli_command *self,
                        const struct rsn_cli_generation *base,
                        struct rsn_cli_setting *setting) {
    char *arguments[MOST_WORDS];
    struct rsn_cli_arguments rest;
    int n = 0;
    setting->generation = *base;
    int code = split_words(self, setting, arguments, &n);
    if (code != RSN_CLI_OK) return code;
    const struct rsn_cli_group groups[] = {
        RSN_CLI_THINKING_GROUP(&setting->generation),
        RSN_CLI_SAMPLING_GROUP(&setting->generation),
    };
    (void)rsn_cli_options_parse(self, groups, RSN_CLI_COUNT(groups), n, arguments, &rest,
                                &code);
    return code;
}

/* One for each --vary, or the options as they are. */
static int make_settings(const struct rsn_cli_command *self, struct rsn_cli_eval *eval) {
    const struct rsn_cli_list *vary = &eval->own.vary;
    size_t n = vary->n_items > 0 ? vary->n_items : 1;
    eval->settings = calloc(n, sizeof *eval->settings);
    if (!eval->settings) return rsn_cli_fail_memory();
    eval->n_settings = n;
    eval->settings[0].name = "as given";
    eval->settings[0].generation = eval->generation;
    int code = RSN_CLI_OK;
    for (size_t i = 0; i < vary->n_items && code == RSN_CLI_OK; i++) {
        eval->settings[i].name = vary->items[i];
        code = make_setting(self, &eval->generation, &eval->settings[i]);
    }
    return code;
}

static int make_results(struct rsn_cli_eval *eval) {
    for (size_t i = 0; i < eval->n_settings; i++) {
        struct rsn_cli_setting *s = &eval->settings[i];
        s->results = calloc(eval->tasks.n, sizeof *s->results);
        s->known = calloc(eval->tasks.n, sizeof *s->known);
        if (!s->results || !s->known) return rsn_cli_fail_memory();
    }
    return RSN_CLI_OK;
}

static void free_settings(struct rsn_cli_eval *eval) {
    for (size_t i = 0; i < eval->n_settings; i++) {
        struct rsn_cli_setting *s = &eval->settings[i];
        reason_evaluation_free(s->evaluation);
        rsn_cli_generation_end(&s->generation);
        free(s->words);
        free(s->results);
        free(s->known);
    }
    free(eval->settings);
}

/* --- running ------------------------------------------------------------------------- */

/* A setting while it runs. */
struct course {
    struct rsn_cli_eval *eval;
    size_t setting;
    struct rsn_cli_progress *progress;
};

static int take_result(void *user, size_t task, const reason_task_result *result) {
    const struct course *course = user;
    struct rsn_cli_setting *s = &course->eval->settings[course->setting];
    s->results[task] = *result;
    s->n_known++;
    rsn_cli_eval_keep(course->eval, course->setting, task);
    return course->eval->record.failed;
}

static int show_progress(void *user, const char *stage, uint64_t done, uint64_t total) {
    const struct course *course = user;
    return rsn_cli_progress_show(course->progress, stage,
                                 course->setting * total + done,
                                 course->eval->n_settings * total);
}

static int run_setting(struct course *course, reason_session *session) {
    struct rsn_cli_eval *eval = course->eval;
    struct rsn_cli_setting *s = &eval->settings[course->setting];
    reason_request request;
    reason_evaluate_options o;
    int code = rsn_cli_generation_request(&s->generation, &request);
    if (code != RSN_CLI_OK) return code;
    if (reason_evaluate_options_init(&o, sizeof o) != REASON_OK)
        return rsn_cli_fail_library();
    request.system = s->generation.system;
    request.progress = show_progress;
    request.progress_user = course;
    o.n_samples = eval->own.n_samples;
    o.hybrid = eval->own.hybrid;
    o.margin = (double)eval->own.margin;
    o.done = take_result;
    o.done_user = course;
    o.known = s->known;
    reason_status status = reason_evaluate(session, &request, eval->tasks.list,
                                           eval->tasks.n, &o, &s->evaluation);
    rsn_cli_generation_end(&s->generation);
    rsn_cli_progress_end(course->progress);
    if (status == REASON_OK) return RSN_CLI_OK;
    if (eval->record.failed) return RSN_CLI_FAILED; /* closing it says why */
    if (status != REASON_ERR_CANCELLED || !eval->record.stream) return rsn_cli_fail_library();
    return RSN_CLI_FAILED;
}

/* What is there after a stop. */
static void say_kept(const struct rsn_cli_eval *eval) {
    size_t done = 0;
    for (size_t i = 0; i < eval->n_settings; i++) done += eval->settings[i].n_known;
    rsn_cli_say("stopped after %zu of %zu tasks; '%s' keeps them, and the same command "
                "goes on from there",
                done, eval->n_settings * eval->tasks.n, eval->own.out);
}

static int run_settings(struct rsn_cli_eval *eval, reason_session *session) {
    struct rsn_cli_progress progress;
    struct course course = {eval, 0, &progress};
    int code = RSN_CLI_OK;
    rsn_cli_progress_start(&progress);
    for (; course.setting < eval->n_settings && code == RSN_CLI_OK; course.setting++)
        code = run_setting(&course, session);
    if (code != RSN_CLI_OK && eval->record.stream && !eval->record.failed &&
        rsn_cli_interrupt_signal())
        say_kept(eval);
    return code;
}

static int open_session(const struct rsn_cli_eval *eval, reason_model *model,
                        reason_session **session) {
    reason_session_options how;
    int code = rsn_cli_session_options(&eval->model, NULL, &how);
    if (code != RSN_CLI_OK) return code;
    how.n_parallel = eval->own.n_parallel;
    reason_status status = reason_session_new(model, &how, session);
    reason_model_free(how.draft);
    return status == REASON_OK ? RSN_CLI_OK : rsn_cli_fail_library();
}

static int run_eval(struct rsn_cli_eval *eval) {
    reason_model *model = NULL;
    reason_session *session = NULL;
    int code = rsn_cli_interrupt_catch();
    if (code == RSN_CLI_OK) code = rsn_cli_model_open(&eval->model, &model);
    if (code == RSN_CLI_OK) code = open_session(eval, model, &session);
    if (code == RSN_CLI_OK) code = rsn_cli_eval_record(eval, model);
    if (code == RSN_CLI_OK) code = run_settings(eval, session);
    int closed = rsn_cli_record_close(&eval->record);
    if (code == RSN_CLI_OK) code = closed;
    if (code == RSN_CLI_OK) code = rsn_cli_eval_print(eval);
    if (code != RSN_CLI_OK) code = rsn_cli_interrupt_code(code);
    rsn_cli_interrupt_release();
    reason_session_free(session);
    reason_model_free(model);
    return code;
}

static int run(const struct rsn_cli_command *self, int argc, char **argv) {
    struct rsn_cli_eval eval = {.own = {.n_samples = 1}};
    struct rsn_cli_arguments arguments;
    int code = rsn_cli_generation_init(&eval.generation);
    if (code != RSN_CLI_OK) return code;
    const struct rsn_cli_group groups[] = {
        {"Options:", rows, RSN_CLI_COUNT(rows), &eval.own},
        RSN_CLI_THINKING_GROUP(&eval.generation),
        RSN_CLI_SAMPLING_GROUP(&eval.generation),
        RSN_CLI_MODEL_GROUP(&eval.model),
        RSN_CLI_SESSION_GROUP(&eval.model),
        RSN_CLI_GUESS_GROUP(&eval.model),
    };
    if (!rsn_cli_options_parse(self, groups, RSN_CLI_COUNT(groups), argc, argv,
                               &arguments, &code))
        return code;
    if (arguments.n_items != 1)
        return rsn_cli_fail_usage(self, "one TASKS is expected, found %zu arguments",
                                  arguments.n_items);
    code = make_settings(self, &eval);
    if (code == RSN_CLI_OK)
        code = rsn_cli_tasks_read(arguments.items[0], (size_t)eval.own.limit,
                                  (reason_answer_kind)eval.own.answers, &eval.tasks);
    if (code == RSN_CLI_OK) code = make_results(&eval);
    if (code == RSN_CLI_OK) code = run_eval(&eval);
    free_settings(&eval);
    rsn_cli_tasks_free(&eval.tasks);
    return code;
}

static const char notes[] =
    "TASKS is a file, \"-\" for standard input, with a JSON object a line: \"question\" and\n"
    "\"answer\", and if there are \"kind\" (a text) and \"size\" (a whole number), which are\n"
    "counted under; other keys are ignored. Prints how often the model is right, with a\n"
    "95% interval (Wilson's; with several samples the normal one over tasks), and means\n"
    "of tokens a sample. Task i has a seed of its own, made of --seed and i.\n"
    "\n"
    "--vary runs all tasks again in a setting of its own: the words are options of\n"
    "Thinking and Answer without dashes, on top of those given. From the second setting\n"
    "on the difference to the first is printed too, task by task, with its interval.\n"
    "\n"
    "With --out a stopped evaluation (Ctrl-C) goes on where it was when the same command\n"
    "is run again; a file of other tasks, settings or another model is refused.\n"
    "\n"
    "--json prints an object a setting:\n"
    "  {\"setting\", \"n\", \"accuracy\", \"accuracy_ci95\": [LOW, HIGH], \"thinking_tokens\",\n"
    "   \"answer_tokens\", \"total_tokens\", \"probe_tokens\", \"think_rate\", \"p_think\",\n"
    "   \"pass_at_k\" (with --samples), \"hybrid_accuracy\", \"hybrid_ci95\" (with --hybrid),\n"
    "   \"by_kind\": {KIND: {...}}, \"by_size\": {SIZE: {...}},\n"
    "   \"difference\": {\"accuracy\", \"thinking_tokens\", \"total_tokens\", each also with\n"
    "   _ci95}}\n"
    "\n"
    "Examples:\n"
    "  reason eval tasks.jsonl --temperature 0\n"
    "  reason eval tasks.jsonl --think on --vary budget=16 --vary budget=64 --json\n"
    "  reason eval tasks.jsonl --samples 4 --hybrid --margin 0.25 --out run.jsonl\n";

const struct rsn_cli_command rsn_cli_cmd_eval = {
    "eval", "how often a model is right over tasks, and what thinking costs there",
    "[OPTIONS] TASKS", notes, run};
