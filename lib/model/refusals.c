/* Owns what is refused by name: kinds of models, and what shows in a file that it is one.
 * Architectures that are in no list are arch_table.c's to refuse. Invariant: nothing here
 * concerns a file of a supported architecture without such keys and tensors. */
#include "model/refusals.h"

#include <string.h>

#define MOE "mixture-of-experts"
#define IMAGES "image and audio"
#define STATE "state-space, recurrent and hybrid"
#define ENCODER "encoder"
#define DIFFUSION "diffusion"
#define SECTIONS "sectioned-position (M-RoPE)"
#define LATENT "latent-attention"
#define DRAFT "draft"

static const struct {
    const char *kind;
    const char *archs; /* apart by spaces */
} KINDS[] = {
    {MOE, "qwen2moe qwen3moe qwen3next qwen35moe deepseek deepseek2 deepseek32 deepseek4 "
          "gpt-oss granitemoe phimoe olmoe llama4 dbrx arctic grok bailingmoe "
          "bailingmoe2 dots1 ernie4_5-moe hunyuan-moe glm4moe glm-dsa afmoe exaone-moe grovemoe "
          "minimax-m2 mimo2 step35 cohere2moe smallthinker llada-moe rnd1 mistral4 "
          "hy_v3"},
    {IMAGES, "clip mmproj cogvlm chameleon wavtokenizer-dec deepseek2-ocr paddleocr"},
    {SECTIONS, "qwen2vl qwen3vl qwen3vlmoe hunyuan_vl"},
    {STATE, "mamba mamba2 rwkv6 rwkv6qwen2 rwkv7 arwkv7 jamba falcon-h1 granitehybrid "
            "nemotron_h nemotron_h_moe lfm2 lfm2moe plamo2 kimi-linear qwen35"},
    {ENCODER, "bert modern-bert nomic-bert nomic-bert-moe neo-bert jina-bert-v2 "
              "jina-bert-v3 eurobert gemma-embedding t5 t5encoder llama-embed"},
    {DIFFUSION, "dream llada"},
    {LATENT, "minicpm3 plm"},
    {DRAFT, "eagle3 dflash gemma4-assistant"},
};

/* Whole numbers and lists whose presence (above `most`) tells a kind. */
static const struct {
    const char *suffix; /* behind "{arch}." */
    int64_t most;
    const char *kind;
} KEYS[] = {
    {"expert_count", 0, MOE},
    {"attention.q_lora_rank", 0, LATENT},
    {"attention.kv_lora_rank", 0, LATENT},
    {"ssm.state_size", 0, STATE},
    {"rope.dimension_sections", -1, SECTIONS},
    {"nextn_predict_layers", 0, "next-token-layer"},
    {"use_parallel_residual", 0, "parallel-branch"},
};

/* Numbers above 0 that would change what attention gives. */
static const struct {
    const char *suffix, *kind;
} FLOATS[] = {
    {"attention.clamp_kqv", "clamped-attention"},
    {"attention.max_alibi_bias", "ALiBi"},
    {"attention.temperature_scale", "attention-temperature"},
    {"rope.scaling.yarn_log_multiplier", "YaRN-multiplier"},
};

/* Parts of tensors' names. */
static const struct {
    const char *part;
    bool first; /* only at the name's beginning */
    const char *kind;
} TENSORS[] = {
    {"_exps.", false, MOE},     {".ffn_gate_inp.", false, MOE}, {"v.", true, IMAGES},
    {"mm.", true, IMAGES},      {"a.", true, IMAGES},           {".ssm_", false, STATE},
    {".time_mix_", false, STATE},
};

static reason_status refuse(const char *kind, const char *what, const char *name) {
    return rsn_fail(REASON_ERR_UNSUPPORTED, "%s models are not supported (%s %s)", kind,
                    what, name);
}

static bool is_listed(const char *list, rsn_text name) {
    while (*list) {
        size_t n = strcspn(list, " ");
        if (n == name.n && memcmp(list, name.data, n) == 0)
            return true;
        list += n + strspn(list + n, " ");
    }
    return false;
}

/* The pair "{arch}.{suffix}"; NULL if there is none. */
static const rsn_gguf_pair *find(const rsn_gguf *g, rsn_text arch, const char *suffix) {
    char key[160];
    if (arch.n + strlen(suffix) + 2 > sizeof key)
        return NULL;
    memcpy(key, arch.data, arch.n);
    key[arch.n] = '.';
    memcpy(key + arch.n + 1, suffix, strlen(suffix) + 1);
    return rsn_gguf_find(g, key);
}

static reason_status refuse_keys(const rsn_gguf *g, rsn_text arch) {
    for (size_t i = 0; i < sizeof KEYS / sizeof *KEYS; i++) {
        const rsn_gguf_pair *pair = find(g, arch, KEYS[i].suffix);
        bool is_list = pair && pair->type == RSN_GGUF_ARRAY;
        bool is_number = pair && !is_list && pair->type != RSN_GGUF_STRING &&
                         pair->type != RSN_GGUF_F32 && pair->type != RSN_GGUF_F64;
        if (is_list || (is_number && pair->as.i > KEYS[i].most))
            return refuse(KEYS[i].kind, "key", pair->key.data);
    }
    for (size_t i = 0; i < sizeof FLOATS / sizeof *FLOATS; i++) {
        const rsn_gguf_pair *pair = find(g, arch, FLOATS[i].suffix);
        if (pair && (pair->type == RSN_GGUF_F32 || pair->type == RSN_GGUF_F64) &&
            pair->as.f != 0)
            return refuse(FLOATS[i].kind, "key", pair->key.data);
    }
    const rsn_gguf_pair *causal = find(g, arch, "attention.causal");
    if (causal && causal->type == RSN_GGUF_BOOL && !causal->as.i)
        return refuse(ENCODER, "key", causal->key.data);
    return REASON_OK;
}

static reason_status refuse_tensors(const rsn_gguf *g) {
    for (size_t i = 0; i < g->n_tensors; i++) {
        const char *name = g->tensors[i].name.data;
        for (size_t j = 0; j < sizeof TENSORS / sizeof *TENSORS; j++) {
            const char *part = TENSORS[j].part;
            if (TENSORS[j].first ? strncmp(name, part, strlen(part)) == 0
                                 : strstr(name, part) != NULL)
                return refuse(TENSORS[j].kind, "tensor",
                              rsn_quote(name, g->tensors[i].name.n).text);
        }
    }
    return REASON_OK;
}

reason_status rsn_refuse_file(const rsn_gguf *g, rsn_text arch) {
    rsn_text type = {0};
    for (size_t i = 0; i < sizeof KINDS / sizeof *KINDS; i++)
        if (is_listed(KINDS[i].archs, arch))
            return rsn_fail(REASON_ERR_UNSUPPORTED,
                            "%s models are not supported (architecture %.*s)",
                            KINDS[i].kind, (int)arch.n, arch.data);
    reason_status status = rsn_gguf_string(g, "general.type", &type);
    if (status == REASON_OK && type.n == 6 && memcmp(type.data, "mmproj", 6) == 0)
        return refuse(IMAGES, "key", "general.type");
    if (status == REASON_OK && type.n == 7 && memcmp(type.data, "adapter", 7) == 0)
        return refuse("adapter", "key", "general.type");
    if (status == REASON_OK)
        status = refuse_keys(g, arch);
    return status == REASON_OK ? refuse_tensors(g) : status;
}
