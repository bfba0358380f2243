/* The tables of tensors. Rows of one name differ in the families that have them. */
#include "format/hf_names.h"

#include <stdio.h>
#include <string.h>

#define ANY (1u << 31)
#define ALWAYS ANY, 0
#define WITH(bits) (bits), 0
#define WITHOUT(bits) ANY, (bits)

static const rsn_hf_name GLOBAL[] = {
    {"model.embed_tokens.weight", "token_embd.weight", RSN_HF_OTHER, ALWAYS},
    {"model.norm.weight", "output_norm.weight", RSN_HF_NORM, ALWAYS},
    {"lm_head.weight", "output.weight", RSN_HF_OUTPUT, ALWAYS},
    {"score.weight", "cls.output.weight", RSN_HF_OTHER, WITHOUT(RSN_HF_TWO_LAYERS)},
    {"score.bias", "cls.output.bias", RSN_HF_OTHER, WITHOUT(RSN_HF_TWO_LAYERS)},
    {"classifier.weight", "cls.output.weight", RSN_HF_OTHER, WITHOUT(RSN_HF_TWO_LAYERS)},
    {"classifier.bias", "cls.output.bias", RSN_HF_OTHER, WITHOUT(RSN_HF_TWO_LAYERS)},
    {"score.0.weight", "cls.weight", RSN_HF_OTHER, WITH(RSN_HF_TWO_LAYERS)},
    {"score.0.bias", "cls.bias", RSN_HF_OTHER, WITH(RSN_HF_TWO_LAYERS)},
    {"score.2.weight", "cls.output.weight", RSN_HF_OTHER, WITH(RSN_HF_TWO_LAYERS)},
    {"score.2.bias", "cls.output.bias", RSN_HF_OTHER, WITH(RSN_HF_TWO_LAYERS)},
};

#define AFTER_ATTENTION "post_attention_layernorm.weight"

static const rsn_hf_name LAYER[] = {
    {"input_layernorm.weight", "attn_norm.weight", RSN_HF_NORM,
     WITHOUT(RSN_HF_NO_PRE_NORMS)},
    {"self_attn.q_proj.weight", "attn_q.weight", RSN_HF_QUERY, WITHOUT(RSN_HF_FUSED)},
    {"self_attn.k_proj.weight", "attn_k.weight", RSN_HF_KEY, WITHOUT(RSN_HF_FUSED)},
    {"self_attn.v_proj.weight", "attn_v.weight", RSN_HF_MATRIX, WITHOUT(RSN_HF_FUSED)},
    {"self_attn.qkv_proj.weight", "attn_qkv.weight", RSN_HF_MATRIX, WITH(RSN_HF_FUSED)},
    {"self_attn.q_proj.bias", "attn_q.bias", RSN_HF_QUERY, ALWAYS},
    {"self_attn.k_proj.bias", "attn_k.bias", RSN_HF_KEY, ALWAYS},
    {"self_attn.v_proj.bias", "attn_v.bias", RSN_HF_OTHER, ALWAYS},
    {"self_attn.q_norm.weight", "attn_q_norm.weight", RSN_HF_NORM, ALWAYS},
    {"self_attn.k_norm.weight", "attn_k_norm.weight", RSN_HF_NORM, ALWAYS},
    {"self_attn.attn_sub_norm.weight", "attn_sub_norm.weight", RSN_HF_NORM, ALWAYS},
    {"self_attn.o_proj.weight", "attn_output.weight", RSN_HF_MATRIX, ALWAYS},
    {AFTER_ATTENTION, "ffn_norm.weight", RSN_HF_NORM,
     WITHOUT(RSN_HF_POST_NORMS | RSN_HF_FFN_NORM_RENAMED)},
    {AFTER_ATTENTION, "post_attention_norm.weight", RSN_HF_NORM,
     WITH(RSN_HF_POST_NORMS | RSN_HF_FFN_NORM_RENAMED)},
    {"post_self_attn_layernorm.weight", "post_attention_norm.weight", RSN_HF_NORM,
     WITH(RSN_HF_GLM_NORMS)},
    {"pre_feedforward_layernorm.weight", "ffn_norm.weight", RSN_HF_NORM,
     RSN_HF_POST_NORMS, RSN_HF_NO_PRE_NORMS},
    {"mlp.gate_proj.weight", "ffn_gate.weight", RSN_HF_MATRIX, ALWAYS},
    {"mlp.up_proj.weight", "ffn_up.weight", RSN_HF_MATRIX,
     WITHOUT(RSN_HF_FUSED | RSN_HF_GLM_NORMS)},
    {"mlp.gate_up_proj.weight", "ffn_up.weight", RSN_HF_MATRIX,
     WITH(RSN_HF_FUSED | RSN_HF_GLM_NORMS)},
    {"mlp.ffn_sub_norm.weight", "ffn_sub_norm.weight", RSN_HF_NORM, ALWAYS},
    {"mlp.down_proj.weight", "ffn_down.weight", RSN_HF_MATRIX, ALWAYS},
    {"post_feedforward_layernorm.weight", "post_ffw_norm.weight", RSN_HF_NORM,
     WITH(RSN_HF_POST_NORMS)},
    {"post_mlp_layernorm.weight", "post_ffw_norm.weight", RSN_HF_NORM,
     WITH(RSN_HF_GLM_NORMS)},
};

