/* Owns the expressions that divide a text into words, numbers, symbols and white space;
 * which pre-tokenizer uses which is pretokenize.c's. Invariant: beyond a piece's end at
 * most a run of white space or of upper case letters is read; a run of white space makes
 * at most three pieces, one of upper case letters two, so time is linear in the text. */
#include <string.h>

#include "text/split.h"

/* The end of the run of classes `kinds` from `at` on, after at most `max` characters. */
static size_t skip_run(const char *s, size_t n, size_t at, unsigned kinds, size_t max) {
    for (size_t i = 0; i < max && at < n; i++) {
        rsn_unicode found;
        size_t len = rsn_unicode_next(s + at, n - at, &found);
        if (!(found & kinds)) break;
        at += len;
    }
    return at;
}

static bool is_newline(char c) {
    return c == '\n' || c == '\r';
}

static size_t skip_tail(const char *s, size_t n, size_t at, const char *tail) {
    while (at < n && s[at] && strchr(tail, s[at])) at++;
    return at;
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
size_t rsn_split_gpt2(const rsn_split *sp, const char *s, size_t n, size_t at) {
    size_t len = match_contraction(s + at, n - at, false);
    if (len) return at + len;
    rsn_unicode kind = peek(s, n, at);
    size_t from = at;
    (void)sp;
    if (s[at] == ' ') kind = peek(s, n, ++from);
    if (kind == RSN_UNICODE_SPACE) return cut_space(s, n, at, false);
    unsigned run = kind & RSN_UNICODE_LETTER  ? RSN_UNICODE_LETTER
              : kind & RSN_UNICODE_OTHER ? RSN_UNICODE_OTHER
                                         : RSN_UNICODE_NUMBER;
    return skip_run(s, n, from, run, SIZE_MAX);
}

/* What follows words and numbers in the expressions of this family, X being what is in
 * none of \s, \p{N} and the letters: ` ?X+[tail]*|\s*[\r\n]+|\s+(?!\S)|\s+`. */
static size_t cut_symbols(const char *s, size_t n, size_t at, unsigned others,
                          const char *tail) {
    size_t from = at + (s[at] == ' ');
    size_t end = skip_run(s, n, from, others, SIZE_MAX);
    if (end == from) return cut_space(s, n, at, true);
    return skip_tail(s, n, end, tail);
}

/* (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[letters]+|\p{N}{1,max_digits}
 * | ?[^\s\p{N}letters]+[tail]*|\s*[\r\n]+|\s+(?!\S)|\s+ */
size_t rsn_split_lines(const rsn_split *sp, const char *s, size_t n, size_t at) {
    size_t len = match_contraction(s + at, n - at, true);
    if (len) return at + len;
    rsn_unicode kind;
    size_t next = at + rsn_unicode_next(s + at, n - at, &kind);
    if (kind & sp->letters) return skip_run(s, n, next, sp->letters, SIZE_MAX);
    if (kind == RSN_UNICODE_NUMBER) return skip_run(s, n, at, kind, sp->max_digits);
    if (!is_newline(s[at]) && (peek(s, n, next) & sp->letters))
        return skip_run(s, n, next, sp->letters, SIZE_MAX);
    return cut_symbols(s, n, at, RSN_UNICODE_OTHER & ~sp->letters, sp->tail);
}

enum {
    CASED_HEAD = RSN_UNICODE_UPPER | RSN_UNICODE_UNCASED | RSN_UNICODE_MARK,
    CASED_BODY = RSN_UNICODE_LOWER | RSN_UNICODE_UNCASED | RSN_UNICODE_MARK
};

/* H*B+, for H = CASED_HEAD and B = CASED_BODY: the end of the longest run of H is where B
 * begins; if none comes there, the last character of the run that is a B as well must do.
 * Returns `at` if there is none, and *head is the end of the run. */
static size_t match_capitals(const char *s, size_t n, size_t at, size_t *head) {
    size_t body = at, end = at;
    while (end < n) {
        rsn_unicode kind;
        size_t len = rsn_unicode_next(s + end, n - end, &kind);
        if (!(kind & CASED_HEAD)) break;
        end += len;
        if (kind & CASED_BODY) body = end;
    }
    *head = end;
    size_t lower = skip_run(s, n, end, CASED_BODY, SIZE_MAX);
    return lower > end ? lower : body;
}

/* [^\r\n\p{L}\p{N}]?H*B+ or, if that is not there, [^\r\n\p{L}\p{N}]?H+B*; `at` if
 * neither. A mark can stand for the first part or for one of the others, and does the
 * latter if nothing else would. */
static size_t match_cased(const char *s, size_t n, size_t at) {
    rsn_unicode kind;
    size_t next = at + rsn_unicode_next(s + at, n - at, &kind), head, end;
    if (kind & RSN_UNICODE_LETTER) {
        end = match_capitals(s, n, at, &head);
        return end > at ? end : head;
    }
    if (kind == RSN_UNICODE_NUMBER || is_newline(s[at])) return at;
    end = match_capitals(s, n, next, &head);
    if (end > next) return end;
    if (kind == RSN_UNICODE_MARK) return next;
    return head > next ? head : at;
}

/* match_cased() with (?i:'s|'t|'re|'ve|'m|'ll|'d)? behind it if there are `contractions`,
 * then \p{N}{1,max_digits}| ?[^\s\p{L}\p{N}]+[tail]*|\s*[\r\n]+|\s+(?!\S)|\s+ */
size_t rsn_split_cased(const rsn_split *sp, const char *s, size_t n, size_t at) {
    size_t end = match_cased(s, n, at);
    if (end > at)
        return end + (sp->contractions ? match_contraction(s + end, n - end, true) : 0);
    end = skip_run(s, n, at, RSN_UNICODE_NUMBER, sp->max_digits);
    if (end > at) return end;
    return cut_symbols(s, n, at, RSN_UNICODE_OTHER, sp->tail);
}

static bool is_ascii_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* [!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+
 * | ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+ */
static size_t match_deepseek3(const rsn_split *sp, const char *s, size_t n, size_t at) {
    enum {
        WORD = RSN_UNICODE_LETTER | RSN_UNICODE_MARK,
        SIGN = RSN_UNICODE_PUNCTUATION | RSN_UNICODE_SYMBOL
    };
    rsn_unicode kind;
    size_t next = at + rsn_unicode_next(s + at, n - at, &kind);
    (void)sp;
    if ((kind & SIGN) && !(s[at] & 0x80) && next < n && is_ascii_letter(s[next])) {
        while (next < n && is_ascii_letter(s[next])) next++;
        return next;
    }
    if (kind & WORD) return skip_run(s, n, next, WORD, SIZE_MAX);
    if (!(kind & SIGN) && !is_newline(s[at]) && (peek(s, n, next) & WORD))
        return skip_run(s, n, next, WORD, SIZE_MAX);
    size_t from = at + (s[at] == ' ');
    size_t end = skip_run(s, n, from, SIGN, SIZE_MAX);
    if (end > from) return skip_tail(s, n, end, "\r\n");
    return kind == RSN_UNICODE_SPACE ? cut_space(s, n, at, true) : at;
}

size_t rsn_split_deepseek3(const rsn_split *sp, const char *s, size_t n, size_t at) {
    return rsn_split_gap(match_deepseek3, sp, s, n, at);
}
