/* Owns a second opinion about every logit. Positions are computed one layer at a time,
 * everything in plain loops over doubles. Invariant: nothing here is optimized. */
#include "support/dense_reference.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct network {
    const tiny_model *m;
    dense_reference_options how;
    size_t n;                        /* positions */
    size_t width, q_width, kv_width; /* of the stream, all query heads, all key heads */
} network;

static double *zeros(size_t n) {
    double *x = calloc(n ? n : 1, sizeof *x);
    if (!x)
        abort();
    return x;
}

/* What a Q8_0 matrix sees of its input. */
static void round_to_8_bits(double *x, size_t n) {
    for (size_t b = 0; b < n; b += 32) {
        double top = 0;
        for (size_t i = b; i < b + 32; i++)
            top = fabs(x[i]) > top ? fabs(x[i]) : top;
        for (size_t i = b; i < b + 32 && top > 0; i++)
            x[i] = nearbyint(x[i] * (127 / top)) * (top / 127);
    }
}

/* y[t] = W x[t], for every position; a bias is added if there is one of that name. */
static double *multiply(const network *net, const char *name, const char *bias,
                        const double *x) {
    const tiny_tensor *t = tiny_model_find(net->m, name);
    double *w = tiny_model_weights(net->m, name);
    double *b = bias ? tiny_model_weights(net->m, bias) : NULL;
    size_t cols = (size_t)t->ne[0], rows = (size_t)t->ne[1];
    double *y = zeros(net->n * rows), *in = zeros(cols);
    for (size_t p = 0; p < net->n; p++) {
        memcpy(in, x + p * cols, cols * sizeof *in);
        if (net->how.q8 && t->type == GGML_Q8_0)
            round_to_8_bits(in, cols);
        for (size_t r = 0; r < rows; r++) {
            double sum = 0;
            for (size_t c = 0; c < cols; c++)
                sum += w[r * cols + c] * in[c];
            y[p * rows + r] = sum + (b ? b[r] : 0);
        }
    }
    free(in);
    free(w);
    free(b);
    return y;
}

/* RMS norm of each stretch of n values out of n_rows. */
static double *normalize(const network *net, const char *name, const double *x, size_t n,
                         size_t n_rows) {
    double *w = tiny_model_weights(net->m, name), *y = zeros(n * n_rows);
    for (size_t r = 0; r < n_rows; r++) {
        double sum = 0;
        for (size_t i = 0; i < n; i++)
            sum += x[r * n + i] * x[r * n + i];
        for (size_t i = 0; i < n; i++)
            y[r * n + i] = x[r * n + i] / sqrt(sum / (double)n + (double)1e-5f) * w[i];
    }
    free(w);
    return y;
}

static void turn(const network *net, double *head, size_t position) {
    const tiny_options *o = &net->m->o;
    bool adjacent = strcmp(net->m->arch, "llama") == 0;
    double *factors = tiny_model_weights(net->m, "rope_freqs.weight");
    for (size_t i = 0; i < o->n_rot / 2; i++) {
        double angle = (double)position * pow(10000, -2.0 * (double)i / o->n_rot);
        angle /= factors ? factors[i] : 1;
        double *a = head + (adjacent ? 2 * i : i);
        double *b = head + (adjacent ? 2 * i + 1 : i + o->n_rot / 2);
        double x = *a, y = *b;
        *a = x * cos(angle) - y * sin(angle);
        *b = x * sin(angle) + y * cos(angle);
    }
    free(factors);
}

/* Norm (qwen3) and RoPE of every head; frees what it replaces. */
static double *place_heads(const network *net, double *x, size_t n_heads,
                           const char *norm) {
    size_t dim = net->m->o.head_dim;
    if (tiny_model_find(net->m, norm)) {
        double *normed = normalize(net, norm, x, dim, net->n * n_heads);
        free(x);
        x = normed;
    }
    for (size_t p = 0; p < net->n; p++)
        for (size_t h = 0; h < n_heads; h++)
            turn(net, x + (p * n_heads + h) * dim, p);
    return x;
}

static void round_to_halves(const network *net, double *x, size_t n) {
    for (size_t i = 0; i < n && net->how.half_cache; i++)
        x[i] = gguf_half_value(gguf_half_nearest(x[i]));
}

