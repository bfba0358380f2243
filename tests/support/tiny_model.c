/* Owns tiny models: their vocabulary, their sizes, and weights that follow from a seed.
 * Bytes are gguf_build.c's. Invariant: the same architecture and options give the same
 * file. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/gguf_build.h"

/* --- vocabulary --------------------------------------------------------------------- */

/* "\u0120" stands for a space. Rank and id of what comes out follow this order. */
static const char *const MERGES[TINY_ENDOFTEXT - TINY_MERGED][2] = {
    {"t", "h"},      {"i", "n"},  {"th", "e"}, {"\u0120", "the"}, {"a", "n"}, {"e", "r"},
    {"\u0120", "a"}, {"in", "g"}, {"an", "d"}, {"\u0120", "and"}, {"o", "u"}, {"W", "a"},
};

static const struct {
    const char *text;
    int32_t type;
} SPECIALS[TINY_N_TOKENS - TINY_ENDOFTEXT] = {
    {"<|endoftext|>", 3}, {"<|im_start|>", 3}, {"<|im_end|>", 3},
    {"<think>", 4},       {"</think>", 4},
};

/* The character that stands for a byte: printable ones for themselves, the others from
 * U+0100 on in their order. */
static void spell_byte(unsigned byte, char *out) {
    unsigned code = byte, others = 0;
    for (unsigned b = 0; b <= byte; b++) {
        bool shown = (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174;
        code = shown ? b : 256 + others;
        others += !shown;
    }
    if (code < 128) {
        *out++ = (char)code;
    } else {
        *out++ = (char)(0xC0 | code >> 6);
        *out++ = (char)(0x80 | (code & 63));
    }
    *out = '\0';
}

static void put_tokens(gguf_bytes *b) {
    char text[32];
    gguf_put_array(b, "tokenizer.ggml.tokens", GGUF_STRING, TINY_N_TOKENS);
    for (unsigned byte = 0; byte < 256; byte++) {
        spell_byte(byte, text);
        gguf_put_text(b, text);
    }
    for (size_t i = 0; i < TINY_ENDOFTEXT - TINY_MERGED; i++) {
        (void)snprintf(text, sizeof text, "%s%s", MERGES[i][0], MERGES[i][1]);
        gguf_put_text(b, text);
    }
    for (size_t i = 0; i < TINY_N_TOKENS - TINY_ENDOFTEXT; i++)
        gguf_put_text(b, SPECIALS[i].text);
    gguf_put_array(b, "tokenizer.ggml.token_type", GGUF_I32, TINY_N_TOKENS);
    for (int i = 0; i < TINY_N_TOKENS; i++)
        gguf_put_number(
            b, i < TINY_ENDOFTEXT ? 1 : (uint64_t)SPECIALS[i - TINY_ENDOFTEXT].type, 4);
    gguf_put_array(b, "tokenizer.ggml.merges", GGUF_STRING, TINY_ENDOFTEXT - TINY_MERGED);
    for (size_t i = 0; i < TINY_ENDOFTEXT - TINY_MERGED; i++) {
        (void)snprintf(text, sizeof text, "%s %s", MERGES[i][0], MERGES[i][1]);
        gguf_put_text(b, text);
    }
}

static size_t put_tokenizer(gguf_bytes *b) {
    gguf_put_string(b, "tokenizer.ggml.model", "gpt2");
    gguf_put_string(b, "tokenizer.ggml.pre", "qwen2");
    put_tokens(b);
    gguf_put_u32(b, "tokenizer.ggml.eos_token_id", TINY_IM_END);
    gguf_put_u32(b, "tokenizer.ggml.padding_token_id", TINY_ENDOFTEXT);
    gguf_put_bool(b, "tokenizer.ggml.add_bos_token", false);
    return 8;
}

/* --- metadata ----------------------------------------------------------------------- */

static void fill_defaults(tiny_options *o) {
    const struct {
        uint32_t *value, fallback;
    } numbers[] = {
        {&o->n_layers, 2},  {&o->n_embd, 64},
        {&o->n_heads, 4},   {&o->n_heads_kv, 2},
        {&o->head_dim, 16}, {&o->n_ff, 96},
        {&o->n_ctx, 256},   {&o->n_vocab, TINY_N_TOKENS},
        {&o->version, 3},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (*numbers[i].value == 0)
            *numbers[i].value = numbers[i].fallback;
    if (o->n_rot == 0)
        o->n_rot = o->head_dim;
    if (o->rope_base == 0)
        o->rope_base = 10000;
}

static size_t put_sizes(const tiny_model *m, gguf_bytes *b) {
    const tiny_options *o = &m->o;
    const struct {
        const char *suffix;
        uint32_t value;
    } numbers[] = {
        {"block_count", o->n_layers},          {"context_length", o->n_ctx},
        {"embedding_length", o->n_embd},       {"feed_forward_length", o->n_ff},
        {"attention.head_count", o->n_heads},  {"attention.head_count_kv", o->n_heads_kv},
        {"attention.key_length", o->head_dim}, {"attention.value_length", o->head_dim},
        {"rope.dimension_count", o->n_rot},    {"vocab_size", o->n_vocab},
    };
    char key[96];
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        (void)snprintf(key, sizeof key, "%s.%s", m->arch, numbers[i].suffix);
        gguf_put_u32(b, key, numbers[i].value);
    }
    (void)snprintf(key, sizeof key, "%s.attention.layer_norm_rms_epsilon", m->arch);
    gguf_put_f32(b, key, 1e-5f);
    return sizeof numbers / sizeof *numbers + 1;
}

/* Pairs of what only some models have; returns how many. */
static size_t put_features(const tiny_model *m, gguf_bytes *b) {
    const tiny_options *o = &m->o;
    const struct {
        const char *suffix;
        uint32_t value;
    } numbers[] = {
        {"attention.sliding_window", o->window},
        {"attention.sliding_window_pattern", o->window_pattern},
        {"rope.scaling.original_context_length", o->n_ctx_orig},
    };
    const struct {
        const char *suffix;
        float value;
    } floats[] = {
        {"rope.freq_base", o->rope_base},
        {"rope.freq_base_swa", o->local_base},
        {"rope.scaling.factor", o->factor},
        {"rope.scaling.attn_factor", o->attn_factor},
        {"rope.scaling.yarn_attn_factor", o->yarn_attn_factor},
        {"rope.scaling.yarn_beta_fast", o->beta_fast},
        {"rope.scaling.yarn_beta_slow", o->beta_slow},
        {"attention.scale", o->attn_scale},
        {"attn_logit_softcapping", o->attn_cap},
        {"final_logit_softcapping", o->logit_cap},
        {"embedding_scale", o->embed_scale},
        {"residual_scale", o->residual_scale},
        {"logit_scale", o->logit_scale},
    };
    char key[96];
    size_t n = 0;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        (void)snprintf(key, sizeof key, "%s.%s", m->arch, numbers[i].suffix);
        if (numbers[i].value != 0) {
            gguf_put_u32(b, key, numbers[i].value);
            n++;
        }
    }
    for (size_t i = 0; i < sizeof floats / sizeof *floats; i++) {
        (void)snprintf(key, sizeof key, "%s.%s", m->arch, floats[i].suffix);
        if (floats[i].value != 0) {
            gguf_put_f32(b, key, floats[i].value);
            n++;
        }
    }
    (void)snprintf(key, sizeof key, "%s.rope.scaling.type", m->arch);
    if (o->scaling)
        gguf_put_string(b, key, o->scaling);
    if (o->act_bits)
        gguf_put_u32(b, "reason.activation_bits", o->act_bits);
    if (o->hadamard)
        gguf_put_bool(b, "reason.hadamard", true);
    if (o->no_output)
        gguf_put_bool(b, "reason.head.only", true);
    return n + (o->no_output ? 1 : 0) + (o->scaling ? 1 : 0) + (o->act_bits ? 1 : 0) + (o->hadamard ? 1 : 0);
}

