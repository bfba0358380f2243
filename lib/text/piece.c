/* Owns the spelling of SentencePiece's tokens. Invariant: different spellings that stand
 * for bytes stand for different ones. */
#include "text/piece.h"

#include <string.h>

size_t rsn_piece_next(const char *s, size_t n, uint8_t *byte) {
    if (s[0] == ' ') return 0;
    if (n >= 3 && memcmp(s, "\xE2\x96\x81", 3) == 0) {
        *byte = ' ';
        return 3;
    }
    *byte = (uint8_t)s[0];
    return 1;
}

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int rsn_piece_byte(const char *s, size_t n) {
    if (n != 6 || memcmp(s, "<0x", 3) != 0 || s[5] != '>') return -1;
    int high = hex_digit(s[3]), low = hex_digit(s[4]);
    return high < 0 || low < 0 ? -1 : high << 4 | low;
}

size_t rsn_piece_word(const char *s, size_t n, size_t at) {
    while (at < n && s[at] == ' ') at++;
    const char *space = at < n ? memchr(s + at, ' ', n - at) : NULL;
    return space ? (size_t)(space - s) : n;
}
