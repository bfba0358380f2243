/* The classes of characters that pre-tokenizers ask for, as Unicode defines them: general
 * categories, and white space (White_Space), which comes before them. A class is one bit,
 * so a set of classes is a number. */
#ifndef REASON_TEXT_UNICODE_H
#define REASON_TEXT_UNICODE_H

#include <stddef.h>
#include <stdint.h>

typedef enum rsn_unicode {
    RSN_UNICODE_UPPER = 1,        /* Lu, Lt */
    RSN_UNICODE_LOWER = 2,        /* Ll */
    RSN_UNICODE_UNCASED = 4,      /* Lm, Lo */
    RSN_UNICODE_MARK = 8,         /* M */
    RSN_UNICODE_NUMBER = 16,      /* N */
    RSN_UNICODE_SPACE = 32,       /* White_Space */
    RSN_UNICODE_PUNCTUATION = 64, /* P */
    RSN_UNICODE_SYMBOL = 128,     /* S */
    RSN_UNICODE_REST = 256,       /* controls, formats, unassigned, no character */

    /* Sets. */
    RSN_UNICODE_LETTER = RSN_UNICODE_UPPER | RSN_UNICODE_LOWER | RSN_UNICODE_UNCASED,
    RSN_UNICODE_OTHER = RSN_UNICODE_MARK | RSN_UNICODE_PUNCTUATION | RSN_UNICODE_SYMBOL |
                        RSN_UNICODE_REST, /* neither letter, number nor space */
    RSN_UNICODE_ANY = 511
} rsn_unicode;

/* The class of a character; any number that is none (-1, surrogates) is REST. */
rsn_unicode rsn_unicode_class(int32_t cp);

extern const uint16_t rsn_unicode_ascii[128]; /* rsn_unicode_next()'s own */
size_t rsn_unicode_next_wide(const char *s, size_t n, rsn_unicode *kind);

/* The class of what begins at s[0], n >= 1, and its length. A byte that begins no whole
 * character is one SYMBOL of its own, as U+FFFD would be. */
static inline size_t rsn_unicode_next(const char *s, size_t n, rsn_unicode *kind) {
    unsigned char c = (unsigned char)s[0];
    if (c >= 0x80) return rsn_unicode_next_wide(s, n, kind);
    *kind = (rsn_unicode)rsn_unicode_ascii[c];
    return 1;
}

#endif
