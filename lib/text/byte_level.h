/* The spelling of bytes in byte-level vocabularies: 256 printable characters, one per
 * byte. The printable bytes of Latin-1 stand for themselves, the 68 others for U+0100
 * upwards in order. */
#ifndef REASON_TEXT_BYTE_LEVEL_H
#define REASON_TEXT_BYTE_LEVEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Reads the character at s[0..n), n >= 1. Returns its length and the byte it stands for,
 * or 0 if it stands for none. */
size_t rsn_byte_level_next(const char *s, size_t n, uint8_t *byte);

/* Turns the spelling s[0..n) into bytes, at most n of them; out may be s. False if a
 * character stands for no byte; *n_out is then the number of bytes before it. */
bool rsn_byte_level_decode(const char *s, size_t n, char *out, size_t *n_out);

#endif
