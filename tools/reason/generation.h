/* What `ask` and `chat` share: the options of a generation, and its result as JSON. */
#ifndef REASON_CLI_GENERATION_H
#define REASON_CLI_GENERATION_H

#include "options.h"

/* Values from the command line; the library's own defaults where nothing was given. */
struct rsn_cli_generation {
    reason_thinking thinking;
    reason_sampling sampling;
    int mode, effort; /* of `thinking`: a reason_think_mode, a reason_effort */
    int32_t max_tokens;
    const char *system;
    const char *adviser; /* the model of thinking.adviser; NULL: none */
    struct rsn_cli_list stops;
};

enum { RSN_CLI_MAX_TEMPERATURE = 1000 };

extern const struct rsn_cli_choice rsn_cli_think_modes[];
extern const struct rsn_cli_choice rsn_cli_efforts[];

extern const struct rsn_cli_option rsn_cli_thinking_rows[];
extern const struct rsn_cli_option rsn_cli_sampling_rows[];
enum { RSN_CLI_N_THINKING_ROWS = 27, RSN_CLI_N_SAMPLING_ROWS = 8 };

#define RSN_CLI_THINKING_GROUP(generation)                                               \
    { "Thinking:", rsn_cli_thinking_rows, RSN_CLI_N_THINKING_ROWS, (generation) }
#define RSN_CLI_SAMPLING_GROUP(generation)                                               \
    { "Answer:", rsn_cli_sampling_rows, RSN_CLI_N_SAMPLING_ROWS, (generation) }

/* Each returns RSN_CLI_OK or says a sentence. */
int rsn_cli_generation_init(struct rsn_cli_generation *generation);
/* Lets go of what a request has opened. */
void rsn_cli_generation_end(struct rsn_cli_generation *generation);
/* Fills everything but the prompt and the stream, with pointers into `generation`; the
 * cancel token is the interrupt's. The first one opens the adviser. */
int rsn_cli_generation_request(struct rsn_cli_generation *generation,
                               reason_request *request);
/* Prints a result as one JSON line; `line` > 0 adds the number of the prompt's line. */
int rsn_cli_result_print(const reason_result *result, int64_t line);
/* Says on standard error what a reader of the bare answer would miss: that it is empty,
 * was cut or was stopped. */
void rsn_cli_result_note(const reason_result *result);

#endif
