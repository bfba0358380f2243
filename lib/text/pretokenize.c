/* Owns the table of pre-tokenizers and their scanners; classes of characters are
 * unicode.c's, merging is bpe.c's. Invariant: only a run of white space is ever read
 * beyond the piece's end and one character, and such a run makes at most three pieces, so
 * time is linear in the text. */
#include "text/pretokenize.h"

#include <stdint.h>
#include <string.h>

#include "text/unicode.h"

/* The end of the run of class `kind` from `at` on, after at most `max` characters. */
static size_t skip_run(const char *s, size_t n, size_t at, rsn_unicode kind, size_t max) {
    for (size_t i = 0; i < max && at < n; i++) {
        rsn_unicode found;
        size_t len = rsn_unicode_next(s + at, n - at, &found);
        if (found != kind) break;
        at += len;
    }
    return at;
}

static bool is_newline(char c) {
    return c == '\n' || c == '\r';
}

/* The class at `at`, or SPACE at the end of the text: nothing then goes with what is
 * before. */
static rsn_unicode peek(const char *s, size_t n, size_t at) {
    rsn_unicode kind = RSN_UNICODE_SPACE;
    if (at < n) (void)rsn_unicode_next(s + at, n - at, &kind);
    return kind;
}

/* The length of 's 't 're 've 'm 'll 'd at s[0..n), 0 if there is none. With `fold` in
 * any case, and the long s (U+017F, C5 BF), whose simple case folding is s, is an s. */
static size_t match_contraction(const char *s, size_t n, bool fold) {
    if (n < 2 || s[0] != '\'') return 0;
    char a = s[1], b = n > 2 ? s[2] : 0;
    if (fold) {
        if (a == '\xC5' && b == '\xBF') return 3;
        a |= 0x20;
        b |= 0x20;
    }
    if (a == 's' || a == 't' || a == 'm' || a == 'd') return 2;
    if (a == 'r' || a == 'v') return b == 'e' ? 3 : 0;
    return a == 'l' && b == 'l' ? 3 : 0;
}

/* The end of a piece of white space at `at`. With `lines`, `\s*[\r\n]+` comes first: all
 * up to the last line break of the run. Then `\s+(?!\S)|\s+`: the run without its last
 * character, which the text behind may want; all of it at the end of the text or if it is
 * one character. */
static size_t cut_space(const char *s, size_t n, size_t at, bool lines) {
    size_t end = at, last = at, after_line = 0;
    while (end < n) {
        rsn_unicode kind;
        size_t len = rsn_unicode_next(s + end, n - end, &kind);
        if (kind != RSN_UNICODE_SPACE) break;
        last = end;
        end += len;
        if (is_newline(s[last])) after_line = end;
    }
    if (lines && after_line) return after_line;
    return end == n || last == at ? end : last;
}

/* 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+ */
static size_t cut_gpt2(const rsn_pretokenizer *p, const char *s, size_t n, size_t at) {
    size_t len = match_contraction(s + at, n - at, false);
    if (len) return at + len;
    rsn_unicode kind = peek(s, n, at);
    size_t from = at;
    (void)p;
    if (s[at] == ' ') kind = peek(s, n, ++from);
    if (kind == RSN_UNICODE_SPACE) return cut_space(s, n, at, false);
    return skip_run(s, n, from, kind, SIZE_MAX);
}

/* (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,max_digits}
 * | ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+ */
static size_t cut_lines(const rsn_pretokenizer *p, const char *s, size_t n, size_t at) {
    size_t len = match_contraction(s + at, n - at, true);
    if (len) return at + len;
    rsn_unicode kind;
    size_t next = at + rsn_unicode_next(s + at, n - at, &kind);
    if (kind == RSN_UNICODE_LETTER) return skip_run(s, n, next, kind, SIZE_MAX);
    if (kind == RSN_UNICODE_NUMBER) return skip_run(s, n, at, kind, p->max_digits);
    rsn_unicode behind = peek(s, n, next);
    if (behind == RSN_UNICODE_LETTER && !is_newline(s[at]))
        return skip_run(s, n, next, behind, SIZE_MAX);
    if (kind == RSN_UNICODE_SPACE && (s[at] != ' ' || behind != RSN_UNICODE_OTHER))
        return cut_space(s, n, at, true);
    size_t end = skip_run(s, n, next, RSN_UNICODE_OTHER, SIZE_MAX);
    while (end < n && is_newline(s[end])) end++;
    return end;
}

/* "default" is no name here: engines differ in what it means, and a wrong guess costs
 * quality without a sign. */
static const rsn_pretokenizer pretokenizers[] = {
    {"gpt-2", SIZE_MAX, false, false, cut_gpt2},
    {"llama-bpe llama3 llama-v3", 3, true, true, cut_lines},
    {"qwen2 deepseek-r1-qwen", 1, false, false, cut_lines},
};

const rsn_pretokenizer *rsn_pretokenizer_find(const char *name) {
    size_t n = name ? strlen(name) : 0;
    for (size_t i = 0; n && i < sizeof pretokenizers / sizeof *pretokenizers; i++) {
        const char *list = pretokenizers[i].names;
        while (*list) {
            size_t len = strcspn(list, " ");
            if (len == n && memcmp(list, name, n) == 0) return &pretokenizers[i];
            list += len + (list[len] == ' ');
        }
    }
    return NULL;
}
