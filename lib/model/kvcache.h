/* Keys and values of one timeline, in blocks of 64 absolute positions. A block holds all
 * layers and is counted by reference, so a fork shares every block until one side writes
 * into it. */
#ifndef REASON_MODEL_KVCACHE_H
#define REASON_MODEL_KVCACHE_H

#include "model/hparams.h"

enum { RSN_KV_BLOCK = 64 };

/* Layout of a block: [layer][key, value][kv head][64 positions][head_dim] of the
 * cache's type. */
typedef struct rsn_kv_block rsn_kv_block;

typedef struct rsn_kv {
    rsn_kv_block **blocks; /* [n_blocks] */
    size_t n_blocks, cap;
    size_t n;           /* positions that are valid */
    size_t n_ctx;       /* most positions */
    size_t n_session;   /* those of its session: LongRoPE chooses factors by them */
    const rsn_type_info *type;
    size_t head_stride; /* bytes of [64][head_dim] */
    size_t n_heads_kv;
    size_t block_bytes;
} rsn_kv;

/* NULL if the number is none of the enum. */
const rsn_type_info *rsn_kv_type(reason_kv_type type);
/* MISMATCH if the type's blocks do not divide head_dim; LIMIT. */
reason_status rsn_kv_init(rsn_kv *kv, const rsn_hparams *hp, size_t n_ctx,
                          const rsn_type_info *type);
void rsn_kv_free(rsn_kv *kv);
/* Forgets all positions and gives their blocks back. */
void rsn_kv_clear(rsn_kv *kv);
/* Makes positions [0, n) present and positions [kv->n, n) writable: allocates, and copies
 * blocks that a fork shares. CONTEXT_FULL beyond n_ctx, NO_MEMORY. */
reason_status rsn_kv_reserve(rsn_kv *kv, size_t n);
/* A second cache over the same blocks. `fork` must be uninitialized. */
reason_status rsn_kv_fork(const rsn_kv *kv, rsn_kv *fork);
/* Blocks that rsn_kv_reserve() would allocate. */
size_t rsn_kv_missing(const rsn_kv *kv, size_t n);
/* Blocks that no other cache and nobody else holds. */
size_t rsn_kv_n_own(const rsn_kv *kv);
/* A block as something to be held beside caches: holding, letting go, how many hold it. */
rsn_kv_block *rsn_kv_hold(const rsn_kv *kv, size_t block);
void rsn_kv_let_go(rsn_kv_block *block);
size_t rsn_kv_holders(const rsn_kv_block *block);
/* Makes a held block the next one of a cache, which then holds it too; the caller sets
 * kv->n to what of it is valid. NO_MEMORY. */
reason_status rsn_kv_append(rsn_kv *kv, rsn_kv_block *block);
/* Bytes of the blocks held, shared ones included. */
uint64_t rsn_kv_bytes(const rsn_kv *kv);
/* Where [64][head_dim] of a head begins: value false = keys. */
void *rsn_kv_at(const rsn_kv *kv, size_t block, size_t layer, bool value, size_t head);
/* Bytes that one position takes. */
uint64_t rsn_kv_position_bytes(const rsn_hparams *hp, const rsn_type_info *type);

#endif
