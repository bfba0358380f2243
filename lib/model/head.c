/* Heads. Owns their keys and defaults, the shapes of their tensors, and what they compute.
 * Left to others: which rows of the stream they read (reward/), and binding
 * (weights.c). Invariant: outputs of a row depend on that row alone. */
#include "model/head.h"

#include <math.h>
#include <string.h>

#include "kernels/mathf.h"
#include "model/keys.h"
#include "model/model.h"

enum { MAX_OUT = 1 << 16, MAX_HIDDEN = 1 << 20 };

/* Rows of a matrix that a worker takes at least. */
enum { ROW_GRAIN = 32 };

static const char *const KINDS[] = {[RSN_HEAD_NONE] = "none",
                                    [RSN_HEAD_REWARD] = "reward",
                                    [RSN_HEAD_LABELS] = "labels",
                                    [RSN_HEAD_STEPS] = "steps",
                                    [RSN_HEAD_TOKENS] = "tokens"};
static const char *const ACTIVATIONS[] = {[RSN_ACTIVATION_TANH] = "tanh",
                                          [RSN_ACTIVATION_RELU] = "relu",
                                          [RSN_ACTIVATION_GELU] = "gelu",
                                          [RSN_ACTIVATION_NONE] = "none"};
static const char *const TRANSFORMS[] = {[RSN_TRANSFORM_NONE] = "none",
                                         [RSN_TRANSFORM_SIGMOID] = "sigmoid",
                                         [RSN_TRANSFORM_SOFTMAX] = "softmax"};

#define COUNT(array) (sizeof(array) / sizeof *(array))

const char *rsn_head_kind_name(rsn_head_kind kind) {
    return (size_t)kind < COUNT(KINDS) ? KINDS[kind] : NULL;
}

const char *rsn_activation_name(rsn_activation activation) {
    return (size_t)activation < COUNT(ACTIVATIONS) ? ACTIVATIONS[activation] : NULL;
}

const char *rsn_transform_name(rsn_transform transform) {
    return (size_t)transform < COUNT(TRANSFORMS) ? TRANSFORMS[transform] : NULL;
}

/* --- keys ---------------------------------------------------------------------------- */

/* One of the names from `first` on; an absent key leaves *value as it is. */
static reason_status read_name(const rsn_gguf *g, const char *key,
                               const char *const *names, size_t first, size_t n,
                               size_t *value) {
    rsn_text text = {0};
    reason_status status = rsn_gguf_string(g, key, &text);
    if (status != REASON_OK || !text.data)
        return status;
    rsn_str allowed = {0};
    for (size_t i = first; i < n; i++) {
        if (strlen(names[i]) == text.n && memcmp(names[i], text.data, text.n) == 0) {
            *value = i;
            rsn_str_free(&allowed);
            return REASON_OK;
        }
        rsn_str_addf(&allowed, "%s%s", i > first ? ", " : "", names[i]);
    }
    status = rsn_fail(REASON_ERR_UNSUPPORTED, "key %s is %s, one of %s expected", key,
                      rsn_quote(text.data, text.n).text, rsn_str_text(&allowed));
    rsn_str_free(&allowed);
    return status;
}

static reason_status read_kind(const rsn_gguf *g, rsn_head *h) {
    size_t kind = h->n_out == 1 ? RSN_HEAD_REWARD : RSN_HEAD_LABELS;
    reason_status status =
        read_name(g, RSN_KEY_HEAD_KIND, KINDS, RSN_HEAD_REWARD, COUNT(KINDS), &kind);
    h->kind = (rsn_head_kind)kind;
    if (status == REASON_OK && h->kind == RSN_HEAD_REWARD && h->n_out != 1)
        return rsn_fail(REASON_ERR_FORMAT,
                        "key %s is reward, cls.output.weight has %zu rows, 1 expected",
                        RSN_KEY_HEAD_KIND, h->n_out);
    return status;
}

static reason_status read_names(const rsn_gguf *g, bool has_dense, rsn_head *h) {
    size_t activation = has_dense ? RSN_ACTIVATION_TANH : RSN_ACTIVATION_NONE;
    size_t transform = h->kind == RSN_HEAD_STEPS && h->n_out == 2 ? RSN_TRANSFORM_SOFTMAX
                                                                  : RSN_TRANSFORM_NONE;
    reason_status status = read_name(g, RSN_KEY_HEAD_ACTIVATION, ACTIVATIONS, 0,
                                     COUNT(ACTIVATIONS), &activation);
    if (status == REASON_OK)
        status = read_name(g, RSN_KEY_HEAD_TRANSFORM, TRANSFORMS, 0, COUNT(TRANSFORMS),
                           &transform);
    h->activation = (rsn_activation)activation;
    h->transform = (rsn_transform)transform;
    return status;
}

