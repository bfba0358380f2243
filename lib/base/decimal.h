/* Decimal numbers in text. Unlike strtod this does not depend on the process's locale. */
#ifndef REASON_BASE_DECIMAL_H
#define REASON_BASE_DECIMAL_H

#include <stdbool.h>
#include <stddef.h>

/* Reads s[0..n), all of it: an optional '-', at least one digit with at most one '.'
 * before, among or behind them, and an optional exponent ('e' or 'E', optional sign,
 * digits). *value is the nearest double, ties to even (in the default rounding mode); too
 * small becomes (-)0, too large (-)infinity. False: not of that form. */
bool rsn_decimal_parse(const char *s, size_t n, double *value);

#endif
