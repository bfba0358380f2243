/*
 * Owns how the command opens a model and a session. What is done with them is left to the
 * subcommands. Invariant: every subcommand that reads a model takes the same options for
 * it.
 */
#include "model.h"

#include "adapters.h"
#include "interrupt.h"

static const struct rsn_cli_choice cpus[] = {
    {"auto", REASON_CPU_AUTO},     {"generic", REASON_CPU_GENERIC},
    {"avx2", REASON_CPU_AVX2},     {"avxvnni", REASON_CPU_AVXVNNI},
    {"avx512", REASON_CPU_AVX512}, {"neon", REASON_CPU_NEON},
    {NULL, 0}};
static const struct rsn_cli_choice kv_types[] = {
    {"f16", REASON_KV_F16}, {"f32", REASON_KV_F32}, {"q8_0", REASON_KV_Q8_0},
    {"q4_0", REASON_KV_Q4_0}, {NULL, 0}};

static const struct rsn_cli_choice i2_s_layouts[] = {
    {"a", REASON_I2_S_A}, {"b", REASON_I2_S_B}, {NULL, 0}};

#define AT(field) offsetof(struct rsn_cli_model_options, field)

const struct rsn_cli_option rsn_cli_model_rows[RSN_CLI_N_MODEL_ROWS] = {
    {"model", 'm', RSN_CLI_TEXT, AT(path), 0, 0, NULL, "MODEL",
     "GGUF file or Hugging Face folder; default: the small\nmodel that ships"},
    {"threads", 't', RSN_CLI_INT, AT(n_threads), 0, 1024, NULL, "N",
     "threads; default 0: as many as this process may use"},
    {"cpu", 0, RSN_CLI_CHOICE, AT(cpu), 0, 0, cpus, "LEVEL",
     "highest instruction set: auto, generic, avx2, avxvnni,\navx512, neon; default auto"},
    {"i2s", 0, RSN_CLI_CHOICE, AT(i2_s), 0, 0, i2_s_layouts, "LAYOUT",
     "of I2_S weights: a, or b for files of ARM builds;\ndefault a"},
    RSN_CLI_ADAPTER_ROW(AT(adapters)),
};

const struct rsn_cli_option rsn_cli_session_rows[RSN_CLI_N_SESSION_ROWS] = {
    {"ctx", 0, RSN_CLI_INT, AT(n_ctx), 0, INT32_MAX, NULL, "N",
     "context in tokens; default 0: the model's own"},
    {"kv", 0, RSN_CLI_CHOICE, AT(kv_type), 0, 0, kv_types, "TYPE",
     "keys and values: f16, f32, q8_0 or q4_0; default f16"},
};

const struct rsn_cli_option rsn_cli_guess_rows[RSN_CLI_N_GUESS_ROWS] = {
    {"guess", 0, RSN_CLI_INT, AT(n_guess), 0, 64, NULL, "N",
     "tokens guessed ahead at most, which changes time and\nnothing else; default 0: none"},
    {"lookup", 0, RSN_CLI_INT, AT(lookup), 0, 32, NULL, "N",
     "tokens that must be repeated for a guess by lookup;\ndefault 0: 3, none with --draft"},
    {"draft", 0, RSN_CLI_TEXT, AT(draft), 0, 0, NULL, "MODEL",
     "a smaller model with the same vocabulary that guesses"},
};

static int open_path(const struct rsn_cli_model_options *options, const char *path,
                     reason_model **model) {
    reason_model_options how;
    *model = NULL;
    if (reason_model_options_init(&how, sizeof how) != REASON_OK)
        return rsn_cli_fail_library();
    how.cpu = (reason_cpu)options->cpu;
    how.i2_s = (reason_i2_s)options->i2_s;
    how.cancel = rsn_cli_interrupt_token();
    if (reason_model_open(path, &how, model) == REASON_OK) return RSN_CLI_OK;
    return rsn_cli_fail_library();
}

int rsn_cli_model_open(const struct rsn_cli_model_options *options,
                       reason_model **model) {
    int code = open_path(options, options->path, model);
    return code == RSN_CLI_OK ? rsn_cli_adapters_apply(&options->adapters, model) : code;
}

int rsn_cli_session_options(const struct rsn_cli_model_options *options, reason_pool *pool,
                            reason_session_options *how) {
    if (reason_session_options_init(how, sizeof *how) != REASON_OK)
        return rsn_cli_fail_library();
    how->n_ctx = options->n_ctx;
    how->n_threads = options->n_threads;
    how->pool = pool;
    how->kv_type = (reason_kv_type)options->kv_type;
    how->n_guess = options->n_guess;
    how->lookup = options->lookup;
    return options->draft ? open_path(options, options->draft, &how->draft) : RSN_CLI_OK;
}

int rsn_cli_session_open(const struct rsn_cli_model_options *options, reason_model *model,
                         reason_pool *pool, reason_session **session) {
    reason_session_options how;
    *session = NULL;
    int code = rsn_cli_session_options(options, pool, &how);
    if (code != RSN_CLI_OK) return code;
    reason_status status = reason_session_new(model, &how, session);
    reason_model_free(how.draft);
    return status == REASON_OK ? RSN_CLI_OK : rsn_cli_fail_library();
}

int rsn_cli_model_int(const reason_model *model, const char *key, int64_t *value) {
    if (reason_model_get_int(model, key, value) == REASON_OK) return RSN_CLI_OK;
    return rsn_cli_fail_library();
}
