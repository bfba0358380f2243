/* Owns the mapping of characters to classes; the tables beyond ASCII are utf8proc's. What
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
    case UTF8PROC_CATEGORY_LT: return RSN_UNICODE_UPPER;
    case UTF8PROC_CATEGORY_LL: return RSN_UNICODE_LOWER;
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO: return RSN_UNICODE_UNCASED;
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME: return RSN_UNICODE_MARK;
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO: return RSN_UNICODE_NUMBER;
    case UTF8PROC_CATEGORY_ZS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP: return RSN_UNICODE_SPACE;
    case UTF8PROC_CATEGORY_PC:
    case UTF8PROC_CATEGORY_PD:
    case UTF8PROC_CATEGORY_PS:
    case UTF8PROC_CATEGORY_PE:
    case UTF8PROC_CATEGORY_PI:
    case UTF8PROC_CATEGORY_PF:
    case UTF8PROC_CATEGORY_PO: return RSN_UNICODE_PUNCTUATION;
    case UTF8PROC_CATEGORY_SM:
    case UTF8PROC_CATEGORY_SC:
    case UTF8PROC_CATEGORY_SK:
    case UTF8PROC_CATEGORY_SO: return RSN_UNICODE_SYMBOL;
    default: return RSN_UNICODE_REST;
    }
}

/* The same for ASCII, in the order of the code; most text is made of it. */
#define C RSN_UNICODE_REST
#define W RSN_UNICODE_SPACE
#define P RSN_UNICODE_PUNCTUATION
#define S RSN_UNICODE_SYMBOL
#define N RSN_UNICODE_NUMBER
#define U RSN_UNICODE_UPPER
#define L RSN_UNICODE_LOWER
const uint16_t rsn_unicode_ascii[128] = {
    C, C, C, C, C, C, C, C, C, W, W, W, W, W, C, C, /* controls */
    C, C, C, C, C, C, C, C, C, C, C, C, C, C, C, C, /* controls */
    W, P, P, P, S, P, P, P, P, P, P, S, P, P, P, P, /*  !"#$%&'()*+,-./ */
    N, N, N, N, N, N, N, N, N, N, P, P, S, S, S, P, /* 0123456789:;<=>? */
    P, U, U, U, U, U, U, U, U, U, U, U, U, U, U, U, /* @ABCDEFGHIJKLMNO */
    U, U, U, U, U, U, U, U, U, U, U, P, P, P, S, P, /* PQRSTUVWXYZ[\]^_ */
    S, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, /* `abcdefghijklmno */
    L, L, L, L, L, L, L, L, L, L, L, P, S, P, S, C, /* pqrstuvwxyz{|}~  */
};
#undef C
#undef W
#undef P
#undef S
#undef N
#undef U
#undef L

size_t rsn_unicode_next_wide(const char *s, size_t n, rsn_unicode *kind) {
    int32_t cp;
    size_t len = rsn_utf8_decode(s, n, &cp);
    *kind = cp < 0 ? RSN_UNICODE_SYMBOL : rsn_unicode_class(cp);
    /* The maximal invalid part can be three bytes; here each of them stands alone. */
    return cp < 0 ? 1 : len;
}
