/* Owns what templates need to know of characters: their case and their classes, as
 * Python's str methods see them. The tables are utf8proc's, but for the few characters
 * whose capital is several characters. Invariant: ASCII is answered without a table,
 * and every number is accepted. */
#include <stdlib.h>
#include <string.h>

#include <utf8proc.h>

#include "base/utf8.h"
#include "text/template_native.h"

/* Characters with more than one capital (SpecialCasing.txt, the unconditional rows),
 * sorted. */
static const struct special {
    uint16_t cp, upper[3], title[3];
} specials[] = {
    {0x00DF, {0x0053, 0x0053}, {0x0053, 0x0073}},
    {0x0149, {0x02BC, 0x004E}, {0x02BC, 0x004E}},
    {0x01F0, {0x004A, 0x030C}, {0x004A, 0x030C}},
    {0x0390, {0x0399, 0x0308, 0x0301}, {0x0399, 0x0308, 0x0301}},
    {0x03B0, {0x03A5, 0x0308, 0x0301}, {0x03A5, 0x0308, 0x0301}},
    {0x0587, {0x0535, 0x0552}, {0x0535, 0x0582}},
    {0x1E96, {0x0048, 0x0331}, {0x0048, 0x0331}},
    {0x1E97, {0x0054, 0x0308}, {0x0054, 0x0308}},
    {0x1E98, {0x0057, 0x030A}, {0x0057, 0x030A}},
    {0x1E99, {0x0059, 0x030A}, {0x0059, 0x030A}},
    {0x1E9A, {0x0041, 0x02BE}, {0x0041, 0x02BE}},
    {0x1F50, {0x03A5, 0x0313}, {0x03A5, 0x0313}},
    {0x1F52, {0x03A5, 0x0313, 0x0300}, {0x03A5, 0x0313, 0x0300}},
    {0x1F54, {0x03A5, 0x0313, 0x0301}, {0x03A5, 0x0313, 0x0301}},
    {0x1F56, {0x03A5, 0x0313, 0x0342}, {0x03A5, 0x0313, 0x0342}},
    {0x1F80, {0x1F08, 0x0399}, {0x1F88}},
    {0x1F81, {0x1F09, 0x0399}, {0x1F89}},
    {0x1F82, {0x1F0A, 0x0399}, {0x1F8A}},
    {0x1F83, {0x1F0B, 0x0399}, {0x1F8B}},
    {0x1F84, {0x1F0C, 0x0399}, {0x1F8C}},
    {0x1F85, {0x1F0D, 0x0399}, {0x1F8D}},
    {0x1F86, {0x1F0E, 0x0399}, {0x1F8E}},
    {0x1F87, {0x1F0F, 0x0399}, {0x1F8F}},
    {0x1F88, {0x1F08, 0x0399}, {0x1F88}},
    {0x1F89, {0x1F09, 0x0399}, {0x1F89}},
    {0x1F8A, {0x1F0A, 0x0399}, {0x1F8A}},
    {0x1F8B, {0x1F0B, 0x0399}, {0x1F8B}},
    {0x1F8C, {0x1F0C, 0x0399}, {0x1F8C}},
    {0x1F8D, {0x1F0D, 0x0399}, {0x1F8D}},
    {0x1F8E, {0x1F0E, 0x0399}, {0x1F8E}},
    {0x1F8F, {0x1F0F, 0x0399}, {0x1F8F}},
    {0x1F90, {0x1F28, 0x0399}, {0x1F98}},
    {0x1F91, {0x1F29, 0x0399}, {0x1F99}},
    {0x1F92, {0x1F2A, 0x0399}, {0x1F9A}},
    {0x1F93, {0x1F2B, 0x0399}, {0x1F9B}},
    {0x1F94, {0x1F2C, 0x0399}, {0x1F9C}},
    {0x1F95, {0x1F2D, 0x0399}, {0x1F9D}},
    {0x1F96, {0x1F2E, 0x0399}, {0x1F9E}},
    {0x1F97, {0x1F2F, 0x0399}, {0x1F9F}},
    {0x1F98, {0x1F28, 0x0399}, {0x1F98}},
    {0x1F99, {0x1F29, 0x0399}, {0x1F99}},
    {0x1F9A, {0x1F2A, 0x0399}, {0x1F9A}},
    {0x1F9B, {0x1F2B, 0x0399}, {0x1F9B}},
    {0x1F9C, {0x1F2C, 0x0399}, {0x1F9C}},
    {0x1F9D, {0x1F2D, 0x0399}, {0x1F9D}},
    {0x1F9E, {0x1F2E, 0x0399}, {0x1F9E}},
    {0x1F9F, {0x1F2F, 0x0399}, {0x1F9F}},
    {0x1FA0, {0x1F68, 0x0399}, {0x1FA8}},
    {0x1FA1, {0x1F69, 0x0399}, {0x1FA9}},
    {0x1FA2, {0x1F6A, 0x0399}, {0x1FAA}},
    {0x1FA3, {0x1F6B, 0x0399}, {0x1FAB}},
    {0x1FA4, {0x1F6C, 0x0399}, {0x1FAC}},
    {0x1FA5, {0x1F6D, 0x0399}, {0x1FAD}},
    {0x1FA6, {0x1F6E, 0x0399}, {0x1FAE}},
    {0x1FA7, {0x1F6F, 0x0399}, {0x1FAF}},
    {0x1FA8, {0x1F68, 0x0399}, {0x1FA8}},
    {0x1FA9, {0x1F69, 0x0399}, {0x1FA9}},
    {0x1FAA, {0x1F6A, 0x0399}, {0x1FAA}},
    {0x1FAB, {0x1F6B, 0x0399}, {0x1FAB}},
    {0x1FAC, {0x1F6C, 0x0399}, {0x1FAC}},
    {0x1FAD, {0x1F6D, 0x0399}, {0x1FAD}},
    {0x1FAE, {0x1F6E, 0x0399}, {0x1FAE}},
    {0x1FAF, {0x1F6F, 0x0399}, {0x1FAF}},
    {0x1FB2, {0x1FBA, 0x0399}, {0x1FBA, 0x0345}},
    {0x1FB3, {0x0391, 0x0399}, {0x1FBC}},
    {0x1FB4, {0x0386, 0x0399}, {0x0386, 0x0345}},
    {0x1FB6, {0x0391, 0x0342}, {0x0391, 0x0342}},
    {0x1FB7, {0x0391, 0x0342, 0x0399}, {0x0391, 0x0342, 0x0345}},
    {0x1FBC, {0x0391, 0x0399}, {0x1FBC}},
    {0x1FC2, {0x1FCA, 0x0399}, {0x1FCA, 0x0345}},
    {0x1FC3, {0x0397, 0x0399}, {0x1FCC}},
    {0x1FC4, {0x0389, 0x0399}, {0x0389, 0x0345}},
    {0x1FC6, {0x0397, 0x0342}, {0x0397, 0x0342}},
    {0x1FC7, {0x0397, 0x0342, 0x0399}, {0x0397, 0x0342, 0x0345}},
    {0x1FCC, {0x0397, 0x0399}, {0x1FCC}},
    {0x1FD2, {0x0399, 0x0308, 0x0300}, {0x0399, 0x0308, 0x0300}},
    {0x1FD3, {0x0399, 0x0308, 0x0301}, {0x0399, 0x0308, 0x0301}},
    {0x1FD6, {0x0399, 0x0342}, {0x0399, 0x0342}},
    {0x1FD7, {0x0399, 0x0308, 0x0342}, {0x0399, 0x0308, 0x0342}},
    {0x1FE2, {0x03A5, 0x0308, 0x0300}, {0x03A5, 0x0308, 0x0300}},
    {0x1FE3, {0x03A5, 0x0308, 0x0301}, {0x03A5, 0x0308, 0x0301}},
    {0x1FE4, {0x03A1, 0x0313}, {0x03A1, 0x0313}},
    {0x1FE6, {0x03A5, 0x0342}, {0x03A5, 0x0342}},
    {0x1FE7, {0x03A5, 0x0308, 0x0342}, {0x03A5, 0x0308, 0x0342}},
    {0x1FF2, {0x1FFA, 0x0399}, {0x1FFA, 0x0345}},
    {0x1FF3, {0x03A9, 0x0399}, {0x1FFC}},
    {0x1FF4, {0x038F, 0x0399}, {0x038F, 0x0345}},
    {0x1FF6, {0x03A9, 0x0342}, {0x03A9, 0x0342}},
    {0x1FF7, {0x03A9, 0x0342, 0x0399}, {0x03A9, 0x0342, 0x0345}},
    {0x1FFC, {0x03A9, 0x0399}, {0x1FFC}},
    {0xFB00, {0x0046, 0x0046}, {0x0046, 0x0066}},
    {0xFB01, {0x0046, 0x0049}, {0x0046, 0x0069}},
    {0xFB02, {0x0046, 0x004C}, {0x0046, 0x006C}},
    {0xFB03, {0x0046, 0x0046, 0x0049}, {0x0046, 0x0066, 0x0069}},
    {0xFB04, {0x0046, 0x0046, 0x004C}, {0x0046, 0x0066, 0x006C}},
    {0xFB05, {0x0053, 0x0054}, {0x0053, 0x0074}},
    {0xFB06, {0x0053, 0x0054}, {0x0053, 0x0074}},
    {0xFB13, {0x0544, 0x0546}, {0x0544, 0x0576}},
    {0xFB14, {0x0544, 0x0535}, {0x0544, 0x0565}},
    {0xFB15, {0x0544, 0x053B}, {0x0544, 0x056B}},
    {0xFB16, {0x054E, 0x0546}, {0x054E, 0x0576}},
    {0xFB17, {0x0544, 0x053D}, {0x0544, 0x056D}},
};

