/* What guessing ahead is worth: the same texts with and without, how many guesses were right,
 * tokens a pass and tokens a second.
 *
 *     speculate [MODEL [DRAFT [TOKENS [THREADS]]]]
 *
 * Without a DRAFT, or with "", only lookups guess. Greedy: a list that is repeated, lines that
 * resemble each other, and a question if the model has a chat template. */
#include <reason/reason.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LIST                                                                             \
    "apples 12 kg, plums 31 kg, pears 7 kg, cherries 54 kg, figs 23 kg, dates 40 kg\n"

static const struct {
    const char *name, *text, *prompt;
} TEXTS[] = {
    {"list", LIST LIST LIST "apples 12 kg,", NULL},
    {"lines",
     "1 + 1 is 2, which is even.\n1 + 2 is 3, which is odd.\n1 + 3 is 4, which is even.\n"
     "1 + 4 is 5, which is odd.\n1 + 5 is",
     NULL},
    {"think", NULL, "What is 67 * 75?"},
};
enum { N_TEXTS = sizeof TEXTS / sizeof *TEXTS, RUNS = 3 };

typedef struct way {
    const char *name;
    int n_guess, lookup;
    int drafts;
} way;

static const way WAYS[] = {
    {"none", 0, 0, 0},     {"lookup 1", 8, 1, 0},  {"lookup 2", 8, 2, 0},
    {"lookup 3", 4, 3, 0}, {"lookup 3", 8, 3, 0},  {"lookup 3", 16, 3, 0},
    {"lookup 4", 8, 4, 0}, {"draft", 2, 0, 1},     {"draft", 4, 0, 1},
    {"draft", 8, 0, 1},    {"lookup+draft", 4, 3, 1}};

static double now_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void check(reason_status status) {
    if (status == REASON_OK)
        return;
    fprintf(stderr, "%s\n", reason_last_error());
    exit(1);
}

/* The best of a few runs, each from an empty session. */
static reason_result *run(reason_session *session, const reason_request *request,
                          double *seconds) {
    reason_result *result = NULL;
    for (int i = 0; i < RUNS; i++) {
        reason_result_free(result);
        check(reason_session_reset(session));
        check(reason_generate(session, request, &result));
        reason_usage u = {.size = sizeof u};
        check(reason_result_usage(result, &u));
        double s = u.thinking_s + u.answer_s;
        *seconds = i == 0 || s < *seconds ? s : *seconds;
    }
    return result;
}

static void compare(reason_model *model, reason_model *draft, const char *name,
                    const reason_request *request, int n_threads) {
    double plain = 0;
    reason_result *wanted = NULL;
    for (size_t i = 0; i < sizeof WAYS / sizeof *WAYS; i++) {
        const way *w = &WAYS[i];
        reason_session_options o;
        reason_session *session;
        double seconds;
        if (w->drafts && !draft)
            continue;
        check(reason_session_options_init(&o, sizeof o));
        o.n_ctx = 512;
        o.n_threads = n_threads;
        o.n_guess = w->n_guess;
        o.lookup = w->lookup;
        o.draft = w->drafts ? draft : NULL;
        check(reason_session_new(model, &o, &session));
        reason_result *result = run(session, request, &seconds);
        reason_usage u = {.size = sizeof u};
        check(reason_result_usage(result, &u));
        double n = (double)reason_result_n_tokens(result);
        plain = i == 0 ? seconds : plain;
        printf("%-6s %-13s %5d %7.0f %8llu %8llu %10.2f %9.2f %6.2fx\n", name, w->name,
               w->n_guess, n, (unsigned long long)u.guessed_tokens,
               (unsigned long long)u.accepted_tokens,
               n / (n - (double)u.accepted_tokens), n / seconds, plain / seconds);
        if (wanted && strcmp(reason_result_answer(result, NULL),
                             reason_result_answer(wanted, NULL)) != 0)
            printf("the answer is another one, which must not be\n");
        if (wanted)
            reason_result_free(result);
        else
            wanted = result;
        reason_session_free(session);
    }
    reason_result_free(wanted);
}

int main(int argc, char **argv) {
    reason_model *model, *draft = NULL;
    reason_request request;
    reason_sampling sampling;
    int64_t has_template;
    check(reason_model_open(argc > 1 && *argv[1] ? argv[1] : NULL, NULL, &model));
    if (argc > 2 && *argv[2])
        check(reason_model_open(argv[2], NULL, &draft));
    check(reason_request_init(&request, sizeof request));
    check(reason_sampling_init(&sampling, sizeof sampling));
    sampling.temperature = 0;
    request.sampling = &sampling;
    request.max_tokens = argc > 3 ? atoi(argv[3]) : 200;
    check(reason_model_get_int(model, "has_template", &has_template));
    double start = now_s();
    printf("text   guesses by    most  tokens  guessed accepted tokens/pass  tokens/s\n");
    for (int i = 0; i < N_TEXTS; i++) {
        request.text = TEXTS[i].text;
        request.prompt = TEXTS[i].prompt;
        if (request.prompt && !has_template)
            continue;
        compare(model, draft, TEXTS[i].name, &request, argc > 4 ? atoi(argv[4]) : 0);
    }
    printf("%.1f s\n", now_s() - start);
    reason_model_free(draft);
    reason_model_free(model);
    return 0;
}