#define HF_LAYERS "model.layers."
#define GGUF_LAYERS "blk."

enum { MAX_DIGITS = 5 };

/* "PREFIX17.rest": 17, and *rest; -1: the name is not of this form. */
static int64_t take_layer(rsn_text name, const char *prefix, rsn_text *rest) {
    size_t at = strlen(prefix), first = at;
    int64_t layer = 0;
    if (name.n < at || memcmp(name.data, prefix, at) != 0)
        return -1;
    for (; at < name.n && name.data[at] >= '0' && name.data[at] <= '9'; at++)
        layer = 10 * layer + (name.data[at] - '0');
    bool spelt = at > first && at - first <= MAX_DIGITS &&
                 (name.data[first] != '0' || at == first + 1);
    if (!spelt || at == name.n || name.data[at] != '.')
        return -1;
    *rest = (rsn_text){name.data + at + 1, name.n - at - 1};
    return layer;
}

static const rsn_hf_name *find(const rsn_hf_name *rows, size_t n, unsigned bits,
                               rsn_text name, bool gguf) {
    for (size_t i = 0; i < n; i++)
        if (((bits | ANY) & rows[i].with) && !(bits & rows[i].without) &&
            rsn_text_is(name, gguf ? rows[i].gguf : rows[i].hf))
            return &rows[i];
    return NULL;
}

static bool find_place(unsigned bits, rsn_text name, bool gguf, rsn_hf_place *place) {
    rsn_text rest;
    place->layer = take_layer(name, gguf ? GGUF_LAYERS : HF_LAYERS, &rest);
    place->name =
        place->layer >= 0
            ? find(LAYER, sizeof LAYER / sizeof *LAYER, bits, rest, gguf)
            : find(GLOBAL, sizeof GLOBAL / sizeof *GLOBAL, bits, name, gguf);
    return place->name != NULL;
}

bool rsn_hf_name_find(unsigned bits, rsn_text hf, rsn_hf_place *place) {
    return find_place(bits, hf, false, place);
}

bool rsn_hf_name_find_gguf(unsigned bits, rsn_text gguf, rsn_hf_place *place) {
    return find_place(bits, gguf, true, place);
}

/* Scales of ternary weights are taken with their weights; tables of frequencies follow
 * from config.json. */
bool rsn_hf_name_is_ballast(rsn_text hf) {
    static const char *const ENDS[] = {".rotary_emb.inv_freq", ".weight_scale"};
    for (size_t i = 0; i < sizeof ENDS / sizeof *ENDS; i++) {
        size_t n = strlen(ENDS[i]);
        if (hf.n > n && memcmp(hf.data + hf.n - n, ENDS[i], n) == 0)
            return true;
    }
    return false;
}

static rsn_hf_name_text make(const char *prefix, int64_t layer, const char *name) {
    rsn_hf_name_text out;
    if (layer < 0)
        (void)snprintf(out.text, sizeof out.text, "%s", name);
    else
        (void)snprintf(out.text, sizeof out.text, "%s%lld.%s", prefix, (long long)layer,
                       name);
    return out;
}

rsn_hf_name_text rsn_hf_name_make(const rsn_hf_place *place) {
    return make(HF_LAYERS, place->layer, place->name->hf);
}

rsn_hf_name_text rsn_hf_name_make_gguf(const rsn_hf_place *place) {
    return make(GGUF_LAYERS, place->layer, place->name->gguf);
}