/* All pairs; returns how many. */
static size_t put_pairs(const tiny_model *m, gguf_bytes *b) {
    size_t n = 1;
    gguf_put_string(b, "general.architecture", m->arch);
    if (m->o.alignment) {
        gguf_put_u32(b, "general.alignment", m->o.alignment);
        n++;
    }
    if (!m->o.no_weights)
        n += put_sizes(m, b) + put_features(m, b);
    if (!m->o.no_tokenizer)
        n += put_tokenizer(b);
    if (m->o.chat_template) {
        gguf_put_string(b, "tokenizer.chat_template", m->o.chat_template);
        n++;
    }
    if (m->o.pairs)
        gguf_put(b, m->o.pairs->data, m->o.pairs->n);
    return n + m->o.n_pairs;
}

/* --- tensors ------------------------------------------------------------------------ */

static uint64_t alignment_of(const tiny_model *m) {
    return m->o.alignment ? m->o.alignment : 32;
}

static bool is_rope(const tiny_tensor *t) {
    return strncmp(t->name, "rope_f", 6) == 0;
}

/* Appends a tensor to the plan; rows 1: a vector. */
static void add_tensor(tiny_model *m, const char *name, uint64_t cols, uint64_t rows) {
    if (m->n_tensors == TINY_MAX_TENSORS)
        abort();
    tiny_tensor *t = &m->tensors[m->n_tensors], *last = t - 1;
    (void)snprintf(t->name, sizeof t->name, "%s", name);
    t->type = rows == 1 ? m->o.vector_type : m->o.type;
    if (is_rope(t))
        t->type = GGML_F32;
    t->ne[0] = cols;
    t->ne[1] = rows;
    t->offset = 0;
    if (m->n_tensors > 0) {
        uint64_t end = last->offset +
                       gguf_weight_bytes(last->type, last->ne[0] * last->ne[1]);
        t->offset = (end + alignment_of(m) - 1) / alignment_of(m) * alignment_of(m);
    }
    m->n_tensors++;
}

