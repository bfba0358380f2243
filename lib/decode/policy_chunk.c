/* Thinking in chunks with constant memory (Delethink, arXiv 2510.06557): when a chunk is
 * full, the model goes on from the prompt, the thought's first tokens and its last ones.
 * Owns when that is, and what stays. */
#include "decode/policy.h"

static size_t carry_of(const reason_thinking *how) {
    return (size_t)(how->chunk_carry > 0 ? how->chunk_carry : how->chunk / 2);
}

static reason_status check(const reason_thinking *how) {
    if (how->chunk == 0 && how->chunk_carry == 0 && how->chunk_keep == 0)
        return REASON_OK;
    if (how->chunk >= 2 && how->chunk_carry >= 0 && how->chunk_carry < how->chunk &&
        how->chunk_keep >= 0)
        return REASON_OK;
    return rsn_fail(REASON_ERR_INVALID_ARG,
                    "chunk %d (2 or more), chunk_carry %d (0 to chunk - 1), chunk_keep %d "
                    "(0 or more)",
                    how->chunk, how->chunk_carry, how->chunk_keep);
}

static bool in_force(const reason_thinking *how) {
    return how->chunk > 0;
}

static bool forgets(const reason_thinking *how, size_t n, size_t *keep, size_t *carry) {
    *keep = (size_t)how->chunk_keep;
    *carry = carry_of(how);
    return n >= *keep + (size_t)how->chunk;
}

const rsn_policy rsn_policy_chunk = {
    .check = check, .in_force = in_force, .forgets = forgets};
