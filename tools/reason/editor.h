/* Lines edited on a terminal, by libedit where it was found. */
#ifndef REASON_CLI_EDITOR_H
#define REASON_CLI_EDITOR_H

#include "input.h"

struct rsn_cli_editor;

/* *editor is NULL where nothing can edit: the terminal does then. `history`: a file of
 * earlier lines, or NULL. Returns RSN_CLI_OK or says a sentence. */
int rsn_cli_editor_open(const char *history, struct rsn_cli_editor **editor);
/* Reads one line into the buffer, without its line end. Pasted text may hold more. After
 * INTERRUPTED the buffer holds what was typed up to then. */
enum rsn_cli_line rsn_cli_editor_read(struct rsn_cli_editor *editor, const char *prompt,
                                      size_t limit, struct rsn_cli_buffer *line);
/* Keeps a line for the arrow keys and the history file. */
void rsn_cli_editor_remember(struct rsn_cli_editor *editor, const char *line);
/* Writes the history file and frees; NULL is fine. Returns RSN_CLI_OK or says a
 * sentence. */
int rsn_cli_editor_close(struct rsn_cli_editor *editor);

#endif
