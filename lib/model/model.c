/* Opens and closes models. Owns the order of loading; each step has a file of its own.
 * Invariant: a model that was handed out never changes. */
#include "model/model.h"

#include <string.h>

#include "base/cpu.h"
#include "base/fpstate.h"
#include "base/json.h"
#include "base/log.h"
#include "format/source.h"
#include "kernels/pack.h"
#include "model/adapter.h"
#include "model/fingerprint.h"
#include "model/keys.h"
#include "model/lowrank.h"
#include "model/packing.h"
#include "model/refusals.h"

/* Steps of loading n parts: each header, the vocabulary, each part's data. */
static uint64_t count_steps(size_t n_parts) {
    return 2 * (uint64_t)n_parts + 1;
}

static reason_status report(const rsn_model_load *how, uint64_t done, size_t n_parts) {
    int stop = 0;
    if (how->progress && !rsn_cancelled(how->cancel)) {
        stop = how->progress(how->progress_user, "load", done, count_steps(n_parts));
        rsn_fpstate_again();
    }
    if (stop != 0 || rsn_cancelled(how->cancel))
        return rsn_fail(REASON_ERR_CANCELLED, "loading was cancelled");
    return REASON_OK;
}

/* What published models that judge steps have between these. */
#define USUAL_STEP "<extra_0>"

/* Which network this is and how large; nothing if the file has no tensors. */
static reason_status read_network(rsn_model *m) {
    rsn_text name = {0};
    reason_status status = rsn_gguf_string(&m->gguf, "general.architecture", &name);
    if (status == REASON_OK && !name.data)
        status = rsn_fail(REASON_ERR_FORMAT, "key general.architecture is missing");
    if (status != REASON_OK || m->gguf.n_tensors == 0)
        return status;
    if ((status = rsn_refuse_file(&m->gguf, name)) != REASON_OK ||
        (status = rsn_arch_find(name, &m->arch)) != REASON_OK ||
        (status = rsn_hparams_read(&m->gguf, m->arch->name, &m->arch->traits, &m->hp)) !=
            REASON_OK)
        return status;
    if (m->hp.n_vocab == 0 && m->vocab)
        m->hp.n_vocab = rsn_vocab_size(m->vocab);
    if (m->vocab && rsn_vocab_size(m->vocab) > m->hp.n_vocab)
        return rsn_fail(REASON_ERR_FORMAT,
                        "tokenizer.ggml.tokens has %zu tokens, vocab_size is %zu",
                        rsn_vocab_size(m->vocab), m->hp.n_vocab);
    if (m->hp.head.kind == RSN_HEAD_STEPS && m->hp.head.step_token < 0 && m->vocab)
        m->hp.head.step_token = rsn_vocab_find(m->vocab, USUAL_STEP, strlen(USUAL_STEP));
    if (m->hp.head.step_token >= 0 && (size_t)m->hp.head.step_token >= m->hp.n_vocab)
        return rsn_fail(REASON_ERR_FORMAT, "key %s is %d, 0 to %zu expected",
                        RSN_KEY_HEAD_STEP_TOKEN, m->hp.head.step_token,
                        m->hp.n_vocab - 1);
    return REASON_OK;
}

/* The tensor data of every part. Sentences name the part. */
static reason_status load_data(rsn_model *m, const rsn_gguf_files *files,
                               const rsn_model_load *how) {
    size_t n_parts = m->gguf.n_parts;
    m->mapped = how->map;
    m->blobs = rsn_arena_calloc2(&m->arena, n_parts, sizeof *m->blobs);
    reason_status status = m->blobs ? REASON_OK : REASON_ERR_NO_MEMORY;
    for (size_t i = 0; i < n_parts && status == REASON_OK; i++) {
        if ((status = report(how, n_parts + 1 + i, n_parts)) != REASON_OK)
            return status;
        status = rsn_source_load(&m->gguf, files, i, how->map, how->cancel, &m->blobs[i]);
        if (status == REASON_ERR_IO || status == REASON_ERR_FORMAT)
            rsn_fail_within(status, m->gguf.parts[i].path);
    }
    return status;
}

