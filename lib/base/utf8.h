/* UTF-8 as Unicode defines it: over-long forms, surrogates and values above 0x10FFFF are
 * invalid; each maximal invalid part stands for one U+FFFD. */
#ifndef REASON_BASE_UTF8_H
#define REASON_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Decodes one character of s[0..n), n >= 1. Returns how many bytes it took (>= 1); *cp is
 * the character, or -1 for an invalid part. */
size_t rsn_utf8_decode(const char *s, size_t n, int32_t *cp);
/* Writes cp as UTF-8 into out[4]; returns the length, 0 if cp is no character. */
size_t rsn_utf8_encode(int32_t cp, char *out);
/* Whether s[0..n) is valid; if not, *bad is the offset of the first invalid byte. */
bool rsn_utf8_valid(const char *s, size_t n, size_t *bad);
/* How many bytes at the end of s[0..n) are a character that is begun but not complete
 * (0..3). */
size_t rsn_utf8_open_tail(const char *s, size_t n);

#endif
