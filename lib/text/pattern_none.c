/* What takes the place of pattern.c in a library without PCRE2: every expression is
 * refused. Invariant: there is no pattern, so nothing but rsn_pattern_new() is ever
 * called. */
#include "text/pattern.h"

reason_status rsn_pattern_new(const rsn_text *expressions, size_t n, rsn_pattern **out) {
    *out = NULL;
    rsn_text first = n ? expressions[0] : (rsn_text){"", 0};
    return rsn_fail(REASON_ERR_UNSUPPORTED,
                    "reason.tokenizer.pattern[0]: %s: this library was built without "
                    "PCRE2, which would run it",
                    rsn_quote(first.data, first.n).text);
}

size_t rsn_pattern_held(const rsn_pattern *p) {
    (void)p;
    return 0;
}

void rsn_pattern_free(rsn_pattern *p) {
    (void)p;
}

reason_status rsn_pattern_begin(const rsn_pattern *p, const char *s, size_t n,
                                rsn_pattern_run **run) {
    (void)p;
    (void)s;
    (void)n;
    *run = NULL;
    return REASON_OK;
}

reason_status rsn_pattern_next(rsn_pattern_run *run, size_t at, size_t *end) {
    (void)run;
    *end = at;
    return REASON_OK;
}

void rsn_pattern_end(rsn_pattern_run *run) {
    (void)run;
}
