/* Owns the conversion of decimal text to doubles. Which spellings a format allows is left
 * to its reader. Invariant: the result is the correctly rounded one, for any number of
 * digits.
 *
 * Short numbers are one exact division or product of doubles. All others go through one
 * large integer: value = digits * 10^exp = q / 2^shift, where only q's leading 54 bits
 * and whether anything follows them matter; so 5^-exp may be divided out piecewise,
 * rounding down. */
#include "base/decimal.h"

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

/* Halfway points between doubles have at most 767 significant digits, so of more digits
 * only whether one is not zero can matter. */
enum { DIGITS_MAX = 800 };

/* Values from 10^310 up are infinite, those below 10^-330 zero. */
enum { POINT_MAX = 310, POINT_MIN = -330 };

/* 800 digits are 2658 bits; before a division by 5^1130 there are at most 2633 + 66. */
enum { LIMBS = 96 };

/* 0.d[0]d[1]... * 10^point; no zeros at either end; n = 0 is zero. */
typedef struct decimal {
    bool negative, more; /* more: digits that are not zero were dropped at the end */
    int n;
    int64_t point;
    uint8_t d[DIGITS_MAX];
} decimal;

typedef struct big {
    int n; /* limbs in use, the last not zero */
    uint32_t limb[LIMBS];
} big;

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static void add_digit(decimal *a, int digit) {
    if (a->n == DIGITS_MAX) {
        a->more = a->more || digit != 0;
    } else if (a->n > 0 || digit != 0) {
        a->d[a->n++] = (uint8_t)digit;
    }
}

/* The digits of a mantissa; returns how many characters they take, 0 if there is none. */
static size_t scan_mantissa(const char *s, size_t n, decimal *a) {
    size_t at = 0, n_digits = 0;
    bool fraction = false;
    for (; at < n && (is_digit(s[at]) || (s[at] == '.' && !fraction)); at++) {
        if (s[at] == '.') {
            fraction = true;
            continue;
        }
        bool leading = a->n == 0 && s[at] == '0';
        add_digit(a, s[at] - '0');
        if (!fraction && !leading) a->point++;
        if (fraction && leading) a->point--;
        n_digits++;
    }
    while (a->n > 0 && a->d[a->n - 1] == 0) a->n--;
    return n_digits ? at : 0;
}

/* An exponent; returns how many characters it takes, 0 if it is none. */
static size_t scan_exponent(const char *s, size_t n, int64_t *exponent) {
    const int64_t enough = INT64_C(1) << 61; /* beyond any count of digits in memory */
    size_t at = 1;
    if (n == 0 || (s[0] != 'e' && s[0] != 'E')) return 0;
    bool negative = at < n && s[at] == '-';
    if (at < n && (s[at] == '-' || s[at] == '+')) at++;
    if (at == n || !is_digit(s[at])) return 0;
    int64_t value = 0;
    for (; at < n && is_digit(s[at]); at++)
        if (value < enough / 10) value = value * 10 + (s[at] - '0');
    *exponent = negative ? -value : value;
    return at;
}

static bool scan(const char *s, size_t n, decimal *a) {
    a->negative = s[0] == '-';
    a->more = false;
    a->n = 0;
    a->point = 0;
    size_t at = a->negative;
    size_t len = scan_mantissa(s + at, n - at, a);
    if (len == 0) return false;
    at += len;
    if (at == n) return true;
    int64_t exponent = 0;
    len = scan_exponent(s + at, n - at, &exponent);
    a->point += exponent;
    return len != 0 && at + len == n;
}

/* Exact where both numbers are exact doubles: one operation, rounded once. */
static bool convert_short(const decimal *a, double *value) {
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                    1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                    1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    const int64_t exponent = a->point - a->n;
    if (FLT_EVAL_METHOD != 0 || a->n > 15 || exponent < -22 || exponent > 22)
        return false;
    int64_t mantissa = 0;
    for (int i = 0; i < a->n; i++) mantissa = mantissa * 10 + a->d[i];
    *value = exponent < 0 ? (double)mantissa / powers[-exponent]
                          : (double)mantissa * powers[exponent];
    return true;
}

static void multiply_add(big *b, uint32_t factor, uint32_t carry) {
    uint64_t rest = carry;
    for (int i = 0; i < b->n; i++) {
        rest += (uint64_t)b->limb[i] * factor;
        b->limb[i] = (uint32_t)rest;
        rest >>= 32;
    }
    if (rest) b->limb[b->n++] = (uint32_t)rest;
}