static void add_layer(tiny_model *m, uint32_t i) {
    const tiny_options *o = &m->o;
    uint64_t q = (uint64_t)o->n_heads * o->head_dim,
             kv = (uint64_t)o->n_heads_kv * o->head_dim;
    const tiny_arch *a = tiny_arch_of(m->arch);
    bool biases = o->biases || a->biases, norms = a->qk_norm || a->wide_qk_norm;
    uint64_t q_norm = a->wide_qk_norm ? q : o->head_dim;
    uint64_t k_norm = a->wide_qk_norm ? kv : o->head_dim;
    const struct {
        const char *suffix;
        uint64_t cols, rows;
        bool there;
    } parts[] = {
        {"attn_norm.weight", o->n_embd, 1, !a->no_pre_norm},
        {"attn_qkv.weight", o->n_embd, q + 2 * kv, o->fused},
        {"attn_q.weight", o->n_embd, q, !o->fused},
        {"attn_k.weight", o->n_embd, kv, !o->fused},
        {"attn_v.weight", o->n_embd, kv, !o->fused},
        {"attn_q.bias", q, 1, biases},
        {"attn_k.bias", kv, 1, biases},
        {"attn_v.bias", kv, 1, biases},
        {"attn_q_norm.weight", q_norm, 1, norms},
        {"attn_k_norm.weight", k_norm, 1, norms},
        {"attn_sub_norm.weight", q, 1, a->bitnet && !o->no_sub_norms},
        {"attn_output.weight", q, o->n_embd, true},
        {"post_attention_norm.weight", o->n_embd, 1, a->post_norm || a->renamed_ffn_norm},
        {"ffn_norm.weight", o->n_embd, 1, !a->no_pre_norm && !a->renamed_ffn_norm},
        {"ffn_gate.weight", o->n_embd, o->n_ff, !a->fused_up},
        {"ffn_up.weight", o->n_embd, (a->fused_up ? 2 : 1) * (uint64_t)o->n_ff, true},
        {"ffn_sub_norm.weight", o->n_ff, 1, a->bitnet && !o->no_sub_norms},
        {"ffn_down.weight", o->n_ff, o->n_embd, true},
        {"post_ffw_norm.weight", o->n_embd, 1, a->post_norm},
    };
    char name[sizeof m->tensors->name];
    for (size_t j = 0; j < sizeof parts / sizeof *parts; j++) {
        (void)snprintf(name, sizeof name, "blk.%u.%s", (unsigned)i, parts[j].suffix);
        if (parts[j].there)
            add_tensor(m, name, parts[j].cols, parts[j].rows);
    }
}

/* Matrices of one row are vectors to the builder, so types of both have to be plain. */
static void add_head(tiny_model *m) {
    const tiny_options *o = &m->o;
    uint64_t width = o->head_hidden ? o->head_hidden : o->n_embd;
    if (o->head_hidden)
        add_tensor(m, "cls.weight", o->n_embd, o->head_hidden);
    if (o->head_hidden && o->head_bias)
        add_tensor(m, "cls.bias", o->head_hidden, 1);
    if (o->head_norm)
        add_tensor(m, "cls.norm.weight", width, 1);
    add_tensor(m, "cls.output.weight", width, o->head_out);
    if (o->head_bias)
        add_tensor(m, "cls.output.bias", o->head_out, 1);
}

