/* Normal forms of answers. Owns where in a text the answer is, and what is the same
 * answer. Numbers are exact: a decimal or a fraction becomes a reduced fraction where 64
 * bits hold it, so that no tolerance is needed; longer ones keep their digits. */
#include "reward/answer.h"

#include <string.h>

static bool is_space(char c) {
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static bool is_word(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (unsigned char)c >= 0x80;
}

static rsn_text trim(rsn_text t) {
    while (t.n > 0 && is_space(t.data[0]))
        t.data++, t.n--;
    while (t.n > 0 && is_space(t.data[t.n - 1]))
        t.n--;
    return t;
}

/* What is left behind the last `mark`; found false: it is not there. */
static rsn_text behind_last(rsn_text t, const char *mark, bool *found) {
    size_t n = strlen(mark);
    for (size_t at = t.n + 1; at-- > n;)
        if (memcmp(t.data + at - n, mark, n) == 0) {
            *found = true;
            return (rsn_text){t.data + at, t.n - at};
        }
    *found = false;
    return t;
}

/* Up to the brace that closes the one before the text; all of it if none does. */
static rsn_text in_braces(rsn_text t) {
    size_t depth = 1;
    for (size_t i = 0; i < t.n; i++) {
        depth += t.data[i] == '{';
        depth -= t.data[i] == '}';
        if (depth == 0)
            return (rsn_text){t.data, i};
    }
    return t;
}

static rsn_text boxed(rsn_text t, bool *found) {
    rsn_text rest = behind_last(t, "\\boxed{", found);
    return *found ? in_braces(rest) : t;
}

bool rsn_answer_box(rsn_text text, rsn_text *content) {
    bool found;
    *content = trim(boxed(text, &found));
    return found;
}

/* --- numbers ------------------------------------------------------------------------- */

/* One decimal number: sign, digits with commas between threes, a point and digits. */
typedef struct number {
    bool negative, fits; /* 64 bits hold n / d */
    uint64_t n, d;
    rsn_text whole, part; /* its digits, commas among those of the first */
} number;

static bool add_digit(uint64_t *value, char digit) {
    uint64_t more = (uint64_t)(digit - '0');
    if (*value > (UINT64_MAX - more) / 10)
        return false;
    *value = *value * 10 + more;
    return true;
}

static bool is_comma_between(rsn_text t, size_t i) {
    return t.data[i] == ',' && i > 0 && is_digit(t.data[i - 1]) && i + 3 < t.n &&
           is_digit(t.data[i + 1]) && is_digit(t.data[i + 2]) && is_digit(t.data[i + 3]) &&
           (i + 4 == t.n || !is_digit(t.data[i + 4]));
}

/* The number that the text begins with; returns its bytes, 0: none. */
static size_t read_number(rsn_text t, number *x) {
    size_t at = 0, begin, digits = 0;
    *x = (number){.fits = true, .d = 1};
    if (t.n > 0 && (t.data[0] == '-' || t.data[0] == '+'))
        x->negative = t.data[at++] == '-';
    for (begin = at; at < t.n && (is_digit(t.data[at]) || is_comma_between(t, at)); at++)
        if (is_digit(t.data[at])) {
            x->fits = x->fits && add_digit(&x->n, t.data[at]);
            digits++;
        }
    x->whole = (rsn_text){t.data + begin, at - begin};
    if (at + 1 < t.n && t.data[at] == '.' && is_digit(t.data[at + 1])) {
        for (begin = ++at; at < t.n && is_digit(t.data[at]); at++, digits++)
            x->fits =
                x->fits && add_digit(&x->n, t.data[at]) && add_digit(&x->d, '0');
        x->part = (rsn_text){t.data + begin, at - begin};
    }
    return digits > 0 ? at : 0;
}

static uint64_t common_divisor(uint64_t a, uint64_t b) {
    while (b > 0) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static void write_fraction(bool negative, uint64_t n, uint64_t d, rsn_str *out) {
    uint64_t divisor = common_divisor(n, d);
    n /= divisor;
    d /= divisor;
    rsn_str_addf(out, "%s%llu", negative && n > 0 ? "-" : "", (unsigned long long)n);
    if (d > 1)
        rsn_str_addf(out, "/%llu", (unsigned long long)d);
}

/* The digits of a number that 64 bits do not hold, without zeros that say nothing. */
static void write_digits(const number *x, rsn_str *out) {
    size_t first = out->n + x->negative, part = x->part.n;
    if (x->negative)
        rsn_str_addc(out, '-');
    for (size_t i = 0; i < x->whole.n; i++)
        if (is_digit(x->whole.data[i]) && (out->n > first || x->whole.data[i] != '0'))
            rsn_str_addc(out, x->whole.data[i]);
    while (part > 0 && x->part.data[part - 1] == '0')
        part--;
    if (out->n == first)
        rsn_str_addc(out, '0');
    if (part > 0) {
        rsn_str_addc(out, '.');
        rsn_str_add(out, x->part.data, part);
    }
}

/* A number, or a fraction of two, that is the whole text. */
static bool write_number(rsn_text t, rsn_str *out) {
    number x, y;
    size_t n = read_number(t, &x);
    if (n == 0)
        return false;
    if (n == t.n) {
        if (x.fits)
            write_fraction(x.negative, x.n, x.d, out);
        else
            write_digits(&x, out);
        return true;
    }
    rsn_text rest = {t.data + n + 1, t.n - n - 1};
    if (t.data[n] != '/' || read_number(rest, &y) != rest.n || rest.n == 0)
        return false;
    if (!x.fits || !y.fits || x.d != 1 || y.d != 1 || y.n == 0)
        return false;
    write_fraction(x.negative != y.negative, x.n, y.n, out);
    return true;
}

/* The last number of a text. */
static void write_last_number(rsn_text t, rsn_str *out) {
    rsn_text last = {NULL, 0};
    for (size_t at = 0; at < t.n;) {
        number x;
        bool inside = at > 0 && is_word(t.data[at - 1]);
        rsn_text rest = {t.data + at, t.n - at};
        /* A sign behind a number or a word is an operator. */
        bool sign = rest.data[0] == '-' || rest.data[0] == '+';
        size_t n = inside ? 0 : read_number(rest, &x);
        if (n == 0 || (sign && at > 0 && t.data[at - 1] == ')')) {
            at++;
            continue;
        }
        last = (rsn_text){rest.data, n};
        at += n;
        if (at < t.n && t.data[at] == '/') {
            rsn_text below = {t.data + at + 1, t.n - at - 1};
            size_t m = read_number(below, &x);
            if (m > 0 && is_digit(below.data[0]) && x.n > 0) {
                last.n += 1 + m;
                at += 1 + m;
            }
        }
    }
    if (last.n > 0)
        (void)write_number(last, out);
}

/* --- formulas ------------------------------------------------------------------------ */

/* What is written but says nothing, and what is written in two ways. */
static const struct {
    const char *from, *to;
} SPELLINGS[] = {
    {"\\left", ""},    {"\\right", ""},   {"\\!", ""},      {"\\,", ""},
    {"\\;", ""},       {"\\ ", ""},       {"\\$", ""},      {"$", ""},
    {"\\%", ""},       {"%", ""},         {"^\\circ", ""},  {"^{\\circ}", ""},
    {"\\dfrac", "\\frac"}, {"\\tfrac", "\\frac"}, {"\\text{", "{"}, {"\\mathrm{", "{"},
    {"\\textbf{", "{"}, {"\\cdot", "*"},   {"\\times", "*"}, {"\\le", "<="},
};

static void respell(rsn_text t, rsn_str *out) {
    enum { N = sizeof SPELLINGS / sizeof *SPELLINGS };
    for (size_t at = 0; at < t.n;) {
        size_t i = 0;
        for (; i < N; i++) {
            size_t n = strlen(SPELLINGS[i].from);
            if (n <= t.n - at && memcmp(t.data + at, SPELLINGS[i].from, n) == 0)
                break;
        }
        if (i < N) {
            at += strlen(SPELLINGS[i].from);
            rsn_str_addz(out, SPELLINGS[i].to);
        } else if (is_space(t.data[at])) {
            at++;
        } else {
            rsn_str_addc(out, t.data[at++]);
        }
    }
}

/* "\frac{a}{b}", with a sign or not, as "a/b". */
static bool plain_fraction(rsn_text t, rsn_str *out) {
    static const char FRACTION[] = "\\frac{";
    size_t n = sizeof FRACTION - 1, sign = t.n > 0 && t.data[0] == '-';
    if (t.n < sign + n || memcmp(t.data + sign, FRACTION, n) != 0)
        return false;
    rsn_text above = in_braces((rsn_text){t.data + sign + n, t.n - sign - n});
    size_t at = sign + n + above.n + 1;
    if (at >= t.n || t.data[at] != '{')
        return false;
    rsn_text below = in_braces((rsn_text){t.data + at + 1, t.n - at - 1});
    if (at + 2 + below.n != t.n)
        return false;
    rsn_str_add(out, "-", sign);
    rsn_str_add(out, above.data, above.n);
    rsn_str_addc(out, '/');
    rsn_str_add(out, below.data, below.n);
    return true;
}

/* A group in braces is what is in them. */
static rsn_text without_braces(rsn_text t) {
    while (t.n >= 2 && t.data[0] == '{' &&
           in_braces((rsn_text){t.data + 1, t.n - 1}).n == t.n - 2)
        t = (rsn_text){t.data + 1, t.n - 2};
    return t;
}

static void write_formula(rsn_text t, rsn_str *out) {
    rsn_str plain = {0}, fraction = {0};
    respell(t, &plain);
    rsn_text spelled = without_braces((rsn_text){rsn_str_text(&plain), plain.n});
    while (spelled.n > 0 && spelled.data[spelled.n - 1] == '.')
        spelled.n--;
    bool done = plain_fraction(spelled, &fraction) &&
                write_number((rsn_text){rsn_str_text(&fraction), fraction.n}, out);
    if (!done && !write_number(spelled, out))
        rsn_str_add(out, spelled.data, spelled.n);
    out->failed = out->failed || plain.failed || fraction.failed;
    rsn_str_free(&plain);
    rsn_str_free(&fraction);
}

/* --- words --------------------------------------------------------------------------- */

/* A number, or the words with one space between two. */
static void write_words(rsn_text t, bool exact, rsn_str *out) {
    t = trim(t);
    while (!exact && t.n > 0 && (t.data[t.n - 1] == '.' || is_space(t.data[t.n - 1])))
        t.n--;
    if (!exact && write_number(t, out))
        return;
    for (size_t i = 0; i < t.n; i++) {
        bool space = is_space(t.data[i]);
        if (!space || !is_space(t.data[i - 1]))
            rsn_str_addc(out, space ? ' ' : t.data[i]);
    }
}

/* The rest of the line behind the last of these, if one is there. */
static rsn_text behind_announcement(rsn_text t) {
    static const char *const MARKS[] = {"####", "answer is:", "Answer:", "answer:",
                                        "answer is"};
    for (size_t i = 0; i < sizeof MARKS / sizeof *MARKS; i++) {
        bool found;
        rsn_text rest = trim(behind_last(t, MARKS[i], &found));
        if (!found || rest.n == 0)
            continue;
        const char *line = memchr(rest.data, '\n', rest.n);
        return (rsn_text){rest.data, line ? (size_t)(line - rest.data) : rest.n};
    }
    return t;
}

/* --- choices ------------------------------------------------------------------------- */

/* A letter from A to J that stands alone. */
static bool is_choice(rsn_text t, size_t i) {
    return t.data[i] >= 'A' && t.data[i] <= 'J' && (i == 0 || !is_word(t.data[i - 1])) &&
           (i + 1 == t.n || !is_word(t.data[i + 1]));
}

/* In the box, else the first behind the last "answer", else the last in parentheses, else
 * one that the text begins with and that punctuation or nothing follows. */
static char find_choice(rsn_text t) {
    bool found;
    t = trim(boxed(t, &found));
    for (size_t i = 0; found && i < t.n; i++)
        if (is_choice(t, i))
            return t.data[i];
    rsn_text rest = behind_last(t, "nswer", &found);
    for (size_t i = 0; found && i < rest.n; i++)
        if (is_choice(rest, i))
            return rest.data[i];
    for (size_t i = t.n; i-- > 2;)
        if (t.data[i] == ')' && t.data[i - 2] == '(' && is_choice(t, i - 1))
            return t.data[i - 1];
    bool first = t.n > 0 && is_choice(t, 0) && (t.n == 1 || t.data[1] != ' ');
    return first ? t.data[0] : '\0';
}

/* --- the whole ----------------------------------------------------------------------- */

static void write_choice(rsn_text t, rsn_str *out) {
    char letter = find_choice(t);
    if (letter)
        rsn_str_addc(out, letter);
}

static void write_auto(rsn_text t, rsn_str *out) {
    bool found;
    rsn_text content = boxed(t, &found);
    if (found)
        write_formula(content, out);
    else
        write_words(behind_announcement(t), false, out);
}

static void write_boxed(rsn_text t, rsn_str *out) {
    bool found;
    rsn_text content = boxed(t, &found);
    if (found)
        write_formula(content, out);
}

static void write_exact(rsn_text t, rsn_str *out) {
    write_words(t, true, out);
}

typedef void (*write_fn)(rsn_text t, rsn_str *out);

/* How the answer in a text is written, and one that is alone. */
static const struct {
    write_fn text, gold;
} KINDS[] = {
    [REASON_ANSWER_AUTO] = {write_auto, write_auto},
    [REASON_ANSWER_EXACT] = {write_exact, write_exact},
    [REASON_ANSWER_NUMBER] = {write_last_number, write_last_number},
    [REASON_ANSWER_BOXED] = {write_boxed, write_formula},
    [REASON_ANSWER_CHOICE] = {write_choice, write_choice},
};

void rsn_answer_normalize(rsn_text text, reason_answer_kind kind, rsn_str *out) {
    KINDS[kind].text(text, out);
}

static void normalize_gold(rsn_text gold, reason_answer_kind kind, rsn_str *out) {
    KINDS[kind].gold(gold, out);
}

reason_status rsn_answer_check(rsn_text text, rsn_text gold, reason_answer_kind kind,
                               bool *right) {
    rsn_str own = {0}, wanted = {0};
    rsn_answer_normalize(text, kind, &own);
    normalize_gold(gold, kind, &wanted);
    bool failed = own.failed || wanted.failed;
    *right = !failed && own.n > 0 && own.n == wanted.n &&
             memcmp(own.data, wanted.data, own.n) == 0;
    rsn_str_free(&own);
    rsn_str_free(&wanted);
    return failed ? rsn_fail_memory(text.n) : REASON_OK;
}