static reason_status read_labels(const rsn_gguf *g, const char *arch, rsn_head *h) {
    rsn_key key;
    size_t n = 0;
    reason_status status = rsn_key_make(&key, arch, "classifier.output_labels");
    if (status == REASON_OK)
        status = rsn_gguf_strings(g, key.text, &h->labels, &n);
    if (status == REASON_OK && h->labels && n != h->n_out)
        return rsn_fail(REASON_ERR_FORMAT,
                        "key %s has %zu names, cls.output.weight has %zu rows", key.text,
                        n, h->n_out);
    return status;
}

/* Outputs are those of the last token; a mean over tokens, or the first one's, is what
 * encoders have. */
static reason_status read_pooling(const rsn_gguf *g, const char *arch) {
    enum { MEAN = 1, CLS = 2, RANK = 4 };
    rsn_key key;
    int64_t pooling = RANK;
    reason_status status = rsn_key_make(&key, arch, "pooling_type");
    if (status == REASON_OK)
        status = rsn_gguf_int(g, key.text, -1, RANK, &pooling);
    if (status == REASON_OK && (pooling == MEAN || pooling == CLS))
        return rsn_fail(REASON_ERR_UNSUPPORTED,
                        "key %s is %d: a head that reads the %s is not supported",
                        key.text, (int)pooling,
                        pooling == MEAN ? "mean of all tokens" : "first token");
    return status;
}

static reason_status read_step_token(const rsn_gguf *g, rsn_head *h) {
    int64_t token = -1;
    reason_status status =
        rsn_gguf_int(g, RSN_KEY_HEAD_STEP_TOKEN, 0, INT32_MAX, &token);
    h->step_token = (int32_t)token;
    return status;
}

/* --- shapes -------------------------------------------------------------------------- */

static reason_status check_rows(const rsn_gguf_tensor *t, size_t most, size_t *rows) {
    if (t->ne[1] > most)
        return rsn_fail(REASON_ERR_FORMAT, "tensor %s has %llu rows, 1 to %zu expected",
                        t->name.data, (unsigned long long)t->ne[1], most);
    *rows = (size_t)t->ne[1];
    return REASON_OK;
}

/* Parts of a head without the tensor that they belong to. */
static reason_status refuse_parts(const rsn_gguf *g, const char *needed,
                                  const char *const *parts, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (rsn_gguf_find_tensor(g, parts[i]) || rsn_gguf_find(g, parts[i]))
            return rsn_fail(REASON_ERR_FORMAT, "tensor %s is missing beside %s", needed,
                            parts[i]);
    return REASON_OK;
}

reason_status rsn_head_read(const rsn_gguf *g, const char *arch, size_t n_embd,
                            rsn_head *h) {
    static const char *const ALL[] = {"cls.weight",          "cls.bias",
                                      "cls.norm.weight",     "cls.output.bias",
                                      RSN_KEY_HEAD_KIND,     RSN_KEY_HEAD_ONLY,
                                      RSN_KEY_HEAD_STEP_TOKEN};
    const rsn_gguf_tensor *dense = rsn_gguf_find_tensor(g, "cls.weight");
    const rsn_gguf_tensor *output = rsn_gguf_find_tensor(g, "cls.output.weight");
    *h = (rsn_head){
        .activation = RSN_ACTIVATION_NONE, .step_token = -1, .n_hidden = n_embd};
    if (!output)
        return refuse_parts(g, "cls.output.weight", ALL, COUNT(ALL));
    reason_status status =
        dense ? check_rows(dense, MAX_HIDDEN, &h->n_hidden)
              : refuse_parts(g, "cls.weight", (const char *const[]){"cls.bias"}, 1);
    if (status == REASON_OK)
        status = check_rows(output, MAX_OUT, &h->n_out);
    if (status == REASON_OK)
        status = read_kind(g, h);
    if (status == REASON_OK)
        status = read_names(g, dense != NULL, h);
    if (status == REASON_OK)
        status = read_labels(g, arch, h);
    if (status == REASON_OK)
        status = read_pooling(g, arch);
    if (status == REASON_OK)
        status = read_step_token(g, h);
    if (status == REASON_OK)
        status = rsn_gguf_bool(g, RSN_KEY_HEAD_ONLY, &h->only);
    if (status == REASON_OK && h->only && rsn_gguf_find_tensor(g, "output.weight"))
        return rsn_fail(REASON_ERR_FORMAT, "key %s is true, but output.weight is there",
                        RSN_KEY_HEAD_ONLY);
    return status;
}

