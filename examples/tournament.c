/* What kinds of tournament find with a judge that errs: candidates are samples of the
 * model that ships, the judge is a callback that knows who is right and says the
 * opposite with a chance. Of two that are both right, or both wrong, it names one at
 * random. Printed are how often the winner is right where some candidates are and some
 * are not, how often it has the answer of the winner by round robin, and what the
 * games cost.
 *
 *     tournament TASKS.jsonl SAMPLES auto|on|off TEMPERATURE */
#include "samples.h"

typedef struct way {
    const char *name;
    reason_tournament_method method;
    int n_votes;
} way;

static const way WAYS[] = {
    /* The first one is what agreement is with. */
    {"round robin, strengths", REASON_TOURNAMENT_BRADLEY_TERRY, 1},
    {"round robin, Elo", REASON_TOURNAMENT_ELO, 1},
    {"4 opponents each, strengths", REASON_TOURNAMENT_SAMPLED, 1},
    {"knockout", REASON_TOURNAMENT_KNOCKOUT, 1},
    {"knockout, 3 votes a game", REASON_TOURNAMENT_KNOCKOUT, 3},
    {"knockout, 5 votes a game", REASON_TOURNAMENT_KNOCKOUT, 5},
};
enum { N_WAYS = sizeof WAYS / sizeof *WAYS };
static const double ERRORS[] = {0, 0.1, 0.2, 0.3};

/* The judge knows candidates by their numbers. A verdict is the same in every
 * tournament: it hangs on the task, the pair and how often that was asked. */
typedef struct judge {
    const sample *samples;
    double error;
    uint64_t seed;
    int asked[MAX_SAMPLES][MAX_SAMPLES];
} judge;

static int say(void *user, const char *query, const char *a, const char *b) {
    judge *j = user;
    int i = atoi(a), k = atoi(b), low = i < k ? i : k, high = i < k ? k : i;
    uint64_t pair = (uint64_t)(low * MAX_SAMPLES + high) << 8;
    pair += (uint64_t)j->asked[low][high]++;
    double u = (double)(scramble(scramble(j->seed) + pair) >> 11) * 0x1p-53;
    bool equal = j->samples[low].right == j->samples[high].right;
    bool low_wins = equal ? u < 0.5 : j->samples[low].right == (u >= j->error);
    (void)query;
    return (low == i) == low_wins ? REASON_VERDICT_1 : REASON_VERDICT_2;
}

/* The number of the candidate that wins; -1 on failure. */
static int play(const way *w, judge *j, int n, uint64_t seed, double *cost) {
    static char names[MAX_SAMPLES][16];
    const char *responses[MAX_SAMPLES];
    reason_judge_request request;
    reason_tournament_options options;
    reason_tournament *tournament;
    reason_candidate first = {.size = sizeof first};
    reason_tournament_usage usage = {.size = sizeof usage};
    reason_judge_request_init(&request, sizeof request);
    reason_tournament_options_init(&options, sizeof options);
    for (int i = 0; i < n; i++) {
        snprintf(names[i], sizeof names[i], "%d", i);
        responses[i] = names[i];
    }
    memset(j->asked, 0, sizeof j->asked);
    request.query = "Which is right?";
    request.responses = responses;
    request.n_responses = (size_t)n;
    request.n_votes = w->n_votes;
    request.order = REASON_ORDER_GIVEN;
    request.judge = say;
    request.judge_user = j;
    options.method = w->method;
    options.seed = seed;
    if (reason_tournament_run(NULL, &request, &options, &tournament) != REASON_OK)
        return -1;
    reason_tournament_candidate(tournament, 0, &first);
    reason_tournament_usage_of(tournament, &usage);
    *cost = (double)usage.n_verdicts;
    reason_tournament_free(tournament);
    return (int)first.candidate;
}

