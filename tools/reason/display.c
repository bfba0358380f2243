/*
 * Owns how output looks while it is made. What is output is left to the library.
 * Invariants: a stream that is no terminal gets the answer's bytes unchanged; a terminal
 * gets no control character that a model chose, and is never left dimmed.
 */
#include "display.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "output.h"

static const char dim_on[] = "\033[2m", dim_off[] = "\033[0m";

static bool wants_color(void) {
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
    return !(no_color && *no_color) && !(term && strcmp(term, "dumb") == 0);
}

void rsn_cli_display_init(struct rsn_cli_display *display, bool show_thinking,
                          bool no_color, bool json) {
    bool out = isatty(STDOUT_FILENO) == 1, err = isatty(STDERR_FILENO) == 1;
    *display = (struct rsn_cli_display){.answer = json ? NULL : stdout};
    if (!json && out) {
        display->thinking = stdout;
    } else if (show_thinking || (!json && err)) {
        display->thinking = stderr;
    }
    display->answer_is_terminal = out;
    display->thinking_is_terminal = display->thinking == stdout ? out : err;
    display->dim = display->thinking_is_terminal && !no_color && wants_color();
    display->marks = display->thinking == stdout && !display->dim;
}

static void put_text(FILE *to, const char *text) {
    rsn_cli_write(to, text, strlen(text));
}

/* Bytes of a control character at p that could steer a terminal; 0 if there is none. */
static size_t measure_control(const unsigned char *p, size_t n) {
    if (*p == '\n' || *p == '\t') return 0;
    if (*p < 0x20 || *p == 0x7f) return 1;
    return n > 1 && *p == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0 ? 2 : 0;
}

static void put_clean(FILE *to, const char *text, size_t n_bytes) {
    size_t start = 0;
    for (size_t at = 0; at < n_bytes;) {
        size_t control = measure_control((const unsigned char *)text + at, n_bytes - at);
        if (control) {
            rsn_cli_write(to, text + start, at - start);
            put_text(to, "?");
            start = at + control;
        }
        at += control ? control : 1;
    }
    rsn_cli_write(to, text + start, n_bytes - start);
}

static size_t count_leading_space(const char *text, size_t n_bytes) {
    size_t n = 0;
    while (n < n_bytes && (text[n] == '\n' || text[n] == ' ')) n++;
    return n;
}

static void show_thinking(struct rsn_cli_display *display, const char *text,
                          size_t n_bytes) {
    FILE *to = display->thinking;
    if (!to) return;
    if (!display->in_block) {
        size_t n_space = count_leading_space(text, n_bytes);
        if (n_space == n_bytes) return; /* an empty block shows nothing */
        text += n_space;
        n_bytes -= n_space;
        if (display->dim) put_text(to, dim_on);
        if (display->marks) put_text(to, "[thinking]\n");
        display->in_block = true;
    }
    if (display->thinking_is_terminal) {
        put_clean(to, text, n_bytes);
    } else {
        rsn_cli_write(to, text, n_bytes);
    }
    display->line_start = text[n_bytes - 1] == '\n';
}

static void end_block(struct rsn_cli_display *display) {
    FILE *to = display->thinking;
    if (!display->in_block) return;
    if (display->dim) put_text(to, dim_off);
    if (!display->line_start) put_text(to, "\n");
    if (display->thinking_is_terminal && display->answer) put_text(to, "\n");
    if (display->marks) put_text(to, "[answer]\n");
    display->in_block = false;
}

static void show_answer(struct rsn_cli_display *display, const char *text,
                        size_t n_bytes) {
    if (!display->answer) return;
    if (display->answer_is_terminal && !display->any_answer) {
        size_t n_space = count_leading_space(text, n_bytes);
        text += n_space;
        n_bytes -= n_space;
    }
    if (n_bytes == 0) return;
    if (display->answer_is_terminal) {
        put_clean(display->answer, text, n_bytes);
    } else {
        rsn_cli_write(display->answer, text, n_bytes);
    }
    display->any_answer = true;
    display->last_answer = text[n_bytes - 1];
}

int rsn_cli_display_piece(void *user, const reason_piece *piece) {
    struct rsn_cli_display *display = user;
    if (piece->n_bytes == 0 || piece->label == REASON_LABEL_MARKUP) return 0;
    if (piece->label == REASON_LABEL_THINK) {
        show_thinking(display, piece->text, piece->n_bytes);
    } else {
        end_block(display);
        show_answer(display, piece->text, piece->n_bytes);
    }
    rsn_cli_flush();
    return rsn_cli_output_failed() ? 1 : 0;
}

void rsn_cli_display_end(struct rsn_cli_display *display, bool finished) {
    end_block(display);
    bool open_line = display->any_answer ? display->last_answer != '\n'
                                         : finished && !display->answer_is_terminal;
    if (display->answer && open_line) put_text(display->answer, "\n");
    rsn_cli_flush();
    display->any_answer = false;
    display->last_answer = 0;
}
