/* The table of families, and of what stands on top. A new family is a row; where rows do
 * not suffice a bit, which hf_names.c and hf_config.c ask for. */
#include "format/hf_family.h"

#include <string.h>

enum {
    GEMMA = RSN_HF_NORM_ONE | RSN_HF_GELU,
    GEMMA2 = GEMMA | RSN_HF_POST_NORMS | RSN_HF_WINDOWS,
    OLMO = RSN_HF_POST_NORMS | RSN_HF_NO_PRE_NORMS,
};

/* Fields as in hf_family.h. */
static const rsn_hf_family FAMILIES[] = {
    {"Llama", "llama", "llama", RSN_HF_PERMUTED | RSN_HF_TERNARY, 0, 0, 0},
    {"Mistral", "llama", "mistral", RSN_HF_PERMUTED | RSN_HF_WINDOWS, 0, 0, 0},
    {"Qwen2", "qwen2", "qwen2", 0, 0, 0, 0},
    {"Qwen3", "qwen3", "qwen3", 0, 128, 0, 0},
    {"BitNet", "bitnet-b1.58", "bitnet", RSN_HF_RELU2 | RSN_HF_TERNARY, 0, 0, 0},
    {"Gemma", "gemma", "gemma", GEMMA, 256, 0, 0},
    {"Gemma2", "gemma2", "gemma2", GEMMA2, 256, 2, 0},
    {"Gemma3", "gemma3", "gemma3_text", GEMMA2, 256, 6, 1e6},
    {"Phi3", "phi3", "phi3", RSN_HF_FUSED | RSN_HF_WINDOWS, 0, 0, 0},
    {"Glm4", "glm4", "glm4", RSN_HF_GLM_NORMS, 128, 0, 0},
    {"SmolLM3", "smollm3", "smollm3", RSN_HF_PERMUTED, 0, 0, 2e6},
    {"Granite", "granite", "granite", RSN_HF_PERMUTED, 0, 0, 0},
    {"SeedOss", "seed_oss", "seed_oss", RSN_HF_FFN_NORM_RENAMED, 128, 0, 0},
    {"Olmo2", "olmo2", "olmo2", OLMO, 0, 0, 0},
    {"Olmo3", "olmo2", "olmo3", OLMO | RSN_HF_WINDOWS, 0, 4, 0},
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
            if (rsn_text_is((rsn_text){class.data + n, class.n - n}, SUFFIXES[t])) {
                *family = &FAMILIES[i];
                *task = (rsn_hf_task)t;
                return REASON_OK;
            }
    }
    return fail_class(class);
}

const rsn_hf_family *rsn_hf_family_of(const char *arch, bool windows) {
    for (size_t i = 0; i < N_FAMILIES; i++)
        if (strcmp(FAMILIES[i].arch, arch) == 0 &&
            (!windows || (FAMILIES[i].bits & RSN_HF_WINDOWS)))
            return &FAMILIES[i];
    return NULL;
}

const char *rsn_hf_task_suffix(rsn_hf_task task) {
    return SUFFIXES[task];
}
