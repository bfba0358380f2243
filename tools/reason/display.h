/* Where streamed text goes: thinking, answer, and how a terminal tells them apart. */
#ifndef REASON_CLI_DISPLAY_H
#define REASON_CLI_DISPLAY_H

#include <stdio.h>

#include "cli.h"

/*
 * Standard output a terminal: thinking (dimmed) and the answer, both there. Otherwise:
 * the answer alone on standard output, byte for byte, and thinking on standard error if
 * that is a terminal or
 * --show-thinking was given.
 */
struct rsn_cli_display {
    FILE *thinking, *answer; /* NULL: not shown */
    bool thinking_is_terminal, answer_is_terminal;
    bool dim;        /* thinking is set off by colour */
    bool marks;      /* or, in one stream without colour, by marks */
    bool in_block;   /* thinking is being shown */
    bool line_start; /* the last byte of the block ended a line */
    bool any_answer;
    char last_answer; /* the last byte shown of the answer */
};

void rsn_cli_display_init(struct rsn_cli_display *display, bool show_thinking,
                          bool no_color, bool json);
/* A reason_stream_fn; `user` is the display. Stops the generation when output is lost. */
int rsn_cli_display_piece(void *user, const reason_piece *piece);
/* Ends the last line and makes the display ready for the next answer. An answer that was
 * finished and empty is an empty line; one that failed at once is nothing. */
void rsn_cli_display_end(struct rsn_cli_display *display, bool finished);

#endif