static reason_status bind_network(rsn_model *m, const rsn_model_load *how) {
    reason_status status = rsn_weights_bind(&m->gguf, m->blobs, &m->hp, &m->arch->traits,
                                            &m->arena, &m->weights);
    if (status == REASON_OK) /* before anything is packed in place */
        m->fingerprint = rsn_fingerprint(&m->gguf, m->blobs, m->arch->name);
    if (status == REASON_OK)
        status = rsn_weights_pack(m->kernels, &m->hp, !m->mapped, how->cancel,
                                  &m->weights, &m->packed);
    if (status != REASON_OK)
        return status;
    return rsn_rope_make(&m->hp.rope, m->hp.n_rot, m->hp.n_ctx, &m->weights.rope,
                         &m->arena, m->ropes);
}

/* A template that does not compile spoils only the calls that need it. */
static reason_status load_template(rsn_model *m) {
    reason_status status =
        rsn_gguf_string(&m->gguf, "tokenizer.chat_template", &m->template_source);
    if (status != REASON_OK || m->template_source.n == 0)
        return status;
    status =
        rsn_template_compile(m->template_source.data, m->template_source.n, &m->chat);
    if (status == REASON_ERR_FORMAT || status == REASON_ERR_UNSUPPORTED ||
        status == REASON_ERR_LIMIT) {
        rsn_log(REASON_LOG_WARNING, "the chat template cannot be used (%s)",
                reason_status_name(status));
        status = REASON_OK;
    }
    return status;
}

static reason_status read_metadata(rsn_model *m) {
    reason_status status = rsn_vocab_load(&m->gguf, &m->vocab);
    if (status == REASON_OK)
        status = load_template(m);
    if (status == REASON_OK)
        status = rsn_tags_find(m->vocab, m->template_source, m->chat, &m->arena,
                               &m->tags);
    return status == REASON_OK ? read_network(m) : status;
}

/* Puts the file's name before a sentence about what is in it. */
static reason_status name_file(reason_status status, const char *path) {
    if (status == REASON_OK || status == REASON_ERR_NO_MEMORY)
        return status;
    return rsn_fail_within(status, path);
}

static reason_status report_header(void *user, size_t n_done, size_t n_parts) {
    return report(user, n_done, n_parts);
}

static reason_status load_all(rsn_model *m, const char *path, const rsn_model_load *how) {
    rsn_gguf_files files;
    rsn_model_load told = *how; /* the watcher's argument is not const */
    reason_status status = report(how, 0, 1);
    if (status != REASON_OK ||
        (status = rsn_source_open(path, how->i2_s_b, report_header, &told, &m->gguf,
                                  &files)) !=
            REASON_OK)
        return status;
    status = name_file(read_metadata(m), path);
    if (status == REASON_OK && m->arch &&
        (status = load_data(m, &files, how)) == REASON_OK)
        status = name_file(bind_network(m, how), path);
    if (status == REASON_OK)
        status = report(how, count_steps(m->gguf.n_parts), m->gguf.n_parts);
    rsn_gguf_files_close(&files);
    return status;
}

reason_status rsn_model_open(const char *path, const rsn_model_load *how,
                             rsn_model **model) {
    rsn_model *m = rsn_calloc2(1, sizeof *m);
    *model = NULL;
    if (!m)
        return REASON_ERR_NO_MEMORY;
    atomic_init(&m->users, 1);
    m->kernels = rsn_kernels_for(rsn_cpu_pick(how->cpu));
    reason_status status = load_all(m, path, how);
    if (status == REASON_OK)
        *model = m;
    else
        rsn_model_release(m);
    return status;
}

rsn_model *rsn_model_retain(rsn_model *model) {
    atomic_fetch_add_explicit(&model->users, 1, memory_order_relaxed);
    return model;
}

