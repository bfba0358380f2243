/* Adapters: changes of low rank to the matrices of one model, read from a file of their
 * own. Immutable after opening, counted by reference, shared by threads. */
#ifndef REASON_MODEL_ADAPTER_H
#define REASON_MODEL_ADAPTER_H

#include <stdatomic.h>

#include "model/lowrank.h"

/* The change of one tensor of the base, in its layout: with rows of q and k as the base's
 * file has them. */
typedef struct rsn_adapter_entry {
    rsn_text name; /* of the base's tensor; first, so that its address is the entry's.
                      "output.weight" also where the base has its embedding for that;
                      then "token_embd.weight" changes what tokens become alone */
    rsn_delta delta;
} rsn_adapter_entry;

typedef struct reason_adapter {
    atomic_size_t users;
    rsn_arena arena; /* everything below lives in it, but for */
    const char *path;
    rsn_gguf gguf;   /* the plan of its file, if it is such a one */
    rsn_blob blob;   /* and a copy of the factors */
    rsn_adapter_entry *entries;
    size_t n_entries;
    const rsn_text **order; /* their names, sorted */
    uint64_t fingerprint;
} rsn_adapter;

/* Opens an adapter, a GGUF file or a folder as PEFT writes it, and checks that it fits the base: MISMATCH for another architecture,
 * for tensors that the base does not have and for other shapes; FORMAT, UNSUPPORTED, IO,
 * NO_MEMORY, CANCELLED as any file. Sentences begin with the path. */
reason_status rsn_adapter_open(const char *path, const rsn_gguf *base,
                               const rsn_cancel *cancel, rsn_adapter **adapter);
rsn_adapter *rsn_adapter_retain(rsn_adapter *adapter);
void rsn_adapter_release(rsn_adapter *adapter); /* NULL is fine */

/* The change of a tensor; NULL: none. */
const rsn_delta *rsn_adapter_find(const rsn_adapter *adapter, const char *name);
/* MISMATCH unless every change has a tensor of its shape. The sentence names the file. */
reason_status rsn_adapter_fits(const rsn_adapter *adapter, const rsn_gguf *base);

/* Adapters that are applied together, each with a scale beside its own. */
typedef struct rsn_adapters {
    rsn_adapter *const *list; /* [n] */
    const float *scales;      /* [n]; NULL: 1 */
    size_t n;
} rsn_adapters;

float rsn_adapters_scale(const rsn_adapters *adapters, size_t i);
/* MISMATCH as above, INVALID_ARG for a scale that is not finite, or not with one of the
 * adapter's own. */
reason_status rsn_adapters_check(const rsn_adapters *adapters, const rsn_gguf *base);
/* What they do to the tensor of this name, rows [first, first + rows) of it, behind what is
 * done already (NULL: nothing); *low is NULL if that is nothing at all. One with the scale 0
 * does nothing, not even to the order of additions. NO_MEMORY. */
reason_status rsn_adapters_gather(const rsn_adapters *adapters, const char *name,
                                  size_t first, size_t rows, const rsn_lowrank *before,
                                  rsn_arena *arena, rsn_lowrank **low);

/* The tensor of the base that a change of this name is of; NULL: none. */
const rsn_gguf_tensor *rsn_adapter_changed(const rsn_gguf *base, const char *name);
/* [cols, rows] of m, of floats, as float32 in the adapter's arena. */
reason_status rsn_adapter_transpose(rsn_adapter *adapter, const rsn_matrix *m,
                                    rsn_matrix *out);

/* adapter_gguf.c, adapter_peft.c: fill the copy and the entries, whose shapes may be any.
 * The second reads a folder. Sentences name the file. */
reason_status rsn_adapter_read_gguf(const char *path, const rsn_gguf *base,
                                    const rsn_cancel *cancel, rsn_adapter *adapter);
reason_status rsn_adapter_read_peft(const char *folder, const rsn_gguf *base,
                                    const rsn_cancel *cancel, rsn_adapter *adapter);

#endif
