/* How much thinking is worth: accuracy and thinking tokens of the model that ships, by mode and by
 * budget, with 95% intervals (Wilson), by reason_evaluate().
 *
 *     evaluate QUESTIONS.tsv [N]     lines of question TAB answer; the first N of them */
#include <reason/reason.h>

#include "questions.h"

typedef struct setting {
    const char *name;
    reason_think_mode mode;
    int budget;
} setting;

static const setting SETTINGS[] = {
    {"auto", REASON_THINK_AUTO, -1},    {"on", REASON_THINK_ON, -1},
    {"off", REASON_THINK_OFF, -1},      {"on, budget 0", REASON_THINK_ON, 0},
    {"on, budget 8", REASON_THINK_ON, 8},   {"on, budget 16", REASON_THINK_ON, 16},
    {"on, budget 32", REASON_THINK_ON, 32}, {"on, budget 64", REASON_THINK_ON, 64},
    {"on, no budget", REASON_THINK_ON, -1},
};

/* Tasks whose thinking took more than its budget. There are none. */
static size_t count_over(const reason_evaluation *evaluation, int budget) {
    size_t over = 0;
    for (size_t i = 0; i < reason_evaluation_n_tasks(evaluation); i++) {
        reason_task_result result = {.size = sizeof result};
        reason_evaluation_task(evaluation, i, &result);
        over += budget >= 0 && result.thinking_tokens > (uint64_t)budget;
    }
    return over;
}

/* One row of the table; false on failure. */
static int measure(reason_session *session, const setting *s, const reason_task *const *tasks,
                   size_t n) {
    reason_request request;
    reason_thinking thinking;
    reason_sampling sampling;
    reason_evaluation *evaluation;
    reason_evaluation_summary sum = {.size = sizeof sum};
    reason_request_init(&request, sizeof request);
    reason_thinking_init(&thinking, sizeof thinking);
    reason_sampling_init(&sampling, sizeof sampling);
    thinking.mode = s->mode;
    thinking.budget = s->budget;
    sampling.temperature = 0;
    request.thinking = &thinking;
    request.sampling = &sampling;
    if (reason_evaluate(session, &request, tasks, n, NULL, &evaluation) != REASON_OK)
        return 0;
    reason_evaluation_summary_of(evaluation, NULL, -1, &sum);
    printf("| %-14s | %5.1f%% | %4.1f-%4.1f | %6.1f | %5.1f%% | %3zu |\n", s->name,
           100 * sum.accuracy, 100 * sum.accuracy_low, 100 * sum.accuracy_high,
           sum.thinking_tokens, 100 * sum.think_rate, count_over(evaluation, s->budget));
    reason_evaluation_free(evaluation);
    return 1;
}

int main(int argc, char **argv) {
    question *questions = calloc(MAX_QUESTIONS, sizeof *questions);
    reason_task *tasks = calloc(MAX_QUESTIONS, sizeof *tasks);
    const reason_task **list = calloc(MAX_QUESTIONS, sizeof *list);
    size_t most = argc > 2 ? (size_t)atoi(argv[2]) : MAX_QUESTIONS, n = 0;
    reason_model *model = NULL;
    reason_session *session = NULL;
    int ok = questions && tasks && list && argc > 1 &&
             (n = read_questions(argv[1], questions, most < MAX_QUESTIONS ? most : MAX_QUESTIONS)) > 0;
    if (!ok)
        fprintf(stderr, "usage: evaluate QUESTIONS.tsv [N]\n");
    for (size_t i = 0; ok && i < n; i++) {
        reason_task_init(&tasks[i], sizeof tasks[i]);
        tasks[i].question = questions[i].text;
        tasks[i].answer = questions[i].answer;
        tasks[i].answers = REASON_ANSWER_EXACT;
        list[i] = &tasks[i];
    }
    ok = ok && reason_model_open(NULL, NULL, &model) == REASON_OK &&
         reason_session_new(model, NULL, &session) == REASON_OK;
    if (ok)
        printf("| thinking       | right  | 95%%       | THINK tokens | thought | over budget |\n"
               "|---|---|---|---|---|---|\n");
    for (size_t i = 0; ok && i < sizeof SETTINGS / sizeof *SETTINGS; i++)
        ok = measure(session, &SETTINGS[i], list, n);
    if (n > 0 && !ok)
        fprintf(stderr, "%s\n", reason_last_error());
    reason_session_free(session);
    reason_model_free(model);
    free(questions);
    free(tasks);
    free(list);
    return ok ? 0 : 1;
}
