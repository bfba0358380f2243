/* Owns the syntax of JSON, read and quoted. What the values mean, and trees of them, are
 * left to the reader of each format. Invariant: time is linear in the text, memory is one
 * string, the stack is flat, and nothing beyond data[n - 1] is looked at. */
#include "base/json.h"

#include <math.h>
#include <string.h>

#include "base/decimal.h"
#include "base/utf8.h"

/* What may come next. */
enum {
    WANT_VALUE,        /* a value: at the start, after ':' and after ',' in an array */
    WANT_VALUE_OR_END, /* after '[' */
    WANT_KEY_OR_END,   /* after '{' */
    WANT_KEY,          /* after ',' in an object */
    WANT_COMMA_OR_END, /* after a value inside something */
    WANT_NOTHING       /* after the outermost value */
};

void rsn_json_init(rsn_json *j, const char *data, size_t n) {
    memset(j, 0, sizeof *j);
    j->data = data;
    j->n = n;
    j->state = WANT_VALUE;
}

void rsn_json_free(rsn_json *j) {
    rsn_str_free(&j->text);
}

static rsn_json_kind fail_format(rsn_json *j, const char *expected) {
    if (j->at >= j->n) {
        j->failed = rsn_fail(REASON_ERR_FORMAT,
                             "JSON: the text ends at byte %zu, expected %s", j->at,
                             expected);
    } else {
        int32_t cp;
        size_t len = rsn_utf8_decode(j->data + j->at, j->n - j->at, &cp);
        j->failed = rsn_fail(REASON_ERR_FORMAT, "JSON: byte %zu: found %s, expected %s",
                             j->at, rsn_quote(j->data + j->at, len).text, expected);
    }
    return RSN_JSON_ERROR;
}

static void skip_space(rsn_json *j) {
    while (j->at < j->n) {
        char c = j->data[j->at];
        if (c != ' ' && c != '\n' && c != '\t' && c != '\r') return;
        j->at++;
    }
}

static bool next_is(const rsn_json *j, char c) {
    return j->at < j->n && j->data[j->at] == c;
}

static bool next_is_digit(const rsn_json *j) {
    return j->at < j->n && j->data[j->at] >= '0' && j->data[j->at] <= '9';
}

static bool in_object(const rsn_json *j) {
    size_t level = j->depth - 1;
    return j->in_object[level / 8] >> (level % 8) & 1;
}

static void end_value(rsn_json *j) {
    j->state = j->depth ? WANT_COMMA_OR_END : WANT_NOTHING;
}

static rsn_json_kind open_level(rsn_json *j, bool object) {
    if (j->depth == RSN_JSON_MAX_DEPTH) {
        j->failed = rsn_fail(REASON_ERR_LIMIT,
                             "JSON: byte %zu: nested deeper than %d levels", j->at,
                             RSN_JSON_MAX_DEPTH);
        return RSN_JSON_ERROR;
    }
    uint8_t bit = (uint8_t)(1u << (j->depth % 8));
    uint8_t *byte = &j->in_object[j->depth / 8];
    *byte = (uint8_t)(object ? *byte | bit : *byte & ~bit);
    j->depth++;
    j->at++;
    j->state = object ? WANT_KEY_OR_END : WANT_VALUE_OR_END;
    return object ? RSN_JSON_OBJECT_BEGIN : RSN_JSON_ARRAY_BEGIN;
}

static rsn_json_kind close_level(rsn_json *j) {
    rsn_json_kind kind = in_object(j) ? RSN_JSON_OBJECT_END : RSN_JSON_ARRAY_END;
    j->depth--;
    j->at++;
    end_value(j);
    return kind;
}

/* The four digits of a \u escape at `at`; -1 if there are not four. */
static int32_t read_hex4(const rsn_json *j, size_t at) {
    int32_t value = 0;
    if (j->n - at < 4) return -1;
    for (size_t i = at; i < at + 4; i++) {
        char c = j->data[i];
        int32_t digit = c >= '0' && c <= '9'   ? c - '0'
                        : c >= 'a' && c <= 'f' ? c - 'a' + 10
                        : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                               : -1;
        if (digit < 0) return -1;
        value = value << 4 | digit;
    }
    return value;
}

