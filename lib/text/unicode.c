/* Owns the mapping of characters to classes; the tables themselves are utf8proc's. What
 * the classes are good for is left to the pre-tokenizers. Invariant: every byte string is
 * a sequence of classed parts that cover it, and no part is longer than 4 bytes. */
#include "text/unicode.h"

#include <utf8proc.h>

#include "base/utf8.h"

/* White_Space is the separators of utf8proc plus six controls; U+180E and U+200B are not
 * in it. */
rsn_unicode rsn_unicode_class(int32_t cp) {
    if ((cp >= 0x09 && cp <= 0x0D) || cp == 0x85) return RSN_UNICODE_SPACE;
    switch (utf8proc_category(cp)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
        return RSN_UNICODE_LETTER;
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
        return RSN_UNICODE_NUMBER;
    case UTF8PROC_CATEGORY_ZS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
        return RSN_UNICODE_SPACE;
    default:
        return RSN_UNICODE_OTHER;
    }
}

static rsn_unicode classify_ascii(unsigned char c) {
    unsigned char low = c | 0x20;
    if (low >= 'a' && low <= 'z') return RSN_UNICODE_LETTER;
    if (c == ' ' || (c >= 0x09 && c <= 0x0D)) return RSN_UNICODE_SPACE;
    return c >= '0' && c <= '9' ? RSN_UNICODE_NUMBER : RSN_UNICODE_OTHER;
}

size_t rsn_unicode_next(const char *s, size_t n, rsn_unicode *kind) {
    unsigned char c = (unsigned char)s[0];
    if (c < 0x80) {
        *kind = classify_ascii(c);
        return 1;
    }
    int32_t cp;
    size_t len = rsn_utf8_decode(s, n, &cp);
    *kind = rsn_unicode_class(cp);
    /* The maximal invalid part can be three bytes; here each of them stands alone. */
    return cp < 0 ? 1 : len;
}
