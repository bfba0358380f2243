/* Owns the host's log callback. What is worth a line is left to the caller. Invariant: a
 * line is formatted only if somebody listens, has no newline, and setting the callback is
 * not locked: it happens before any other call. */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

static reason_log_fn log_fn;
static void *log_user;

void rsn_log_set(reason_log_fn fn, void *user) {
    log_fn = fn;
    log_user = user;
}

void rsn_log(reason_log_level level, const char *fmt, ...) {
    char line[1024];
    if (!log_fn) return;
    va_list args;
    va_start(args, fmt);
    line[0] = '\0';
    (void)vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    (void)rsn_make_line(line, sizeof line);
    log_fn(log_user, level, line);
}
