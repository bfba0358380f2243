/* Standard output with its first error remembered, and files that appear whole or not at
 * all. */
#ifndef REASON_CLI_OUTPUT_H
#define REASON_CLI_OUTPUT_H

#include <stdio.h>

#include "cli.h"

/* Opens what is closed of the descriptors 0, 1 and 2, so that no file of ours becomes
 * one. */
void rsn_cli_output_start(void);
/* Writes to standard output or error; failures of the former are remembered. */
void rsn_cli_write(FILE *to, const char *bytes, size_t n_bytes);
/* printf to standard output; returns the characters written, 0 on an error. */
int rsn_cli_print(const char *format, ...) RSN_CLI_PRINTF(1, 2);
/* Hands everything written so far to the reader at the other end. */
void rsn_cli_flush(void);
/* Whether standard output has failed; going on is then of no use. */
bool rsn_cli_output_failed(void);
/* Closes standard output. Returns `code`, or RSN_CLI_FAILED with a sentence if output was
 * lost; a reader that closed the pipe gets no sentence. */
int rsn_cli_output_finish(int code);

/*
 * A file being written. A regular file is written beside its final name and renamed by
 * rsn_cli_file_commit(), so the old one stays until the new one is complete. "-" is
 * standard output; a device or a pipe is written directly.
 */
struct rsn_cli_file {
    FILE *stream;
    char *path; /* final name, resolved; NULL: standard output or written directly */
    char *temp;
    const char *name; /* as the user gave it; borrowed */
};

/* Each returns RSN_CLI_OK or says a sentence and returns RSN_CLI_FAILED. */
int rsn_cli_file_create(const char *name, struct rsn_cli_file *file);
int rsn_cli_file_write(struct rsn_cli_file *file, const void *bytes, size_t n_bytes);
int rsn_cli_file_commit(struct rsn_cli_file *file);
/* Drops what was written; the old file is as before. Does nothing after a commit. */
void rsn_cli_file_abandon(struct rsn_cli_file *file);

#endif
