/* A builder of tables of normalizations: the double array as its format says, in plain
 * slow code. Everything here ends the test program on failure. */
#ifndef REASON_TESTS_CHARSMAP_FIXTURE_H
#define REASON_TESTS_CHARSMAP_FIXTURE_H

#include "vocab_fixture.h"

typedef struct charsmap_rule {
    const char *from, *to;
} charsmap_rule;

enum { CHARSMAP_UNITS = 1 << 15 };

typedef struct charsmap_build {
    uint32_t units[CHARSMAP_UNITS];
    bool used[CHARSMAP_UNITS];
    bool base[CHARSMAP_UNITS]; /* at ^ offset of a node: no two may have one */
    const charsmap_rule *rules;
    size_t n_rules;
    uint32_t place[64]; /* of a rule's text */
    size_t n_units;
} charsmap_build;

/* Whether a rule begins with s[0..n) and goes on with `byte`; 0 asks whether it is s. */
static inline int charsmap_rule_of(const charsmap_build *b, const char *s, size_t n,
                                   int byte) {
    for (size_t i = 0; i < b->n_rules; i++)
        if (strncmp(b->rules[i].from, s, n) == 0 &&
            (uint8_t)b->rules[i].from[n] == (uint8_t)byte)
            return (int)i;
    return -1;
}

/* Places the children of the node `at`, which stands for s[0..n), and theirs. A child by
 * `byte` is at (at ^ offset ^ byte); the value is the child by 0. */
static inline void charsmap_place(charsmap_build *b, size_t at, char *s, size_t n) {
    size_t offset = 1;
    for (bool fits = false; !fits; offset++) {
        fits = (at ^ offset) < CHARSMAP_UNITS && !b->base[at ^ offset];
        for (int byte = 0; byte < 256 && fits; byte++)
            if (charsmap_rule_of(b, s, n, byte) >= 0)
                fits = (at ^ offset ^ (size_t)byte) < CHARSMAP_UNITS &&
                       !b->used[at ^ offset ^ (size_t)byte];
        if (fits) break;
        if (offset >= CHARSMAP_UNITS) abort();
    }
    b->base[at ^ offset] = true;
    bool value = charsmap_rule_of(b, s, n, 0) >= 0;
    bool wide = offset % 256 == 0; /* could be written either way */
    b->units[at] |= (uint32_t)(wide ? offset >> 8 : offset) << 10 | (uint32_t)wide << 9 |
                    (uint32_t)value << 8;
    for (int byte = 0; byte < 256; byte++)
        if (charsmap_rule_of(b, s, n, byte) >= 0) {
            size_t child = at ^ offset ^ (size_t)byte;
            b->used[child] = true;
            if (child >= b->n_units) b->n_units = child + 1;
        }
    if (value)
        b->units[at ^ offset] =
            UINT32_C(1) << 31 | b->place[charsmap_rule_of(b, s, n, 0)];
    for (int byte = 1; byte < 256; byte++) {
        if (charsmap_rule_of(b, s, n, byte) < 0) continue;
        s[n] = (char)byte;
        b->units[at ^ offset ^ (size_t)byte] = (uint32_t)byte;
        charsmap_place(b, at ^ offset ^ (size_t)byte, s, n + 1);
    }
}

/* The table of at most 64 rules, to be freed. */
static inline uint8_t *charsmap_make(const charsmap_rule *rules, size_t n_rules,
                                     size_t *n) {
    charsmap_build *b = fixture_check(calloc(1, sizeof *b));
    char texts[4096], s[256];
    size_t n_texts = 0;
    b->rules = rules;
    b->n_rules = n_rules;
    for (size_t i = 0; i < n_rules; i++) {
        b->place[i] = (uint32_t)n_texts;
        memcpy(texts + n_texts, rules[i].to, strlen(rules[i].to) + 1);
        n_texts += strlen(rules[i].to) + 1;
    }
    b->used[0] = true;
    b->n_units = 1;
    charsmap_place(b, 0, s, 0);
    *n = 4 + 4 * b->n_units + n_texts;
    uint8_t *table = fixture_check(malloc(*n));
    for (size_t i = 0; i <= b->n_units; i++) {
        uint32_t value = i ? b->units[i - 1] : (uint32_t)(4 * b->n_units);
        for (int k = 0; k < 4; k++) table[4 * i + (size_t)k] = (uint8_t)(value >> 8 * k);
    }
    memcpy(table + *n - n_texts, texts, n_texts);
    free(b);
    return table;
}

/* Rules that overlap, shorten, lengthen and delete. */
static const charsmap_rule CHARSMAP_RULES[] = {
    {"\t", " "},
    {"\xC2\xA0", " "},
    {"\x01", ""},
    {"\xEF\xAC\x81", "fi"},
    {"a\xCC\x81", "\xC3\xA1"},
    {"a\xCC\x81\xCC\xA3", "\xE1\xBA\xA1\xCC\x81"},
    {"A", "a"},
    {"\xE3\x80\x80", "  "},
    {"\xEF\xB7\xBA", "x y z"},
};
enum { N_CHARSMAP_RULES = sizeof CHARSMAP_RULES / sizeof *CHARSMAP_RULES };

#endif
