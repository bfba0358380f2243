/* Owns growing byte strings. What the bytes mean, and when to look at `failed`, is left
 * to the caller. Invariant: data is NULL and cap 0, or data[n] is a NUL and n < cap. */
#include "base/str.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"

/* Room for n more bytes and a NUL. */
static bool make_room(rsn_str *s, size_t n) {
    if (s->failed) return false;
    if (n > SIZE_MAX - 1 - s->n) {
        (void)rsn_fail_memory(n);
        s->failed = true;
    } else if (RSN_GROW(&s->data, &s->cap, s->n + n + 1)) {
        s->failed = true;
    }
    return !s->failed;
}

bool rsn_text_is(rsn_text text, const char *wanted) {
    return text.n == strlen(wanted) && memcmp(text.data, wanted, text.n) == 0;
}

void rsn_str_add(rsn_str *s, const char *bytes, size_t n) {
    if (n == 0 || !make_room(s, n)) return;
    memcpy(s->data + s->n, bytes, n);
    s->n += n;
    s->data[s->n] = '\0';
}

void rsn_str_addz(rsn_str *s, const char *text) {
    rsn_str_add(s, text, strlen(text));
}

void rsn_str_addc(rsn_str *s, char c) {
    rsn_str_add(s, &c, 1);
}

void rsn_str_addf(rsn_str *s, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (n < 0) {
        (void)rsn_fail(REASON_ERR_INTERNAL, "text cannot be formatted by \"%s\"", fmt);
        s->failed = true;
    }
    if (n <= 0 || !make_room(s, (size_t)n)) return;
    va_start(args, fmt);
    (void)vsnprintf(s->data + s->n, (size_t)n + 1, fmt, args);
    va_end(args);
    s->n += (size_t)n;
}

void rsn_str_reserve(rsn_str *s, size_t n) {
    if (make_room(s, n)) s->data[s->n] = '\0';
}

void rsn_str_cut(rsn_str *s, size_t n) {
    if (n >= s->n) return;
    s->n = n;
    s->data[n] = '\0';
}

void rsn_str_drop(rsn_str *s, size_t n) {
    if (n == 0 || s->n == 0) return;
    if (n > s->n) n = s->n;
    memmove(s->data, s->data + n, s->n - n + 1);
    s->n -= n;
}

const char *rsn_str_text(const rsn_str *s) {
    return s->data ? s->data : "";
}

char *rsn_str_take(rsn_str *s) {
    if (s->failed) {
        rsn_str_free(s);
        return NULL;
    }
    char *text = s->data ? s->data : rsn_strndup("", 0);
    *s = (rsn_str){NULL, 0, 0, false};
    return text;
}

void rsn_str_free(rsn_str *s) {
    rsn_free(s->data);
    *s = (rsn_str){NULL, 0, 0, false};
}