/* A \u escape, j->at behind the 'u'; a pair of surrogates is one character. */
static bool read_unicode(rsn_json *j) {
    int32_t cp = read_hex4(j, j->at);
    if (cp < 0) return false;
    j->at += 4;
    if (cp >= 0xD800 && cp <= 0xDBFF && j->n - j->at >= 6 && j->data[j->at] == '\\' &&
        j->data[j->at + 1] == 'u') {
        int32_t low = read_hex4(j, j->at + 2);
        if (low >= 0xDC00 && low <= 0xDFFF) {
            j->at += 6;
            cp = 0x10000 + ((cp - 0xD800) << 10) + (low - 0xDC00);
        }
    }
    char utf8[4];
    size_t len = rsn_utf8_encode(cp, utf8);
    if (len == 0) len = rsn_utf8_encode(0xFFFD, utf8); /* a lone surrogate */
    rsn_str_add(&j->text, utf8, len);
    return true;
}

/* An escape, j->at behind the backslash. */
static bool read_escape(rsn_json *j) {
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    if (j->at == j->n || j->data[j->at] == '\0') return false;
    if (j->data[j->at] == 'u') {
        j->at++;
        return read_unicode(j);
    }
    const char *found = strchr(from, j->data[j->at]);
    if (!found) return false;
    rsn_str_addc(&j->text, to[found - from]);
    j->at++;
    return true;
}

/* Where the run of bytes that need no attention, beginning at `at`, ends. */
static size_t find_run_end(const rsn_json *j, size_t at) {
    while (at < j->n && j->data[at] != '"' && j->data[at] != '\\' &&
           (unsigned char)j->data[at] >= 0x20)
        at++;
    return at;
}

/* A string into j->text, j->at at its opening quote. */
static rsn_json_kind read_string(rsn_json *j, rsn_json_kind kind) {
    rsn_str_cut(&j->text, 0);
    j->at++;
    for (;;) {
        size_t end = find_run_end(j, j->at), bad;
        if (!rsn_utf8_valid(j->data + j->at, end - j->at, &bad)) {
            j->at += bad;
            return fail_format(j, "valid UTF-8");
        }
        rsn_str_add(&j->text, j->data + j->at, end - j->at);
        j->at = end;
        if (next_is(j, '\\')) {
            j->at++;
            if (!read_escape(j))
                return fail_format(j, "\"\\/bfnrt or u and 4 hex digits");
        } else if (next_is(j, '"')) {
            break;
        } else {
            return fail_format(j,
                               "the rest of a string (control characters are escaped)");
        }
    }
    j->at++;
    if (j->text.failed) {
        j->failed = REASON_ERR_NO_MEMORY;
        return RSN_JSON_ERROR;
    }
    return kind;
}

static bool skip_digits(rsn_json *j) {
    size_t from = j->at;
    while (next_is_digit(j)) j->at++;
    return j->at > from;
}

/* Passes over a number; *whole: it has neither fraction nor exponent. */
static bool scan_number(rsn_json *j, bool *whole) {
    *whole = true;
    if (next_is(j, '-')) j->at++;
    if (next_is(j, '0')) {
        j->at++; /* a digit after it is refused as what cannot follow a value */
    } else if (!skip_digits(j)) {
        return false;
    }
    if (next_is(j, '.')) {
        *whole = false;
        j->at++;
        if (!skip_digits(j)) return false;
    }
    if (next_is(j, 'e') || next_is(j, 'E')) {
        *whole = false;
        j->at++;
        if (next_is(j, '+') || next_is(j, '-')) j->at++;
        if (!skip_digits(j)) return false;
    }
    return true;
}

/* A whole number as int64; false if it does not fit. */
static bool read_integer(const char *s, size_t n, int64_t *value) {
    bool negative = s[0] == '-';
    uint64_t limit = (uint64_t)INT64_MAX + negative, size = 0;
    for (size_t i = negative; i < n; i++) {
        uint64_t digit = (uint64_t)(s[i] - '0');
        if (size > (limit - digit) / 10) return false;
        size = size * 10 + digit;
    }
    /* Negated before it is converted, so that the lowest value passes. */
    *value = negative ? -(int64_t)(size / 2) - (int64_t)(size - size / 2) : (int64_t)size;
    return true;
}

static rsn_json_kind read_number(rsn_json *j) {
    size_t from = j->at;
    bool whole;
    if (!scan_number(j, &whole)) return fail_format(j, "a digit");
    const char *s = j->data + from;
    size_t n = j->at - from;
    end_value(j);
    if (whole && read_integer(s, n, &j->integer)) {
        j->number = (double)j->integer;
        return RSN_JSON_INT;
    }
    if (!rsn_decimal_parse(s, n, &j->number) || isinf(j->number)) {
        j->at = from;
        j->failed = rsn_fail(
            REASON_ERR_FORMAT,
            "JSON: byte %zu: the number %s is beyond the range of a double", from,
            rsn_quote(s, n).text);
        return RSN_JSON_ERROR;
    }
    return RSN_JSON_FLOAT;
}

