/* Owns the reading and writing of UTF-8; what to do about invalid text is left to the
 * caller. Invariant: bytes are taken exactly as in table 3-7 of the Unicode standard, so
 * an invalid part is the longest start of a character that no byte follows well, or else
 * one byte. */
#include "base/utf8.h"

#include <string.h>

/* What a first byte promises: the length of its character (0: none begins so) and the
 * range of the second byte, which is what keeps out over-long forms, surrogates and too
 * large values. */
typedef struct lead {
    unsigned n;
    uint8_t low, high;
    int32_t bits;
} lead;

static lead read_lead(uint8_t c) {
    if (c < 0x80) return (lead){1, 0, 0, c};
    if (c < 0xC2 || c > 0xF4) return (lead){0, 0, 0, 0};
    if (c < 0xE0) return (lead){2, 0x80, 0xBF, c & 0x1F};
    if (c == 0xE0) return (lead){3, 0xA0, 0xBF, c & 0x0F};
    if (c == 0xED) return (lead){3, 0x80, 0x9F, c & 0x0F};
    if (c < 0xF0) return (lead){3, 0x80, 0xBF, c & 0x0F};
    if (c == 0xF0) return (lead){4, 0x90, 0xBF, c & 0x07};
    if (c == 0xF4) return (lead){4, 0x80, 0x8F, c & 0x07};
    return (lead){4, 0x80, 0xBF, c & 0x07};
}

/* As rsn_utf8_decode(); *open: the part is invalid only because the text ends there. */
static size_t decode(const char *s, size_t n, int32_t *cp, bool *open) {
    lead first = read_lead((uint8_t)s[0]);
    int32_t value = first.bits;
    uint8_t low = first.low, high = first.high;
    *cp = -1;
    *open = false;
    if (first.n == 0) return 1;
    for (size_t i = 1; i < first.n; i++) {
        if (i == n) {
            *open = true;
            return i;
        }
        uint8_t c = (uint8_t)s[i];
        if (c < low || c > high) return i;
        value = value << 6 | (c & 0x3F);
        low = 0x80;
        high = 0xBF;
    }
    *cp = value;
    return first.n;
}

size_t rsn_utf8_decode(const char *s, size_t n, int32_t *cp) {
    bool open;
    return decode(s, n, cp, &open);
}

size_t rsn_utf8_encode(int32_t cp, char *out) {
    if (cp < 0 || cp > 0x10FFFF || (cp >= 0xD800 && cp <= 0xDFFF)) return 0;
    if (cp < 0x80) {
        out[0] = (char)cp;
        return 1;
    }
    size_t n = cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;
    static const uint8_t marks[] = {0, 0, 0xC0, 0xE0, 0xF0};
    for (size_t i = n - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (cp & 0x3F));
        cp >>= 6;
    }
    out[0] = (char)(marks[n] | cp);
    return n;
}

/* How many bytes at the start are ASCII, counted in whole words: a lower bound. */
static size_t skip_ascii(const char *s, size_t n) {
    size_t at = 0;
    while (n - at >= sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, s + at, sizeof word);
        if (word & UINT64_C(0x8080808080808080)) break;
        at += sizeof word;
    }
    return at;
}

bool rsn_utf8_valid(const char *s, size_t n, size_t *bad) {
    size_t at = 0;
    while (at < n) {
        at += skip_ascii(s + at, n - at);
        if (at == n) break;
        int32_t cp;
        size_t len = rsn_utf8_decode(s + at, n - at, &cp);
        if (cp < 0) {
            if (bad) *bad = at;
            return false;
        }
        at += len;
    }
    return true;
}

size_t rsn_utf8_open_tail(const char *s, size_t n) {
    for (size_t k = 1; k <= 3 && k <= n; k++) {
        int32_t cp;
        bool open;
        if (decode(s + n - k, k, &cp, &open) == k && open) return k;
    }
    return 0;
}
