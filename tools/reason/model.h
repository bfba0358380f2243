/* The one place that opens models and sessions, with the options that say how. */
#ifndef REASON_CLI_MODEL_H
#define REASON_CLI_MODEL_H

#include "options.h"

struct rsn_cli_model_options {
    const char *path; /* NULL: the model that ships */
    int32_t n_threads;
    int cpu;  /* a reason_cpu */
    int i2_s; /* a reason_i2_s */
    int32_t n_ctx;
    int kv_type; /* a reason_kv_type */
    int32_t n_guess, lookup;
    const char *draft; /* NULL: none */
    struct rsn_cli_list adapters; /* of `path` */
};

extern const struct rsn_cli_option rsn_cli_model_rows[];   /* -m, -t, --cpu ... */
extern const struct rsn_cli_option rsn_cli_session_rows[]; /* --ctx, then --kv */
extern const struct rsn_cli_option rsn_cli_guess_rows[];   /* of sessions that generate */
enum { RSN_CLI_N_MODEL_ROWS = 5, RSN_CLI_N_SESSION_ROWS = 2, RSN_CLI_N_GUESS_ROWS = 3 };

/* Initialisers of struct rsn_cli_group; `options` is a struct rsn_cli_model_options. */
#define RSN_CLI_MODEL_GROUP(options)                                                     \
    { "Model:", rsn_cli_model_rows, RSN_CLI_N_MODEL_ROWS, (options) }
#define RSN_CLI_SESSION_GROUP(options)                                                   \
    { "Session:", rsn_cli_session_rows, RSN_CLI_N_SESSION_ROWS, (options) }
#define RSN_CLI_GUESS_GROUP(options)                                                     \
    { "Guessing ahead:", rsn_cli_guess_rows, RSN_CLI_N_GUESS_ROWS, (options) }
/* --adapter alone: of these rows the one that changes what a model says. */
#define RSN_CLI_ADAPTER_GROUP(options)                                                   \
    { "Model:", rsn_cli_model_rows + RSN_CLI_N_MODEL_ROWS - 1, 1, (options) }
/* --kv alone, where the context is not the session's. */
#define RSN_CLI_KV_GROUP(options)                                                        \
    { "Session:", rsn_cli_session_rows + 1, RSN_CLI_N_SESSION_ROWS - 1, (options) }

/* Each returns RSN_CLI_OK, or says the library's sentence and sets the handle to NULL. */
int rsn_cli_model_open(const struct rsn_cli_model_options *options, reason_model **model);
/* `pool` may be NULL: threads as the options say. how->draft is to be freed when the session
 * is there. */
int rsn_cli_session_options(const struct rsn_cli_model_options *options, reason_pool *pool,
                            reason_session_options *how);
int rsn_cli_session_open(const struct rsn_cli_model_options *options, reason_model *model,
                         reason_pool *pool, reason_session **session);
/* A number about the model, as reason_model_get_int(). */
int rsn_cli_model_int(const reason_model *model, const char *key, int64_t *value);

#endif
