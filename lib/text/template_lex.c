/* Owns the division of a template's source into tokens, with Jinja's rules of white
 * space around tags: trim_blocks, lstrip_blocks, and the signs - and + in tags. What
 * tokens mean together is left to the parser. Invariant: every byte of the source is
 * looked at a bounded number of times. */
#include "text/template_lex.h"

#include <stdio.h>
#include <string.h>

#include "base/decimal.h"
#include "base/utf8.h"
#include "text/template_native.h"

static reason_status fail_at(const rsn_lexer *lex, const char *what) {
    return rsn_fail(REASON_ERR_FORMAT, "template line %u: %s", lex->line, what);
}

/* \r\n and \r become \n, and one line break at the end is dropped. */
reason_status rsn_lex_init(rsn_lexer *lex, rsn_arena *arena, const char *source,
                           size_t n) {
    size_t bad, k = 0;
    *lex = (rsn_lexer){.arena = arena, .line = 1, .state = RSN_LEX_ROOT};
    if (!rsn_utf8_valid(source, n, &bad)) {
        return rsn_fail(REASON_ERR_FORMAT, "the template is not UTF-8 at byte %zu", bad);
    }
    char *copy = rsn_arena_alloc(arena, n + 1);
    if (!copy) return REASON_ERR_NO_MEMORY;
    for (size_t i = 0; i < n; i++) {
        if (source[i] == '\r' && i + 1 < n && source[i + 1] == '\n') continue;
        copy[k++] = source[i] == '\r' ? '\n' : source[i];
    }
    if (k && copy[k - 1] == '\n') k--;
    copy[k] = '\0';
    lex->src = copy;
    lex->n = k;
    return REASON_OK;
}

/* ---- helpers ---- */

static bool looking_at(const rsn_lexer *lex, size_t at, const char *text) {
    size_t n = strlen(text);
    return n <= lex->n - at && memcmp(lex->src + at, text, n) == 0;
}

static void move_to(rsn_lexer *lex, size_t to) {
    for (size_t i = lex->at; i < to; i++) lex->line += lex->src[i] == '\n';
    lex->at = to;
}

static size_t skip_space(const rsn_lexer *lex, size_t at) {
    while (at < lex->n) {
        int32_t cp;
        size_t len = rsn_utf8_decode(lex->src + at, lex->n - at, &cp);
        if (!rsn_tpl_is_space(cp)) break;
        at += len;
    }
    return at;
}

/* Where the white space at the end of src[from..to) begins. */
static size_t strip_end(const rsn_lexer *lex, size_t from, size_t to) {
    while (to > from) {
        size_t start = to - 1;
        int32_t cp;
        while (start > from && ((unsigned char)lex->src[start] & 0xC0) == 0x80) start--;
        (void)rsn_utf8_decode(lex->src + start, to - start, &cp);
        if (!rsn_tpl_is_space(cp)) break;
        to = start;
    }
    return to;
}

/* The end of the text before a tag: '-' takes all white space, lstrip_blocks the
 * blanks between the line's begin and a tag that is not a print; '+' keeps them. */
static size_t end_of_text(const rsn_lexer *lex, size_t from, size_t to, char sign,
                          bool print) {
    if (sign == '-') return strip_end(lex, from, to);
    if (sign == '+' || print) return to;
    size_t start = to;
    while (start > from && lex->src[start - 1] != '\n') start--;
    bool line_starts = start > from || from == 0 || lex->src[from - 1] == '\n';
    return line_starts && strip_end(lex, start, to) == start ? start : to;
}

/* The position behind the end of a tag at `at` ("%}", "#}"), with its sign; 0: it is
 * not there. */
static size_t tag_end(const rsn_lexer *lex, size_t at, const char *close) {
    if (looking_at(lex, at, close)) {
        at += 2;
        return at < lex->n && lex->src[at] == '\n' ? at + 1 : at;
    }
    if (at >= lex->n || !looking_at(lex, at + 1, close)) return 0;
    if (lex->src[at] == '+') return at + 3;
    return lex->src[at] == '-' ? skip_space(lex, at + 3) : 0;
}

/* ---- text, comments, raw ---- */

static size_t find_tag(const rsn_lexer *lex, size_t at) {
    while (at < lex->n) {
        const char *p = memchr(lex->src + at, '{', lex->n - at);
        if (!p) return lex->n;
        at = (size_t)(p - lex->src);
        if (at + 1 < lex->n && (p[1] == '%' || p[1] == '{' || p[1] == '#')) return at;
        at++;
    }
    return lex->n;
}