void rsn_model_release(rsn_model *model) {
    if (!model || atomic_fetch_sub_explicit(&model->users, 1, memory_order_acq_rel) != 1)
        return;
    if (model->base) {
        rsn_model_release(model->base);
        for (size_t i = 0; i < model->n_adapters; i++)
            rsn_adapter_release(model->adapters[i]);
        rsn_arena_free(&model->arena);
        rsn_free(model);
        return;
    }
    rsn_template_free(model->chat);
    rsn_vocab_free(model->vocab);
    for (size_t i = 0; model->blobs && i < model->gguf.n_parts; i++)
        rsn_blob_free(&model->blobs[i]);
    rsn_free_aligned(model->packed);
    rsn_arena_free(&model->arena);
    rsn_gguf_free(&model->gguf);
    rsn_free(model);
}

void rsn_model_embedding(const rsn_model *m, size_t token, float *x) {
    const rsn_matrix *w = &m->weights.embedding;
    if (m->weights.tied)
        rsn_pack_decode_row(m->kernels, w->type, w->cols, w->data, w->rows, token, x);
    else
        rsn_type_decode(w->type, w->data + token * w->row_bytes, x, w->cols);
    if (w->scale != 1)
        m->kernels->scale(x, w->scale, w->cols);
    if (w->low)
        rsn_lowrank_add_row(m->kernels, w->low, token, x);
    if (m->hp.embed_scale != 1)
        m->kernels->scale(x, m->hp.embed_scale, w->cols);
}

uint64_t rsn_model_weights_bytes(const rsn_model *m) {
    return rsn_gguf_data_bytes(&m->gguf);
}

uint64_t rsn_model_decode_bytes(const rsn_model *m) {
    uint64_t sum = rsn_model_weights_bytes(m);
    if (m->arch && !m->weights.tied)
        sum -= (uint64_t)(m->weights.embedding.rows - 1) * m->weights.embedding.row_bytes;
    return sum;
}

uint64_t rsn_model_held(const rsn_model *m) {
    return sizeof *m + rsn_arena_held(&m->arena) + rsn_arena_held(&m->gguf.arena) +
           rsn_vocab_held(m->vocab) + rsn_template_held(m->chat);
}

/* The same ids for the same bytes, or comparing them means nothing. */
reason_status rsn_model_alike(const rsn_model *a, const rsn_model *b) {
    if (!b->vocab || rsn_vocab_size(a->vocab) != rsn_vocab_size(b->vocab) ||
        a->hp.n_vocab != b->hp.n_vocab)
        return rsn_fail(REASON_ERR_MISMATCH,
                        "%s has a vocabulary of %zu tokens and logits of %zu, %s of %zu "
                        "and %zu: they cannot be compared",
                        a->gguf.path, rsn_vocab_size(a->vocab), a->hp.n_vocab,
                        b->gguf.path, b->vocab ? rsn_vocab_size(b->vocab) : 0,
                        b->hp.n_vocab);
    for (size_t i = 0; i < rsn_vocab_size(a->vocab); i++) {
        rsn_text x = rsn_vocab_bytes(a->vocab, (int32_t)i);
        rsn_text y = rsn_vocab_bytes(b->vocab, (int32_t)i);
        if (rsn_gguf_compare(&x, &y) != 0)
            return rsn_fail(REASON_ERR_MISMATCH,
                            "token %zu is %s in %s and %s in %s: they cannot be compared",
                            i, rsn_quote(x.data, x.n).text, a->gguf.path,
                            rsn_quote(y.data, y.n).text, b->gguf.path);
    }
    return REASON_OK;
}

static void add_token(rsn_str *json, const rsn_model *model, const char *name,
                      int32_t id) {
    rsn_text text = id >= 0 ? rsn_vocab_bytes(model->vocab, id) : (rsn_text){"", 0};
    rsn_str_addf(json, "%s\"%s\":", json->n > 1 ? "," : "", name);
    rsn_json_quote(json, text.data, text.n, false);
}

reason_status rsn_model_token_variables(const rsn_model *model, rsn_str *json) {
    rsn_str_addz(json, "{");
    if (model && model->vocab) {
        add_token(json, model, "bos_token", rsn_vocab_bos(model->vocab));
        add_token(json, model, "eos_token", rsn_vocab_eos(model->vocab));
        rsn_str_addc(json, ',');
    }
    rsn_str_addz(json, "\"add_generation_prompt\":true}");
    return json->failed ? REASON_ERR_NO_MEMORY : REASON_OK;
}
