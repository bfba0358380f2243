/* The table of architectures. A new one is a file with a forward pass and a row here. */
#include <string.h>

#include "base/str.h"
#include "model/arch.h"

enum { BITNET = RSN_TRAIT_SUB_NORM | RSN_TRAIT_ACTS_8BIT };

static const rsn_arch ARCHS[] = {
    {"llama", RSN_TRAIT_ROPE_ADJACENT | RSN_TRAIT_QKV_BIAS_OK, rsn_dense_layout,
     rsn_dense_forward},
    {"qwen2", RSN_TRAIT_QKV_BIAS, rsn_dense_layout, rsn_dense_forward},
    {"qwen3", RSN_TRAIT_QK_NORM, rsn_dense_layout, rsn_dense_forward},
    {"bitnet-b1.58", BITNET | RSN_TRAIT_RELU2, rsn_dense_layout, rsn_dense_forward},
    {"bitnet-25", BITNET | RSN_TRAIT_RELU2, rsn_dense_layout, rsn_dense_forward},
    {"bitnet", BITNET | RSN_TRAIT_SCALE_OK, rsn_dense_layout, rsn_dense_forward},
};

reason_status rsn_arch_find(rsn_text name, const rsn_arch **arch) {
    *arch = NULL;
    for (size_t i = 0; i < sizeof ARCHS / sizeof *ARCHS; i++)
        if (strlen(ARCHS[i].name) == name.n &&
            memcmp(ARCHS[i].name, name.data, name.n) == 0)
            *arch = &ARCHS[i];
    if (*arch)
        return REASON_OK;
    char known[256] = "";
    for (size_t i = 0; i < sizeof ARCHS / sizeof *ARCHS; i++) {
        strcat(known, i ? ", " : "");
        strcat(known, ARCHS[i].name);
    }
    return rsn_fail(REASON_ERR_UNSUPPORTED,
                    "architecture %s is not supported; these are: %s",
                    rsn_quote(name.data, name.n).text, known);
}
