/* Public functions about the process: version, status, log, allocator, cancel tokens,
 * pools. */
#include "api/options.h"
#include "base/alloc.h"
#include "base/cancel.h"
#include "base/log.h"
#include "base/pool.h"

const char *reason_version(void) {
    return REASON_VERSION;
}

const char *reason_status_name(reason_status status) {
    return rsn_status_name(status);
}

const char *reason_last_error(void) {
    return rsn_last_error();
}

void reason_set_log(reason_log_fn fn, void *user) {
    rsn_log_set(fn, user);
}

reason_status reason_set_allocator(const reason_allocator *allocator) {
    reason_allocator a = {0};
    reason_status status = rsn_options_read(allocator, &a, sizeof a, "allocator");
    if (status != REASON_OK)
        return status;
    if (allocator && (!a.alloc || !a.resize || !a.release))
        return rsn_fail_null("allocator->alloc, resize or release");
    return rsn_alloc_set(allocator ? &a : NULL);
}

void reason_free(void *p) {
    rsn_free(p);
}

reason_status reason_cancel_token_new(reason_cancel_token **token) {
    if (!token)
        return rsn_fail_null("token");
    *token = rsn_alloc(sizeof **token);
    if (!*token)
        return REASON_ERR_NO_MEMORY;
    atomic_init(&(*token)->set, false);
    return REASON_OK;
}

void reason_cancel_token_set(reason_cancel_token *token) {
    if (token)
        atomic_store(&token->set, true);
}

void reason_cancel_token_reset(reason_cancel_token *token) {
    if (token)
        atomic_store(&token->set, false);
}

bool reason_cancel_token_is_set(const reason_cancel_token *token) {
    return token && atomic_load(&token->set);
}

void reason_cancel_token_free(reason_cancel_token *token) {
    rsn_free(token);
}

reason_status reason_pool_new(int32_t n_threads, reason_pool **pool) {
    if (!pool)
        return rsn_fail_null("pool");
    *pool = NULL;
    return rsn_pool_new(n_threads, pool);
}

void reason_pool_free(reason_pool *pool) {
    rsn_pool_release(pool);
}
