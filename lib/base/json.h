/* A pull parser for JSON: no tree, no recursion, nothing copied but what is asked for.
 * Strict RFC 8259; depth is limited; lone surrogate escapes become U+FFFD. */
#ifndef REASON_BASE_JSON_H
#define REASON_BASE_JSON_H

#include "base/str.h"

enum { RSN_JSON_MAX_DEPTH = 128 };

typedef enum rsn_json_kind {
    RSN_JSON_END, /* the whole text was read */
    RSN_JSON_ERROR,
    RSN_JSON_OBJECT_BEGIN,
    RSN_JSON_OBJECT_END,
    RSN_JSON_ARRAY_BEGIN,
    RSN_JSON_ARRAY_END,
    RSN_JSON_KEY,    /* text holds the unescaped key */
    RSN_JSON_STRING, /* text holds the unescaped string */
    RSN_JSON_INT,   /* integer and number hold it; no fraction, no exponent, fits int64 */
    RSN_JSON_FLOAT, /* number holds it, correctly rounded; above DBL_MAX is an error */
    RSN_JSON_TRUE,
    RSN_JSON_FALSE,
    RSN_JSON_NULL
} rsn_json_kind;

typedef struct rsn_json {
    const char *data;
    size_t n, at;  /* at: byte offset, also of an error */
    rsn_str text;  /* of KEY and STRING, until the next call */
    int64_t integer;
    double number;
    size_t depth;
    uint8_t state;        /* private */
    reason_status failed; /* private: what every further call reports */
    uint8_t in_object[(RSN_JSON_MAX_DEPTH + 7) /
                      8]; /* private: bit d: level d is an object */
} rsn_json;

void rsn_json_init(rsn_json *j, const char *data, size_t n);
/* The next event; END and ERROR are repeated for ever. On RSN_JSON_ERROR `*status` has
 * the code (FORMAT, LIMIT for depth, NO_MEMORY) and the thread's last error says what and
 * where. */
rsn_json_kind rsn_json_next(rsn_json *j, reason_status *status);
/* Skips the value whose first event was `first`; after a key, the value of that key. */
reason_status rsn_json_skip(rsn_json *j, rsn_json_kind first);
void rsn_json_free(rsn_json *j);

/* Appends s[0..n) as a JSON string with quotes; ascii: everything above 0x7E as \u
 * escapes. Invalid UTF-8 becomes U+FFFD, one for each invalid part. */
void rsn_json_quote(rsn_str *out, const char *s, size_t n, bool ascii);

#endif
