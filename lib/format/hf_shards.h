/* The safetensors files of a Hugging Face folder. */
#ifndef REASON_FORMAT_HF_SHARDS_H
#define REASON_FORMAT_HF_SHARDS_H

#include "format/gguf.h"
#include "format/safetensors.h"

typedef struct rsn_hf_shards {
    const char **paths;   /* [n], in the arena */
    rsn_safetensors *st;  /* [n] */
    size_t n;
} rsn_hf_shards;

/* Finds the files, opens them (into files->list, [n]) and reads their headers. `single` is
 * the path of the one file to be read, or NULL. FORMAT for names in the index that lead out
 * of the folder and for tensors that are not where it says; UNSUPPORTED for folders with
 * weights of other kinds only. */
reason_status rsn_hf_shards_open(const char *folder, const char *single, rsn_arena *arena,
                                 rsn_gguf_watch_fn watch, void *user,
                                 rsn_gguf_files *files, rsn_hf_shards *shards);
/* A tensor of any shard, and which; NULL: there is none. */
const rsn_st_tensor *rsn_hf_shards_find(const rsn_hf_shards *shards, rsn_text name,
                                        size_t *shard);

#endif
