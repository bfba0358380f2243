/* A growing byte string, always followed by a NUL. The first failure sticks, so a chain
 * of appends needs one check at its end. */
#ifndef REASON_BASE_STR_H
#define REASON_BASE_STR_H

#include "base/alloc.h"

typedef struct rsn_str {
    char *data; /* NULL while empty */
    size_t n, cap;
    bool failed; /* an append found no memory; the content is short */
} rsn_str;

/* Borrowed bytes with their length; nothing follows them. */
typedef struct rsn_text {
    const char *data;
    size_t n;
} rsn_text;

/* Whether it is this NUL-terminated text. */
bool rsn_text_is(rsn_text text, const char *wanted);

/* A zeroed rsn_str is an empty one. What is added must not lie inside the same string. */
void rsn_str_add(rsn_str *s, const char *bytes, size_t n);
void rsn_str_addz(rsn_str *s, const char *text); /* NUL-terminated text */
void rsn_str_addc(rsn_str *s, char c);
void rsn_str_addf(rsn_str *s, const char *fmt, ...) RSN_PRINTF(2, 3);
void rsn_str_reserve(rsn_str *s,
                     size_t n); /* room for n more bytes: adding them allocates nothing */
void rsn_str_cut(rsn_str *s, size_t n); /* shortens to n bytes */
void rsn_str_drop(rsn_str *s, size_t n); /* removes the first n bytes */
const char *rsn_str_text(const rsn_str *s); /* never NULL */
/* Hands the buffer over ("" if empty), to be given to rsn_free(); NULL if failed. Either
 * way the string is empty and usable afterwards. */
char *rsn_str_take(rsn_str *s);
void rsn_str_free(rsn_str *s);

#endif
