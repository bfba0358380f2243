/* The table of architectures. A new one is a file with a forward pass and a row here. */
#include <string.h>

#include "base/str.h"
#include "model/arch.h"

/* Bits that several rows have in common. */
enum {
    BITNET = RSN_TRAIT_SUB_NORM | RSN_TRAIT_ACTS_ROW,
    GEMMA = RSN_TRAIT_GELU | RSN_TRAIT_EMBD_ROOT,
    GEMMA2 = GEMMA | RSN_TRAIT_POST_NORM | RSN_TRAIT_WINDOWS,
    LLAMA = RSN_TRAIT_ROPE_ADJACENT | RSN_TRAIT_QKV_BIAS_OK
};

/* A decoder of arch_dense.c; behind the name come fields of rsn_traits. */
#define DENSE(name, ...) {name, {__VA_ARGS__}, rsn_dense_layout, rsn_dense_forward}

static const rsn_arch ARCHS[] = {
    DENSE("llama", .bits = LLAMA | RSN_TRAIT_WINDOWS),
    DENSE("qwen2", .bits = RSN_TRAIT_QKV_BIAS),
    DENSE("qwen3", .bits = RSN_TRAIT_QK_NORM),
    DENSE("bitnet-b1.58", .bits = BITNET | RSN_TRAIT_RELU2),
    DENSE("bitnet-25", .bits = BITNET | RSN_TRAIT_RELU2),
    DENSE("bitnet", .bits = BITNET | RSN_TRAIT_SCALE_OK),
    DENSE("gemma", .bits = GEMMA),
    DENSE("gemma2", .bits = GEMMA2, .window = 4096, .window_period = 2, .attn_cap = 50,
          .logit_cap = 30, .wide_layers = 46),
    DENSE("gemma3", .bits = GEMMA2 | RSN_TRAIT_QK_NORM | RSN_TRAIT_LOCAL_UNSCALED,
          .window_period = 6, .local_base = 10000, .wide_layers = 62),
    DENSE("phi3", .bits = RSN_TRAIT_QKV_FUSED_OK | RSN_TRAIT_GATE_UP_FUSED |
                          RSN_TRAIT_WINDOWS),
    DENSE("glm4", .bits = LLAMA | RSN_TRAIT_POST_NORM | RSN_TRAIT_GATE_UP_FUSED),
    DENSE("smollm3", .bits = LLAMA, .nope_period = 4),
    DENSE("granite", .bits = RSN_TRAIT_ROPE_ADJACENT | RSN_TRAIT_SCALES),
    DENSE("seed_oss", .bits = RSN_TRAIT_QKV_BIAS_OK | RSN_TRAIT_FFN_NORM_RENAMED),
    DENSE("olmo2", .bits = RSN_TRAIT_POST_NORM | RSN_TRAIT_NO_PRE_NORM |
                           RSN_TRAIT_QK_NORM_WIDE | RSN_TRAIT_WINDOWS |
                           RSN_TRAIT_LOCAL_UNSCALED,
          .window_period = 4),
};

reason_status rsn_arch_find(rsn_text name, const rsn_arch **arch) {
    *arch = NULL;
    for (size_t i = 0; i < sizeof ARCHS / sizeof *ARCHS; i++)
        if (strlen(ARCHS[i].name) == name.n &&
            memcmp(ARCHS[i].name, name.data, name.n) == 0)
            *arch = &ARCHS[i];
    if (*arch)
        return REASON_OK;
    char known[512] = "";
    for (size_t i = 0; i < sizeof ARCHS / sizeof *ARCHS; i++) {
        strcat(known, i ? ", " : "");
        strcat(known, ARCHS[i].name);
    }
    return rsn_fail(REASON_ERR_UNSUPPORTED,
                    "architecture %s is not supported; these are: %s",
                    rsn_quote(name.data, name.n).text, known);
}
