/* Owns how merge rules are checked and kept. What merges is bpe.c's and spm.c's.
 * Invariant: ranks are 0 .. n - 1, in the order of the rules that are kept; a pair has
 * one rule, the first. */
#include "text/rules.h"

#include <string.h>


/* Checks a line "left right" and gives the place of its one space. */
static reason_status check_rule(rsn_text line, const char *key, size_t index,
                                size_t *space) {
    if (line.n > 2 * RSN_TOKENS_MAX_BYTES + 1)
        return rsn_fail(REASON_ERR_LIMIT,
                        "%s[%zu]: merge of %zu bytes; the limit is %d", key,
                        index, line.n, 2 * RSN_TOKENS_MAX_BYTES + 1);
    const char *at = line.n ? memchr(line.data, ' ', line.n) : NULL;
    *space = at ? (size_t)(at - line.data) : 0;
    if (!at || *space == 0 || *space + 1 == line.n ||
        memchr(at + 1, ' ', line.n - *space - 1))
        return rsn_fail(REASON_ERR_FORMAT,
                        "%s[%zu]: %s; needed are two tokens with one "
                        "space between them",
                        key, index, rsn_quote(line.data, line.n).text);
    return REASON_OK;
}

/* Adds the rule of a line, which buffer is long enough for. Parts and result are tokens
 * that merging may make; a rule that has others could never be used. */
static void add_rule(rsn_rules *r, const rsn_tokens *t, rsn_text line, size_t space,
                     char *buffer) {
    size_t n_left = 0, n_right = 0;
    const rsn_text first = {line.data, space};
    const rsn_text second = {line.data + space + 1, line.n - space - 1};
    if (!rsn_tokens_decode(t, first, buffer, &n_left)) return;
    if (!rsn_tokens_decode(t, second, buffer + n_left, &n_right)) return;
    int32_t merged = rsn_tokens_find_bytes(t, buffer, n_left + n_right);
    if (merged < 0) return;
    int32_t left = rsn_tokens_find_bytes(t, buffer, n_left);
    int32_t right = rsn_tokens_find_bytes(t, buffer + n_left, n_right);
    if (left < 0 || right < 0) return;
    uint32_t rank = (uint32_t)r->n;
    if (rsn_key_map_add(&r->ranks, rsn_rules_key(left, right), rank) == rank)
        r->merged[r->n++] = merged;
}

reason_status rsn_rules_init(rsn_rules *r, const rsn_tokens *tokens,
                             const rsn_text *rules, size_t n, const char *key) {
    *r = (rsn_rules){0};
    if (n > RSN_RULES_MAX)
        return rsn_fail(REASON_ERR_LIMIT, "%s: %zu merges; the limit is %d", key, n,
                        RSN_RULES_MAX);
    reason_status status = rsn_key_map_init(&r->ranks, n, tokens->seed);
    if (status != REASON_OK) return status;
    char *buffer = rsn_alloc(2 * RSN_TOKENS_MAX_BYTES + 1);
    r->merged = rsn_alloc2(n, sizeof *r->merged);
    if (!buffer || !r->merged) status = REASON_ERR_NO_MEMORY;
    for (size_t i = 0; i < n && status == REASON_OK; i++) {
        size_t space = 0;
        status = check_rule(rules[i], key, i, &space);
        if (status == REASON_OK) add_rule(r, tokens, rules[i], space, buffer);
    }
    rsn_free(buffer);
    return status;
}

size_t rsn_rules_held(const rsn_rules *r) {
    return r->merged ? rsn_key_map_held(&r->ranks) + r->n * sizeof *r->merged : 0;
}

void rsn_rules_free(rsn_rules *r) {
    rsn_key_map_free(&r->ranks);
    rsn_free(r->merged);
    *r = (rsn_rules){0};
}