static char sign_at(const rsn_lexer *lex, size_t at) {
    return at < lex->n && (lex->src[at] == '-' || lex->src[at] == '+') ? lex->src[at] : 0;
}

/* Where the raw text begins if `{% raw %}` stands at `at`, else 0. */
static size_t raw_begin(const rsn_lexer *lex, size_t at) {
    size_t p = at + 2;
    if (sign_at(lex, p)) p++;
    p = skip_space(lex, p);
    if (!looking_at(lex, p, "raw")) return 0;
    p = skip_space(lex, p + 3);
    if (looking_at(lex, p, "-%}")) return skip_space(lex, p + 3);
    return looking_at(lex, p, "%}") ? p + 2 : 0;
}

/* Where `{% endraw %}` at `at` ends, else 0. */
static size_t raw_end(const rsn_lexer *lex, size_t at) {
    size_t p = at + 2;
    if (sign_at(lex, p)) p++;
    p = skip_space(lex, p);
    if (!looking_at(lex, p, "endraw")) return 0;
    return tag_end(lex, skip_space(lex, p + 6), "%}");
}

static void give_data(rsn_tok *tok, const rsn_lexer *lex, size_t from, size_t to) {
    tok->kind = RSN_TOK_DATA;
    tok->text = (rsn_text){lex->src + from, to - from};
}

static reason_status lex_raw(rsn_lexer *lex, size_t from, rsn_tok *tok) {
    move_to(lex, from);
    for (size_t at = from; at < lex->n; at++) {
        size_t end;
        if (lex->src[at] != '{' || !looking_at(lex, at, "{%")) continue;
        if (!(end = raw_end(lex, at))) continue;
        give_data(tok, lex, from,
                  end_of_text(lex, from, at, sign_at(lex, at + 2), false));
        move_to(lex, end);
        return REASON_OK;
    }
    /* As in Jinja, a tag that is the template's very end needs no end of its own. */
    if (from == lex->n) return REASON_OK;
    return fail_at(lex, "{% raw %} has no end");
}

static reason_status skip_comment(rsn_lexer *lex, size_t at) {
    size_t from = at + 2 + (sign_at(lex, at + 2) != 0);
    const char *p =
        from < lex->n ? memmem(lex->src + from, lex->n - from, "#}", 2) : NULL;
    move_to(lex, at);
    if (from >= lex->n) move_to(lex, lex->n); /* as for raw above */
    if (!p) return from >= lex->n ? REASON_OK : fail_at(lex, "a comment has no end");
    size_t end = (size_t)(p - lex->src);
    if (end > from && sign_at(lex, end - 1)) end--;
    move_to(lex, tag_end(lex, end, "#}"));
    return REASON_OK;
}

/* Text up to the next tag, and then the tag's begin. Leaves tok->kind EOF if it gave
 * nothing. */
static reason_status lex_root(rsn_lexer *lex, rsn_tok *tok) {
    size_t from = lex->at, tag = find_tag(lex, from), raw = 0;
    if (tag == lex->n) {
        if (from < lex->n) give_data(tok, lex, from, lex->n);
        move_to(lex, lex->n);
        return REASON_OK;
    }
    bool print = lex->src[tag + 1] == '{', comment = lex->src[tag + 1] == '#';
    char sign = sign_at(lex, tag + 2);
    size_t to = end_of_text(lex, from, tag, sign, print);
    if (to > from) give_data(tok, lex, from, to);
    if (comment) return skip_comment(lex, tag);
    if (!print && (raw = raw_begin(lex, tag)) != 0) {
        if (to > from) {
            move_to(lex, tag); /* the raw text comes with the next call */
            return REASON_OK;
        }
        return lex_raw(lex, raw, tok);
    }
    move_to(lex, tag + 2 + (sign != 0));
    lex->state = print ? RSN_LEX_PRINT : RSN_LEX_BLOCK;
    lex->begun = true;
    return REASON_OK;
}

/* ---- inside tags ---- */

