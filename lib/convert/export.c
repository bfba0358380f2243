/* Owns the order of the job: what is opened, which class of model it is, what is written.
 * Invariant: the folder has its name only after everything in it was written. */
#include "convert/export.h"

#include <string.h>

#include "base/replace.h"
#include "format/hf_tokenizer_write.h"
#include "model/model.h"
#include "model/refusals.h"

/* --- opening ------------------------------------------------------------------------ */

static reason_status load(rsn_export *e) {
    reason_status status = REASON_OK;
    e->blobs = rsn_calloc2(e->g.n_parts, sizeof *e->blobs);
    if (!e->blobs)
        return REASON_ERR_NO_MEMORY;
    for (size_t i = 0; i < e->g.n_parts && status == REASON_OK; i++) {
        status = rsn_source_load(&e->g, &e->files, i, true, e->cancel, &e->blobs[i]);
        if (status == REASON_ERR_IO || status == REASON_ERR_FORMAT)
            rsn_fail_within(status, e->g.parts[i].path);
    }
    return status;
}

static reason_status read_network(rsn_export *e) {
    rsn_text name = {0};
    reason_status status = rsn_gguf_string(&e->g, "general.architecture", &name);
    if (status == REASON_OK && (!name.data || e->g.n_tensors == 0))
        status = rsn_fail(REASON_ERR_FORMAT, "there is no network in it");
    if (status == REASON_OK)
        status = rsn_refuse_file(&e->g, name);
    if (status == REASON_OK)
        status = rsn_arch_find(name, &e->arch);
    if (status == REASON_OK)
        status = rsn_hparams_read(&e->g, e->arch->name, &e->arch->traits, &e->hp);
    return status;
}

/* --- which class -------------------------------------------------------------------- */

static reason_status find_task(rsn_export *e) {
    const rsn_gguf_tensor *head = rsn_gguf_find_tensor(&e->g, "cls.output.weight");
    bool two = rsn_gguf_find_tensor(&e->g, "cls.weight") != NULL;
    rsn_text kind = {0}, activation = {0};
    e->task = RSN_HF_CAUSAL;
    if (!head)
        return REASON_OK;
    reason_status status = rsn_gguf_string(&e->g, "reason.head.kind", &kind);
    if (status == REASON_OK)
        status = rsn_gguf_string(&e->g, "reason.head.activation", &activation);
    if (status != REASON_OK)
        return status;
    e->n_outputs = (size_t)head->ne[1];
    e->task = !two                     ? RSN_HF_SEQUENCE
              : rsn_text_is(kind, "steps") ? RSN_HF_PROCESS_REWARD
                                       : RSN_HF_REWARD;
    if (!two && rsn_text_is(kind, "tokens"))
        e->task = RSN_HF_TOKENS;
    if (two && !rsn_text_is(activation, "relu"))
        return rsn_fail(REASON_ERR_UNSUPPORTED,
                        "heads of two layers are written with reason.head.activation "
                        "\"relu\" only");
    if (!two && rsn_text_is(kind, "steps"))
        return rsn_fail(REASON_ERR_UNSUPPORTED,
                        "no class has a head of one layer that is read at steps");
    return REASON_OK;
}

static reason_status find_family(rsn_export *e) {
    const char *arch = strcmp(e->arch->name, "bitnet-25") == 0 ? "bitnet-b1.58"
                                                              : e->arch->name;
    e->family = rsn_hf_family_of(arch, e->hp.window > 0);
    if (!e->family)
        return rsn_fail(REASON_ERR_UNSUPPORTED,
                        "models of architecture %s cannot be written as a folder", arch);
    if (e->hp.hadamard || (e->hp.act_bits != 0 && e->hp.act_bits != 8))
        return rsn_fail(REASON_ERR_UNSUPPORTED,
                        "no class has activations of %u bits%s", e->hp.act_bits,
                        e->hp.hadamard ? ", transformed" : "");
    e->ternary = e->hp.act_bits != 0;
    if (e->ternary && !(e->family->bits & RSN_HF_TERNARY))
        return rsn_fail(REASON_ERR_UNSUPPORTED, "%s models have no 8-bit activations",
                        e->family->stem);
    return find_task(e);
}

/* --- writing ------------------------------------------------------------------------ */

reason_status rsn_export_file(rsn_export *e, const char *name, const rsn_str *text) {
    rsn_replace file = {.fd = -1};
    if (text->failed)
        return REASON_ERR_NO_MEMORY;
    char *path = rsn_folder_inside(&e->folder, name);
    if (!path)
        return REASON_ERR_NO_MEMORY;
    reason_status status = rsn_replace_begin(path, text->n, &file);
    if (status == REASON_OK)
        status = rsn_replace_write(&file, text->data, text->n);
    if (status == REASON_OK)
        status = rsn_replace_commit(&file);
    rsn_replace_abandon(&file);
    rsn_free(path);
    return status;
}

/* tokenizer.json and its like; a source without a tokenizer gives a folder without. */
static reason_status write_tokenizer(rsn_export *e) {
    rsn_vocab *v = NULL;
    bool written = false;
    reason_status status = rsn_vocab_load(&e->g, &v);
    if (status == REASON_OK && v) {
        const rsn_hf_known known = {.bos = rsn_vocab_bos(v),
                                    .eos = rsn_vocab_eos(v),
                                    .unk = rsn_vocab_unk(v),
                                    .pad = rsn_vocab_pad(v),
                                    .add_bos = rsn_vocab_adds_bos(v),
                                    .add_eos = rsn_vocab_adds_eos(v),
                                    .add_space = rsn_vocab_adds_space(v)};
        status = rsn_hf_tokenizer_write(&e->g, &known, e->folder.beside, &written);
    }
    rsn_vocab_free(v);
    return status == REASON_OK || status == REASON_ERR_NO_MEMORY
               ? status
               : rsn_fail_within(status, e->in);
}

static reason_status open_all(rsn_export *e) {
    reason_status status = rsn_source_open(e->in, false, NULL, NULL, &e->g, &e->files);
    if (status != REASON_OK)
        return status;
    status = read_network(e);
    if (status == REASON_OK)
        status = find_family(e);
    if (status != REASON_OK && status != REASON_ERR_NO_MEMORY)
        return rsn_fail_within(status, e->in);
    if (status == REASON_OK)
        status = load(e);
    return status == REASON_OK ? rsn_export_look(e) : status;
}

reason_status rsn_export_run(rsn_export *e) {
    reason_status status = open_all(e);
    if (status == REASON_OK)
        status = rsn_folder_begin(e->out, &e->folder);
    if (status == REASON_OK)
        status = rsn_export_config(e);
    if (status == REASON_OK)
        status = write_tokenizer(e);
    if (status == REASON_OK)
        status = rsn_export_tensors(e);
    if (status == REASON_OK)
        status = rsn_folder_commit(&e->folder);
    rsn_folder_abandon(&e->folder);
    for (size_t i = 0; e->blobs && i < e->g.n_parts; i++)
        rsn_blob_free(&e->blobs[i]);
    rsn_free(e->blobs);
    rsn_arena_free(&e->arena);
    rsn_gguf_files_close(&e->files);
    rsn_gguf_free(&e->g);
    return status;
}
