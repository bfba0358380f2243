/* Owns what tests know of architectures, written down apart from the library's table. */
#include <string.h>

#include "support/gguf_build.h"

static const tiny_arch ARCHS[] = {
    {.name = ""},
    {.name = "llama", .adjacent = true},
    {.name = "qwen2", .biases = true},
    {.name = "qwen3", .qk_norm = true},
    {.name = "bitnet-b1.58", .bitnet = true, .relu2 = true},
    {.name = "bitnet", .bitnet = true},
    {.name = "gemma", .gelu = true, .root = true},
    {.name = "gemma2",
     .gelu = true,
     .root = true,
     .post_norm = true,
     .windows = true,
     .period = 2,
     .wide_layers = 46},
    {.name = "gemma3",
     .gelu = true,
     .root = true,
     .qk_norm = true,
     .post_norm = true,
     .windows = true,
     .local_unscaled = true,
     .period = 6,
     .local_base = 10000,
     .wide_layers = 62},
    {.name = "phi3", .fused_up = true, .windows = true},
    {.name = "glm4", .adjacent = true, .post_norm = true, .fused_up = true},
    {.name = "smollm3", .adjacent = true, .nope_period = 4},
    {.name = "granite", .adjacent = true},
    {.name = "seed_oss", .renamed_ffn_norm = true},
    {.name = "olmo2",
     .wide_qk_norm = true,
     .no_pre_norm = true,
     .post_norm = true,
     .windows = true,
     .local_unscaled = true,
     .period = 4},
};

const tiny_arch *tiny_arch_of(const char *name) {
    for (size_t i = 1; i < sizeof ARCHS / sizeof *ARCHS; i++)
        if (strcmp(ARCHS[i].name, name) == 0)
            return &ARCHS[i];
    return &ARCHS[0];
}
