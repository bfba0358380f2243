/* A model as a Hugging Face folder: one source in, config.json, model.safetensors and the
 * tokenizer's files out. */
#ifndef REASON_CONVERT_EXPORT_H
#define REASON_CONVERT_EXPORT_H

#include "base/cancel.h"
#include "base/folder.h"
#include "format/hf_family.h"
#include "format/safetensors.h"
#include "format/source.h"
#include "model/arch.h"

typedef struct rsn_export {
    /* Set by the caller. */
    const char *in, *out;
    const rsn_st_dtype *dtype; /* of matrices; NULL: floats stay, blocks become F16 */
    const rsn_cancel *cancel;
    reason_progress_fn progress; /* may be NULL */
    void *progress_user;
    /* The rest is the job's. */
    rsn_arena arena;
    rsn_gguf g;
    rsn_gguf_files files;
    rsn_blob *blobs; /* [g.n_parts] */
    const rsn_arch *arch;
    rsn_hparams hp;
    const rsn_hf_family *family;
    rsn_hf_task task;
    size_t n_outputs;          /* of the head; 0: there is none */
    const rsn_st_dtype *main;  /* that of the matrices, which config.json names */
    bool ternary;              /* projections are packed */
    rsn_folder folder;
} rsn_export;

reason_status rsn_export_run(rsn_export *e);

/* export_tensors.c: model.safetensors, and what the matrices of the source are. */
reason_status rsn_export_look(rsn_export *e);
reason_status rsn_export_tensors(rsn_export *e);
/* export_config.c: config.json and generation_config.json. */
reason_status rsn_export_config(rsn_export *e);
/* Writes a small file into the folder. */
reason_status rsn_export_file(rsn_export *e, const char *name, const rsn_str *text);

#endif