bool rsn_tpl_is_space(int32_t cp) {
    if (cp < 0x80) {
        return cp == ' ' || (cp >= 0x09 && cp <= 0x0D) || (cp >= 0x1C && cp <= 0x1F);
    }
    return cp == 0x85 || cp == 0xA0 || cp == 0x1680 || (cp >= 0x2000 && cp <= 0x200A) ||
           cp == 0x2028 || cp == 0x2029 || cp == 0x202F || cp == 0x205F || cp == 0x3000;
}

static bool is_ascii_letter(int32_t cp) {
    return (cp >= 'a' && cp <= 'z') || (cp >= 'A' && cp <= 'Z');
}

bool rsn_tpl_is_alpha(int32_t cp) {
    if (cp < 0x80) return is_ascii_letter(cp);
    utf8proc_category_t c = utf8proc_category(cp);
    return c >= UTF8PROC_CATEGORY_LU && c <= UTF8PROC_CATEGORY_LO;
}

bool rsn_tpl_is_decimal(int32_t cp) {
    if (cp < 0x80) return cp >= '0' && cp <= '9';
    return utf8proc_category(cp) == UTF8PROC_CATEGORY_ND;
}

bool rsn_tpl_is_digit(int32_t cp) {
    return rsn_tpl_is_decimal(cp) || cp == 0xB2 || cp == 0xB3 || cp == 0xB9 ||
           cp == 0x2070 || (cp >= 0x2074 && cp <= 0x2079) ||
           (cp >= 0x2080 && cp <= 0x2089) || (cp >= 0x2460 && cp <= 0x2468);
}

