/* Owns the byte alphabet of GPT-2's vocabulary, which every byte-level vocabulary has
 * taken over. Invariant: the 256 spellings are different, so a spelling decodes in one
 * way or not at all. */
#include "text/byte_level.h"

/* The byte that cp stands for, -1 if it stands for none. */
static int decode_char(unsigned cp) {
    if (cp >= 0x21 && cp <= 0x7E) return (int)cp;
    if (cp >= 0xA1 && cp <= 0xFF && cp != 0xAD) return (int)cp;
    if (cp >= 0x100 && cp <= 0x120) return (int)(cp - 0x100);        /* 0x00 .. 0x20 */
    if (cp >= 0x121 && cp <= 0x142) return (int)(cp - 0x121 + 0x7F); /* 0x7F .. 0xA0 */
    return cp == 0x143 ? 0xAD : -1;
}

size_t rsn_byte_level_next(const char *s, size_t n, uint8_t *byte) {
    unsigned cp = (unsigned char)s[0];
    size_t len = 1;
    if (cp >= 0x80) {
        /* U+0080 .. U+017F in UTF-8; the alphabet has nothing beyond. */
        unsigned tail = n > 1 ? (unsigned char)s[1] : 0;
        if (cp < 0xC2 || cp > 0xC5 || (tail & 0xC0) != 0x80) return 0;
        cp = (cp & 0x1F) << 6 | (tail & 0x3F);
        len = 2;
    }
    int value = decode_char(cp);
    if (value < 0) return 0;
    *byte = (uint8_t)value;
    return len;
}

bool rsn_byte_level_decode(const char *s, size_t n, char *out, size_t *n_out) {
    size_t made = 0;
    for (size_t at = 0; at < n;) {
        uint8_t byte;
        size_t len = rsn_byte_level_next(s + at, n - at, &byte);
        if (len == 0) {
            *n_out = made;
            return false;
        }
        out[made++] = (char)byte;
        at += len;
    }
    *n_out = made;
    return true;
}
