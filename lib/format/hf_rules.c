/* Owns the step from scores to rules. A text merges by scores where any two neighbours
 * that make a token together may merge, the best token first; rules of all pairs, in that
 * order, do the same but for runs of one character, where ways to make one token compete.
 * Invariant: parts and result of a rule are tokens that text becomes. */
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "format/hf_write.h"

typedef struct rule {
    float score; /* of the token that it makes */
    uint32_t made, left, right;
} rule;

static int by_score(const void *a, const void *b) {
    const rule *x = a, *y = b;
    if (x->score > y->score || x->score < y->score)
        return x->score > y->score ? -1 : 1;
    if (x->made != y->made)
        return x->made < y->made ? -1 : 1;
    if (x->left != y->left)
        return x->left < y->left ? -1 : 1;
    return (x->right > y->right) - (x->right < y->right);
}

static bool merges(const rsn_hf_writing *w, size_t id) {
    return id < w->n_written && rsn_hf_type(w, id) == RSN_HF_NORMAL;
}

static reason_status list_rules(const rsn_hf_writing *w, rule **rules, size_t *n) {
    size_t cap = 0;
    for (size_t id = 0; id < w->n_written; id++) {
        rsn_text token = w->tokens[id];
        if (!merges(w, id) || rsn_hf_find(w, token) != id)
            continue;
        for (size_t at = 1; at < token.n; at++) {
            if (((unsigned char)token.data[at] & 0xC0) == 0x80)
                continue; /* within a character */
            size_t left = rsn_hf_find(w, (rsn_text){token.data, at});
            size_t right = rsn_hf_find(w, (rsn_text){token.data + at, token.n - at});
            if (!merges(w, left) || !merges(w, right))
                continue;
            reason_status status = RSN_GROW(rules, &cap, *n + 1);
            if (status != REASON_OK)
                return status;
            (*rules)[(*n)++] = (rule){w->scores[id], (uint32_t)id, (uint32_t)left,
                                      (uint32_t)right};
        }
    }
    return REASON_OK;
}

static reason_status spell_rules(rsn_hf_writing *w, const rule *rules, size_t n) {
    rsn_text *texts = rsn_arena_calloc2(&w->arena, n, sizeof *texts);
    if (!texts)
        return REASON_ERR_NO_MEMORY;
    for (size_t i = 0; i < n; i++) {
        rsn_text left = w->tokens[rules[i].left], right = w->tokens[rules[i].right];
        size_t size = left.n + 1 + right.n;
        char *text = rsn_arena_alloc(&w->arena, size);
        if (!text)
            return REASON_ERR_NO_MEMORY;
        memcpy(text, left.data, left.n);
        text[left.n] = ' ';
        memcpy(text + left.n + 1, right.data, right.n);
        texts[i] = (rsn_text){text, size};
    }
    w->merges = texts;
    w->n_merges = n;
    return REASON_OK;
}

reason_status rsn_hf_make_rules(rsn_hf_writing *w) {
    rule *rules = NULL;
    size_t n = 0;
    reason_status status = list_rules(w, &rules, &n);
    if (status == REASON_OK && n)
        qsort(rules, n, sizeof *rules, by_score);
    if (status == REASON_OK)
        status = spell_rules(w, rules, n);
    rsn_free(rules);
    return status;
}
