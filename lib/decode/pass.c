/* Passes. Owns which waiting tokens go into one, and which rows of logits are whose. */
#include "decode/pass.h"

#include "base/array.h"

typedef struct plan {
    rsn_session *session;
    size_t n_runs, n_rows;
    size_t left[2]; /* tokens that fit: of all kinds, and of long runs */
} plan;

static size_t rows_of(const rsn_run *run) {
    switch (run->want) {
    case RSN_WANT_ALL: return run->n;
    case RSN_WANT_LAST: return 1;
    case RSN_WANT_NONE: break;
    }
    return 0;
}

/* Plans what there is room for, of sequences that wait for one token or of the others. */
static reason_status plan_runs(plan *p, rsn_sequence *const *sequences, size_t n,
                               bool is_long) {
    rsn_session *s = p->session;
    reason_status status = REASON_OK;
    for (size_t i = 0; i < n && status == REASON_OK; i++) {
        rsn_sequence *q = sequences[i];
        rsn_run *run = &s->runs[p->n_runs];
        size_t most = is_long && p->left[1] < p->left[0] ? p->left[1] : p->left[0];
        if ((rsn_timeline_waiting(q->line) > 1) != is_long)
            continue;
        rsn_sequence_run(q, most, run);
        if (run->n == 0)
            continue;
        status = rsn_timeline_reserve(q->line, q->line->kv.n + run->n);
        p->left[0] -= run->n;
        p->left[1] -= is_long ? run->n : 0;
        p->n_runs++;
        p->n_rows += rows_of(run);
    }
    return status;
}

/* The runs' rows, by whose cache they were run into. */
static void give_rows(const plan *p, rsn_sequence *const *sequences, size_t n) {
    const rsn_session *s = p->session;
    const float *rows = s->logits;
    for (size_t r = 0; r < p->n_runs; r++) {
        size_t i = 0;
        while (i < n && &sequences[i]->line->kv != s->runs[r].kv)
            i++;
        size_t n_rows = rows_of(&s->runs[r]);
        if (i < n && n_rows > 0)
            rsn_sequence_given(sequences[i], rows);
        rows += n_rows * s->model->hp.n_vocab;
    }
}

static reason_status plan_pass(plan *p, rsn_session *s, rsn_sequence *const *sequences,
                               size_t n) {
    *p = (plan){.session = s, .left = {s->scratch.n_chunk, s->setup.n_chunk}};
    reason_status status = plan_runs(p, sequences, n, false);
    if (status == REASON_OK)
        status = plan_runs(p, sequences, n, true);
    return status == REASON_OK ? rsn_session_rows(s, p->n_rows) : status;
}

/* false: there were none. */
static bool forget_guesses(rsn_sequence *const *sequences, size_t n) {
    bool any = false;
    for (size_t i = 0; i < n; i++) {
        any = any || sequences[i]->line->n_ahead > 0;
        rsn_timeline_truncate(sequences[i]->line, sequences[i]->line->n);
    }
    return any;
}

reason_status rsn_pass(rsn_session *s, rsn_sequence *const *sequences, size_t n,
                       const rsn_cancel *cancel) {
    plan p = {0};
    reason_status status = RSN_GROW(&s->runs, &s->runs_cap, n + 1);
    if (status == REASON_OK)
        status = plan_pass(&p, s, sequences, n);
    if (status == REASON_ERR_NO_MEMORY && forget_guesses(sequences, n))
        status = plan_pass(&p, s, sequences, n);
    if (status != REASON_OK || p.n_runs == 0)
        return status;
    const rsn_step step = {.model = s->model,
                           .runs = s->runs,
                           .n_runs = p.n_runs,
                           .logits = s->logits,
                           .pool = s->pool,
                           .cancel = cancel,
                           .scratch = &s->scratch};
    status = s->model->arch->forward(&step);
    if (status == REASON_OK)
        give_rows(&p, sequences, n);
    return status;
}
