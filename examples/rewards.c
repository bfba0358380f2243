/* What rewards are worth on the model that ships: samples of each task are drawn and
 * checked, and every reward ranks the same ones. Printed are how often it puts a right
 * response above a wrong one of the same task, and how often the best sample by it,
 * and a vote weighted by it, are right, against a plain vote.
 *
 *     rewards TASKS.jsonl SAMPLES auto|on|off TEMPERATURE [REWARD.gguf ...]
 *     rewards --write TASKS.jsonl ...    lines for `reason score`, to train on */
#include "samples.h"

enum { MAX_REWARDS = 16 };

typedef struct reward {
    const char *name;
    reason_score_kind kind;
    bool is_length; /* not the score: the shorter the better */
    const char *path;
    reason_model *model;
    reason_session *session; /* NULL: that of the model that ships */
    double *scores;          /* [tasks, samples] */
} reward;

static const reward BUILT_IN[] = {
    {"shorter", REASON_SCORE_LOGPROB, true, NULL, NULL, NULL, NULL},
    {"log-probability", REASON_SCORE_LOGPROB, false, NULL, NULL, NULL, NULL},
    {"mean log-probability", REASON_SCORE_MEAN_LOGPROB, false, NULL, NULL, NULL, NULL},
    {"SimPO", REASON_SCORE_SIMPO, false, NULL, NULL, NULL, NULL},
};
enum { N_BUILT_IN = sizeof BUILT_IN / sizeof *BUILT_IN };

typedef struct bench {
    drawing drawing;
    question *tasks;
    sample *samples; /* [n_tasks, n] */
    size_t n_tasks, n;
    reward rewards[MAX_REWARDS];
    size_t n_rewards;
    double *won, *of, *voted; /* [n_tasks] */
} bench;

static bool score_task(bench *b, reward *r, size_t task) {
    const char *responses[MAX_SAMPLES];
    reason_request prompt;
    reason_score_request request;
    reason_scores *scores;
    for (size_t i = 0; i < b->n; i++)
        responses[i] = b->samples[task * b->n + i].text;
    reason_request_init(&prompt, sizeof prompt);
    reason_score_request_init(&request, sizeof request);
    prompt.prompt = b->tasks[task].text;
    request.prompt = &prompt;
    request.responses = responses;
    request.n_responses = b->n;
    request.kind = r->kind;
    reason_session *session = r->session ? r->session : b->drawing.session;
    if (reason_score(session, &request, &scores) != REASON_OK)
        return false;
    for (size_t i = 0; i < b->n; i++) {
        reason_scored scored = {.size = sizeof scored};
        reason_scores_at(scores, i, &scored);
        r->scores[task * b->n + i] =
            r->is_length ? -(double)scored.response_tokens : scored.score;
    }
    reason_scores_free(scores);
    return true;
}

/* How many pairs of a right and a wrong sample there are, and in how many the right
 * one has more, ties as halves. */
static void count_pairs(const sample *s, const double *scores, size_t n, double *won,
                        double *of) {
    *won = *of = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            if (s[i].right && !s[j].right) {
                *won += scores[i] > scores[j] ? 1 : scores[i] == scores[j] ? 0.5 : 0;
                *of += 1;
            }
}

/* A weight of 0 or more, as votes of reason_search() take it. */
static double weight_of(const reward *r, double score) {
    return r->session ? 1 / (1 + exp(-score)) : exp(score);
}

static void print_share(estimate e) {
    printf(" | %.1f%% | %.1f-%.1f", 100 * e.value, 100 * e.low, 100 * e.high);
}

/* A way to choose: its accuracy, and how far that is from a plain vote's. */
static void print_choice(bench *b) {
    print_share(estimate_ratio(b->won, NULL, b->n_tasks));
    for (size_t t = 0; t < b->n_tasks; t++)
        b->won[t] -= b->voted[t];
    estimate gain = estimate_ratio(b->won, NULL, b->n_tasks);
    printf(" | %+.1f (%+.1f to %+.1f)", 100 * gain.value, 100 * gain.low,
           100 * gain.high);
}

static void print_reward(bench *b, const reward *r) {
    double weights[MAX_SAMPLES];
    size_t n = b->n;
    printf("| %s", r->name);
    for (size_t t = 0; t < b->n_tasks; t++)
        count_pairs(&b->samples[t * n], &r->scores[t * n], n, &b->won[t], &b->of[t]);
    print_share(estimate_ratio(b->won, b->of, b->n_tasks));
    for (size_t t = 0; t < b->n_tasks; t++)
        b->won[t] = choose(&b->samples[t * n], &r->scores[t * n], n, false);
    print_choice(b);
    for (size_t t = 0; t < b->n_tasks; t++) {
        for (size_t i = 0; i < n; i++)
            weights[i] = weight_of(r, r->scores[t * n + i]);
        b->won[t] = choose(&b->samples[t * n], weights, n, true);
    }
    if (!r->is_length)
        print_choice(b);
    else
        printf(" | | |");
    printf(" |\n");
}

