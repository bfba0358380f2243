/* Tiny models with what published ones have, each compared with logits that Transformers
 * computed in float64 from the same weights (tests/data/tiny-NAME.logits: the last
 * PUBLISHED_ROWS rows of PUBLISHED_TOKENS tokens, float32). */
#ifndef REASON_TESTS_MODEL_PUBLISHED_MODELS_H
#define REASON_TESTS_MODEL_PUBLISHED_MODELS_H

#include "support/gguf_build.h"

enum { PUBLISHED_TOKENS = 100, PUBLISHED_ROWS = 8 };

static const struct {
    const char *name, *arch;
    tiny_options o;
} PUBLISHED[] = {
    {"gemma", "gemma", {.n_layers = 3, .head_dim = 32, .n_heads_kv = 1, .tied = true}},
    {"gemma2",
     "gemma2",
     {.n_layers = 4,
      .head_dim = 32,
      .window = 24,
      .attn_cap = 5,
      .logit_cap = 20,
      .tied = true}},
    {"gemma3",
     "gemma3",
     {.n_layers = 7,
      .head_dim = 32,
      .window = 24,
      .rope_base = 1e6f,
      .scaling = "linear",
      .factor = 8,
      .tied = true}},
    {"phi3", "phi3", {.n_layers = 3, .window = 20, .fused = true}},
    {"phi3-long",
     "phi3",
     {.n_rot = 12,
      .n_ctx_orig = 64,
      .fused = true,
      .long_factors = true}},
    {"llama-yarn",
     "llama",
     {.head_dim = 32, .scaling = "yarn", .factor = 4, .n_ctx_orig = 64}},
    {"qwen3-yarn",
     "qwen3",
     {.head_dim = 32,
      .scaling = "yarn",
      .factor = 4,
      .n_ctx_orig = 64,
      .yarn_attn_factor = 1.25f,
      .beta_fast = 2,
      .beta_slow = 0.5f}},
    {"glm4", "glm4", {.head_dim = 32, .n_rot = 16, .biases = true}},
    {"smollm3", "smollm3", {.n_layers = 6, .rope_base = 2e6f, .tied = true}},
    {"granite",
     "granite",
     {.embed_scale = 12,
      .residual_scale = 0.25f,
      .attn_scale = 0.0625f,
      .logit_scale = 8}},
    {"seed_oss", "seed_oss", {.head_dim = 32, .rope_base = 1e7f, .biases = true}},
    {"olmo2",
     "olmo2",
     {.n_layers = 5,
      .window = 24,
      .rope_base = 5e5f,
      .scaling = "yarn",
      .factor = 4,
      .n_ctx_orig = 64}},
};

static inline void published_tokens(int32_t *tokens) {
    for (int i = 0; i < PUBLISHED_TOKENS; i++)
        tokens[i] = (i * 37 + i * i * 5 + 3) % TINY_N_TOKENS;
}

#endif
