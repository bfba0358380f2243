/* What every file of the command shares: exit codes, the row of a subcommand, error
 * sentences. */
#ifndef REASON_CLI_CLI_H
#define REASON_CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "reason/reason.h"

#define RSN_CLI_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))
#define RSN_CLI_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Exit codes; scripts rely on them. Work ended by a signal gives 128 + its number. */
enum { RSN_CLI_OK = 0, RSN_CLI_FAILED = 1, RSN_CLI_USAGE = 2 };

/* A subcommand. `run` gets the arguments after the subcommand's name and returns an exit
 * code. */
struct rsn_cli_command {
    const char *name;
    const char *summary; /* one line for the list of subcommands */
    const char *usage;   /* what follows "reason NAME " */
    const char *notes;   /* shown below the options: details, then examples that work */
    int (*run)(const struct rsn_cli_command *self, int argc, char **argv);
};

extern const struct rsn_cli_command rsn_cli_cmd_ask;
extern const struct rsn_cli_command rsn_cli_cmd_search;
extern const struct rsn_cli_command rsn_cli_cmd_eval;
extern const struct rsn_cli_command rsn_cli_cmd_judge;
extern const struct rsn_cli_command rsn_cli_cmd_score;
extern const struct rsn_cli_command rsn_cli_cmd_chat;
extern const struct rsn_cli_command rsn_cli_cmd_info;
extern const struct rsn_cli_command rsn_cli_cmd_tokenize;
extern const struct rsn_cli_command rsn_cli_cmd_detokenize;
extern const struct rsn_cli_command rsn_cli_cmd_logits;
extern const struct rsn_cli_command rsn_cli_cmd_template;
extern const struct rsn_cli_command rsn_cli_cmd_bench;
extern const struct rsn_cli_command rsn_cli_cmd_convert;
extern const struct rsn_cli_command rsn_cli_cmd_quantize;
extern const struct rsn_cli_command rsn_cli_cmd_perplexity;
extern const struct rsn_cli_command rsn_cli_cmd_imatrix;

/* Writes "reason: SENTENCE" to standard error, control characters taken out. */
void rsn_cli_say(const char *format, ...) RSN_CLI_PRINTF(1, 2);
/* The same, and returns RSN_CLI_FAILED. */
int rsn_cli_fail(const char *format, ...) RSN_CLI_PRINTF(1, 2);
/* Says what the library said last. Returns RSN_CLI_FAILED. */
int rsn_cli_fail_library(void);
/* A reason_log_fn that says the library's warnings. */
void rsn_cli_say_warning(void *user, reason_log_level level, const char *line);
/* Says the sentence and where help is. Returns RSN_CLI_USAGE. */
int rsn_cli_fail_usage(const struct rsn_cli_command *command, const char *format, ...)
    RSN_CLI_PRINTF(2, 3);
int rsn_cli_fail_memory(void);

#endif
