/* How far a long call is, on a terminal at standard error; elsewhere nothing. */
#ifndef REASON_CLI_PROGRESS_H
#define REASON_CLI_PROGRESS_H

#include "cli.h"

struct rsn_cli_progress {
    bool shown; /* standard error is a terminal */
    int percent; /* that stands there; -1: none */
};

void rsn_cli_progress_start(struct rsn_cli_progress *progress);
/* A reason_progress_fn; `user` is a struct rsn_cli_progress. Never stops the call. */
int rsn_cli_progress_show(void *user, const char *stage, uint64_t done, uint64_t total);
/* Takes the line away again. */
void rsn_cli_progress_end(struct rsn_cli_progress *progress);

#endif
