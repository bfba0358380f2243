/* Builds GGUF files for tests, sound ones and broken ones, without the library's help but
 * for block types beside Q8_0.
 *
 * The lower half appends bytes and believes whatever it is told: wrong counts, types,
 * lengths and offsets are what it is for. The upper half makes whole tiny models with
 * random weights, the same ones for the same options. Where memory or the disk is full it
 * ends the process.
 *
 *     char *path = build_tiny_model("qwen3", NULL);
 *     ... reason_model_open(path, NULL, &model) ...
 *     gguf_remove(path);
 */
#ifndef REASON_TESTS_SUPPORT_GGUF_BUILD_H
#define REASON_TESTS_SUPPORT_GGUF_BUILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Types of metadata values, numbered as in the file. */
enum {
    GGUF_U8,
    GGUF_I8,
    GGUF_U16,
    GGUF_I16,
    GGUF_U32,
    GGUF_I32,
    GGUF_F32,
    GGUF_BOOL,
    GGUF_STRING,
    GGUF_ARRAY,
    GGUF_U64,
    GGUF_I64,
    GGUF_F64
};

/* Types of tensors, numbered as in the file; the four that the builder encodes itself. */
enum { GGML_F32 = 0, GGML_F16 = 1, GGML_Q8_0 = 8, GGML_BF16 = 30 };

/* --- bytes -------------------------------------------------------------------------- */

/* A zeroed one is empty. */
typedef struct gguf_bytes {
    uint8_t *data;
    size_t n, cap;
} gguf_bytes;

void gguf_free(gguf_bytes *b);
void gguf_put(gguf_bytes *b, const void *bytes, size_t n);
void gguf_put_number(gguf_bytes *b, uint64_t value, size_t n_bytes); /* little-endian */
void gguf_put_text(gguf_bytes *b, const char *text); /* u64 length and bytes */
void gguf_put_zeros(gguf_bytes *b, size_t n);
void gguf_pad(gguf_bytes *b, size_t alignment); /* zeros up to a multiple */

/* Magic, version and the two counts: 24 bytes, tensors at 8, pairs at 16. */
void gguf_put_header(gguf_bytes *b, uint32_t version, uint64_t n_tensors,
                     uint64_t n_pairs);
/* A pair's key and value type; the value follows. */
void gguf_put_key(gguf_bytes *b, const char *key, uint32_t type);
/* Whole pairs. */
void gguf_put_u32(gguf_bytes *b, const char *key, uint32_t value);
void gguf_put_f32(gguf_bytes *b, const char *key, float value);
void gguf_put_bool(gguf_bytes *b, const char *key, bool value);
void gguf_put_string(gguf_bytes *b, const char *key, const char *value);
/* An array's key, item type and length; the items follow. */
void gguf_put_array(gguf_bytes *b, const char *key, uint32_t item, uint64_t n);
/* A tensor's entry; `offset` counts from the start of tensor data. */
void gguf_put_tensor(gguf_bytes *b, const char *name, uint32_t n_dims, const uint64_t *ne,
                     uint32_t type, uint64_t offset);

/* Overwrites what is there. */
void gguf_set_number(gguf_bytes *b, size_t at, uint64_t value, size_t n_bytes);
/* Where these bytes first occur; they must. */
size_t gguf_find(const gguf_bytes *b, const void *bytes, size_t n);
/* Where the value of a pair begins, or the bytes behind a tensor's name; it must be
 * there. */
size_t gguf_find_value(const gguf_bytes *b, const char *key);
size_t gguf_find_tensor(const gguf_bytes *b, const char *name);
/* Puts n bytes in at a place, or takes them out. */
void gguf_insert(gguf_bytes *b, size_t at, const void *bytes, size_t n);
void gguf_cut(gguf_bytes *b, size_t at, size_t n);

/* Writes the bytes into a new file in TMPDIR and returns its path. */
char *gguf_save(const gguf_bytes *b);
/* Removes the file and frees the path; NULL is fine. */
void gguf_remove(char *path);

/* --- weights ------------------------------------------------------------------------ */

/* Bytes of n weights, whole blocks. */
size_t gguf_weight_bytes(uint32_t type, size_t n);
/* Slow encoders and decoders of their own, to hold the library's against. Other types are
 * the library's scalar ones, whose tests have decoders of their own; for I2_S weights are
 * made ternary. */
void gguf_encode(uint32_t type, const double *x, size_t n, uint8_t *out);
void gguf_decode(uint32_t type, const uint8_t *bytes, size_t n, double *x);
double gguf_half_value(uint16_t half);
uint16_t gguf_half_nearest(double x); /* ties to even; infinity where it is too large */

/* --- tiny models -------------------------------------------------------------------- */

