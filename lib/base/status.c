/* Owns each thread's last error and the names of statuses. What a sentence says is left
 * to the place that fails. Invariant: a thread's last error is always NUL-terminated and
 * one line, and is cut between characters, never inside one. */
#include "base/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

enum { ERROR_BYTES = 1024 };

static _Thread_local char last_error[ERROR_BYTES];

#define STATUS_TABLE(X)        \
    X(REASON_OK)               \
    X(REASON_ERR_INVALID_ARG)  \
    X(REASON_ERR_NO_MEMORY)    \
    X(REASON_ERR_IO)           \
    X(REASON_ERR_FORMAT)       \
    X(REASON_ERR_UNSUPPORTED)  \
    X(REASON_ERR_LIMIT)        \
    X(REASON_ERR_CONTEXT_FULL) \
    X(REASON_ERR_BUSY)         \
    X(REASON_ERR_CANCELLED)    \
    X(REASON_ERR_MISMATCH)     \
    X(REASON_ERR_TEMPLATE)     \
    X(REASON_ERR_INTERNAL)

const char *rsn_status_name(reason_status status) {
    switch (status) {
#define NAME_CASE(name) \
    case name: return #name;
        STATUS_TABLE(NAME_CASE)
#undef NAME_CASE
    }
    return "unknown status";
}

const char *rsn_last_error(void) {
    return last_error;
}

size_t rsn_make_line(char *text, size_t cap) {
    text[cap - 1] = '\0';
    size_t n = strlen(text);
    if (n == cap - 1) n -= rsn_utf8_open_tail(text, n);
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c < 0x20 || c == 0x7F) text[i] = '?'; /* names in it come from outside */
    }
    text[n] = '\0';
    return n;
}

reason_status rsn_fail(reason_status status, const char *fmt, ...) {
    char text[ERROR_BYTES]; /* not last_error: the arguments may contain that */
    va_list args;
    va_start(args, fmt);
    text[0] = '\0';
    (void)vsnprintf(text, sizeof text, fmt, args); /* cut: what fits will do */
    va_end(args);
    size_t n = rsn_make_line(text, sizeof text);
    memcpy(last_error, text, n + 1);
    return status;
}

reason_status rsn_fail_within(reason_status status, const char *prefix) {
    return rsn_fail(status, "%s: %s", prefix, last_error);
}

reason_status rsn_fail_memory(size_t n_bytes) {
    return rsn_fail(REASON_ERR_NO_MEMORY, "not enough memory: %zu bytes were refused",
                    n_bytes);
}

/* Characters that are shown as they are: no controls, and nothing invisible or that turns
 * the direction of the text around it. */
static bool is_shown(int32_t cp) {
    if (cp < 0x20 || (cp >= 0x7F && cp < 0xA0)) return false; /* -1 is invalid */
    if (cp == 0xAD || cp == 0x061C || cp == 0xFEFF) return false;
    if (cp >= 0x200B && cp <= 0x200F) return false;
    if (cp >= 0x2028 && cp <= 0x202E) return false;
    return !(cp >= 0x2060 && cp <= 0x206F);
}

/* Writes the shown form of a character of `len` bytes; returns its length, at most 16. */
static size_t show(const char *s, size_t len, int32_t cp, char *out) {
    static const char hex[] = "0123456789abcdef";
    size_t n = 0;
    if (cp == '"' || cp == '\\') {
        out[0] = '\\';
        out[1] = (char)cp;
        return 2;
    }
    if (is_shown(cp)) {
        memcpy(out, s, len);
        return len;
    }
    for (size_t i = 0; i < len; i++) {
        unsigned char byte = (unsigned char)s[i];
        out[n++] = '\\';
        out[n++] = 'x';
        out[n++] = hex[byte >> 4];
        out[n++] = hex[byte & 15];
    }
    return n;
}

rsn_quoted rsn_quote(const char *text, size_t n_bytes) {
    rsn_quoted q;
    const size_t room = sizeof q.text - sizeof "\"..."; /* kept free for the end */
    size_t n = 0, at = 0;
    q.text[n++] = '"';
    while (at < n_bytes) {
        char shown[16];
        int32_t cp;
        size_t len = rsn_utf8_decode(text + at, n_bytes - at, &cp);
        size_t k = show(text + at, len, cp, shown);
        if (n + k > room) break;
        memcpy(q.text + n, shown, k);
        n += k;
        at += len;
    }
    memcpy(q.text + n, at < n_bytes ? "\"..." : "\"", at < n_bytes ? 5 : 2);
    return q;
}
