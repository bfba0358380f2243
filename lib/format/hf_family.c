/* The table of families, and of what stands on top. A new family is a row; where rows do
 * not suffice a bit, which hf_names.c and hf_config.c ask for. */
#include "format/hf_family.h"

#include <string.h>

enum {
    GEMMA = RSN_HF_NORM_ONE | RSN_HF_GELU,
    OLMO = RSN_HF_POST_NORMS | RSN_HF_NO_PRE_NORMS,
};

/* Of several rows of one architecture the first is that of the way back. */
static const rsn_hf_family FAMILIES[] = {
    {.stem = "Llama", .arch = "llama", .bits = RSN_HF_PERMUTED | RSN_HF_TERNARY},
    {.stem = "Mistral", .arch = "llama", .bits = RSN_HF_PERMUTED | RSN_HF_WINDOWS},
    {.stem = "Qwen2", .arch = "qwen2"},
    {.stem = "Qwen3", .arch = "qwen3", .head_dim = 128},
    {.stem = "BitNet", .arch = "bitnet-b1.58", .bits = RSN_HF_RELU2 | RSN_HF_TERNARY},
    {.stem = "Gemma", .arch = "gemma", .bits = GEMMA, .head_dim = 256},
    {.stem = "Gemma2",
     .arch = "gemma2",
     .bits = GEMMA | RSN_HF_POST_NORMS | RSN_HF_WINDOWS,
     .head_dim = 256,
     .window_period = 2},
    {.stem = "Gemma3",
     .arch = "gemma3",
     .bits = GEMMA | RSN_HF_POST_NORMS | RSN_HF_WINDOWS,
     .head_dim = 256,
     .window_period = 6,
     .rope_base = 1e6},
    {.stem = "Phi3", .arch = "phi3", .bits = RSN_HF_FUSED | RSN_HF_WINDOWS},
    {.stem = "Glm4", .arch = "glm4", .bits = RSN_HF_GLM_NORMS, .head_dim = 128},
    {.stem = "SmolLM3", .arch = "smollm3", .bits = RSN_HF_PERMUTED, .rope_base = 2e6},
    {.stem = "Granite", .arch = "granite", .bits = RSN_HF_PERMUTED},
    {.stem = "SeedOss", .arch = "seed_oss", .bits = RSN_HF_FFN_NORM_RENAMED,
     .head_dim = 128},
    {.stem = "Olmo2", .arch = "olmo2", .bits = OLMO},
    {.stem = "Olmo3", .arch = "olmo2", .bits = OLMO | RSN_HF_WINDOWS,
     .window_period = 4},
};

enum { N_FAMILIES = sizeof FAMILIES / sizeof *FAMILIES };

static const char *const SUFFIXES[RSN_HF_N_TASKS] = {
    "ForCausalLM", "ForSequenceClassification", "ForTokenClassification",
    "ForRewardModel", "ForProcessRewardModel"};

static reason_status fail_class(rsn_text class) {
    rsn_str known = {0};
    for (size_t i = 0; i < N_FAMILIES; i++)
        rsn_str_addf(&known, "%s%s", i ? ", " : "", FAMILIES[i].stem);
    rsn_str_addz(&known, " followed by");
    for (int i = 0; i < RSN_HF_N_TASKS; i++)
        rsn_str_addf(&known, "%s %s", i ? "," : "", SUFFIXES[i]);
    reason_status status =
        rsn_fail(REASON_ERR_UNSUPPORTED, "architecture %s is not supported; these are: %s",
                 rsn_quote(class.data, class.n).text, rsn_str_text(&known));
    rsn_str_free(&known);
    return status;
}

reason_status rsn_hf_family_find(rsn_text class, const rsn_hf_family **family,
                                 rsn_hf_task *task) {
    for (size_t i = 0; i < N_FAMILIES; i++) {
        size_t n = strlen(FAMILIES[i].stem);
        if (class.n < n || memcmp(class.data, FAMILIES[i].stem, n) != 0)
            continue;
        for (int t = 0; t < RSN_HF_N_TASKS; t++)
            if (strlen(SUFFIXES[t]) == class.n - n &&
                memcmp(class.data + n, SUFFIXES[t], class.n - n) == 0) {
                *family = &FAMILIES[i];
                *task = (rsn_hf_task)t;
                return REASON_OK;
            }
    }
    return fail_class(class);
}

const rsn_hf_family *rsn_hf_family_of(rsn_text arch) {
    for (size_t i = 0; i < N_FAMILIES; i++)
        if (strlen(FAMILIES[i].arch) == arch.n &&
            memcmp(FAMILIES[i].arch, arch.data, arch.n) == 0)
            return &FAMILIES[i];
    return NULL;
}

const char *rsn_hf_task_suffix(rsn_hf_task task) {
    return SUFFIXES[task];
}
