/* Owns the expressions that take runs of a set of characters out of a text, and what lies
 * between matches. Invariant: at a position no more is read than a match and one
 * character, so time is linear in the text. */
#include "base/utf8.h"
#include "text/split.h"

size_t rsn_split_gap(rsn_split_match match, const rsn_split *sp, const char *s, size_t n,
                     size_t at) {
    size_t end = match(sp, s, n, at);
    if (end > at) return end;
    do {
        rsn_unicode kind;
        at += rsn_unicode_next(s + at, n - at, &kind);
    } while (at < n && match(sp, s, n, at) == at);
    return at;
}

static bool in_ranges(const rsn_char_set *set, int32_t cp) {
    size_t low = 0, high = set->n_ranges;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (cp > set->ranges[middle][1]) {
            low = middle + 1;
        } else if (cp < set->ranges[middle][0]) {
            high = middle;
        } else {
            return true;
        }
    }
    return false;
}

/* The length of what begins at `at`, and whether the set has it. */
static size_t next_in_set(const rsn_char_set *set, const char *s, size_t n, size_t at,
                          rsn_unicode *kind, bool *in) {
    size_t len = rsn_unicode_next(s + at, n - at, kind);
    *in = (*kind & set->classes) != 0;
    if (!*in && set->n_ranges) {
        int32_t cp;
        (void)rsn_utf8_decode(s + at, n - at, &cp); /* -1 is in no range */
        *in = in_ranges(set, cp);
    }
    return len;
}

static size_t match_run(const rsn_split *sp, const char *s, size_t n, size_t at) {
    size_t end = at, length = 0;
    while (end < n && length < sp->max) {
        rsn_unicode kind;
        bool in;
        size_t len = next_in_set(&sp->set, s, n, end, &kind, &in);
        /* \s? takes the first one; if it is of the set too, the run is the same. */
        bool before = !in && end == at && sp->space && kind == RSN_UNICODE_SPACE;
        if (!in && !before) break;
        end += len;
        length += in;
    }
    return length < sp->min ? at : end;
}

/* \s?[set]{min,max} with `space`, [set]{min,max} without. */
size_t rsn_split_runs(const rsn_split *sp, const char *s, size_t n, size_t at) {
    return rsn_split_gap(match_run, sp, s, n, at);
}

/* \s+$ with $ the end of the text only. */
size_t rsn_split_trailing(const rsn_split *sp, const char *s, size_t n, size_t at) {
    size_t from = n;
    (void)sp;
    for (size_t i = at; i < n;) {
        rsn_unicode kind;
        size_t len = rsn_unicode_next(s + i, n - i, &kind);
        if (kind != RSN_UNICODE_SPACE) {
            from = n;
        } else if (from == n) {
            from = i;
        }
        i += len;
    }
    return from > at ? from : n;
}
