/* Ctrl-C and its relatives, turned into a cancel token. */
#ifndef REASON_CLI_INTERRUPT_H
#define REASON_CLI_INTERRUPT_H

#include "cli.h"

/* From now on SIGINT, SIGTERM and SIGHUP set the token; a signal that was ignored stays
 * ignored, and the third one in a row ends the process. Returns RSN_CLI_OK or says a
 * sentence. */
int rsn_cli_interrupt_catch(void);
/* The token, to be put in requests; NULL before rsn_cli_interrupt_catch(). */
reason_cancel_token *rsn_cli_interrupt_token(void);
/* The signal that came, or 0. */
int rsn_cli_interrupt_signal(void);
/* Forgets it; the work may go on. */
void rsn_cli_interrupt_clear(void);
/* The exit code for work that ended with `code`: 128 + the signal if one came. */
int rsn_cli_interrupt_code(int code);
/* Gives the token back; signals act as they did before. */
void rsn_cli_interrupt_release(void);

#endif