reason_status rsn_head_check(const rsn_model *model) {
    return model->hp.head.n_out > 0
               ? REASON_OK
               : rsn_fail(REASON_ERR_MISMATCH,
                          "%s has no head: there is no tensor cls.output.weight",
                          model->gguf.path);
}

reason_status rsn_logits_check(const rsn_model *model) {
    return !model->hp.head.only
               ? REASON_OK
               : rsn_fail(REASON_ERR_MISMATCH,
                          "%s has a head and no logits: there is no tensor output.weight",
                          model->gguf.path);
}

/* --- what it computes ---------------------------------------------------------------- */

typedef struct layer {
    const rsn_kernels *kernels;
    const rsn_matrix *w;
    const float *bias; /* NULL: none */
    const float *x;    /* [n][cols] */
    float *out;        /* [n][rows] */
    size_t n;
} layer;

static void run_share(void *arg, int ith, int count) {
    const layer *l = arg;
    size_t begin, end, rows = l->w->rows;
    rsn_pool_share(rows, ROW_GRAIN, ith, count, &begin, &end);
    if (begin >= end)
        return;
    l->kernels->product[l->w->type->type](l->w->cols,
                                          l->w->data + begin * l->w->row_bytes,
                                          l->w->row_bytes, end - begin, l->x,
                                          l->w->cols * sizeof *l->x, l->n,
                                          l->out + begin, rows);
    for (size_t t = 0; l->bias && t < l->n; t++)
        l->kernels->add(l->out + t * rows + begin, l->bias + begin, end - begin);
}

static void run_layer(const layer *l, rsn_pool *pool) {
    layer copy = *l; /* jobs take what is not const */
    if (rsn_pool_pays(pool, (uint64_t)l->w->rows * l->w->cols * l->n))
        rsn_pool_run(pool, run_share, &copy);
    else
        run_share(&copy, 0, 1);
}

static float activate(rsn_activation activation, float x) {
    switch (activation) {
    case RSN_ACTIVATION_TANH: return rsn_tanhf(x);
    case RSN_ACTIVATION_RELU: return x < 0 ? 0 : x; /* NaN stays */
    case RSN_ACTIVATION_GELU:
        return x / (1 + rsn_expf(x * (RSN_GELU_LINEAR + RSN_GELU_CUBIC * (x * x))));
    case RSN_ACTIVATION_NONE: break;
    }
    return x;
}

/* A layer norm without bias, as such heads of other programs have. */
static void normalize(float *x, const float *weight, size_t n, float eps) {
    double mean = 0, spread = 0;
    for (size_t i = 0; i < n; i++)
        mean += (double)x[i];
    mean /= (double)n;
    for (size_t i = 0; i < n; i++)
        spread += ((double)x[i] - mean) * ((double)x[i] - mean);
    double by = 1 / sqrt(spread / (double)n + (double)eps);
    for (size_t i = 0; i < n; i++)
        x[i] = (float)(((double)x[i] - mean) * by * (double)weight[i]);
}

void rsn_head_run(const rsn_model *model, rsn_pool *pool, const float *hidden, size_t n,
                  float *scratch, float *out) {
    const rsn_head_weights *w = &model->weights.head;
    const rsn_head *h = &model->hp.head;
    layer l = {.kernels = model->kernels, .x = hidden, .n = n};
    if (!w->dense.data && (h->activation != RSN_ACTIVATION_NONE || w->norm))
        memcpy(scratch, hidden, n * h->n_hidden * sizeof *scratch);
    if (w->dense.data) {
        l.w = &w->dense;
        l.bias = w->dense_bias;
        l.out = scratch;
        run_layer(&l, pool);
    }
    if (w->dense.data || h->activation != RSN_ACTIVATION_NONE || w->norm)
        l.x = scratch;
    for (size_t i = 0; l.x == scratch && i < n * h->n_hidden; i++)
        scratch[i] = activate(h->activation, scratch[i]);
    for (size_t t = 0; w->norm && t < n; t++)
        normalize(scratch + t * h->n_hidden, w->norm, h->n_hidden, model->hp.rms_eps);
    l.w = &w->output;
    l.bias = w->output_bias;
    l.out = out;
    run_layer(&l, pool);
}
