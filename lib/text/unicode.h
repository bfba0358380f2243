/* The three classes of characters that pre-tokenizers ask for, as Unicode defines them:
 * letters (general category L), numbers (N) and white space (White_Space). */
#ifndef REASON_TEXT_UNICODE_H
#define REASON_TEXT_UNICODE_H

#include <stddef.h>
#include <stdint.h>

typedef enum rsn_unicode {
    RSN_UNICODE_OTHER = 0,
    RSN_UNICODE_LETTER,
    RSN_UNICODE_NUMBER,
    RSN_UNICODE_SPACE
} rsn_unicode;

/* The class of a character; any number that is none (-1, surrogates) is OTHER. */
rsn_unicode rsn_unicode_class(int32_t cp);

/* The class of what begins at s[0], n >= 1, and its length. A byte that begins no whole
 * character is one OTHER of its own. */
size_t rsn_unicode_next(const char *s, size_t n, rsn_unicode *kind);

#endif