/* A row for each way, over tasks that are mixed; false on failure. */
static bool measure(const sample *samples, size_t n_tasks, int n, double error) {
    double *won[2] = {calloc(n_tasks, sizeof(double)), calloc(n_tasks, sizeof(double))};
    int *reference = calloc(n_tasks, sizeof *reference);
    bool ok = won[0] && won[1] && reference;
    for (size_t i = 0; ok && i < N_WAYS; i++) {
        double cost = 0;
        for (size_t t = 0; ok && t < n_tasks; t++) {
            judge j = {.samples = samples + t * (size_t)n, .error = error, .seed = t};
            int winner = play(&WAYS[i], &j, n, t, &cost);
            ok = winner >= 0;
            if (i == 0)
                reference[t] = winner;
            if (ok) {
                const sample *best = &j.samples[winner];
                const sample *other = &j.samples[reference[t]];
                won[0][t] = best->right;
                won[1][t] = strcmp(best->normal, other->normal) == 0;
            }
        }
        estimate right = estimate_ratio(won[0], NULL, n_tasks);
        estimate agree = estimate_ratio(won[1], NULL, n_tasks);
        printf("| %g | %s | %.0f | %.1f%% | %.1f-%.1f | %.1f%% |\n", error, WAYS[i].name,
               cost, 100 * right.value, 100 * right.low, 100 * right.high,
               100 * agree.value);
    }
    free(won[0]);
    free(won[1]);
    free(reference);
    return ok;
}

/* Keeps samples of tasks that have right ones and wrong ones; returns how many tasks. */
static size_t keep_mixed(sample *samples, size_t n_tasks, size_t n) {
    size_t kept = 0;
    for (size_t t = 0; t < n_tasks; t++) {
        size_t right = 0;
        for (size_t i = 0; i < n; i++)
            right += samples[t * n + i].right;
        if (right == 0 || right == n)
            continue;
        for (size_t i = 0; i < n; i++) { /* a swap: all are freed by who drew them */
            sample other = samples[kept * n + i];
            samples[kept * n + i] = samples[t * n + i];
            samples[t * n + i] = other;
        }
        kept++;
    }
    return kept;
}

static bool run(sample *samples, size_t n_tasks, size_t n) {
    double ones[MAX_SAMPLES], right = 0, voted = 0;
    size_t kept = keep_mixed(samples, n_tasks, n);
    for (size_t i = 0; i < n; i++)
        ones[i] = 1;
    for (size_t i = 0; i < kept * n; i++)
        right += samples[i].right;
    for (size_t t = 0; t < kept; t++)
        voted += choose(&samples[t * n], ones, n, true);
    printf("%zu of %zu tasks are mixed: %.1f%% of samples are right, %.1f%% of votes\n\n",
           kept, n_tasks, 100 * right / (double)(kept * n), 100 * voted / (double)kept);
    printf("| judge is wrong | tournament of %zu | verdicts | winner is right | 95%% "
           "| same answer as round robin |\n|---|---|---|---|---|---|\n",
           n);
    bool ok = kept > 0;
    for (size_t i = 0; ok && i < sizeof ERRORS / sizeof *ERRORS; i++)
        ok = measure(samples, kept, (int)n, ERRORS[i]);
    return ok;
}

int main(int argc, char **argv) {
    question *tasks = calloc(MAX_QUESTIONS, sizeof *tasks);
    drawing d = {0};
    size_t n_tasks = 0;
    bool usable = tasks && argc == 5 && parse_drawing(argv + 1, &d) &&
                  (n_tasks = read_tasks(argv[1], tasks, MAX_QUESTIONS)) > 0;
    if (!usable)
        fprintf(stderr,
                "usage: tournament TASKS.jsonl SAMPLES auto|on|off TEMPERATURE\n");
    size_t n = (size_t)d.n;
    sample *samples = calloc(n_tasks * n + 1, sizeof *samples);
    bool ok = usable && samples && open_drawing(&d);
    for (size_t t = 0; ok && t < n_tasks; t++)
        ok = draw_samples(&d, &tasks[t], t, &samples[t * n]);
    ok = ok && run(samples, n_tasks, n);
    if (usable && !ok)
        fprintf(stderr, "%s\n", reason_last_error());
    close_drawing(&d);
    free_samples(samples, n_tasks * n);
    free(tasks);
    return ok ? 0 : 1;
}