static bool is_digit_of(char c, int base) {
    if (base <= 10) return c >= '0' && c < '0' + base;
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

/* Digits with single underscores between them. */
static size_t skip_digits(const rsn_lexer *lex, size_t at, int base,
                          bool leading_underscore) {
    size_t end = at;
    if (leading_underscore && at < lex->n && lex->src[at] == '_') at++;
    while (at < lex->n && is_digit_of(lex->src[at], base)) {
        end = ++at;
        if (at < lex->n && lex->src[at] == '_') at++;
    }
    return end;
}

static reason_status read_int(rsn_lexer *lex, size_t from, size_t to, int base,
                              rsn_tok *tok) {
    tok->kind = RSN_TOK_INT;
    tok->i = 0;
    for (size_t k = from; k < to; k++) {
        char c = lex->src[k];
        if (c == '_') continue;
        int digit = c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
        if (__builtin_mul_overflow(tok->i, base, &tok->i) ||
            __builtin_add_overflow(tok->i, digit, &tok->i)) {
            return rsn_fail(REASON_ERR_LIMIT,
                            "template line %u: a whole number does not fit 64 bits",
                            lex->line);
        }
    }
    lex->at = to;
    return REASON_OK;
}

/* The end of a float at `at`, or `at`. */
static size_t float_end(const rsn_lexer *lex, size_t at) {
    size_t whole = skip_digits(lex, at, 10, false), end = at, p = whole;
    if (at > 0 && lex->src[at - 1] == '.') return at;
    if (p < lex->n && lex->src[p] == '.') {
        size_t part = skip_digits(lex, p + 1, 10, false);
        if (part > p + 1) end = p = part;
    }
    if (p < lex->n && (lex->src[p] | 0x20) == 'e') {
        size_t q = p + 1;
        if (q < lex->n && (lex->src[q] == '+' || lex->src[q] == '-')) q++;
        size_t exponent = skip_digits(lex, q, 10, false);
        if (exponent > q) end = exponent;
    }
    return end;
}

static reason_status lex_number(rsn_lexer *lex, rsn_tok *tok) {
    size_t at = lex->at, end = float_end(lex, at);
    if (end > at) {
        char buf[256];
        size_t n = 0;
        for (size_t i = at; i < end && n < sizeof buf; i++) {
            if (lex->src[i] != '_') buf[n++] = lex->src[i];
        }
        tok->kind = RSN_TOK_FLOAT;
        if (n == sizeof buf || !rsn_decimal_parse(buf, n, &tok->f)) {
            return fail_at(lex, "a number is too long");
        }
        lex->at = end;
        return REASON_OK;
    }
    if (lex->src[at] == '0' && at + 1 < lex->n) {
        char letter = lex->src[at + 1] | 0x20;
        int base = letter == 'x' ? 16 : letter == 'o' ? 8 : letter == 'b' ? 2 : 0;
        end = base ? skip_digits(lex, at + 2, base, true) : 0;
        if (base && end > at + 2) return read_int(lex, at + 2, end, base, tok);
    }
    /* A zero may be followed by zeros alone. */
    end = skip_digits(lex, at, lex->src[at] == '0' ? 1 : 10, false);
    return read_int(lex, at, end, 10, tok);
}

static reason_status lex_name(rsn_lexer *lex, rsn_tok *tok) {
    size_t end = lex->at;
    while (end < lex->n) {
        int32_t cp;
        size_t len = rsn_utf8_decode(lex->src + end, lex->n - end, &cp);
        if (!rsn_tpl_is_id_continue(cp)) break;
        end += len;
    }
    tok->kind = RSN_TOK_NAME;
    tok->text = (rsn_text){lex->src + lex->at, end - lex->at};
    lex->at = end;
    return REASON_OK;
}

/* ---- strings ---- */

typedef struct unescape {
    const rsn_lexer *lex;
    const char *p, *end;
    char *out;
} unescape;

static bool read_hex(unescape *u, int digits, uint32_t *value) {
    *value = 0;
    if (u->end - u->p < digits) return false;
    for (int i = 0; i < digits; i++) {
        char c = *u->p++;
        if (!is_digit_of(c, 16)) return false;
        *value = *value * 16 + (uint32_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    return true;
}

static reason_status put_code_point(unescape *u, uint32_t value) {
    size_t n = value <= 0x10FFFF ? rsn_utf8_encode((int32_t)value, u->out) : 0;
    if (n == 0) return fail_at(u->lex, "a string escape is no character of Unicode");
    u->out += n;
    return REASON_OK;
}

/* A backslash before a character beyond ASCII: Jinja first spells that one as an
 * escape, whose own backslash is then escaped by ours. */
static void put_spelt(unescape *u) {
    int32_t cp;
    u->p += rsn_utf8_decode(u->p, (size_t)(u->end - u->p), &cp);
    const char *format = cp < 0x100 ? "\\x%02x" : cp < 0x10000 ? "\\u%04x" : "\\U%08x";
    u->out += snprintf(u->out, 12, format, (unsigned)cp);
}

static reason_status put_escape(unescape *u) {
    static const char from[] = "\\'\"abfnrtv", to[] = "\\'\"\a\b\f\n\r\t\v";
    uint32_t value = 0;
    char c = *u->p;
    const char *simple = c ? strchr(from, c) : NULL;
    if ((unsigned char)c >= 0x80) {
        put_spelt(u);
        return REASON_OK;
    }
    u->p++;
    if (simple) {
        *u->out++ = to[simple - from];
    } else if (c >= '0' && c <= '7') {
        value = (uint32_t)(c - '0');
        for (int i = 0; i < 2 && u->p < u->end && *u->p >= '0' && *u->p <= '7'; i++) {
            value = value * 8 + (uint32_t)(*u->p++ - '0');
        }
        return put_code_point(u, value);
    } else if (c == 'x' || c == 'u' || c == 'U') {
        if (!read_hex(u, c == 'x' ? 2 : c == 'u' ? 4 : 8, &value)) {
            return fail_at(u->lex, "a string escape is cut short");
        }
        return put_code_point(u, value);
    } else if (c == 'N') {
        return rsn_fail(REASON_ERR_UNSUPPORTED,
                        "template line %u: the string escape \\N is not there",
                        u->lex->line);
    } else if (c != '\n') {
        *u->out++ = '\\';
        *u->out++ = c;
    }
    return REASON_OK;
}

static reason_status lex_string(rsn_lexer *lex, rsn_tok *tok) {
    char quote = lex->src[lex->at];
    size_t from = lex->at + 1, to = from;
    bool escapes = false;
    while (to < lex->n && lex->src[to] != quote) {
        escapes = escapes || lex->src[to] == '\\';
        to += lex->src[to] == '\\' ? 2 : 1;
    }
    if (to >= lex->n) return fail_at(lex, "a string has no end");
    tok->kind = RSN_TOK_STRING;
    tok->text = (rsn_text){lex->src + from, to - from};
    if (escapes) {
        /* No escape is longer than what it stands for, but for those of put_spelt: 3
         * bytes for a two-byte character become 4, and so on up to 5 that become 10. */
        char *out = rsn_arena_alloc(lex->arena, 2 * (to - from) + 16);
        unescape u = {lex, lex->src + from, lex->src + to, out};
        if (!out) return REASON_ERR_NO_MEMORY;
        while (u.p < u.end) {
            if (*u.p != '\\') {
                *u.out++ = *u.p++;
                continue;
            }
            u.p++;
            reason_status st = put_escape(&u);
            if (st) return st;
        }
        tok->text = (rsn_text){out, (size_t)(u.out - out)};
    }
    move_to(lex, to + 1);
    return REASON_OK;
}

/* ---- operators ---- */

static const struct {
    char text[3];
    uint8_t kind;
} operators[] = {
    {"//", RSN_TOK_FLOORDIV}, {"**", RSN_TOK_POW},      {"==", RSN_TOK_EQ},
    {"!=", RSN_TOK_NE},       {">=", RSN_TOK_GE},       {"<=", RSN_TOK_LE},
    {"+", RSN_TOK_ADD},       {"-", RSN_TOK_SUB},       {"/", RSN_TOK_DIV},
    {"*", RSN_TOK_MUL},       {"%", RSN_TOK_MOD},       {"~", RSN_TOK_TILDE},
    {"[", RSN_TOK_LBRACKET},  {"]", RSN_TOK_RBRACKET},  {"(", RSN_TOK_LPAREN},
    {")", RSN_TOK_RPAREN},    {"{", RSN_TOK_LBRACE},    {"}", RSN_TOK_RBRACE},
    {">", RSN_TOK_GT},        {"<", RSN_TOK_LT},        {"=", RSN_TOK_ASSIGN},
    {".", RSN_TOK_DOT},       {":", RSN_TOK_COLON},     {"|", RSN_TOK_PIPE},
    {",", RSN_TOK_COMMA},     {";", RSN_TOK_SEMICOLON},
};

static reason_status balance(rsn_lexer *lex, char c) {
    char closing = c == '(' ? ')' : c == '[' ? ']' : c == '{' ? '}' : 0;
    if (closing) {
        if (lex->n_brackets == RSN_LEX_MAX_BRACKETS) {
            return rsn_fail(REASON_ERR_LIMIT,
                            "template line %u: brackets are nested deeper than %d levels",
                            lex->line, RSN_LEX_MAX_BRACKETS);
        }
        lex->brackets[lex->n_brackets++] = closing;
    } else if (c == ')' || c == ']' || c == '}') {
        if (lex->n_brackets == 0 || lex->brackets[lex->n_brackets - 1] != c) {
            return fail_at(lex, "a closing bracket does not fit the last opening one");
        }
        lex->n_brackets--;
    }
    return REASON_OK;
}

static reason_status lex_operator(rsn_lexer *lex, rsn_tok *tok) {
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++) {
        if (!looking_at(lex, lex->at, operators[i].text)) continue;
        tok->kind = (rsn_tok_kind)operators[i].kind;
        reason_status st = balance(lex, lex->src[lex->at]);
        lex->at += strlen(operators[i].text);
        return st;
    }
    int32_t cp;
    size_t len = rsn_utf8_decode(lex->src + lex->at, lex->n - lex->at, &cp);
    rsn_quoted q = rsn_quote(lex->src + lex->at, len);
    return rsn_fail(REASON_ERR_FORMAT, "template line %u: unexpected character %s",
                    lex->line, q.text);
}

/* Whether the tag ends here; then the state is that of text again. Inside brackets it
 * cannot. */
static bool lex_tag_end(rsn_lexer *lex, rsn_tok *tok) {
    size_t end;
    if (lex->n_brackets) return false;
    if (lex->state == RSN_LEX_BLOCK) {
        if (!(end = tag_end(lex, lex->at, "%}"))) return false;
        tok->kind = RSN_TOK_BLOCK_END;
    } else {
        if (looking_at(lex, lex->at, "}}")) end = lex->at + 2;
        else if (looking_at(lex, lex->at, "-}}")) end = skip_space(lex, lex->at + 3);
        else return false;
        tok->kind = RSN_TOK_PRINT_END;
    }
    move_to(lex, end);
    lex->state = RSN_LEX_ROOT;
    return true;
}

static reason_status lex_tag(rsn_lexer *lex, rsn_tok *tok) {
    int32_t cp;
    if (lex_tag_end(lex, tok)) return REASON_OK;
    move_to(lex, skip_space(lex, lex->at));
    tok->line = lex->line;
    if (lex->at >= lex->n || lex_tag_end(lex, tok)) return REASON_OK;
    (void)rsn_utf8_decode(lex->src + lex->at, lex->n - lex->at, &cp);
    if (cp >= '0' && cp <= '9') return lex_number(lex, tok);
    if (rsn_tpl_is_id_start(cp)) return lex_name(lex, tok);
    if (cp == '"' || cp == '\'') return lex_string(lex, tok);
    return lex_operator(lex, tok);
}

reason_status rsn_lex_next(rsn_lexer *lex, rsn_tok *tok) {
    for (;;) {
        *tok = (rsn_tok){.kind = RSN_TOK_EOF, .line = lex->line};
        if (lex->begun) {
            lex->begun = false;
            tok->kind =
                lex->state == RSN_LEX_PRINT ? RSN_TOK_PRINT_BEGIN : RSN_TOK_BLOCK_BEGIN;
            return REASON_OK;
        }
        if (lex->state != RSN_LEX_ROOT) return lex_tag(lex, tok);
        if (lex->at >= lex->n) return REASON_OK;
        reason_status st = lex_root(lex, tok);
        if (st || (tok->kind == RSN_TOK_DATA && tok->text.n)) return st;
    }
}

rsn_quoted rsn_tok_describe(const rsn_tok *tok) {
    switch (tok->kind) {
    case RSN_TOK_EOF: return rsn_quote("end of template", 15);
    case RSN_TOK_DATA: return rsn_quote("text", 4);
    case RSN_TOK_PRINT_BEGIN: return rsn_quote("{{", 2);
    case RSN_TOK_PRINT_END: return rsn_quote("}}", 2);
    case RSN_TOK_BLOCK_BEGIN: return rsn_quote("{%", 2);
    case RSN_TOK_BLOCK_END: return rsn_quote("%}", 2);
    case RSN_TOK_INT:
    case RSN_TOK_FLOAT: return rsn_quote("number", 6);
    case RSN_TOK_NAME:
    case RSN_TOK_STRING: return rsn_quote(tok->text.data, tok->text.n);
    default: break;
    }
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++) {
        if (operators[i].kind == tok->kind) {
            return rsn_quote(operators[i].text, strlen(operators[i].text));
        }
    }
    return rsn_quote("?", 1);
}
