/* Figures of an evaluation. Owns means, their errors and intervals over tasks. Left to
 * evaluate.c: what a task's result is. Invariant: a figure is a function of the results
 * alone, added in the order of the tasks, so it does not tell how or in how many runs
 * they came. */
#include "convert/evaluate.h"

#include <math.h>
#include <string.h>

#include "reward/statistics.h"
#include "search/search.h"

/* A task's contribution; NaN: it has none. */
typedef double (*figure_fn)(const rsn_evaluation *e, size_t i);

/* Which tasks count. */
typedef struct choice {
    const char *kind; /* NULL: all */
    int32_t task_size; /* -1: all */
} choice;

static bool is_chosen(const rsn_evaluated *t, const choice *c) {
    return (!c->kind || (t->kind && strcmp(t->kind, c->kind) == 0)) &&
           (c->task_size < 0 || t->task_size == c->task_size);
}

/* One figure of the tasks that count, of b - a; a may be NULL. */
typedef struct column {
    const rsn_evaluation *b, *a;
    const choice *choice;
    figure_fn figure;
} column;

static double value_of(const void *user, size_t i) {
    const column *c = user;
    if (!is_chosen(&c->b->tasks[i], c->choice))
        return (double)NAN;
    return c->figure(c->b, i) - (c->a ? c->figure(c->a, i) : 0);
}

static rsn_mean mean_of(const rsn_evaluation *b, const rsn_evaluation *a, const choice *c,
                        figure_fn figure) {
    const column all = {b, a, c, figure};
    return rsn_mean_of(b->n, value_of, &all);
}

/* --- what a task has ----------------------------------------------------------------- */

static double per_sample(const rsn_evaluation *e, size_t i, uint64_t sum) {
    return (double)sum / (double)e->tasks[i].result.n_samples;
}

static double accuracy(const rsn_evaluation *e, size_t i) {
    return per_sample(e, i, e->tasks[i].result.n_right);
}

static double thinking_tokens(const rsn_evaluation *e, size_t i) {
    return per_sample(e, i, e->tasks[i].result.thinking_tokens);
}

static double answer_tokens(const rsn_evaluation *e, size_t i) {
    return per_sample(e, i, e->tasks[i].result.answer_tokens);
}

static double probe_tokens(const rsn_evaluation *e, size_t i) {
    return per_sample(e, i, e->tasks[i].result.probe_tokens);
}

static double total_tokens(const rsn_evaluation *e, size_t i) {
    return per_sample(e, i, e->tasks[i].result.total_tokens);
}

static double think_rate(const rsn_evaluation *e, size_t i) {
    return per_sample(e, i, e->tasks[i].result.n_thought);
}

static double p_think(const rsn_evaluation *e, size_t i) {
    return e->tasks[i].result.p_think;
}

static double pass_at_k(const rsn_evaluation *e, size_t i) {
    const reason_task_result *r = &e->tasks[i].result;
    return rsn_pass_at_k(r->n_samples, r->n_right, r->n_samples);
}

static double one_sample(const rsn_evaluation *e, size_t i) {
    return e->tasks[i].result.n_samples == 1;
}

/* Whether auto picked the better mode. */
static double hybrid(const rsn_evaluation *e, size_t i) {
    const reason_task_result *r = &e->tasks[i].result;
    double gain = ((double)r->on_right - (double)r->off_right) / (double)r->n_samples;
    bool is_tie = fabs(gain) <= e->margin;
    bool better_on = is_tie ? r->on_tokens < r->off_tokens : gain > 0;
    bool picked_on = 2 * r->n_thought > r->n_samples;
    return e->hybrid ? better_on == picked_on : (double)NAN;
}

/* --- the whole ----------------------------------------------------------------------- */

/* For one sample each the shares are counts, which have no spread where all are alike. */
static void put_accuracy(const rsn_evaluation *e, const choice *c,
                         reason_evaluation_summary *out) {
    rsn_mean m = mean_of(e, NULL, c, accuracy), single = mean_of(e, NULL, c, one_sample);
    out->n = m.n;
    out->accuracy = m.mean;
    out->accuracy_low = fmax(m.mean - RSN_Z95 * m.se, 0);
    out->accuracy_high = fmin(m.mean + RSN_Z95 * m.se, 1);
    if (isnan(m.se))
        out->accuracy_low = out->accuracy_high = (double)NAN;
    if (single.mean == 1)
        rsn_wilson(m.mean, (double)m.n, &out->accuracy_low, &out->accuracy_high);
}

void rsn_evaluation_summary(const rsn_evaluation *e, const char *kind, int32_t task_size,
                            reason_evaluation_summary *out) {
    const choice c = {kind, task_size};
    const struct {
        figure_fn figure;
        double *mean, *se;
    } rows[] = {
        {thinking_tokens, &out->thinking_tokens, &out->thinking_tokens_se},
        {answer_tokens, &out->answer_tokens, &out->answer_tokens_se},
        {probe_tokens, &out->probe_tokens, &out->probe_tokens_se},
        {total_tokens, &out->total_tokens, &out->total_tokens_se},
        {pass_at_k, &out->pass_at_k, NULL},
        {think_rate, &out->think_rate, NULL},
        {p_think, &out->p_think, NULL},
        {hybrid, &out->hybrid_accuracy, NULL},
    };
    put_accuracy(e, &c, out);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        rsn_mean m = mean_of(e, NULL, &c, rows[i].figure);
        *rows[i].mean = m.mean;
        if (rows[i].se)
            *rows[i].se = m.se;
    }
    rsn_wilson(out->hybrid_accuracy, (double)out->n, &out->hybrid_accuracy_low,
               &out->hybrid_accuracy_high);
    out->seconds = e->seconds;
}

static void put_difference(const rsn_evaluation *a, const rsn_evaluation *b,
                           figure_fn figure, double out[3]) {
    const choice all = {NULL, -1};
    rsn_mean m = mean_of(b, a, &all, figure);
    out[0] = m.mean;
    out[1] = m.mean - RSN_Z95 * m.se;
    out[2] = m.mean + RSN_Z95 * m.se;
}

void rsn_evaluation_compare(const rsn_evaluation *a, const rsn_evaluation *b,
                            reason_evaluation_difference *out) {
    double right[3], thinking[3], total[3];
    put_difference(a, b, accuracy, right);
    put_difference(a, b, thinking_tokens, thinking);
    put_difference(a, b, total_tokens, total);
    *out = (reason_evaluation_difference){sizeof *out,
                                          right[0],    right[1],    right[2],
                                          thinking[0], thinking[1], thinking[2],
                                          total[0],    total[1],    total[2]};
}
