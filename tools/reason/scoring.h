/* How responses are scored, as options of the command line. */
#ifndef REASON_CLI_SCORING_H
#define REASON_CLI_SCORING_H

#include "options.h"

struct rsn_cli_scoring {
    int kind, transform, aggregate; /* a reason_score_kind, _transform, reason_aggregate */
    int32_t label;                  /* begins as -1 */
    float beta;
    const char *separator, *suffix, *yes, *no;
};

extern const struct rsn_cli_option rsn_cli_scoring_rows[];
enum { RSN_CLI_N_SCORING_ROWS = 9 };

/* An initialiser of struct rsn_cli_group; `options` is a struct rsn_cli_scoring. */
#define RSN_CLI_SCORING_GROUP(options)                                                   \
    { "Scoring:", rsn_cli_scoring_rows, RSN_CLI_N_SCORING_ROWS, (options) }

/* A request with these; prompt and responses are left out. Returns RSN_CLI_OK or says a
 * sentence. */
int rsn_cli_scoring_request(const struct rsn_cli_scoring *options,
                            reason_score_request *request);

#endif
