/* Responses to one prompt scored together against one by one, each in an empty session, in
 * turn: medians of both, and of their ratio.
 *
 *     bench_score MODEL [KIND [PROMPT_TOKENS [RESPONSES [TOKENS [ROUNDS]]]]]
 *
 * KIND as reason_score_kind_name() has it, "yesno" by default, which reads the last token
 * as a reward head does. Texts are letters and spaces, a token each in most vocabularies. */
#include <reason/reason.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MOST = 64 };

typedef struct bench {
    reason_session *session;
    reason_request prompt;
    reason_score_request request;
    char *texts[MOST];
    double scores[2][MOST];
} bench;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int fail(const char *what) {
    fprintf(stderr, "%s: %s\n", what, reason_last_error());
    return 1;
}

/* n times a space and a letter, another text for each i. */
static char *write_text(size_t n, size_t i) {
    char *text = malloc(2 * n + 1);
    for (size_t k = 0; text && k < n; k++) {
        text[2 * k] = ' ';
        text[2 * k + 1] = (char)('a' + (k * (i + 3) + i + k / 7) % 26);
    }
    if (text)
        text[2 * n] = '\0';
    return text;
}

/* Scores responses [first, first + n) in an empty session. Seconds; negative: it failed. */
static double score(bench *b, size_t first, size_t n, double *found, uint64_t *n_run) {
    reason_score_request r = b->request;
    reason_scores *scores;
    reason_score_usage usage = {.size = sizeof usage};
    r.responses = (const char *const *)(b->texts + first);
    r.n_responses = n;
    reason_session_reset(b->session);
    double start = now();
    if (reason_score(b->session, &r, &scores) != REASON_OK)
        return fail("score"), -1;
    double seconds = now() - start;
    for (size_t i = 0; i < n; i++) {
        reason_scored one = {.size = sizeof one};
        reason_scores_at(scores, i, &one);
        found[i] = one.score;
    }
    reason_scores_usage(scores, &usage);
    *n_run += usage.computed_tokens;
    reason_scores_free(scores);
    return seconds;
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *x, size_t n) {
    qsort(x, n, sizeof *x, ascending);
    return n % 2 ? x[n / 2] : (x[n / 2 - 1] + x[n / 2]) / 2;
}

static int measure(bench *b, size_t n, size_t rounds) {
    double times[2][MOST], ratios[MOST];
    uint64_t n_run[2] = {0, 0};
    for (size_t k = 0; k < rounds; k++) {
        times[0][k] = score(b, 0, n, b->scores[0], &n_run[0]);
        times[1][k] = 0;
        for (size_t i = 0; i < n && times[0][k] > 0; i++) {
            double seconds = score(b, i, 1, &b->scores[1][i], &n_run[1]);
            if (seconds < 0)
                return 1;
            times[1][k] += seconds;
        }
        if (times[0][k] < 0)
            return 1;
        ratios[k] = times[1][k] / times[0][k];
        printf("round %zu: together %.2f s, one by one %.2f s, ratio %.2f\n", k + 1,
               times[0][k], times[1][k], ratios[k]);
    }
    bool same = memcmp(b->scores[0], b->scores[1], n * sizeof **b->scores) == 0;
    printf("together %.2f s (%llu tokens), one by one %.2f s (%llu tokens), ratio %.2f, "
           "scores %s\n",
           median(times[0], rounds), (unsigned long long)(n_run[0] / rounds),
           median(times[1], rounds), (unsigned long long)(n_run[1] / rounds),
           median(ratios, rounds), same ? "equal" : "DIFFERENT");
    return same ? 0 : 1;
}

static size_t number(int argc, char **argv, int i, size_t fallback, size_t most) {
    size_t n = argc > i ? (size_t)atoi(argv[i]) : fallback;
    return n < 1 ? 1 : n > most ? most : n;
}

static bool find_kind(const char *name, reason_score_kind *kind) {
    for (int i = REASON_SCORE_HEAD; i <= REASON_SCORE_SIMPO; i++)
        if (strcmp(reason_score_kind_name((reason_score_kind)i), name) == 0) {
            *kind = (reason_score_kind)i;
            return true;
        }
    return false;
}

int main(int argc, char **argv) {
    bench b = {0};
    reason_model *model;
    size_t n_prompt = number(argc, argv, 3, 1000, 1 << 20);
    size_t n = number(argc, argv, 4, 16, MOST), n_tokens = number(argc, argv, 5, 100, 1 << 16);
    size_t rounds = number(argc, argv, 6, 3, MOST);
    if (argc < 2) {
        fputs("bench_score MODEL [KIND [PROMPT_TOKENS [RESPONSES [TOKENS [ROUNDS]]]]]\n",
              stderr);
        return 2;
    }
    if (reason_model_open(argv[1], NULL, &model) != REASON_OK ||
        reason_session_new(model, NULL, &b.session) != REASON_OK ||
        reason_request_init(&b.prompt, sizeof b.prompt) != REASON_OK ||
        reason_score_request_init(&b.request, sizeof b.request) != REASON_OK)
        return fail(argv[1]);
    if (!find_kind(argc > 2 ? argv[2] : "yesno", &b.request.kind)) {
        fprintf(stderr, "kind %s is none that needs no reference\n", argv[2]);
        return 2;
    }
    b.prompt.text = write_text(n_prompt, MOST);
    b.request.prompt = &b.prompt;
    b.request.yes = "a";
    b.request.no = "b";
    for (size_t i = 0; i < n; i++)
        b.texts[i] = write_text(n_tokens, i);
    (void)score(&b, 0, 1, b.scores[0], &(uint64_t){0}); /* reads the weights in */
    int code = measure(&b, n, rounds);
    for (size_t i = 0; i < n; i++)
        free(b.texts[i]);
    free((char *)(uintptr_t)b.prompt.text);
    reason_session_free(b.session);
    reason_model_free(model);
    return code;
}
