/* What several samples are worth: accuracy, tokens and the longest wait of ways to choose, on the
 * hard questions of a file, by the model that ships.
 *
 *     search QUESTIONS.tsv [SAMPLES] */
#include <reason/reason.h>

#include "questions.h"

typedef struct way {
    const char *name;
    reason_search_method method;
    int n_samples, n_first; /* 0 samples: as many as the command line says */
} way;

static const way WAYS[] = {
    {"one sample", REASON_SEARCH_VOTE, 1, 0},
    {"vote", REASON_SEARCH_VOTE, 0, 0},
    {"confidence", REASON_SEARCH_CONFIDENCE, 0, 0},
    {"first 1", REASON_SEARCH_FIRST, 0, 1},
    {"first 3", REASON_SEARCH_FIRST, 0, 3},
    {"short 1", REASON_SEARCH_SHORT, 0, 1},
    {"short 3", REASON_SEARCH_SHORT, 0, 3},
};

/* One row of the table; 0 on failure. */
static int measure(reason_session *session, const way *w, int n_samples,
                   const question *questions, size_t n) {
    double right = 0, tokens = 0, longest = 0, seconds = 0, m = (double)n, low, high;
    for (size_t i = 0; i < n; i++) {
        reason_request request;
        reason_thinking thinking;
        reason_sampling sampling;
        reason_search_options options;
        reason_search_result *result;
        reason_search_usage usage = {.size = sizeof usage};
        reason_request_init(&request, sizeof request);
        reason_thinking_init(&thinking, sizeof thinking);
        reason_sampling_init(&sampling, sizeof sampling);
        reason_search_options_init(&options, sizeof options);
        thinking.mode = REASON_THINK_ON;
        sampling.temperature = 1;
        sampling.seed = i;
        request.prompt = questions[i].text;
        request.thinking = &thinking;
        request.sampling = &sampling;
        options.method = w->method;
        options.n_samples = w->n_samples ? w->n_samples : n_samples;
        options.n_first = w->n_first;
        if (reason_search(session, &request, &options, &result) != REASON_OK)
            return 0;
        const reason_result *best = reason_search_best(result);
        bool is_right = false;
        if (best)
            reason_answer_check(reason_result_answer(best, NULL), questions[i].answer,
                                REASON_ANSWER_AUTO, &is_right);
        reason_search_usage_of(result, &usage);
        right += is_right;
        tokens += (double)usage.tokens;
        longest += (double)usage.longest;
        seconds += usage.seconds;
        reason_search_result_free(result);
    }
    interval(right, m, &low, &high);
    printf("| %-10s | %5.1f%% | %4.1f-%4.1f | %7.1f | %7.1f | %5.2f |\n", w->name,
           100 * right / m, 100 * low, 100 * high, tokens / m, longest / m,
           1e3 * seconds / m);
    return 1;
}

int main(int argc, char **argv) {
    question *questions = calloc(MAX_QUESTIONS, sizeof *questions);
    int n_samples = argc > 2 ? atoi(argv[2]) : 8;
    size_t n = 0, n_hard = 0;
    reason_model *model = NULL;
    reason_session *session = NULL;
    reason_session_options options;
    int ok = questions && argc > 1 && n_samples > 0 &&
             (n = read_questions(argv[1], questions, MAX_QUESTIONS)) > 0;
    if (!ok)
        fprintf(stderr, "usage: search QUESTIONS.tsv [SAMPLES]\n");
    for (size_t i = 0; i < n; i++)
        if (questions[i].hard) {
            size_t at = (size_t)(questions[i].answer - questions[i].text);
            memmove(&questions[n_hard], &questions[i], sizeof *questions);
            questions[n_hard].answer = questions[n_hard].text + at;
            n_hard++;
        }
    reason_session_options_init(&options, sizeof options);
    options.n_parallel = n_samples;
    ok = ok && reason_model_open(NULL, NULL, &model) == REASON_OK &&
         reason_session_new(model, &options, &session) == REASON_OK;
    if (ok)
        printf("| %d samples  | right  | 95%%       | tokens  | longest | ms    |\n"
               "|---|---|---|---|---|---|\n",
               n_samples);
    for (size_t i = 0; ok && i < sizeof WAYS / sizeof *WAYS; i++)
        ok = measure(session, &WAYS[i], n_samples, questions, n_hard);
    if (n > 0 && !ok)
        fprintf(stderr, "%s\n", reason_last_error());
    reason_session_free(session);
    reason_model_free(model);
    free(questions);
    return ok ? 0 : 1;
}