static rsn_json_kind read_word(rsn_json *j) {
    static const struct {
        const char *text;
        rsn_json_kind kind;
    } words[] = {
        {"true", RSN_JSON_TRUE}, {"false", RSN_JSON_FALSE}, {"null", RSN_JSON_NULL}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t len = strlen(words[i].text);
        if (j->n - j->at >= len && memcmp(j->data + j->at, words[i].text, len) == 0) {
            j->at += len;
            end_value(j);
            return words[i].kind;
        }
    }
    return fail_format(j, "a value");
}

static rsn_json_kind read_value(rsn_json *j) {
    if (j->at == j->n) return fail_format(j, "a value");
    char c = j->data[j->at];
    if (c == '{' || c == '[') return open_level(j, c == '{');
    if (c == '-' || next_is_digit(j)) return read_number(j);
    if (c != '"') return read_word(j);
    end_value(j);
    return read_string(j, RSN_JSON_STRING);
}

static rsn_json_kind read_key(rsn_json *j) {
    if (!next_is(j, '"')) return fail_format(j, "a key in quotes");
    rsn_json_kind kind = read_string(j, RSN_JSON_KEY);
    if (kind == RSN_JSON_ERROR) return kind;
    skip_space(j);
    if (!next_is(j, ':')) return fail_format(j, "':' after a key");
    j->at++;
    j->state = WANT_VALUE;
    return kind;
}

static rsn_json_kind read_after_value(rsn_json *j) {
    bool object = in_object(j);
    if (next_is(j, object ? '}' : ']')) return close_level(j);
    if (!next_is(j, ',')) return fail_format(j, object ? "',' or '}'" : "',' or ']'");
    j->at++;
    skip_space(j);
    return object ? read_key(j) : read_value(j);
}

static rsn_json_kind read_event(rsn_json *j) {
    switch (j->state) {
    case WANT_VALUE: return read_value(j);
    case WANT_VALUE_OR_END: return next_is(j, ']') ? close_level(j) : read_value(j);
    case WANT_KEY_OR_END: return next_is(j, '}') ? close_level(j) : read_key(j);
    case WANT_COMMA_OR_END: return read_after_value(j);
    default: return j->at == j->n ? RSN_JSON_END : fail_format(j, "the end of the text");
    }
}

rsn_json_kind rsn_json_next(rsn_json *j, reason_status *status) {
    rsn_json_kind kind = RSN_JSON_ERROR;
    if (!j->failed) {
        skip_space(j);
        kind = read_event(j);
    }
    *status = j->failed;
    return kind;
}

reason_status rsn_json_skip(rsn_json *j, rsn_json_kind first) {
    reason_status status = j->failed;
    if (first == RSN_JSON_KEY) first = rsn_json_next(j, &status);
    if (first != RSN_JSON_OBJECT_BEGIN && first != RSN_JSON_ARRAY_BEGIN) return status;
    for (size_t outside = j->depth - 1; !status && j->depth > outside;)
        (void)rsn_json_next(j, &status);
    return status;
}

static void quote_unit(rsn_str *out, int32_t unit) {
    rsn_str_addf(out, "\\u%04x", (unsigned)unit);
}

/* One character that does not stand for itself. */
static void quote_special(rsn_str *out, int32_t cp, bool ascii) {
    static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
    const char *found = cp > 0 && cp < 0x80 ? strchr(from, cp) : NULL;
    if (found) {
        rsn_str_addc(out, '\\');
        rsn_str_addc(out, to[found - from]);
    } else if (cp >= 0x10000) {
        quote_unit(out, 0xD800 + ((cp - 0x10000) >> 10));
        quote_unit(out, 0xDC00 + ((cp - 0x10000) & 0x3FF));
    } else if (cp >= 0 || ascii) {
        quote_unit(out, cp < 0 ? 0xFFFD : cp);
    } else {
        rsn_str_addz(out, "\xEF\xBF\xBD");
    }
}

void rsn_json_quote(rsn_str *out, const char *s, size_t n, bool ascii) {
    size_t run = 0, at = 0; /* s[run..at) stands for itself and is not added yet */
    rsn_str_addc(out, '"');
    while (at < n) {
        int32_t cp;
        size_t len = rsn_utf8_decode(s + at, n - at, &cp);
        if (cp < 0x20 || cp == '"' || cp == '\\' || (ascii && cp > 0x7E)) {
            if (at > run) rsn_str_add(out, s + run, at - run);
            quote_special(out, cp, ascii);
            run = at + len;
        }
        at += len;
    }
    if (at > run) rsn_str_add(out, s + run, at - run);
    rsn_str_addc(out, '"');
}
