/* Public functions of sessions: making, cutting, forking, logits. */
#include <math.h>
#include <string.h>

#include "api/options.h"
#include "base/alloc.h"
#include "base/cpu.h"
#include "decode/guess.h"
#include "decode/sessions.h"
#include "decode/state_file.h"

enum { DEFAULT_CHUNK = 64, MAX_CHUNK = 1 << 16 };
enum { DEFAULT_PARALLEL = 16, MAX_PARALLEL = 1 << 12 };

static const reason_session_options OPTIONS = {.size = sizeof OPTIONS};

reason_status reason_session_options_init(reason_session_options *options, size_t size) {
    return rsn_options_init(options, size, &OPTIONS, sizeof OPTIONS, "options");
}

reason_status rsn_check_weights(const reason_model *model) {
    return model->arch
               ? REASON_OK
               : rsn_fail(
                     REASON_ERR_MISMATCH,
                     "%s has a vocabulary but no weights: it can tokenize, not generate",
                     model->gguf.path);
}

static reason_status check_guessing(const reason_model *model,
                                    const reason_session_options *o) {
    if (o->n_guess < 0 || o->n_guess > RSN_MAX_GUESS || o->lookup < 0 ||
        o->lookup > RSN_MAX_LOOKUP)
        return rsn_fail(REASON_ERR_INVALID_ARG,
                        "n_guess %d (0 to %d) or lookup %d (0 to %d)", o->n_guess,
                        RSN_MAX_GUESS, o->lookup, RSN_MAX_LOOKUP);
    if (o->n_guess == 0 && (o->lookup > 0 || o->draft))
        return rsn_fail(REASON_ERR_INVALID_ARG,
                        "n_guess 0 with a lookup or draft: 1 to %d expected",
                        RSN_MAX_GUESS);
    if (!o->draft)
        return REASON_OK;
    reason_status status = rsn_check_weights(o->draft);
    if (status == REASON_OK)
        status = rsn_logits_check(o->draft);
    if (status == REASON_OK)
        status = rsn_model_alike(model, o->draft);
    return status == REASON_OK ? status : rsn_fail_within(status, "draft");
}

static reason_status check_options(const reason_model *model,
                                   const reason_session_options *o) {
    reason_status status = rsn_check_weights(model);
    if (status != REASON_OK)
        return status;
    if (o->n_ctx < 0 || o->n_chunk < 0 || o->n_chunk > MAX_CHUNK)
        return rsn_fail(REASON_ERR_INVALID_ARG,
                        "n_ctx %d (0 or more) or n_chunk %d (0 to %d)", o->n_ctx,
                        o->n_chunk, MAX_CHUNK);
    if (o->n_parallel < 0 || o->n_parallel > MAX_PARALLEL)
        return rsn_fail(REASON_ERR_INVALID_ARG, "n_parallel %d, 0 to %d expected",
                        o->n_parallel, MAX_PARALLEL);
    status = check_guessing(model, o);
    if (status != REASON_OK)
        return status;
    if ((size_t)o->n_ctx > model->hp.n_ctx)
        return rsn_fail(REASON_ERR_LIMIT, "n_ctx %d, the model was made for %zu",
                        o->n_ctx, model->hp.n_ctx);
    return rsn_check_kv_type(o->kv_type);
}

static size_t lookup_of(const reason_session_options *o) {
    bool by_default = o->n_guess > 0 && !o->draft && o->lookup == 0;
    return by_default ? RSN_USUAL_LOOKUP : (size_t)o->lookup;
}

/* The options as a setup; `o` begins as the defaults. */
static reason_status read_setup(const reason_model *model,
                                const reason_session_options *options,
                                reason_session_options *o, rsn_session_setup *setup) {
    reason_status status = rsn_options_read(options, o, sizeof *o, "options");
    if (status == REASON_OK)
        status = check_options(model, o);
    *setup =
        (rsn_session_setup){.n_ctx = o->n_ctx ? (size_t)o->n_ctx : model->hp.n_ctx,
                            .n_chunk = o->n_chunk ? (size_t)o->n_chunk : DEFAULT_CHUNK,
                            .n_parallel = o->n_parallel ? (size_t)o->n_parallel
                                                        : DEFAULT_PARALLEL,
                            .kv = rsn_kv_type(o->kv_type),
                            .own_pool = !o->pool,
                            .n_guess = (size_t)o->n_guess,
                            .lookup = lookup_of(o),
                            .draft = o->draft,
                            .memory_limit = o->memory_limit};
    return status;
}

