/* Several sessions at once: a token to each, in one forward pass. Owns that either all of
 * them move on or none. Left to the forward pass: that a session's logits do not depend on
 * those beside it. Invariant: the pool is taken once, after every session was claimed. */
#include "decode/sessions.h"

#include "base/array.h"

/* Those that were claimed are given back if one cannot be. */
static reason_status enter(rsn_session *const *s, size_t n) {
    for (size_t i = 0; i < n; i++) {
        reason_status status = rsn_session_claim(s[i]);
        if (status == REASON_OK)
            continue;
        while (i-- > 0)
            rsn_session_release(s[i]);
        return status;
    }
    rsn_pool_enter(s[0]->pool);
    s[0]->fpstate = rsn_fpstate_enter();
    return REASON_OK;
}

static void leave(rsn_session *const *s, size_t n) {
    rsn_fpstate_leave(s[0]->fpstate);
    rsn_pool_leave(s[0]->pool);
    for (size_t i = n; i-- > 0;)
        rsn_session_release(s[i]);
}

static reason_status check(rsn_session *const *s, const int32_t *tokens, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (s[i]->model != s[0]->model || s[i]->pool != s[0]->pool)
            return rsn_fail(REASON_ERR_INVALID_ARG,
                            "session %zu has another model or pool than session 0: all "
                            "must share both",
                            i);
        reason_status status = rsn_session_check(s[i], &tokens[i], 1);
        if (status != REASON_OK)
            return status;
    }
    return REASON_OK;
}

/* Room for every token, then the tokens, which cannot fail any more, and their runs. */
static reason_status prepare(rsn_session *const *s, const int32_t *tokens, size_t n,
                             rsn_want want) {
    reason_status status = RSN_GROW(&s[0]->runs, &s[0]->runs_cap, n);
    for (size_t i = 0; i < n && status == REASON_OK; i++)
        status = rsn_timeline_reserve(&s[i]->line, s[i]->line.n + 1);
    for (size_t i = 0; i < n && status == REASON_OK; i++) {
        status = rsn_timeline_add(&s[i]->line, &tokens[i], 1);
        s[0]->runs[i] = (rsn_run){
            .kv = &s[i]->line.kv, .tokens = &tokens[i], .n = 1, .want = want};
        s[i]->watched =
            (rsn_cancel){NULL, &s[i]->cancel, i + 1 < n ? &s[i + 1]->watched : NULL};
    }
    return status;
}

static reason_status run(rsn_session *const *s, size_t n, float *logits) {
    rsn_session *first = s[0];
    reason_status status = REASON_OK;
    size_t chunk = first->setup.n_chunk;
    for (size_t at = 0; at < n && status == REASON_OK; at += chunk) {
        const rsn_step step = {
            .model = first->model,
            .runs = first->runs + at,
            .n_runs = n - at < chunk ? n - at : chunk,
            .logits = logits ? logits + at * first->model->hp.n_vocab : NULL,
            .pool = first->pool,
            .cancel = &first->watched,
            .scratch = &first->scratch};
        status = first->model->arch->forward(&step);
    }
    for (size_t i = 0; status != REASON_OK && i < n; i++)
        rsn_timeline_truncate(&s[i]->line, s[i]->line.n - 1);
    return status;
}

reason_status rsn_sessions_append(rsn_session *const *sessions, const int32_t *tokens,
                                  size_t n, float *logits) {
    reason_status status = enter(sessions, n);
    if (status != REASON_OK)
        return status;
    status = check(sessions, tokens, n);
    if (status == REASON_OK && logits)
        status = rsn_logits_check(sessions[0]->model);
    if (status == REASON_OK)
        status = prepare(sessions, tokens, n, logits ? RSN_WANT_LAST : RSN_WANT_NONE);
    if (status == REASON_OK)
        status = run(sessions, n, logits);
    leave(sessions, n);
    return status;
}
