/*
 * Owns the line that tells how far a call is. Invariant: nothing is written where standard
 * error is no terminal, and no line is left behind.
 */
#include "progress.h"

#include <stdio.h>
#include <unistd.h>

void rsn_cli_progress_start(struct rsn_cli_progress *progress) {
    *progress = (struct rsn_cli_progress){isatty(STDERR_FILENO) == 1, -1};
}

int rsn_cli_progress_show(void *user, const char *stage, uint64_t done, uint64_t total) {
    struct rsn_cli_progress *progress = user;
    int percent = total ? (int)(100.0 * (double)done / (double)total) : 0;
    if (!progress->shown || percent == progress->percent) return 0;
    progress->percent = percent;
    fprintf(stderr, "\r%s %3d%%", stage, percent);
    fflush(stderr);
    return 0;
}

void rsn_cli_progress_end(struct rsn_cli_progress *progress) {
    if (progress->shown && progress->percent >= 0) fputs("\r\033[K", stderr);
    progress->percent = -1;
}
