/* How fast a model reads and writes: timed runs over random tokens, the same ones for the
 * same seed and vocabulary. */
#ifndef REASON_CLI_SPEED_H
#define REASON_CLI_SPEED_H

#include "model.h"

enum { RSN_CLI_MAX_RUNS = 1000 };

struct rsn_cli_speed_plan {
    int32_t n_prompt; /* tokens read at once; 0: none; -1: 512 or what the context leaves */
    int32_t n_decode; /* tokens written one by one by each sequence; 0: none */
    int32_t n_batch;  /* sequences that are written together, 1 or more */
    int32_t n_runs;   /* at most RSN_CLI_MAX_RUNS */
    uint64_t seed;
};

struct rsn_cli_speed {
    struct rsn_cli_speed_plan plan; /* with n_prompt settled */
    reason_session **sessions; /* [n_batch]; NULL: nothing is planned */
    int32_t *tokens;           /* [n_prompt + n_decode] */
    int32_t *next;             /* [n_batch] */
    float *logits;             /* [n_batch][n_vocab] */
    double *seconds;  /* [2][plan.n_runs], of reading and of writing */
    int32_t n_done;
};

/* Each returns RSN_CLI_OK or says a sentence. */

/* Makes a session, and one run that is not counted: threads start and pages of the file
 * come in at the first use. A plan without tokens makes neither. */
int rsn_cli_speed_open(const struct rsn_cli_speed_plan *plan,
                       const struct rsn_cli_model_options *options, reason_model *model,
                       reason_pool *pool, struct rsn_cli_speed *speed);
/* One run, from empty sessions. */
int rsn_cli_speed_run(struct rsn_cli_speed *speed);
/* Tokens a second of all sequences, of the median of the runs; NAN if none were
 * planned. */
double rsn_cli_speed_prefill(struct rsn_cli_speed *speed);
double rsn_cli_speed_decode(struct rsn_cli_speed *speed);
void rsn_cli_speed_close(struct rsn_cli_speed *speed);

/* Bytes of memory that the process has in use; -1 where the system does not tell. */
int64_t rsn_cli_rss(void);

#endif
