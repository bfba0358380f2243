/* The blocks behind a timeline. Owns their memory and sharing; the forward pass owns what
 * is in them. Invariant: a block whose count is above 1 is never written. */
#include "model/kvcache.h"

#include <stdatomic.h>
#include <string.h>

#include "base/array.h"
#include "base/checked.h"

struct rsn_kv_block {
    atomic_size_t users;
    unsigned char *data; /* 64-byte aligned */
};

const rsn_type_info *rsn_kv_type(reason_kv_type type) {
    static const rsn_type TYPES[] = {[REASON_KV_F16] = RSN_TYPE_F16,
                                     [REASON_KV_F32] = RSN_TYPE_F32,
                                     [REASON_KV_Q8_0] = RSN_TYPE_Q8_0,
                                     [REASON_KV_Q4_0] = RSN_TYPE_Q4_0};
    bool known = (size_t)type < sizeof TYPES / sizeof *TYPES;
    return known ? rsn_type_info_get(TYPES[type]) : NULL;
}

uint64_t rsn_kv_position_bytes(const rsn_hparams *hp, const rsn_type_info *type) {
    return (uint64_t)hp->n_layers * 2 * hp->n_heads_kv *
           rsn_type_row_bytes(type, hp->head_dim);
}

reason_status rsn_kv_init(rsn_kv *kv, const rsn_hparams *hp, size_t n_ctx,
                          const rsn_type_info *type) {
    memset(kv, 0, sizeof *kv);
    if (hp->head_dim % type->block_elems != 0)
        return rsn_fail(REASON_ERR_MISMATCH,
                        "keys and values cannot be kept in %s: heads have %zu dimensions, "
                        "a multiple of %zu is needed",
                        type->name, hp->head_dim, type->block_elems);
    uint64_t bytes;
    if (!rsn_mul_u64(rsn_kv_position_bytes(hp, type), RSN_KV_BLOCK, &bytes) ||
        !rsn_to_size(bytes, &kv->block_bytes))
        return rsn_fail(REASON_ERR_LIMIT,
                        "keys and values of 64 positions exceed the address space");
    kv->n_ctx = kv->n_session = n_ctx;
    kv->type = type;
    kv->n_heads_kv = hp->n_heads_kv;
    kv->head_stride = RSN_KV_BLOCK * rsn_type_row_bytes(type, hp->head_dim);
    return REASON_OK;
}

void rsn_kv_let_go(rsn_kv_block *block) {
    if (block && atomic_fetch_sub_explicit(&block->users, 1, memory_order_acq_rel) == 1) {
        rsn_free_aligned(block->data);
        rsn_free(block);
    }
}

size_t rsn_kv_holders(const rsn_kv_block *block) {
    return atomic_load_explicit(&block->users, memory_order_acquire);
}

static rsn_kv_block *new_block(size_t n_bytes) {
    rsn_kv_block *block = rsn_alloc(sizeof *block);
    if (!block)
        return NULL;
    atomic_init(&block->users, 1);
    block->data = rsn_alloc_aligned(n_bytes);
    if (!block->data) {
        rsn_free(block);
        return NULL;
    }
    return block;
}

void rsn_kv_clear(rsn_kv *kv) {
    for (size_t i = 0; i < kv->n_blocks; i++)
        rsn_kv_let_go(kv->blocks[i]);
    kv->n = kv->n_blocks = 0;
}

void rsn_kv_free(rsn_kv *kv) {
    rsn_kv_clear(kv);
    rsn_free(kv->blocks);
    memset(kv, 0, sizeof *kv);
}

uint64_t rsn_kv_bytes(const rsn_kv *kv) {
    return (uint64_t)kv->n_blocks * kv->block_bytes;
}

/* The block that holds position kv->n may be shared with a fork: writing needs a copy. */
static reason_status own_blocks(rsn_kv *kv, size_t first, size_t end) {
    for (size_t i = first; i < end && i < kv->n_blocks; i++) {
        rsn_kv_block *shared = kv->blocks[i];
        if (rsn_kv_holders(shared) == 1)
            continue;
        rsn_kv_block *own = new_block(kv->block_bytes);
        if (!own)
            return REASON_ERR_NO_MEMORY;
        memcpy(own->data, shared->data, kv->block_bytes);
        kv->blocks[i] = own;
        rsn_kv_let_go(shared);
    }
    return REASON_OK;
}

rsn_kv_block *rsn_kv_hold(const rsn_kv *kv, size_t block) {
    atomic_fetch_add_explicit(&kv->blocks[block]->users, 1, memory_order_relaxed);
    return kv->blocks[block];
}

reason_status rsn_kv_append(rsn_kv *kv, rsn_kv_block *block) {
    reason_status status = RSN_GROW(&kv->blocks, &kv->cap, kv->n_blocks + 1);
    if (status != REASON_OK)
        return status;
    atomic_fetch_add_explicit(&block->users, 1, memory_order_relaxed);
    kv->blocks[kv->n_blocks++] = block;
    return REASON_OK;
}

static size_t blocks_of(size_t n) {
    return (n + RSN_KV_BLOCK - 1) / RSN_KV_BLOCK;
}

size_t rsn_kv_missing(const rsn_kv *kv, size_t n) {
    size_t need = blocks_of(n), missing = need > kv->n_blocks ? need - kv->n_blocks : 0;
    for (size_t i = kv->n / RSN_KV_BLOCK; i < need && i < kv->n_blocks; i++)
        missing += rsn_kv_holders(kv->blocks[i]) > 1;
    return missing;
}

size_t rsn_kv_n_own(const rsn_kv *kv) {
    size_t n = 0;
    for (size_t i = 0; i < kv->n_blocks; i++)
        n += rsn_kv_holders(kv->blocks[i]) == 1;
    return n;
}

reason_status rsn_kv_reserve(rsn_kv *kv, size_t n) {
    if (n > kv->n_ctx)
        return rsn_fail(REASON_ERR_CONTEXT_FULL,
                        "%zu tokens do not fit the context of %zu", n, kv->n_ctx);
    size_t need = blocks_of(n);
    reason_status status = RSN_GROW(&kv->blocks, &kv->cap, need);
    while (status == REASON_OK && kv->n_blocks < need) {
        rsn_kv_block *block = new_block(kv->block_bytes);
        if (!block)
            return REASON_ERR_NO_MEMORY;
        kv->blocks[kv->n_blocks++] = block;
    }
    return status == REASON_OK ? own_blocks(kv, kv->n / RSN_KV_BLOCK, need) : status;
}

reason_status rsn_kv_fork(const rsn_kv *kv, rsn_kv *fork) {
    *fork = *kv;
    fork->n_blocks = blocks_of(kv->n);
    fork->blocks = NULL;
    fork->cap = 0;
    reason_status status = RSN_GROW(&fork->blocks, &fork->cap, fork->n_blocks);
    if (status != REASON_OK) {
        memset(fork, 0, sizeof *fork);
        return status;
    }
    for (size_t i = 0; i < fork->n_blocks; i++)
        fork->blocks[i] = rsn_kv_hold(kv, i);
    return REASON_OK;
}

void *rsn_kv_at(const rsn_kv *kv, size_t block, size_t layer, bool value, size_t head) {
    size_t index = (layer * 2 + (value ? 1 : 0)) * kv->n_heads_kv + head;
    return kv->blocks[block]->data + index * kv->head_stride;
}
