/* How SentencePiece spells its tokens: U+2581 for a space, "<0x0A>" for a byte. */
#ifndef REASON_TEXT_PIECE_H
#define REASON_TEXT_PIECE_H

#include <stddef.h>
#include <stdint.h>

/* Reads what stands for one byte at s[0..n), n >= 1. Returns its length and the byte; 0
 * for a space, which stands for nothing. */
size_t rsn_piece_next(const char *s, size_t n, uint8_t *byte);

/* The byte that a spelling of six characters like "<0x0A>" (two hexadecimal digits, upper
 * case) stands for, -1 for any other spelling. */
int rsn_piece_byte(const char *s, size_t n);

/* Where the word of s[0..n) at `at` ends: before the first space that follows something
 * else. at < n. */
size_t rsn_piece_word(const char *s, size_t n, size_t at);

#endif
