/* Timelines. Owns that tokens and cache go together, and that a guess becomes a token only
 * by being one. Invariant: the cache was filled from exactly tokens[0 .. kv.n); it goes
 * beyond the first n of them only by guesses. */
#include "decode/timeline.h"

#include <string.h>

#include "base/array.h"

reason_status rsn_timeline_init(rsn_timeline *line, const rsn_hparams *hp, size_t n_ctx,
                                const rsn_type_info *type) {
    memset(line, 0, sizeof *line);
    return rsn_kv_init(&line->kv, hp, n_ctx, type);
}

void rsn_timeline_free(rsn_timeline *line) {
    rsn_kv_free(&line->kv);
    rsn_free(line->tokens);
    memset(line, 0, sizeof *line);
}

reason_status rsn_timeline_fork(const rsn_timeline *line, rsn_timeline *fork) {
    memset(fork, 0, sizeof *fork);
    reason_status status = rsn_kv_fork(&line->kv, &fork->kv);
    if (status == REASON_OK)
        status = rsn_timeline_add(fork, line->tokens, line->kv.n);
    if (status != REASON_OK)
        rsn_timeline_free(fork);
    return status;
}

reason_status rsn_timeline_reserve(rsn_timeline *line, size_t n) {
    reason_status status = rsn_kv_reserve(&line->kv, n);
    return status == REASON_OK ? RSN_GROW(&line->tokens, &line->cap, n) : status;
}

reason_status rsn_timeline_add(rsn_timeline *line, const int32_t *tokens, size_t n) {
    if (line->n_ahead > 0)
        rsn_timeline_truncate(line, line->n);
    reason_status status = RSN_GROW(&line->tokens, &line->cap, line->n + n);
    if (status != REASON_OK || n == 0)
        return status;
    memcpy(line->tokens + line->n, tokens, n * sizeof *tokens);
    line->n += n;
    return REASON_OK;
}

void rsn_timeline_truncate(rsn_timeline *line, size_t n) {
    line->n = n < line->n ? n : line->n;
    line->n_ahead = 0;
    line->kv.n = line->n < line->kv.n ? line->n : line->kv.n;
}

reason_status rsn_timeline_guess(rsn_timeline *line, const int32_t *guesses, size_t n) {
    size_t own = line->n;
    reason_status status = rsn_timeline_add(line, guesses, n);
    if (status == REASON_OK)
        line->n_ahead = n;
    line->n = own;
    return status;
}

bool rsn_timeline_meet(rsn_timeline *line, int32_t token) {
    bool is_run = line->n_ahead > 0 && line->kv.n > line->n;
    if (!is_run || line->tokens[line->n] != token) {
        rsn_timeline_truncate(line, line->n);
        return false;
    }
    line->n++;
    line->n_ahead--;
    return true;
}

size_t rsn_timeline_match(const rsn_timeline *line, const int32_t *tokens, size_t n) {
    return rsn_same_tokens(line->tokens, tokens, n < line->kv.n ? n : line->kv.n);
}