bool rsn_tpl_is_numeric(int32_t cp) {
    if (cp < 0x80) return cp >= '0' && cp <= '9';
    utf8proc_category_t c = utf8proc_category(cp);
    return c >= UTF8PROC_CATEGORY_ND && c <= UTF8PROC_CATEGORY_NO;
}

bool rsn_tpl_is_word(int32_t cp) {
    return cp == '_' || rsn_tpl_is_alpha(cp) || rsn_tpl_is_numeric(cp);
}

bool rsn_tpl_is_id_start(int32_t cp) {
    if (cp < 0x80) return cp == '_' || is_ascii_letter(cp);
    return rsn_tpl_is_alpha(cp) || utf8proc_category(cp) == UTF8PROC_CATEGORY_NL;
}

bool rsn_tpl_is_id_continue(int32_t cp) {
    if (cp < 0x80) return cp == '_' || is_ascii_letter(cp) || (cp >= '0' && cp <= '9');
    if (rsn_tpl_is_id_start(cp) || cp == 0xB7) return true;
    switch (utf8proc_category(cp)) {
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_PC: return true;
    default: return false;
    }
}

bool rsn_tpl_is_lower(int32_t cp) {
    if (cp < 0x80) return cp >= 'a' && cp <= 'z';
    return utf8proc_category(cp) == UTF8PROC_CATEGORY_LL || cp == 0xAA || cp == 0xBA ||
           (cp >= 0x24D0 && cp <= 0x24E9) || (cp >= 0x2170 && cp <= 0x217F);
}

