/* Public functions of models: opening, finding the one that ships, and what can be asked
 * of one. */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "api/options.h"
#include "base/cpu.h"
#include "base/fpstate.h"
#include "model/model.h"

#ifndef RSN_PKGDATADIR
#error "the build defines RSN_PKGDATADIR, the installed data folder"
#endif

#define SHIPPED "reason-tiny.gguf"

static const reason_model_options DEFAULTS = {.size = sizeof DEFAULTS};

reason_status reason_model_options_init(reason_model_options *options, size_t size) {
    return rsn_options_init(options, size, &DEFAULTS, sizeof DEFAULTS, "options");
}

/* --- the model that ships ---------------------------------------------------------- */

/* "../share/reason" beside the file this code was loaded from; empty if that is not
 * known. */
static void folder_beside(rsn_str *folder) {
    Dl_info info;
    static const char here;
    if (!dladdr(&here, &info) || !info.dli_fname)
        return;
    const char *slash = strrchr(info.dli_fname, '/');
    rsn_str_add(folder, info.dli_fname, slash ? (size_t)(slash - info.dli_fname) : 0);
    rsn_str_addz(folder, slash ? "/../share/reason" : "../share/reason");
}

/* The first folder that has the file; the sentence of a failure lists all that were
 * tried. */
static reason_status find_shipped(const char *data_dir, rsn_str *path) {
    rsn_str beside = {0}, tried = {0};
    folder_beside(&beside);
    const char *folders[] = {data_dir, beside.n ? rsn_str_text(&beside) : NULL,
                             RSN_PKGDATADIR};
    bool found = false;
    for (size_t i = 0; i < sizeof folders / sizeof *folders && !found; i++) {
        if (!folders[i])
            continue;
        rsn_str_cut(path, 0);
        rsn_str_addf(path, "%s/" SHIPPED, folders[i]);
        rsn_str_addf(&tried, "%s%s", tried.n ? ", " : "", rsn_str_text(path));
        found = !path->failed && access(rsn_str_text(path), R_OK) == 0;
    }
    reason_status status = REASON_OK;
    if (path->failed || beside.failed || tried.failed)
        status = rsn_fail_memory(tried.n);
    else if (!found)
        status = rsn_fail(REASON_ERR_IO, "the model that ships was not found; tried: %s",
                          rsn_str_text(&tried));
    rsn_str_free(&beside);
    rsn_str_free(&tried);
    return status;
}

reason_status reason_model_open(const char *path, const reason_model_options *options,
                                reason_model **model) {
    reason_model_options o = DEFAULTS;
    rsn_str shipped = {0};
    if (!model)
        return rsn_fail_null("model");
    *model = NULL;
    reason_status status = rsn_options_read(options, &o, sizeof o, "options");
    if (status == REASON_OK && (o.load < REASON_LOAD_MAP || o.load > REASON_LOAD_COPY))
        status =
            rsn_fail(REASON_ERR_INVALID_ARG, "load %d is none of its enum", (int)o.load);
    if (status == REASON_OK && (o.cpu < REASON_CPU_AUTO || o.cpu > REASON_CPU_NEON))
        status =
            rsn_fail(REASON_ERR_INVALID_ARG, "cpu %d is none of its enum", (int)o.cpu);
    if (status == REASON_OK && (o.i2_s < REASON_I2_S_A || o.i2_s > REASON_I2_S_B))
        status =
            rsn_fail(REASON_ERR_INVALID_ARG, "i2_s %d is none of its enum", (int)o.i2_s);
    if (status == REASON_OK && !path)
        status = find_shipped(o.data_dir, &shipped);
    rsn_cancel cancel = {.token = o.cancel};
    rsn_model_load how = {.map = o.load == REASON_LOAD_MAP,
                          .i2_s_b = o.i2_s == REASON_I2_S_B,
                          .cpu = o.cpu,
                          .cancel = &cancel,
                          .progress = o.progress,
                          .progress_user = o.progress_user};
    rsn_fpstate saved = rsn_fpstate_enter(); /* loading computes rotation angles */
    if (status == REASON_OK)
        status = rsn_model_open(path ? path : rsn_str_text(&shipped), &how, model);
    rsn_fpstate_leave(saved);
    rsn_str_free(&shipped);
    return status;
}