/* What bounds any choice: one sample, the vote, one right sample among all. */
static void print_bounds(bench *b) {
    double ones[MAX_SAMPLES], tokens = 0;
    for (size_t i = 0; i < b->n; i++)
        ones[i] = 1;
    for (size_t t = 0; t < b->n_tasks; t++) {
        b->won[t] = b->of[t] = 0;
        for (size_t i = 0; i < b->n; i++) {
            const sample *s = &b->samples[t * b->n + i];
            tokens += (double)s->n_tokens;
            b->won[t] += (double)s->right / (double)b->n;
            b->of[t] = s->right ? 1 : b->of[t];
        }
        b->voted[t] = choose(&b->samples[t * b->n], ones, b->n, true);
    }
    printf("%zu tasks, %.0f tokens each; right", b->n_tasks, tokens / (double)b->n_tasks);
    printf(" | 95%%\n|---|---|---|\n| one sample");
    print_share(estimate_ratio(b->won, NULL, b->n_tasks));
    printf(" |\n| vote of %zu", b->n);
    print_share(estimate_ratio(b->voted, NULL, b->n_tasks));
    printf(" |\n| any of %zu", b->n);
    print_share(estimate_ratio(b->of, NULL, b->n_tasks));
    printf(" |\n\n");
}

static void print_text(const char *text) {
    putchar('"');
    for (; *text; text++)
        if ((unsigned char)*text < ' ')
            printf("\\u%04x", *text);
        else
            printf(*text == '"' || *text == '\\' ? "\\%c" : "%c", *text);
    putchar('"');
}

static void write_task(const bench *b, size_t task) {
    const sample *s = &b->samples[task * b->n];
    printf("{\"prompt\": ");
    print_text(b->tasks[task].text);
    for (size_t i = 0; i < b->n; i++) {
        printf(i ? ", " : ", \"responses\": [");
        print_text(s[i].text);
    }
    for (size_t i = 0; i < b->n; i++)
        printf("%s%d", i ? ", " : "], \"labels\": [", s[i].right);
    printf("]}\n");
}

static bool open_rewards(bench *b, char **paths, size_t n_paths) {
    memcpy(b->rewards, BUILT_IN, sizeof BUILT_IN);
    b->n_rewards = N_BUILT_IN;
    for (size_t i = 0; i < n_paths && b->n_rewards < MAX_REWARDS; i++)
        b->rewards[b->n_rewards++] = (reward){.name = paths[i], .path = paths[i]};
    for (size_t i = 0; i < b->n_rewards; i++) {
        reward *r = &b->rewards[i];
        r->scores = calloc(b->n_tasks * b->n, sizeof *r->scores);
        if (!r->scores ||
            (r->path && (reason_model_open(r->path, NULL, &r->model) != REASON_OK ||
                         reason_session_new(r->model, NULL, &r->session) != REASON_OK)))
            return false;
    }
    return true;
}

static bool run(bench *b, bool write) {
    for (size_t t = 0; t < b->n_tasks; t++) {
        if (!draw_samples(&b->drawing, &b->tasks[t], t, &b->samples[t * b->n]))
            return false;
        for (size_t i = 0; !write && i < b->n_rewards; i++)
            if (!score_task(b, &b->rewards[i], t))
                return false;
        if (write)
            write_task(b, t);
    }
    if (write)
        return true;
    printf("| ");
    print_bounds(b);
    printf("| reward | pairs | 95%% | best of %zu | 95%% | against vote, points "
           "| weighted vote | 95%% | against vote, points |\n"
           "|---|---|---|---|---|---|---|---|---|\n",
           b->n);
    for (size_t i = 0; i < b->n_rewards; i++)
        print_reward(b, &b->rewards[i]);
    return true;
}

int main(int argc, char **argv) {
    bench b = {0};
    bool write = argc > 1 && strcmp(argv[1], "--write") == 0;
    char **arg = argv + write, **end = argv + argc;
    b.tasks = calloc(MAX_QUESTIONS, sizeof *b.tasks);
    bool usable = end - arg > 4 && b.tasks && parse_drawing(arg + 1, &b.drawing) &&
                  (b.n_tasks = read_tasks(arg[1], b.tasks, MAX_QUESTIONS)) > 0;
    if (!usable)
        fprintf(stderr, "usage: rewards [--write] TASKS.jsonl SAMPLES auto|on|off "
                        "TEMPERATURE [REWARD.gguf ...]\n");
    b.n = (size_t)b.drawing.n;
    b.samples = calloc(b.n_tasks * b.n + 1, sizeof *b.samples);
    b.won = calloc(3 * b.n_tasks + 1, sizeof *b.won);
    b.of = b.won + b.n_tasks;
    b.voted = b.of + b.n_tasks;
    bool ok = usable && b.samples && b.won && open_drawing(&b.drawing) &&
              open_rewards(&b, arg + 5, (size_t)(end - arg - 5)) && run(&b, write);
    if (usable && !ok)
        fprintf(stderr, "%s\n", reason_last_error());
    for (size_t i = 0; i < b.n_rewards; i++) {
        reason_session_free(b.rewards[i].session);
        reason_model_free(b.rewards[i].model);
        free(b.rewards[i].scores);
    }
    close_drawing(&b.drawing);
    free_samples(b.samples, b.n_tasks * b.n);
    free(b.tasks);
    free(b.won);
    return ok ? 0 : 1;
}