bool rsn_tpl_is_upper(int32_t cp) {
    if (cp < 0x80) return cp >= 'A' && cp <= 'Z';
    utf8proc_category_t c = utf8proc_category(cp);
    return c == UTF8PROC_CATEGORY_LU || c == UTF8PROC_CATEGORY_LT ||
           (cp >= 0x24B6 && cp <= 0x24CF) || (cp >= 0x2160 && cp <= 0x216F);
}

bool rsn_tpl_is_cased(int32_t cp) {
    return rsn_tpl_is_lower(cp) || rsn_tpl_is_upper(cp);
}

bool rsn_tpl_is_printable(int32_t cp) {
    if (cp < 0) return false;
    if (cp < 0x7F) return cp >= 0x20;
    switch (utf8proc_category(cp)) {
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
    case UTF8PROC_CATEGORY_ZS: return false;
    default: return true;
    }
}

/* ---- case ---- */

static int compare_special(const void *key, const void *row) {
    int32_t cp = *(const int32_t *)key;
    int32_t other = ((const struct special *)row)->cp;
    return (cp > other) - (cp < other);
}

static void add_folded(rsn_tb *b, int32_t cp) {
    utf8proc_int32_t folded[8];
    int last = 0;
    utf8proc_ssize_t n = utf8proc_decompose_char(cp, folded, 8, UTF8PROC_CASEFOLD, &last);
    for (utf8proc_ssize_t i = 0; i < n && i < 8; i++) rsn_tb_add_cp(b, folded[i]);
    if (n <= 0) rsn_tb_add_cp(b, cp);
}

static void add_special(rsn_tb *b, const uint16_t cps[3]) {
    for (int i = 0; i < 3 && cps[i]; i++) rsn_tb_add_cp(b, cps[i]);
}

void rsn_tb_add_case(rsn_tb *b, int32_t cp, rsn_tpl_case to) {
    if (cp >= 0 && cp < 0x80) {
        bool change = to == RSN_CASE_UPPER || to == RSN_CASE_TITLE ? rsn_tpl_is_lower(cp)
                                                                   : rsn_tpl_is_upper(cp);
        rsn_tb_addc(b, (char)(change ? cp ^ 0x20 : cp));
    } else if (cp < 0) {
        rsn_tb_add_cp(b, cp);
    } else if (to == RSN_CASE_FOLD) {
        add_folded(b, cp);
    } else if (to == RSN_CASE_LOWER) {
        rsn_tb_add_cp(b, cp == 0x130 ? 'i' : utf8proc_tolower(cp));
        if (cp == 0x130) rsn_tb_add_cp(b, 0x307);
    } else {
        const struct special *row =
            bsearch(&cp, specials, sizeof specials / sizeof *specials, sizeof *specials,
                    compare_special);
        if (row) add_special(b, to == RSN_CASE_UPPER ? row->upper : row->title);
        else {
            rsn_tb_add_cp(b, to == RSN_CASE_UPPER ? utf8proc_toupper(cp)
                                                  : utf8proc_totitle(cp));
        }
    }
}

