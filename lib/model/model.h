/* A loaded model: immutable after opening, counted by reference, shared by threads. */
#ifndef REASON_MODEL_MODEL_H
#define REASON_MODEL_MODEL_H

#include <stdatomic.h>

#include "model/arch.h"
#include "model/tags.h"
#include "text/template.h"
#include "text/vocab.h"

typedef struct reason_model {
    atomic_size_t users;
    struct reason_model *base; /* that a derived one has its weights from (derive.h), */
    struct reason_adapter **adapters; /* [n_adapters], and those that change them */
    size_t n_adapters;
    rsn_gguf gguf;   /* metadata and the tensors' places */
    rsn_blob *blobs; /* [gguf.n_parts], tensor data, mapped or copied; NULL: none */
    bool mapped;     /* tensor data is used as it lies in the file, but for */
    void *packed;    /* what packing.h made of it; NULL: nothing beside the blobs */
    rsn_arena arena; /* small things derived from the file */
    const rsn_arch *arch; /* NULL: a vocabulary without weights */
    const rsn_kernels *kernels;
    rsn_hparams hp;
    rsn_weights weights;
    rsn_rope ropes[RSN_N_ROPES];
    rsn_vocab *vocab;  /* NULL: the file has no tokenizer */
    rsn_text template_source; /* n = 0: the file has no chat template */
    rsn_template *chat;       /* compiled; NULL: none, or it does not compile */
    rsn_tags tags;
    uint64_t fingerprint; /* fingerprint.h; 0 without weights */
} rsn_model;

typedef struct rsn_model_load {
    bool map;
    bool i2_s_b; /* layout B of I2_S */
    reason_cpu cpu;
    const rsn_cancel *cancel;
    reason_progress_fn progress;
    void *progress_user;
} rsn_model_load;

reason_status rsn_model_open(const char *path, const rsn_model_load *how,
                             rsn_model **model);
rsn_model *rsn_model_retain(rsn_model *model);
void rsn_model_release(rsn_model *model); /* NULL is fine */
/* Which of the tables a timeline of so many positions uses, in layers that have no own. */
static inline rsn_rope_table rsn_model_rope(const rsn_model *m, size_t n_ctx) {
    bool stretched =
        m->ropes[RSN_ROPE_LONG].inv_freq && n_ctx > m->hp.rope.n_ctx_orig;
    return stretched ? RSN_ROPE_LONG : RSN_ROPE_SHORT;
}

/* What goes into the first layer for a token: x [n_embd]. */
void rsn_model_embedding(const rsn_model *model, size_t token, float *x);
/* Bytes of all tensors, and of those that one token reads: of an embedding that is not
 * the output as well that is a row. */
uint64_t rsn_model_weights_bytes(const rsn_model *model);
uint64_t rsn_model_decode_bytes(const rsn_model *model);
/* Bytes of memory behind a model beside its weights. */
uint64_t rsn_model_held(const rsn_model *model);
/* MISMATCH unless both give the same ids to the same bytes, and logits to as many. */
reason_status rsn_model_alike(const rsn_model *a, const rsn_model *b);
/* The default template variables as a JSON object: bos_token, eos_token (empty where the
 * model has none), add_generation_prompt. `model` may be NULL. */
reason_status rsn_model_token_variables(const rsn_model *model, rsn_str *json);

/* vocab_load.c: the tokenizer of a GGUF file; *vocab is NULL if it has none. */
reason_status rsn_vocab_load(const rsn_gguf *g, rsn_vocab **vocab);

#endif
