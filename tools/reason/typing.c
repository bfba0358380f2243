/*
 * Owns how lines become messages. Editing a line is left to editor.c, reading one without
 * a terminal to input.c. Invariant: a message within the limit comes out as it was typed
 * but for the backslashes that end its lines.
 */
#include "typing.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "editor.h"
#include "output.h"

int rsn_cli_typing_start(struct rsn_cli_typing *typing, bool at_terminal,
                         const char *history) {
    *typing = (struct rsn_cli_typing){.lines = {.fd = STDIN_FILENO},
                                      .prompts = at_terminal};
    if (!at_terminal) return RSN_CLI_OK;
    return rsn_cli_editor_open(history, &typing->editor);
}

static enum rsn_cli_line read_line(struct rsn_cli_typing *typing, bool first,
                                   size_t limit, struct rsn_cli_buffer *line) {
    const char *prompt = first ? "> " : ". ";
    if (typing->editor)
        return rsn_cli_editor_read(typing->editor, prompt, limit, line);
    if (typing->prompts) {
        rsn_cli_print("%s", prompt);
        rsn_cli_flush();
    }
    return rsn_cli_read_line(&typing->lines, limit, line);
}

/* Takes the backslash off the end: one means that the line goes on, two are one. */
static bool goes_on(struct rsn_cli_buffer *line) {
    size_t n = line->n_bytes;
    if (n == 0 || line->data[n - 1] != '\\') return false;
    line->data[--line->n_bytes] = 0;
    return n < 2 || line->data[n - 2] != '\\';
}

static enum rsn_cli_line read_message(struct rsn_cli_typing *typing, size_t limit,
                                      struct rsn_cli_buffer *line,
                                      struct rsn_cli_buffer *message) {
    bool too_long = false;
    for (bool first = true, more = true; more; first = false) {
        enum rsn_cli_line state = read_line(typing, first, limit, line);
        if (state == RSN_CLI_LINE_END && !first) break;
        if (state == RSN_CLI_LINE_INTERRUPTED)
            (void)rsn_cli_buffer_append(message, line->data, line->n_bytes);
        if (state == RSN_CLI_LINE_LONG) too_long = true;
        else if (state != RSN_CLI_LINE_OK) return state;
        more = state == RSN_CLI_LINE_OK && goes_on(line);
        too_long = too_long || message->n_bytes + line->n_bytes + 1 > limit;
        if (too_long) continue;
        if ((!first && !rsn_cli_buffer_append(message, "\n", 1)) ||
            !rsn_cli_buffer_append(message, line->data, line->n_bytes)) {
            errno = ENOMEM;
            return RSN_CLI_LINE_FAILED;
        }
    }
    return too_long ? RSN_CLI_LINE_LONG : RSN_CLI_LINE_OK;
}

enum rsn_cli_line rsn_cli_typing_read(struct rsn_cli_typing *typing, size_t limit,
                                      struct rsn_cli_buffer *message) {
    struct rsn_cli_buffer line = {0};
    message->n_bytes = 0;
    enum rsn_cli_line state = read_message(typing, limit, &line, message);
    rsn_cli_buffer_free(&line);
    if (state == RSN_CLI_LINE_OK && typing->editor)
        rsn_cli_editor_remember(typing->editor, message->data);
    return state;
}

int rsn_cli_typing_end(struct rsn_cli_typing *typing) {
    int code = rsn_cli_editor_close(typing->editor);
    typing->editor = NULL;
    return code;
}
