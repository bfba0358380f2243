/* How one value is laid out by a format string of either kind. Private to
 * template_*.c. */
#ifndef REASON_TEXT_TEMPLATE_SPEC_H
#define REASON_TEXT_TEMPLATE_SPEC_H

#include "text/template_value.h"

enum { RSN_SPEC_MAX_PRECISION = 500, RSN_SPEC_MAX_WIDTH = 1 << 20 };

/* How one value is to be written; the same for both kinds of format strings. */
typedef struct rsn_tpl_spec {
    char fill[4]; /* one character */
    size_t n_fill;
    char align; /* < > ^ = or 0 */
    char sign;  /* + or blank or 0: only minus */
    char group; /* , or _ or 0 */
    char type;  /* 0: none */
    bool alternate;
    int64_t width, precision; /* precision -1: none */
} rsn_tpl_spec;

extern const rsn_tpl_spec rsn_plain_spec;

/* Fills up to the width; `prefix` stays in front with the alignment '='. */
void rsn_spec_add_padded(rsn_tb *b, const rsn_tpl_spec *s, char align, const char *prefix,
                         const char *body, size_t n_body);
/* The same for text, which the precision cuts. */
void rsn_spec_add_text(rsn_tb *b, const rsn_tpl_spec *s, char align, const char *text,
                       size_t n);
/* Digits of |i| in a base, written backwards from the end of buf; returns where they
 * begin. */
const char *rsn_spec_digits(char buf[72], int64_t i, unsigned base, bool upper);
/* `body`: digits and what follows them, grouped by `every` if the spec groups. */
void rsn_spec_add_number(rsn_tb *b, const rsn_tpl_spec *s, bool negative,
                         const char *base_prefix, const char *body, size_t every);
void rsn_spec_add_int(rsn_tb *b, const rsn_tpl_spec *s, int64_t i);
void rsn_spec_add_float(rsn_tb *b, const rsn_tpl_spec *s, double f);
reason_status rsn_spec_add_char(rsn_tb *b, const rsn_tpl_spec *s, int64_t code,
                                char align);

#endif