static void plan_tensors(tiny_model *m) {
    add_tensor(m, "token_embd.weight", m->o.n_embd, m->o.n_vocab);
    if (m->o.rope_factors)
        add_tensor(m, "rope_freqs.weight", m->o.n_rot / 2, 1);
    if (m->o.long_factors) {
        add_tensor(m, "rope_factors_long.weight", m->o.n_rot / 2, 1);
        add_tensor(m, "rope_factors_short.weight", m->o.n_rot / 2, 1);
    }
    for (uint32_t i = 0; i < m->o.n_layers; i++)
        add_layer(m, i);
    add_tensor(m, "output_norm.weight", m->o.n_embd, 1);
    if (!m->o.tied && !m->o.no_output)
        add_tensor(m, "output.weight", m->o.n_embd, m->o.n_vocab);
    if (m->o.head_out)
        add_head(m);
}

static uint64_t mix(uint64_t x) { /* splitmix64 */
    x += UINT64_C(0x9E3779B97F4A7C15);
    x = (x ^ x >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ x >> 27) * UINT64_C(0x94D049BB133111EB);
    return x ^ x >> 31;
}

/* Norms around 1, small biases, RoPE factors in [1, 5), matrices that keep a vector's
 * size. */
static double draw_weight(const tiny_tensor *t, uint64_t *state) {
    *state = mix(*state);
    double u = (double)(*state >> 11) * 0x1p-52 - 1; /* [-1, 1) */
    if (is_rope(t))
        return 3 + 2 * u;
    if (t->ne[1] == 1)
        return strstr(t->name, ".bias") ? 0.3 * u : 1 + 0.3 * u;
    return strcmp(t->name, "token_embd.weight") == 0 ? u : 2 * u / sqrt((double)t->ne[0]);
}

static void put_data(tiny_model *m) {
    size_t start = m->file.n;
    for (size_t i = 0; i < m->n_tensors; i++) {
        tiny_tensor *t = &m->tensors[i];
        uint64_t state = mix(m->o.seed * 1000 + i);
        size_t n = (size_t)(t->ne[0] * t->ne[1]), n_bytes = gguf_weight_bytes(t->type, n);
        double *x = calloc(n, sizeof *x);
        if (!x)
            abort();
        for (size_t j = 0; j < n; j++)
            x[j] = draw_weight(t, &state);
        t->at = start + (size_t)t->offset;
        gguf_put_zeros(&m->file, t->at + n_bytes - m->file.n);
        gguf_encode(t->type, x, n, m->file.data + t->at);
        free(x);
    }
}

void tiny_model_make(const char *arch, const tiny_options *options, tiny_model *m) {
    memset(m, 0, sizeof *m);
    m->arch = arch;
    if (options)
        m->o = *options;
    fill_defaults(&m->o);
    if (!m->o.no_weights)
        plan_tensors(m);
    gguf_put_header(&m->file, m->o.version, m->n_tensors, 0);
    gguf_set_number(&m->file, 16, put_pairs(m, &m->file), 8);
    for (size_t i = 0; i < m->n_tensors; i++) {
        const tiny_tensor *t = &m->tensors[i];
        gguf_put_tensor(&m->file, t->name, t->ne[1] == 1 ? 1 : 2, t->ne, t->type,
                        t->offset);
    }
    if (m->n_tensors > 0)
        gguf_pad(&m->file, (size_t)alignment_of(m));
    put_data(m);
}

void tiny_model_free(tiny_model *m) {
    gguf_free(&m->file);
}

const tiny_tensor *tiny_model_find(const tiny_model *m, const char *name) {
    for (size_t i = 0; i < m->n_tensors; i++)
        if (strcmp(m->tensors[i].name, name) == 0)
            return &m->tensors[i];
    return NULL;
}

double *tiny_model_weights(const tiny_model *m, const char *name) {
    const tiny_tensor *t = tiny_model_find(m, name);
    if (!t)
        return NULL;
    size_t n = (size_t)(t->ne[0] * t->ne[1]);
    double *x = calloc(n, sizeof *x);
    if (!x)
        abort();
    gguf_decode(t->type, m->file.data + t->at, n, x);
    return x;
}

char *build_tiny_model(const char *arch, const tiny_options *options) {
    tiny_model m;
    tiny_model_make(arch, options, &m);
    char *path = gguf_save(&m.file);
    tiny_model_free(&m);
    return path;
}