/* One head at one position: softmax over all positions up to it. */
static void attend_head(const network *net, const double *q, const double *k,
                        const double *v, size_t position, double *out) {
    size_t dim = net->m->o.head_dim;
    double *score = zeros(position + 1);
    double top = -INFINITY, sum = 0;
    for (size_t p = 0; p <= position; p++) {
        for (size_t i = 0; i < dim; i++)
            score[p] += q[i] * k[p * net->kv_width + i];
        score[p] /= sqrt((double)dim);
        top = score[p] > top ? score[p] : top;
    }
    for (size_t p = 0; p <= position; p++)
        sum += score[p] = exp(score[p] - top);
    for (size_t p = 0; p <= position; p++)
        for (size_t i = 0; i < dim; i++)
            out[i] += score[p] / sum * v[p * net->kv_width + i];
    free(score);
}

/* The name of a tensor of a layer, good until the fourth next call. */
static const char *name_of(size_t layer, const char *suffix) {
    static char names[4][48];
    static size_t at;
    at = (at + 1) % 4;
    (void)snprintf(names[at], sizeof *names, "blk.%zu.%s", layer, suffix);
    return names[at];
}

static double *attend(const network *net, size_t layer, const double *x) {
    const tiny_options *o = &net->m->o;
    double *q = multiply(net, name_of(layer, "attn_q.weight"),
                         name_of(layer, "attn_q.bias"), x);
    double *k = multiply(net, name_of(layer, "attn_k.weight"),
                         name_of(layer, "attn_k.bias"), x);
    double *v = multiply(net, name_of(layer, "attn_v.weight"),
                         name_of(layer, "attn_v.bias"), x);
    q = place_heads(net, q, o->n_heads, name_of(layer, "attn_q_norm.weight"));
    k = place_heads(net, k, o->n_heads_kv, name_of(layer, "attn_k_norm.weight"));
    round_to_halves(net, k, net->n * net->kv_width);
    round_to_halves(net, v, net->n * net->kv_width);
    double *mix = zeros(net->n * net->q_width);
    for (size_t p = 0; p < net->n; p++)
        for (size_t h = 0; h < o->n_heads; h++) {
            size_t at = p * net->q_width + h * o->head_dim;
            size_t kv = h / (o->n_heads / o->n_heads_kv) * o->head_dim;
            attend_head(net, q + at, k + kv, v + kv, p, mix + at);
        }
    double *y = multiply(net, name_of(layer, "attn_output.weight"), NULL, mix);
    free(q);
    free(k);
    free(v);
    free(mix);
    return y;
}

static double *feed_forward(const network *net, size_t layer, const double *x) {
    double *gate = multiply(net, name_of(layer, "ffn_gate.weight"), NULL, x);
    double *up = multiply(net, name_of(layer, "ffn_up.weight"), NULL, x);
    for (size_t i = 0; i < net->n * net->m->o.n_ff; i++)
        gate[i] = gate[i] / (1 + exp(-gate[i])) * up[i];
    double *y = multiply(net, name_of(layer, "ffn_down.weight"), NULL, gate);
    free(gate);
    free(up);
    return y;
}

static void add_branch(const network *net, double *x, double *branch) {
    for (size_t i = 0; i < net->n * net->width; i++)
        x[i] += branch[i];
    free(branch);
}

double *dense_reference_logits(const tiny_model *m, const int32_t *tokens, size_t n,
                               dense_reference_options how) {
    const tiny_options *o = &m->o;
    const network net = {.m = m,
                         .how = how,
                         .n = n,
                         .width = o->n_embd,
                         .q_width = (size_t)o->n_heads * o->head_dim,
                         .kv_width = (size_t)o->n_heads_kv * o->head_dim};
    double *embedding = tiny_model_weights(m, "token_embd.weight");
    double *x = zeros(n * net.width);
    for (size_t p = 0; p < n; p++)
        memcpy(x + p * net.width, embedding + (size_t)tokens[p] * net.width,
               net.width * sizeof *x);
    for (size_t layer = 0; layer < o->n_layers; layer++) {
        double *in = normalize(&net, name_of(layer, "attn_norm.weight"), x, net.width, n);
        add_branch(&net, x, attend(&net, layer, in));
        free(in);
        in = normalize(&net, name_of(layer, "ffn_norm.weight"), x, net.width, n);
        add_branch(&net, x, feed_forward(&net, layer, in));
        free(in);
    }
    double *out = normalize(&net, "output_norm.weight", x, net.width, n);
    double *logits = multiply(&net, o->tied ? "token_embd.weight" : "output.weight", NULL,
                              out);
    free(embedding);
    free(x);
    free(out);
    return logits;
}
