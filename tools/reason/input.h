/* Files and standard input, read whole within a limit; lines; lists of token ids. */
#ifndef REASON_CLI_INPUT_H
#define REASON_CLI_INPUT_H

#include <stdio.h>

#include "options.h"

/* Limits of what is read whole, in bytes. */
enum {
    RSN_CLI_LIMIT_PROMPT = 16 << 20,
    RSN_CLI_LIMIT_JSON = 64 << 20,
    RSN_CLI_LIMIT_TEXT = 256 << 20
};

/* Bytes that grow. A NUL follows them after the first append; `data` is NULL before. */
struct rsn_cli_buffer {
    char *data;
    size_t n_bytes, cap;
};

/* False if memory ran out; the buffer is then as before. */
bool rsn_cli_buffer_append(struct rsn_cli_buffer *buffer, const char *bytes,
                           size_t n_bytes);
void rsn_cli_buffer_free(struct rsn_cli_buffer *buffer);

/* Each returns RSN_CLI_OK, or says a sentence and returns RSN_CLI_FAILED. */

/* Reads a file, "-" being standard input, into an empty buffer. */
int rsn_cli_read_all(const char *path, size_t limit, struct rsn_cli_buffer *buffer);
/* The same for text that goes on NUL-terminated: a NUL inside is an error. */
int rsn_cli_read_text(const char *path, size_t limit, struct rsn_cli_buffer *buffer);
/* A prompt: all arguments joined by spaces, or standard input less a line end. May return
 * RSN_CLI_USAGE. */
int rsn_cli_gather_prompt(const struct rsn_cli_command *self,
                          const struct rsn_cli_arguments *arguments,
                          struct rsn_cli_buffer *prompt);
/* Whole numbers apart by white space or commas. *ids is to be freed. `source` names them
 * in a sentence. */
int rsn_cli_parse_ids(const char *source, const char *text, size_t n_bytes, int32_t **ids,
                      size_t *n_ids);

/* How reading a line ended. */
enum rsn_cli_line {
    RSN_CLI_LINE_OK,
    RSN_CLI_LINE_END,         /* no line is left */
    RSN_CLI_LINE_LONG,        /* it was above the limit and was skipped */
    RSN_CLI_LINE_INTERRUPTED, /* a signal came while waiting */
    RSN_CLI_LINE_FAILED       /* reading failed, or no memory; errno says which */
};

/* Lines of a descriptor; set `fd`, the rest to 0. Not mixed with other reads of it. */
struct rsn_cli_lines {
    int fd;
    size_t at, n_bytes; /* what is left of the block */
    char block[4096];
};

/* Reads one line into the buffer, without its line end. */
enum rsn_cli_line rsn_cli_read_line(struct rsn_cli_lines *lines, size_t limit,
                                    struct rsn_cli_buffer *buffer);
/* Fills an empty buffer with a line between two line ends; NULL: leaves it. False if
 * memory ran out. */
bool rsn_cli_line_of(const char *line, struct rsn_cli_buffer *buffer);
/* Takes one line end off the end of the buffer. */
void rsn_cli_drop_line_end(struct rsn_cli_buffer *buffer);

#endif
