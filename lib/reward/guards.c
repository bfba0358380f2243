/* Guards. Owns what is counted in a response. Invariant: only the response's own text
 * counts, so that the same one has the same guards behind every prompt that leaves thought
 * open, and behind every other one. */
#include "reward/guards.h"

#include <string.h>

#include "base/array.h"

static const char *find(rsn_text in, rsn_text what) {
    return what.n > 0 && in.n >= what.n ? memmem(in.data, in.n, what.data, what.n) : NULL;
}

static rsn_text between(const char *from, const char *to) {
    return (rsn_text){from, (size_t)(to - from)};
}

rsn_parts rsn_parts_of(const rsn_tags *tags, rsn_text text, bool open) {
    const char *end = text.data + text.n;
    const char *first = find(text, tags->open), *close = find(text, tags->close);
    rsn_parts p = {.thought = {text.data, 0}, .answer = text, .closed = true};
    /* A closing tag alone ends a thought that was begun before. */
    p.has_thought = open || first || close;
    if (!p.has_thought)
        return p;
    bool begins = first && (!close || first < close);
    const char *from = begins ? first + tags->open.n : text.data;
    p.closed = close != NULL;
    p.thought = between(from, close ? close : end);
    p.answer = close ? between(close + tags->close.n, end) : between(end, end);
    return p;
}

static bool is_blank(rsn_text text) {
    for (size_t i = 0; i < text.n; i++)
        if (!strchr(" \t\r\n", text.data[i]) || text.data[i] == '\0')
            return false;
    return true;
}

static reason_status count_tokens(const rsn_model *model, rsn_text text, size_t *n) {
    rsn_vocab_ids ids = {0};
    reason_status status =
        rsn_vocab_encode(model->vocab, text.data, text.n,
                         REASON_TOKENS_SPECIAL | RSN_VOCAB_GOES_ON, &ids);
    *n = ids.n;
    rsn_free(ids.items);
    return status;
}

/* --- repetition ---------------------------------------------------------------------- */

static size_t hash_run(const int32_t *run) {
    uint64_t hash = UINT64_C(0xCBF29CE484222325);
    for (size_t i = 0; i < RSN_REPEATED_RUN; i++)
        hash = (hash ^ (uint32_t)run[i]) * UINT64_C(0x100000001B3);
    return (size_t)(hash ^ hash >> 32);
}

/* A table of places by the run that stands there; 0: empty, else place + 1. */
static size_t count_different(const int32_t *ids, size_t n_runs, uint32_t *table,
                              size_t n_table) {
    size_t different = 0;
    for (size_t i = 0; i < n_runs; i++) {
        size_t at = hash_run(ids + i) & (n_table - 1);
        while (table[at] != 0 && memcmp(ids + table[at] - 1, ids + i,
                                        RSN_REPEATED_RUN * sizeof *ids) != 0)
            at = (at + 1) & (n_table - 1);
        if (table[at] != 0)
            continue;
        table[at] = (uint32_t)i + 1;
        different++;
    }
    return different;
}

static reason_status measure_repetition(const rsn_vocab_ids *ids, double *repeated) {
    *repeated = 0;
    if (ids->n < RSN_REPEATED_RUN)
        return REASON_OK;
    size_t n_runs = ids->n - RSN_REPEATED_RUN + 1, n_table = 8;
    while (n_table < 2 * n_runs)
        n_table *= 2;
    uint32_t *table = rsn_calloc2(n_table, sizeof *table);
    if (!table)
        return REASON_ERR_NO_MEMORY;
    *repeated = 1 - (double)count_different(ids->items, n_runs, table, n_table) /
                        (double)n_runs;
    rsn_free(table);
    return REASON_OK;
}

reason_status rsn_guards_look(const rsn_model *model, rsn_text text, bool open,
                              rsn_guards *g) {
    rsn_parts parts = rsn_parts_of(&model->tags, text, open);
    rsn_vocab_ids ids = {0};
    *g = (rsn_guards){
        .n_bytes = text.n, .closed = parts.closed, .has_answer = !is_blank(parts.answer)};
    reason_status status =
        rsn_vocab_encode(model->vocab, text.data, text.n,
                         REASON_TOKENS_SPECIAL | RSN_VOCAB_GOES_ON, &ids);
    g->n_tokens = ids.n;
    for (size_t i = 0; i < ids.n; i++)
        g->n_control += rsn_vocab_is_control(model->vocab, ids.items[i]);
    if (status == REASON_OK)
        status = measure_repetition(&ids, &g->repeated);
    rsn_free(ids.items);
    if (status == REASON_OK)
        status = count_tokens(model, parts.thought, &g->n_thinking);
    if (status == REASON_OK)
        status = count_tokens(model, parts.answer, &g->n_answer);
    return status;
}
