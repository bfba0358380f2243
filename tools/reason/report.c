/*
 * Owns every error sentence that the command writes: one line, "reason: " in front, on
 * standard error. What the sentence says is left to the caller or the library. Invariant:
 * text that came from a file or an argument cannot move the cursor or change colours of a
 * terminal.
 */
#include <stdarg.h>
#include <stdio.h>

#include "cli.h"

/* Long enough for a sentence with two paths in it; a longer one is cut. */
enum { SENTENCE_CAP = 9000 };

static void clean_line(char *line) {
    for (unsigned char *p = (unsigned char *)line; *p; p++) {
        bool control = *p < 0x20 || *p == 0x7f;
        bool c1 = *p == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0;
        if (control) *p = '?';
        if (c1) p[0] = p[1] = '?';
    }
}

static void say_list(const char *format, va_list list, const char *tail) {
    char line[SENTENCE_CAP];
    if (vsnprintf(line, sizeof line, format, list) < 0) return;
    clean_line(line);
    fprintf(stderr, "reason: %s%s\n", line, tail);
}

void rsn_cli_say(const char *format, ...) {
    va_list list;
    va_start(list, format);
    say_list(format, list, "");
    va_end(list);
}

void rsn_cli_say_warning(void *user, reason_log_level level, const char *line) {
    (void)user;
    if (level == REASON_LOG_WARNING) rsn_cli_say("%s", line);
}

int rsn_cli_fail(const char *format, ...) {
    va_list list;
    va_start(list, format);
    say_list(format, list, "");
    va_end(list);
    return RSN_CLI_FAILED;
}

int rsn_cli_fail_library(void) {
    return rsn_cli_fail("%s", reason_last_error());
}

int rsn_cli_fail_usage(const struct rsn_cli_command *command, const char *format, ...) {
    char tail[64];
    snprintf(tail, sizeof tail, "; see 'reason %s --help'", command->name);
    va_list list;
    va_start(list, format);
    say_list(format, list, tail);
    va_end(list);
    return RSN_CLI_USAGE;
}

int rsn_cli_fail_memory(void) {
    return rsn_cli_fail("out of memory");
}