void reason_model_free(reason_model *model) {
    rsn_model_release(model);
}

/* --- what can be asked ------------------------------------------------------------- */

typedef enum number {
    N_VOCAB,
    N_LAYERS,
    N_EMBD,
    N_HEADS,
    N_HEADS_KV,
    HEAD_DIM,
    N_FF,
    CONTEXT,
    PARAMETERS,
    WEIGHTS,
    DECODE,
    KV,
    BOS,
    EOS,
    ACT_BITS,
    HADAMARD,
    THINKS,
    CHATS,
    COMPUTES,
    LOGITS,
    HEAD_OUTPUTS,
    STEP_TOKEN
} number;

static const struct {
    const char *key;
    number what;
} NUMBERS[] = {
    {"n_vocab", N_VOCAB},
    {"n_layers", N_LAYERS},
    {"n_embd", N_EMBD},
    {"n_heads", N_HEADS},
    {"n_heads_kv", N_HEADS_KV},
    {"head_dim", HEAD_DIM},
    {"n_ff", N_FF},
    {"context_length", CONTEXT},
    {"n_parameters", PARAMETERS},
    {"weights_bytes", WEIGHTS},
    {"decode_bytes_per_token", DECODE},
    {"kv_bytes_per_token", KV},
    {"bos_token", BOS},
    {"eos_token", EOS},
    {"activation_bits", ACT_BITS},
    {"hadamard", HADAMARD},
    {"has_thinking", THINKS},
    {"has_template", CHATS},
    {"has_weights", COMPUTES},
    {"has_logits", LOGITS},
    {"head_outputs", HEAD_OUTPUTS},
    {"head_step_token", STEP_TOKEN},
};

static int64_t number_of(const rsn_model *m, number what) {
    const rsn_hparams *hp = &m->hp;
    switch (what) {
    case N_VOCAB:
        return (int64_t)(hp->n_vocab || !m->vocab ? hp->n_vocab
                                                  : rsn_vocab_size(m->vocab));
    case N_LAYERS: return (int64_t)hp->n_layers;
    case N_EMBD: return (int64_t)hp->n_embd;
    case N_HEADS: return (int64_t)hp->n_heads;
    case N_HEADS_KV: return (int64_t)hp->n_heads_kv;
    case HEAD_DIM: return (int64_t)hp->head_dim;
    case N_FF: return (int64_t)hp->n_ff;
    case CONTEXT: return (int64_t)hp->n_ctx;
    case PARAMETERS: return (int64_t)m->weights.n_parameters;
    case WEIGHTS: return (int64_t)rsn_model_weights_bytes(m);
    case DECODE: return (int64_t)rsn_model_decode_bytes(m);
    case KV: return (int64_t)rsn_kv_position_bytes(hp, rsn_kv_type(REASON_KV_F16));
    case BOS: return m->vocab ? rsn_vocab_bos(m->vocab) : -1;
    case EOS: return m->vocab ? rsn_vocab_eos(m->vocab) : -1;
    case ACT_BITS: return hp->act_bits;
    case HADAMARD: return hp->hadamard;
    case THINKS: return m->tags.open.n > 0;
    case CHATS: return m->template_source.n > 0;
    case COMPUTES: return m->arch != NULL;
    case LOGITS: return m->arch != NULL && !hp->head.only;
    case HEAD_OUTPUTS: return (int64_t)hp->head.n_out;
    case STEP_TOKEN: return m->arch ? hp->head.step_token : -1;
    }
    return 0;
}