/* Marks, modifiers and a few signs, which sigma looks through. */
static bool is_case_ignorable(int32_t cp) {
    if (cp == 0x27 || cp == '.' || cp == ':' || cp == '^' || cp == '`' || cp == 0xB7 ||
        cp == 0x2018 || cp == 0x2019) {
        return true;
    }
    switch (utf8proc_category(cp)) {
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_SK: return true;
    default: return false;
    }
}

/* A sigma that ends a word: behind something cased, and nothing cased follows. The
 * runs that it looks over hold no other sigma, so all sigmas of a text together look
 * at it once. */
static bool is_final_sigma(const rsn_ts *s, size_t at) {
    int32_t cp = -1;
    size_t i = at;
    while (i > 0) {
        size_t end = i--;
        while (i > 0 && end - i < 4 && ((unsigned char)s->data[i] & 0xC0) == 0x80) i--;
        (void)rsn_utf8_decode(s->data + i, end - i, &cp);
        if (!is_case_ignorable(cp)) break;
        cp = -1;
    }
    if (!rsn_tpl_is_cased(cp)) return false;
    for (size_t len, k = at + 2; k < s->n;
         k += len) { /* the sigma itself has two bytes */
        len = rsn_utf8_decode(s->data + k, s->n - k, &cp);
        if (!is_case_ignorable(cp)) return !rsn_tpl_is_cased(cp);
    }
    return true;
}

void rsn_tb_add_lower(rsn_tb *b, const rsn_ts *s, size_t at, int32_t cp) {
    if (cp != 0x3A3) rsn_tb_add_case(b, cp, RSN_CASE_LOWER);
    else rsn_tb_add_cp(b, is_final_sigma(s, at) ? 0x3C2 : 0x3C3);
}

reason_status rsn_tpl_change_case(rsn_tpl_run *run, const rsn_ts *s, rsn_tpl_case to,
                                  rsn_tv *out) {
    rsn_tb b = {run, NULL, 0, 0};
    for (size_t at = 0, len; at < s->n && !run->failed; at += len) {
        int32_t cp;
        len = rsn_utf8_decode(s->data + at, s->n - at, &cp);
        if (to == RSN_CASE_LOWER) rsn_tb_add_lower(&b, s, at, cp);
        else rsn_tb_add_case(&b, cp, to);
    }
    (void)rsn_tpl_charge_chars(run, 2 * s->n);
    return rsn_tb_finish(&b, out);
}

/* ---- trimming ---- */

static bool is_trimmed(int32_t cp, const char *bytes, size_t n_bytes,
                       const rsn_ts *chars) {
    if (!chars) return rsn_tpl_is_space(cp);
    for (size_t i = 0, len; i < chars->n; i += len) {
        int32_t other;
        len = rsn_utf8_decode(chars->data + i, chars->n - i, &other);
        if (len == n_bytes && memcmp(chars->data + i, bytes, len) == 0) return true;
    }
    return false;
}

reason_status rsn_tpl_trim(rsn_tpl_run *run, const rsn_ts *s, const rsn_ts *chars,
                           bool left, bool right, rsn_tv *out) {
    size_t from = 0, to = s->n, looked = 0, per_char = 1 + (chars ? chars->n / 4 : 0);
    int32_t cp;
    while (left && from < to) {
        size_t len = rsn_utf8_decode(s->data + from, to - from, &cp);
        if (!is_trimmed(cp, s->data + from, len, chars)) break;
        from += len;
        if (++looked % 16 == 0 && rsn_tpl_charge(run, per_char * 16)) return run->failed;
    }
    while (right && to > from) {
        size_t start = to - 1;
        while (start > from && to - start < 4 &&
               ((unsigned char)s->data[start] & 0xC0) == 0x80) {
            start--;
        }
        if (start + rsn_utf8_decode(s->data + start, to - start, &cp) != to) {
            start = to - 1;
        }
        (void)rsn_utf8_decode(s->data + start, to - start, &cp);
        if (!is_trimmed(cp, s->data + start, to - start, chars)) break;
        to = start;
        if (++looked % 16 == 0 && rsn_tpl_charge(run, per_char * 16)) return run->failed;
    }
    return rsn_tv_share(run, s->data + from, to - from, out);
}