static void shift_left(big *b, int bits) {
    const int whole = bits / 32, part = bits % 32;
    multiply_add(b, UINT32_C(1) << part, 0);
    memmove(b->limb + whole, b->limb, (size_t)b->n * sizeof *b->limb);
    memset(b->limb, 0, (size_t)whole * sizeof *b->limb);
    b->n += whole;
}

/* Divides, rounding down; whether anything was left over. */
static bool divide(big *b, uint32_t divisor) {
    uint64_t rest = 0;
    for (int i = b->n - 1; i >= 0; i--) {
        rest = rest << 32 | b->limb[i];
        b->limb[i] = (uint32_t)(rest / divisor);
        rest %= divisor;
    }
    while (b->n > 0 && b->limb[b->n - 1] == 0) b->n--;
    return rest != 0;
}

static int count_bits(const big *b) {
    int bits = (b->n - 1) * 32;
    for (uint32_t top = b->limb[b->n - 1]; top; top >>= 1) bits++;
    return bits;
}

/* The bits of b from `at` up, at most 54 of them; *below is set if one under them is. */
static uint64_t take_bits(const big *b, int at, bool *below) {
    uint64_t value = 0;
    for (int i = b->n - 1; i >= 0; i--) {
        const int shift = i * 32 - at; /* where the limb's lowest bit goes */
        const uint64_t limb = b->limb[i];
        if (shift >= 0) {
            value |= limb << shift;
        } else if (shift > -32) {
            value |= limb >> -shift;
            if (limb & ((UINT64_C(1) << -shift) - 1)) *below = true;
        } else if (limb) {
            *below = true;
        }
    }
    return value;
}

/* The double nearest to b * 2^scale, a little more if `more`. b has at least 64 bits. */
static double round_big(const big *b, int scale, bool more) {
    const int top = count_bits(b) - 1 + scale; /* value is in [2^top, 2^(top + 1)) */
    if (top > 1023) return INFINITY;
    if (top < -1076) return 0.0;
    /* 53 bits of a normal number, fewer of a subnormal one; then one to round by. */
    const int keep = top >= -1022 ? 53 : 53 - (-1022 - top);
    const int drop = count_bits(b) - keep;
    bool below = more;
    const uint64_t twice = take_bits(b, drop - 1, &below);
    uint64_t bits = twice >> 1;
    if ((twice & 1) && (below || (bits & 1))) bits++;
    /* A carry out of the mantissa falls into the exponent, which is what it should do. */
    if (top >= -1022) bits += (uint64_t)(top + 1022) << 52;
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static void take_digits(const decimal *a, big *b) {
    b->n = 0;
    for (int i = 0; i < a->n;) {
        uint32_t power = 1, part = 0;
        for (; i < a->n && power < 1000000000; i++) {
            power *= 10;
            part = part * 10 + a->d[i];
        }
        multiply_add(b, power, part);
    }
}

static double convert_long(const decimal *a) {
    enum { STEP = 13 };
    const uint32_t five_to_step = 1220703125; /* the largest power of 5 in 32 bits */
    big b;
    take_digits(a, &b);
    bool more = a->more;
    int exponent = (int)(a->point - a->n), scale = exponent;
    for (; exponent >= STEP; exponent -= STEP) multiply_add(&b, five_to_step, 0);
    for (; exponent > 0; exponent--) multiply_add(&b, 5, 0);
    /* Enough bits that 64 are left after the division: log2(5) < 2.33. */
    int missing = 66 + (exponent < 0 ? -exponent * 233 / 100 : 0) - count_bits(&b);
    if (missing > 0) {
        shift_left(&b, missing);
        scale -= missing;
    }
    for (; exponent <= -STEP; exponent += STEP) more = divide(&b, five_to_step) || more;
    for (; exponent < 0; exponent++) more = divide(&b, 5) || more;
    return round_big(&b, scale, more);
}

bool rsn_decimal_parse(const char *s, size_t n, double *value) {
    decimal a;
    if (n == 0 || !scan(s, n, &a)) return false;
    double size;
    if (a.n == 0 || a.point < POINT_MIN) {
        size = 0.0;
    } else if (a.point > POINT_MAX) {
        size = INFINITY;
    } else if (a.more || !convert_short(&a, &size)) {
        size = convert_long(&a);
    }
    *value = a.negative ? -size : size;
    return true;
}
