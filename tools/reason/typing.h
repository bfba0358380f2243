/* What a person types, or a pipe sends, as messages: lines, of which one that ends in a
 * backslash goes on. */
#ifndef REASON_CLI_TYPING_H
#define REASON_CLI_TYPING_H

#include "input.h"

struct rsn_cli_typing {
    struct rsn_cli_lines lines; /* where nothing edits lines */
    struct rsn_cli_editor *editor; /* NULL: no terminal, or no library that edits */
    bool prompts;                  /* a person sees a prompt */
};

/* `at_terminal`: lines are edited and remembered; `history` is a file that outlives the
 * process, or NULL. Returns RSN_CLI_OK or says a sentence. */
int rsn_cli_typing_start(struct rsn_cli_typing *typing, bool at_terminal,
                         const char *history);
/* Reads one message into the buffer, without its last line end; at most `limit` bytes.
 * After INTERRUPTED the buffer holds what is known to be lost of it. */
enum rsn_cli_line rsn_cli_typing_read(struct rsn_cli_typing *typing, size_t limit,
                                      struct rsn_cli_buffer *message);
/* Writes the history. Returns RSN_CLI_OK or says a sentence. */
int rsn_cli_typing_end(struct rsn_cli_typing *typing);

#endif