/* Zero means the default in brackets. Rows have to be whole numbers of blocks. */
typedef struct tiny_options {
    uint32_t type;        /* of matrices: GGML_F32 [F32] or any other */
    uint32_t vector_type; /* of norms and biases, the same four [F32] */
    uint32_t n_layers;    /* [2] */
    uint32_t n_embd;      /* [64] */
    uint32_t n_heads;     /* [4] */
    uint32_t n_heads_kv;  /* [2] */
    uint32_t head_dim;    /* [16] */
    uint32_t n_rot;       /* [head_dim] */
    uint32_t n_ff;        /* [96] */
    uint32_t n_ctx;       /* [256] */
    uint32_t n_vocab;     /* rows of the embedding [the vocabulary's tokens] */
    bool tied;            /* no output.weight */
    bool rope_factors;    /* with rope_freqs.weight */
    bool biases;          /* with biases of q, k and v; qwen2 has them always */
    bool fused;           /* q, k and v in one tensor (phi3) */
    bool long_factors;    /* with rope_factors_short and rope_factors_long */
    bool hadamard;        /* inputs of attn_output and ffn_down are transformed (bitnet) */
    bool no_sub_norms;    /* bitnet without them */
    /* Numbers with a key of their own, which is left out where they are 0. */
    uint32_t window, window_pattern, n_ctx_orig;
    uint32_t act_bits; /* reason.activation_bits, 4 or 8 */
    float rope_base; /* [10000] */
    float local_base, factor, attn_factor, yarn_attn_factor, beta_fast, beta_slow;
    float attn_scale, attn_cap, logit_cap, embed_scale, residual_scale, logit_scale;
    const char *scaling; /* rope.scaling.type [no key] */
    uint32_t head_out;    /* outputs of a head, cls.output [no head] */
    uint32_t head_hidden; /* width of its dense layer [none] */
    bool head_norm, head_bias; /* with cls.norm; with biases */
    bool no_output; /* neither output.weight nor a tied one: reason.head.only */
    bool no_tokenizer;
    bool no_weights;           /* a vocabulary alone */
    const char *chat_template; /* [none] */
    uint32_t version;          /* [3] */
    uint32_t alignment;        /* [32, and no key that says so] */
    const gguf_bytes *pairs;   /* more metadata, made with the functions above [none] */
    uint32_t n_pairs;          /* how many pairs that are */
    uint64_t seed;             /* of the weights */
} tiny_options;

/* The vocabulary: ids 0 to 255 are the bytes, then come what merges make, then these. */
enum {
    TINY_MERGED = 256,
    TINY_ENDOFTEXT = 268, /* control */
    TINY_IM_START,        /* control */
    TINY_IM_END,          /* control; the end of text */
    TINY_THINK,           /* user-defined */
    TINY_THINK_END,       /* user-defined */
    TINY_N_TOKENS
};

typedef struct tiny_tensor {
    char name[48];
    uint32_t type;
    uint64_t ne[2];  /* ne[1] is 1 for vectors */
    uint64_t offset; /* in the tensor data */
    size_t at;       /* in the file */
} tiny_tensor;

enum { TINY_MAX_TENSORS = 1024 };

/* A tiny model with what went into it. */
typedef struct tiny_model {
    const char *arch;
    tiny_options o; /* with the defaults filled in */
    gguf_bytes file;
    tiny_tensor tensors[TINY_MAX_TENSORS];
    size_t n_tensors;
} tiny_model;

/* What an architecture has; of an unknown one: nothing beside what all have. */
typedef struct tiny_arch {
    const char *name;
    bool adjacent;          /* RoPE turns neighbours */
    bool biases;            /* of q, k and v, always */
    bool qk_norm, wide_qk_norm;
    bool no_pre_norm, post_norm;
    bool renamed_ffn_norm;  /* to post_attention_norm */
    bool fused_up;          /* gate and up are one tensor */
    bool gelu, root;        /* tanh-GELU gate; embeddings times sqrt(n_embd) */
    bool bitnet;            /* sub-norms, 8-bit activations */
    bool relu2;             /* squared ReLU gate */
    bool windows;           /* layers may have one */
    bool local_unscaled;    /* windows' RoPE is not scaled */
    uint32_t period;        /* of layers without a window */
    uint32_t nope_period;   /* of layers without RoPE */
    uint32_t wide_layers;   /* with so many, scores are scaled for n_embd / n_heads */
    double local_base;      /* windows' RoPE base */
} tiny_arch;

/* tiny_arch.c */
const tiny_arch *tiny_arch_of(const char *name);

/* `arch` is a name of tiny_arch.c or any other; options NULL: all defaults. */
void tiny_model_make(const char *arch, const tiny_options *options, tiny_model *m);
void tiny_model_free(tiny_model *m);
/* The tensor of this name, NULL if there is none; its weights as numbers, to be freed. */
const tiny_tensor *tiny_model_find(const tiny_model *m, const char *name);
double *tiny_model_weights(const tiny_model *m, const char *name);

/* --- split models ------------------------------------------------------------------- */

enum { SPLIT_MAX_PARTS = 300 };

/* A model in several files, as bytes and in a folder of its own. */
typedef struct split_model {
    gguf_bytes parts[SPLIT_MAX_PARTS];
    size_t n_parts;
    char folder[64]; /* empty while nothing is saved */
    char path[96];   /* the last one that split_path() made */
} split_model;

/* Splits a tiny model: part i gets the next n_tensors[i] tensors, the first part all
 * metadata, and each the three split keys (u16, u16, i32). */
void split_make(const tiny_model *m, const size_t *n_tensors, size_t n_parts,
                split_model *s);
/* Writes all parts into a new folder in TMPDIR; again: over what is there. */
void split_save(split_model *s);
/* The path of part i, counted from 0; good until the next call. */
const char *split_path(split_model *s, size_t i);
void split_free(split_model *s); /* and removes the files */

/* The file of a tiny model; its path is for gguf_remove(). */
char *build_tiny_model(const char *arch, const tiny_options *options);

#endif
