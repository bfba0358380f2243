/*
 * The editor of lines where libedit was not found: there is none, and the terminal edits
 * as far as it can. Invariant: it opens nothing, so nothing of it is ever read.
 */
#include "editor.h"

int rsn_cli_editor_open(const char *file, struct rsn_cli_editor **editor) {
    *editor = NULL;
    if (!file) return RSN_CLI_OK;
    return rsn_cli_fail("--history needs a build with libedit; this one has none");
}

enum rsn_cli_line rsn_cli_editor_read(struct rsn_cli_editor *editor, const char *prompt,
                                      size_t limit, struct rsn_cli_buffer *line) {
    (void)editor, (void)prompt, (void)limit, (void)line;
    return RSN_CLI_LINE_END;
}

void rsn_cli_editor_remember(struct rsn_cli_editor *editor, const char *line) {
    (void)editor, (void)line;
}

int rsn_cli_editor_close(struct rsn_cli_editor *editor) {
    (void)editor;
    return RSN_CLI_OK;
}