reason_status reason_session_new(reason_model *model,
                                 const reason_session_options *options,
                                 reason_session **session) {
    reason_session_options o = OPTIONS;
    rsn_session_setup setup;
    if (session)
        *session = NULL;
    if (!model || !session)
        return rsn_fail_null("model or session");
    reason_status status = read_setup(model, options, &o, &setup);
    rsn_pool *pool = NULL;
    if (status == REASON_OK)
        status = rsn_pool_get(o.pool, o.n_threads, &pool);
    if (status == REASON_OK)
        status = rsn_session_new(model, pool, &setup, session);
    rsn_pool_release(pool);
    return status;
}

/* Of a mapped file what is read is in memory: of an embedding that is not the output as
 * well a few rows. */
static uint64_t weights_in_memory(const reason_model *model) {
    return model->mapped ? rsn_model_decode_bytes(model)
                              : rsn_model_weights_bytes(model);
}

reason_status reason_session_memory(const reason_model *model,
                                    const reason_session_options *options,
                                    reason_memory *memory) {
    reason_session_options o = OPTIONS;
    rsn_session_setup setup;
    reason_memory m = {.size = sizeof m};
    if (!model || !memory)
        return rsn_fail_null("model or memory");
    reason_status status = read_setup(model, options, &o, &setup);
    int n_workers = o.pool            ? rsn_pool_size(o.pool)
                    : o.n_threads > 0 ? o.n_threads
                                      : rsn_cpu_threads();
    if (status == REASON_OK)
        status = rsn_session_need(model, &setup, (size_t)n_workers, &m.kv_bytes,
                                  &m.work_bytes);
    if (status != REASON_OK)
        return status;
    m.weights_bytes = weights_in_memory(model);
    m.model_bytes = rsn_model_held(model);
    if (o.draft && o.draft != model) {
        m.weights_bytes += weights_in_memory(o.draft);
        m.model_bytes += rsn_model_held(o.draft);
    }
    m.total_bytes = m.weights_bytes + m.model_bytes + m.kv_bytes + m.work_bytes;
    return rsn_options_write(memory, &m, sizeof m, "memory");
}

void reason_session_free(reason_session *session) {
    rsn_session_free(session);
}

reason_status reason_session_reset(reason_session *session) {
    if (!session)
        return rsn_fail_null("session");
    reason_status status = rsn_session_enter(session);
    if (status != REASON_OK)
        return status;
    rsn_timeline_truncate(&session->line, 0);
    rsn_prefixes_free(&session->prefixes);
    if (session->drafter)
        rsn_drafter_reset(session->drafter);
    rsn_session_leave(session);
    return REASON_OK;
}

reason_status reason_session_truncate(reason_session *session, size_t n_tokens) {
    if (!session)
        return rsn_fail_null("session");
    reason_status status = rsn_session_enter(session);
    if (status != REASON_OK)
        return status;
    if (n_tokens > session->line.n)
        status = rsn_fail(REASON_ERR_INVALID_ARG, "n_tokens %zu, the session holds %zu",
                          n_tokens, session->line.n);
    else
        rsn_timeline_truncate(&session->line, n_tokens);
    rsn_session_leave(session);
    return status;
}

reason_status reason_session_fork(reason_session *session, reason_session **fork) {
    if (fork)
        *fork = NULL;
    if (!session || !fork)
        return rsn_fail_null("session or fork");
    reason_status status = rsn_session_enter(session);
    if (status != REASON_OK)
        return status;
    rsn_pool *pool = session->setup.own_pool ? NULL : rsn_pool_retain(session->pool);
    if (!pool)
        status = rsn_pool_new(rsn_pool_size(session->pool), &pool);
    if (status == REASON_OK)
        status = rsn_session_fork(session, pool, fork);
    rsn_pool_release(pool);
    rsn_session_leave(session);
    return status;
}

reason_status reason_session_length(reason_session *session, size_t *n_tokens) {
    if (n_tokens)
        *n_tokens = 0;
    if (!session || !n_tokens)
        return rsn_fail_null("session or n_tokens");
    reason_status status = rsn_session_enter(session);
    if (status != REASON_OK)
        return status;
    *n_tokens = session->line.n;
    rsn_session_leave(session);
    return REASON_OK;
}

