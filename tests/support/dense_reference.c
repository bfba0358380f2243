/* Owns a second opinion about every logit. Positions are computed one layer at a time,
 * everything in plain loops over doubles. Invariant: nothing here is optimized. */
#include "support/dense_reference.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "quant/types.h"

typedef struct network {
    const tiny_model *m;
    const tiny_arch *arch;
    double *divisors; /* of RoPE's frequencies, or NULL */
    double attn_cap;  /* 0: none */
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

static void round_to_8_bits(double *x, size_t n, size_t step) {
    for (size_t b = 0; b < n; b += step) {
        size_t end = n - b < step ? n : b + step;
        double top = 0;
        for (size_t i = b; i < end; i++)
            top = fabs(x[i]) > top ? fabs(x[i]) : top;
        for (size_t i = b; i < end && top > 0; i++)
            x[i] = nearbyint(x[i] * (127 / top)) * (top / 127);
    }
}

/* A row to 4 bits as BitNet v2 says: steps of the mean magnitude by sqrt(7). */
static void round_to_4_bits(double *x, size_t n) {
    double mean = 0;
    for (size_t i = 0; i < n; i++)
        mean += fabs(x[i]) / (double)n;
    mean = fmax(mean, 1e-5);
    for (size_t i = 0; i < n; i++)
        x[i] = fmin(fmax(nearbyint(x[i] * sqrt(7) / mean), -8), 7) * mean / sqrt(7);
}

/* Each row of x times the Hadamard matrix; of a width that is no power of two, each
 * stretch of as many values as the largest power that divides it. */
static void transform(const network *net, double *x, size_t width) {
    size_t block = 1;
    while (width % (2 * block) == 0)
        block *= 2;
    double *in = zeros(block);
    for (size_t at = 0; net->m->o.hadamard && at < net->n * width; at += block) {
        memcpy(in, x + at, block * sizeof *in);
        for (size_t i = 0; i < block; i++) {
            x[at + i] = 0;
            for (size_t j = 0; j < block; j++) {
                double sign = 1;
                for (size_t bit = 1; bit < block; bit *= 2)
                    sign = i & j & bit ? -sign : sign;
                x[at + i] += sign * in[j] / sqrt((double)block);
            }
        }
    }
    free(in);
}

/* What a matrix sees of its input. The projections of bitnet get a row of 8 or 4 bits
 * with one scale, whatever they are. */
static void round_input(const network *net, const tiny_tensor *t, double *x, size_t n) {
    rsn_act act = rsn_type_by_ggml(t->type)->act;
    bool row = net->arch->bitnet && strncmp(t->name, "blk.", strlen("blk.")) == 0;
    if (!net->how.q8)
        return;
    if (row && net->m->o.act_bits == 4)
        round_to_4_bits(x, n);
    else if (row || act == RSN_ACT_Q8_ROW)
        round_to_8_bits(x, n, n);
    else if (act == RSN_ACT_Q8_256)
        round_to_8_bits(x, n, 256);
    else if (act == RSN_ACT_Q8_32)
        round_to_8_bits(x, n, 32);
}

static double *change_of(const network *net, const char *name) {
    return net->how.change ? net->how.change(net->how.change_user, name) : NULL;
}

/* y[t] += C x[t], C being what adapters add to rows [first, first + rows) of the tensor; x
 * is not rounded. */
static void add_change(const network *net, const char *name, const double *x, size_t cols,
                       size_t first, size_t rows, double *y) {
    bool tied = strcmp(name, "token_embd.weight") == 0;
    double *c = change_of(net, tied ? "output.weight" : name);
    for (size_t p = 0; c && p < net->n; p++)
        for (size_t r = 0; r < rows; r++)
            for (size_t i = 0; i < cols; i++)
                y[p * rows + r] += c[(first + r) * cols + i] * x[p * cols + i];
    free(c);
}

/* y[t] = W x[t], for every position, W being rows [first, first + rows) of the tensor; a
 * bias is added if there is one of that name. */
static double *multiply_part(const network *net, const char *name, const char *bias,
                             const double *x, size_t first, size_t rows) {
    const tiny_tensor *t = tiny_model_find(net->m, name);
    double *all = tiny_model_weights(net->m, name);
    double *b = bias ? tiny_model_weights(net->m, bias) : NULL;
    size_t cols = (size_t)t->ne[0];
    const double *w = all + first * cols;
    double *y = zeros(net->n * rows), *in = zeros(cols);
    if (net->how.see)
        net->how.see(net->how.user, name, first, x, net->n, cols);
    for (size_t p = 0; p < net->n; p++) {
        memcpy(in, x + p * cols, cols * sizeof *in);
        round_input(net, t, in, cols);
        for (size_t r = 0; r < rows; r++) {
            double sum = 0;
            for (size_t c = 0; c < cols; c++)
                sum += w[r * cols + c] * in[c];
            y[p * rows + r] = sum + (b ? b[r] : 0);
        }
    }
    add_change(net, name, x, cols, first, rows, y);
    free(in);
    free(all);
    free(b);
    return y;
}

static double *multiply(const network *net, const char *name, const char *bias,
                        const double *x) {
    size_t rows = (size_t)tiny_model_find(net->m, name)->ne[1];
    return multiply_part(net, name, bias, x, 0, rows);
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

/* The norm of this name, if there is one; frees what it replaces. */
static double *normalize_again(const network *net, const char *name, double *x,
                               size_t width) {
    if (!tiny_model_find(net->m, name))
        return x;
    double *y = normalize(net, name, x, width, net->n);
    free(x);
    return y;
}

/* --- RoPE --------------------------------------------------------------------------- */

static bool has_window(const network *net, size_t layer) {
    const tiny_options *o = &net->m->o;
    size_t period = o->window_pattern ? o->window_pattern : net->arch->period;
    return net->arch->windows && o->window > 0 &&
           (period == 0 || layer % period != period - 1);
}

/* What YaRN makes of frequency i, its section 3.2: slow ones are stretched, fast ones are
 * not, in between it is a mixture. */
static double yarn(const tiny_options *o, double base, uint32_t i, double frequency) {
    const double pi = acos(-1), dims = o->n_rot;
    double fast = o->beta_fast > 0 ? (double)o->beta_fast : 32;
    double slow = o->beta_slow > 0 ? (double)o->beta_slow : 1;
    double context = o->n_ctx_orig ? o->n_ctx_orig : o->n_ctx;
    double first = floor(dims * log(context / (2 * pi * fast)) / log(base) / 2);
    double last = ceil(dims * log(context / (2 * pi * slow)) / log(base) / 2);
    first = fmax(first, 0);
    last = fmin(last, dims - 1);
    double stretched = fmin(fmax((i - first) / fmax(last - first, 0.001), 0), 1);
    return frequency * (1 - stretched) + frequency / (double)o->factor * stretched;
}

static bool is_scaling(const tiny_options *o, const char *name) {
    return o->scaling ? strcmp(o->scaling, name) == 0
                      : o->factor > 0 && strcmp(name, "linear") == 0;
}

/* Radians per position of pair i; *size is what the pair grows by. */
static double frequency_of(const network *net, uint32_t i, bool window, double *size) {
    const tiny_options *o = &net->m->o;
    double local = o->local_base > 0         ? (double)o->local_base
                   : net->arch->local_base > 0 ? net->arch->local_base
                                               : (double)o->rope_base;
    double base = window ? local : (double)o->rope_base;
    double plain = pow(base, -2.0 * i / o->n_rot);
    *size = 1;
    if (window && net->arch->local_unscaled)
        return plain;
    double frequency = plain / (net->divisors ? net->divisors[i] : 1);
    if (is_scaling(o, "linear"))
        frequency /= (double)o->factor;
    if (is_scaling(o, "yarn")) {
        frequency *= yarn(o, base, i, plain) / plain;
        *size = o->yarn_attn_factor > 0 ? (double)o->yarn_attn_factor
                : o->factor > 1         ? 1 + log((double)o->factor) / 10
                                        : 1;
    }
    if (o->attn_factor > 0)
        *size *= (double)o->attn_factor;
    else if (o->long_factors && o->n_ctx > o->n_ctx_orig)
        *size = sqrt(1 + log((double)o->n_ctx / o->n_ctx_orig) / log(o->n_ctx_orig));
    return frequency;
}

static void turn(const network *net, double *head, size_t position, size_t layer) {
    const tiny_options *o = &net->m->o;
    bool adjacent = net->arch->adjacent;
    if (net->arch->nope_period && (layer + 1) % net->arch->nope_period == 0)
        return;
    for (uint32_t i = 0; i < o->n_rot / 2; i++) {
        double size;
        double angle = (double)position *
                       frequency_of(net, i, has_window(net, layer), &size);
        double *a = head + (adjacent ? 2 * i : i);
        double *b = head + (adjacent ? 2 * i + 1 : i + o->n_rot / 2);
        double x = *a, y = *b;
        *a = size * (x * cos(angle) - y * sin(angle));
        *b = size * (x * sin(angle) + y * cos(angle));
    }
}

/* --- attention ---------------------------------------------------------------------- */

/* The name of a tensor of a layer, good until the fourth next call. */
static const char *name_of(size_t layer, const char *suffix) {
    static char names[4][48];
    static size_t at;
    at = (at + 1) % 4;
    (void)snprintf(names[at], sizeof *names, "blk.%zu.%s", layer, suffix);
    return names[at];
}

/* Norm and RoPE of every head; frees what it replaces. */
static double *place_heads(const network *net, double *x, size_t n_heads, size_t layer,
                           const char *norm) {
    size_t dim = net->m->o.head_dim;
    if (tiny_model_find(net->m, norm)) {
        size_t width = net->arch->wide_qk_norm ? dim * n_heads : dim;
        double *normed =
            normalize(net, norm, x, width, net->n * n_heads * dim / width);
        free(x);
        x = normed;
    }
    for (size_t p = 0; p < net->n; p++)
        for (size_t h = 0; h < n_heads; h++)
            turn(net, x + (p * n_heads + h) * dim, p, layer);
    return x;
}

static void round_to_halves(const network *net, double *x, size_t n) {
    for (size_t i = 0; i < n && net->how.half_cache; i++)
        x[i] = gguf_half_value(gguf_half_nearest(x[i]));
}

/* One head at one position: softmax over all positions up to it, or the last ones. */
static void attend_head(const network *net, const double *q, const double *k,
                        const double *v, size_t position, bool window, double *out) {
    const tiny_options *o = &net->m->o;
    size_t dim = o->head_dim, first = 0;
    size_t dims = net->arch->wide_layers == o->n_layers ? o->n_embd / o->n_heads : dim;
    double scale = o->attn_scale > 0 ? (double)o->attn_scale : 1 / sqrt((double)dims);
    double *score = zeros(position + 1);
    double top = -INFINITY, sum = 0;
    if (window && position + 1 > o->window)
        first = position + 1 - o->window;
    for (size_t p = first; p <= position; p++) {
        for (size_t i = 0; i < dim; i++)
            score[p] += q[i] * k[p * net->kv_width + i];
        score[p] *= scale;
        if (net->attn_cap > 0)
            score[p] = net->attn_cap * tanh(score[p] / net->attn_cap);
        top = score[p] > top ? score[p] : top;
    }
    for (size_t p = first; p <= position; p++)
        sum += score[p] = exp(score[p] - top);
    for (size_t p = first; p <= position; p++)
        for (size_t i = 0; i < dim; i++)
            out[i] += score[p] / sum * v[p * net->kv_width + i];
    free(score);
}

static double *attend(const network *net, size_t layer, const double *x) {
    const tiny_options *o = &net->m->o;
    static const char *const one = "attn_qkv.weight";
    size_t width = net->q_width, kv_width = net->kv_width;
    double *q = multiply_part(net, name_of(layer, o->fused ? one : "attn_q.weight"),
                              name_of(layer, "attn_q.bias"), x, 0, width);
    double *k = multiply_part(net, name_of(layer, o->fused ? one : "attn_k.weight"),
                              name_of(layer, "attn_k.bias"), x, o->fused ? width : 0,
                              kv_width);
    double *v = multiply_part(net, name_of(layer, o->fused ? one : "attn_v.weight"),
                              name_of(layer, "attn_v.bias"), x,
                              o->fused ? width + kv_width : 0, kv_width);
    q = place_heads(net, q, o->n_heads, layer, name_of(layer, "attn_q_norm.weight"));
    k = place_heads(net, k, o->n_heads_kv, layer, name_of(layer, "attn_k_norm.weight"));
    round_to_halves(net, k, net->n * net->kv_width);
    round_to_halves(net, v, net->n * net->kv_width);
    double *mix = zeros(net->n * net->q_width);
    for (size_t p = 0; p < net->n; p++)
        for (size_t h = 0; h < o->n_heads; h++) {
            size_t at = p * net->q_width + h * o->head_dim;
            size_t kv = h / (o->n_heads / o->n_heads_kv) * o->head_dim;
            attend_head(net, q + at, k + kv, v + kv, p, has_window(net, layer), mix + at);
        }
    mix = normalize_again(net, name_of(layer, "attn_sub_norm.weight"), mix, net->q_width);
    transform(net, mix, net->q_width);
    double *y = multiply(net, name_of(layer, "attn_output.weight"), NULL, mix);
    free(q);
    free(k);
    free(v);
    free(mix);
    return y;
}

static double open_gate(const network *net, double x) {
    if (net->arch->relu2)
        return x > 0 ? x * x : 0;
    if (net->arch->gelu)
        return 0.5 * x * (1 + tanh(sqrt(2 / acos(-1)) * (x + 0.044715 * x * x * x)));
    return x / (1 + exp(-x));
}

static double *feed_forward(const network *net, size_t layer, const double *x) {
    size_t n_ff = net->m->o.n_ff, first = net->arch->fused_up ? n_ff : 0;
    const char *up_name = name_of(layer, "ffn_up.weight");
    const char *gate_name = first ? up_name : name_of(layer, "ffn_gate.weight");
    double *gate = multiply_part(net, gate_name, NULL, x, 0, n_ff);
    double *up = multiply_part(net, up_name, NULL, x, first, n_ff);
    for (size_t i = 0; i < net->n * n_ff; i++)
        gate[i] = open_gate(net, gate[i]) * up[i];
    gate = normalize_again(net, name_of(layer, "ffn_sub_norm.weight"), gate, n_ff);
    transform(net, gate, n_ff);
    double *y = multiply(net, name_of(layer, "ffn_down.weight"), NULL, gate);
    free(gate);
    free(up);
    return y;
}

/* x += branch, normalized if there is such a norm. */
static void add_branch(const network *net, size_t layer, double *x, double *branch,
                       const char *norm) {
    double scale = net->m->o.residual_scale > 0 ? (double)net->m->o.residual_scale : 1;
    if (net->arch->post_norm) {
        double *normed =
            normalize(net, name_of(layer, norm), branch, net->width, net->n);
        free(branch);
        branch = normed;
    }
    for (size_t i = 0; i < net->n * net->width; i++)
        x[i] += scale * branch[i];
    free(branch);
}

/* What a branch reads: the stream, normalized if there is such a norm. */
static double *read_stream(const network *net, const double *x, const char *norm) {
    if (!net->arch->no_pre_norm)
        return normalize(net, norm, x, net->width, net->n);
    double *copy = zeros(net->n * net->width);
    memcpy(copy, x, net->n * net->width * sizeof *x);
    return copy;
}

static void run_layer(const network *net, size_t layer, double *x) {
    const char *ffn_norm =
        net->arch->renamed_ffn_norm ? "post_attention_norm.weight" : "ffn_norm.weight";
    double *in = read_stream(net, x, name_of(layer, "attn_norm.weight"));
    add_branch(net, layer, x, attend(net, layer, in), "post_attention_norm.weight");
    free(in);
    in = read_stream(net, x, name_of(layer, ffn_norm));
    add_branch(net, layer, x, feed_forward(net, layer, in), "post_ffw_norm.weight");
    free(in);
}

/* What divides RoPE's frequencies, by the size of the session's context. */
static double *read_divisors(const tiny_model *m, size_t n_ctx) {
    if (!m->o.long_factors)
        return tiny_model_weights(m, "rope_freqs.weight");
    return tiny_model_weights(m, n_ctx > m->o.n_ctx_orig ? "rope_factors_long.weight"
                                                         : "rope_factors_short.weight");
}

static bool has_caps(const tiny_model *m) { /* that need no key */
    return strcmp(m->arch, "gemma2") == 0;
}

static network network_of(const tiny_model *m, size_t n, dense_reference_options how) {
    const tiny_options *o = &m->o;
    return (network){.m = m,
                     .arch = tiny_arch_of(m->arch),
                     .divisors = read_divisors(m, how.n_ctx ? how.n_ctx : o->n_ctx),
                     .attn_cap = o->attn_cap > 0 ? (double)o->attn_cap
                                 : has_caps(m)   ? 50
                                                 : 0,
                     .how = how,
                     .n = n,
                     .width = o->n_embd,
                     .q_width = (size_t)o->n_heads * o->head_dim,
                     .kv_width = (size_t)o->n_heads_kv * o->head_dim};
}

/* The stream behind the output norm. */
static double *run_network(const network *net, const int32_t *tokens) {
    const tiny_options *o = &net->m->o;
    const dense_reference_options *how = &net->how;
    size_t n = net->n;
    double *embedding = tiny_model_weights(net->m, "token_embd.weight");
    double *moved = change_of(net, "token_embd.weight");
    for (size_t i = 0; moved && i < (size_t)o->n_vocab * o->n_embd; i++)
        embedding[i] += moved[i];
    free(moved);
    double *x = zeros(n * net->width);
    double grow = o->embed_scale > 0 ? (double)o->embed_scale
                  : net->arch->root  ? sqrt((double)o->n_embd)
                                     : 1;
    for (size_t p = 0; p < n; p++)
        for (size_t i = 0; i < net->width; i++)
            x[p * net->width + i] =
                how->inputs ? (double)how->inputs[p * net->width + i]
                            : grow * embedding[(size_t)tokens[p] * net->width + i];
    for (size_t at = 0; at < (how->path ? how->n_path : o->n_layers); at++) {
        run_layer(net, how->path ? (size_t)how->path[at] : at, x);
        for (size_t i = 0; how->control && i < n * net->width; i++)
            x[i] += (double)how->control[at * net->width + i % net->width];
    }
    double *out = normalize(net, "output_norm.weight", x, net->width, n);
    free(embedding);
    free(x);
    return out;
}

double *dense_reference_hidden(const tiny_model *m, const int32_t *tokens, size_t n,
                               dense_reference_options how) {
    const network net = network_of(m, n, how);
    double *out = run_network(&net, tokens);
    free(net.divisors);
    return out;
}

double *dense_reference_logits(const tiny_model *m, const int32_t *tokens, size_t n,
                               dense_reference_options how) {
    const tiny_options *o = &m->o;
    double cap = o->logit_cap > 0 ? (double)o->logit_cap : has_caps(m) ? 30 : 0;
    const network net = network_of(m, n, how);
    double *out = run_network(&net, tokens);
    double *logits = multiply(&net, o->tied ? "token_embd.weight" : "output.weight", NULL,
                              out);
    for (size_t i = 0; i < n * o->n_vocab; i++) {
        logits[i] /= o->logit_scale > 0 ? (double)o->logit_scale : 1;
        logits[i] = cap > 0 ? cap * tanh(logits[i] / cap) : logits[i];
    }
    free(net.divisors);
    free(out);
    return logits;
}
