/* How much thinking is worth: accuracy and thinking tokens of the model that ships, by mode and by
 * budget, with 95% intervals (Wilson).
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

/* One row of the table; false on failure. */
static int measure(reason_session *session, const setting *s, const question *questions,
                   size_t n) {
    double right = 0, tokens = 0, thought = 0, over = 0;
    for (size_t i = 0; i < n; i++) {
        reason_request request;
        reason_thinking thinking;
        reason_sampling sampling;
        reason_result *result;
        reason_usage usage = {.size = sizeof usage};
        reason_request_init(&request, sizeof request);
        reason_thinking_init(&thinking, sizeof thinking);
        reason_sampling_init(&sampling, sizeof sampling);
        thinking.mode = s->mode;
        thinking.budget = s->budget;
        sampling.temperature = 0;
        request.prompt = questions[i].text;
        request.thinking = &thinking;
        request.sampling = &sampling;
        if (reason_generate(session, &request, &result) != REASON_OK)
            return 0;
        reason_result_usage(result, &usage);
        right += strcmp(reason_result_answer(result, NULL), questions[i].answer) == 0;
        tokens += (double)usage.thinking_tokens;
        thought += usage.thinking_tokens > 0;
        over += s->budget >= 0 && usage.thinking_tokens > (uint64_t)s->budget;
        reason_result_free(result);
    }
    double m = (double)n, low, high;
    interval(right, m, &low, &high);
    printf("| %-14s | %5.1f%% | %4.1f-%4.1f | %6.1f | %5.1f%% | %3.0f |\n", s->name,
           100 * right / m, 100 * low, 100 * high, tokens / m, 100 * thought / m, over);
    return 1;
}

int main(int argc, char **argv) {
    question *questions = calloc(MAX_QUESTIONS, sizeof *questions);
    size_t most = argc > 2 ? (size_t)atoi(argv[2]) : MAX_QUESTIONS, n = 0;
    reason_model *model = NULL;
    reason_session *session = NULL;
    int ok = questions && argc > 1 &&
             (n = read_questions(argv[1], questions, most < MAX_QUESTIONS ? most : MAX_QUESTIONS)) > 0;
    if (!ok)
        fprintf(stderr, "usage: evaluate QUESTIONS.tsv [N]\n");
    ok = ok && reason_model_open(NULL, NULL, &model) == REASON_OK &&
         reason_session_new(model, NULL, &session) == REASON_OK;
    if (ok)
        printf("| thinking       | right  | 95%%       | THINK tokens | thought | over budget |\n"
               "|---|---|---|---|---|---|\n");
    for (size_t i = 0; ok && i < sizeof SETTINGS / sizeof *SETTINGS; i++)
        ok = measure(session, &SETTINGS[i], questions, n);
    if (n > 0 && !ok)
        fprintf(stderr, "%s\n", reason_last_error());
    reason_session_free(session);
    reason_model_free(model);
    free(questions);
    return ok ? 0 : 1;
}