reason_status reason_session_kv_bytes(reason_session *session, uint64_t *n_bytes) {
    if (n_bytes)
        *n_bytes = 0;
    if (!session || !n_bytes)
        return rsn_fail_null("session or n_bytes");
    reason_status status = rsn_session_enter(session);
    if (status != REASON_OK)
        return status;
    *n_bytes = rsn_kv_bytes(&session->line.kv) +
               session->prefixes.n * session->line.kv.block_bytes +
               (session->drafter ? rsn_drafter_kv_bytes(session->drafter) : 0);
    rsn_session_leave(session);
    return REASON_OK;
}

/* Files take no pool: sessions that share one go on meanwhile. */
reason_status reason_session_save(reason_session *session, const char *path) {
    if (!session || !path)
        return rsn_fail_null("session or path");
    reason_status status = rsn_session_claim(session);
    if (status != REASON_OK)
        return status;
    status = rsn_state_save(session, path);
    rsn_session_release(session);
    return status;
}

reason_status reason_session_load(reason_session *session, const char *path) {
    if (!session || !path)
        return rsn_fail_null("session or path");
    reason_status status = rsn_session_claim(session);
    if (status != REASON_OK)
        return status;
    status = rsn_state_load(session, path);
    rsn_session_release(session);
    return status;
}

void reason_cancel(reason_session *session) {
    if (session)
        reason_cancel_token_set(&session->cancel);
}

reason_status reason_session_logits(reason_session *session, const int32_t *tokens,
                                    size_t n, float *logits) {
    if (!session || !tokens)
        return rsn_fail_null("session or tokens");
    if (n == 0)
        return rsn_fail(REASON_ERR_INVALID_ARG, "n is 0, at least 1 expected");
    reason_status status = rsn_session_enter(session);
    if (status != REASON_OK)
        return status;
    rsn_cancel cancel = {.session = &session->cancel};
    rsn_append what = {
        .tokens = tokens, .n = n, .logits = logits, .all = true, .cancel = &cancel};
    status = rsn_session_append(session, &what);
    rsn_session_leave(session);
    return status;
}

static reason_status check_inputs(const reason_session *session, const float *inputs,
                                  size_t n) {
    size_t width = session->model->hp.n_embd;
    for (size_t i = 0; i < n * width; i++)
        if (!isfinite(inputs[i]))
            return rsn_fail(REASON_ERR_INVALID_ARG, "input %zu has %g in dimension %zu",
                            i / width, (double)inputs[i], i % width);
    return REASON_OK;
}

reason_status reason_session_inputs(reason_session *session, const float *inputs, size_t n,
                                    float *logits) {
    if (!session || !inputs)
        return rsn_fail_null("session or inputs");
    if (n == 0 || n > session->setup.n_ctx)
        return rsn_fail(n == 0 ? REASON_ERR_INVALID_ARG : REASON_ERR_CONTEXT_FULL,
                        "n is %zu, 1 to %zu expected", n, session->setup.n_ctx);
    reason_status status = check_inputs(session, inputs, n);
    int32_t *none = status == REASON_OK ? rsn_alloc2(n, sizeof *none) : NULL;
    if (!none)
        return status == REASON_OK ? REASON_ERR_NO_MEMORY : status;
    for (size_t i = 0; i < n; i++)
        none[i] = RSN_NO_TOKEN;
    status = rsn_session_enter(session);
    if (status == REASON_OK) {
        rsn_cancel cancel = {.session = &session->cancel};
        rsn_append what = {.tokens = none, .inputs = inputs, .n = n, .logits = logits,
                           .all = true, .cancel = &cancel};
        status = rsn_session_append(session, &what);
        rsn_session_leave(session);
    }
    rsn_free(none);
    return status;
}

reason_status reason_sessions_logits(reason_session *const *sessions,
                                     const int32_t *tokens, size_t n, float *logits) {
    if (!sessions || !tokens)
        return rsn_fail_null("sessions or tokens");
    if (n == 0)
        return rsn_fail(REASON_ERR_INVALID_ARG, "n is 0, at least 1 expected");
    for (size_t i = 0; i < n; i++)
        if (!sessions[i])
            return rsn_fail(REASON_ERR_INVALID_ARG, "session %zu is NULL", i);
    return rsn_sessions_append(sessions, tokens, n, logits);
}