static reason_status fail_key(const char *key, const char *kind) {
    return rsn_fail(REASON_ERR_MISMATCH, "the model has no %s under the key %s", kind,
                    rsn_quote(key, strlen(key)).text);
}

reason_status reason_model_get_int(const reason_model *model, const char *key,
                                   int64_t *value) {
    if (value)
        *value = 0;
    if (!model || !key || !value)
        return rsn_fail_null("model, key or value");
    for (size_t i = 0; i < sizeof NUMBERS / sizeof *NUMBERS; i++)
        if (strcmp(key, NUMBERS[i].key) == 0) {
            *value = number_of(model, NUMBERS[i].what);
            return REASON_OK;
        }
    bool flag = false;
    const rsn_gguf_pair *pair = rsn_gguf_find(&model->gguf, key);
    if (pair && pair->type == RSN_GGUF_BOOL &&
        rsn_gguf_bool(&model->gguf, key, &flag) == REASON_OK)
        *value = flag;
    else if (!pair ||
             rsn_gguf_int(&model->gguf, key, INT64_MIN, INT64_MAX, value) != REASON_OK)
        return fail_key(key, "whole number");
    return REASON_OK;
}

reason_status reason_model_get_float(const reason_model *model, const char *key,
                                     double *value) {
    if (value)
        *value = 0;
    if (!model || !key || !value)
        return rsn_fail_null("model, key or value");
    if (!rsn_gguf_find(&model->gguf, key) ||
        rsn_gguf_float(&model->gguf, key, value) != REASON_OK)
        return fail_key(key, "fractional number");
    return REASON_OK;
}

static rsn_text text_of(const char *z) {
    return (rsn_text){z, strlen(z)};
}

/* Texts that are no metadata; {NULL, 0}: no such key. */
static rsn_text find_own_text(const rsn_model *m, const char *key) {
    rsn_text arch = {0};
    const rsn_tags *t = &m->tags;
    rsn_gguf_string(&m->gguf, "general.architecture", &arch);
    const struct {
        const char *key;
        rsn_text text;
    } texts[] = {
        {"architecture", arch},
        {"path", text_of(m->gguf.path)},
        {"cpu", text_of(rsn_cpu_name(m->kernels->level))},
        {"think_open", t->open},
        {"think_close", t->close},
        {"think_source", text_of(t->source)},
        {"think_family", text_of(t->family->name)},
        {"think_switch", text_of(t->switch_name)},
        {"think_effort", text_of(t->effort_name)},
        {"think_opener", t->opener},
        {"think_closer", t->closer},
        {"think_silence", t->silence},
        {"answer_marks", t->wrappers},
        {"end_tokens", t->end_tokens},
        {"chat_template", m->template_source},
        {"head", text_of(rsn_head_kind_name(m->hp.head.kind))},
        {"head_activation", text_of(rsn_activation_name(m->hp.head.activation))},
        {"head_transform", text_of(rsn_transform_name(m->hp.head.transform))},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (strcmp(key, texts[i].key) == 0)
            return texts[i].text.data ? texts[i].text : (rsn_text){"", 0};
    return (rsn_text){NULL, 0};
}

reason_status reason_model_get_text(const reason_model *model, const char *key,
                                    const char **text, size_t *n_bytes) {
    if (text)
        *text = NULL;
    if (n_bytes)
        *n_bytes = 0;
    if (!model || !key || !text)
        return rsn_fail_null("model, key or text");
    rsn_text found = find_own_text(model, key);
    if (!found.data &&
        (rsn_gguf_string(&model->gguf, key, &found) != REASON_OK || !found.data))
        return fail_key(key, "text");
    *text = found.data;
    if (n_bytes)
        *n_bytes = found.n;
    return REASON_OK;
}

size_t reason_model_n_keys(const reason_model *model) {
    return model ? model->gguf.n_pairs : 0;
}

const char *reason_model_key(const reason_model *model, size_t index) {
    return model && index < model->gguf.n_pairs ? model->gguf.pairs[index].key.data
                                                : NULL;
}
