/* Cutting text by regular expressions that come with a tokenizer and have no name: run by
 * PCRE2, within bounds. */
#ifndef REASON_TEXT_PATTERN_H
#define REASON_TEXT_PATTERN_H

#include "base/str.h"

enum {
    RSN_PATTERN_MAX = 8,         /* expressions in a row */
    RSN_PATTERN_MAX_BYTES = 65536, /* of one of them */
    RSN_PATTERN_MAX_REPEAT = 256, /* the largest count in {...} */
};

typedef struct rsn_pattern rsn_pattern;

/* Each expression is applied to the pieces of the one before; what it matches and what
 * lies between are pieces. Returns FORMAT (no expression), LIMIT, NO_MEMORY, UNSUPPORTED
 * (an expression that PCRE2 has not, or a library without PCRE2). */
reason_status rsn_pattern_new(const rsn_text *expressions, size_t n, rsn_pattern **out);
size_t rsn_pattern_held(const rsn_pattern *p);
void rsn_pattern_free(rsn_pattern *p);

/* A text while it is cut. */
typedef struct rsn_pattern_run rsn_pattern_run;

/* Bytes that are no character are as good as a control character. NO_MEMORY. */
reason_status rsn_pattern_begin(const rsn_pattern *p, const char *s, size_t n,
                                rsn_pattern_run **run);
/* The end of the piece that begins at `at`, which is 0 or the end of the piece before;
 * at < n. LIMIT if matching takes more than some hundred steps for each byte of the
 * text. */
reason_status rsn_pattern_next(rsn_pattern_run *run, size_t at, size_t *end);
void rsn_pattern_end(rsn_pattern_run *run);

#endif
