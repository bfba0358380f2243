/* Owns the table of names that files go by and which of their matrices differ. The names
 * and exceptions are those in general use for GGUF files, so that a file made here has
 * the types that others of its name have. Invariant: a type that is handed out divides
 * the tensor's rows. */
#include "convert/targets.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/log.h"

/* Which matrices a row is about. */
typedef enum part { NOTHING, OUTPUT, EMBEDDING, VALUE, QKV, ATTENTION_OUT, FFN_DOWN } part;

/* In which layers, i of n. */
typedef enum when {
    ALWAYS,
    MORE,           /* the first and last eighth, and every third between */
    FIRST_2,
    FIRST_4,
    FIRST_8TH,
    FIRST_16TH,
    SHARED,         /* at least 4 heads share keys and values */
    BLIND_8TH,      /* the first eighth, without importance */
    SEEING_8TH,     /* the first eighth, with importance */
} when;

struct rsn_mix_row {
    part part;
    when when;
    rsn_type type;
};

#define ROW(part, when, type) {part, when, RSN_TYPE_##type}
/* The output matrix counts for every token, so it has six bits. */
#define OUT6 ROW(OUTPUT, ALWAYS, Q6_K)

typedef struct rsn_mix_row row;
static const row SIX[] = {OUT6};
static const row Q4_0_ROWS[] = {OUT6, ROW(FFN_DOWN, SEEING_8TH, Q4_1)};
static const row Q5_0_ROWS[] = {OUT6, ROW(FFN_DOWN, SEEING_8TH, Q5_1)};
static const row Q2_K_ROWS[] = {OUT6, ROW(VALUE, SHARED, Q4_K), ROW(VALUE, ALWAYS, Q3_K),
                                ROW(FFN_DOWN, ALWAYS, Q3_K),
                                ROW(ATTENTION_OUT, ALWAYS, Q3_K)};
static const row Q2_K_S_ROWS[] = {OUT6, ROW(VALUE, SHARED, Q4_K),
                                  ROW(FFN_DOWN, FIRST_8TH, Q4_K)};
static const row Q3_K_M_ROWS[] = {OUT6,
                                  ROW(VALUE, FIRST_2, Q5_K),
                                  ROW(VALUE, ALWAYS, Q4_K),
                                  ROW(QKV, ALWAYS, Q4_K),
                                  ROW(FFN_DOWN, FIRST_16TH, Q5_K),
                                  ROW(FFN_DOWN, ALWAYS, Q4_K),
                                  ROW(ATTENTION_OUT, ALWAYS, Q4_K)};
static const row Q3_K_L_ROWS[] = {OUT6, ROW(VALUE, ALWAYS, Q5_K), ROW(QKV, ALWAYS, Q4_K),
                                  ROW(FFN_DOWN, ALWAYS, Q5_K),
                                  ROW(ATTENTION_OUT, ALWAYS, Q5_K)};
static const row Q4_K_S_ROWS[] = {OUT6, ROW(VALUE, FIRST_4, Q5_K),
                                  ROW(FFN_DOWN, FIRST_8TH, Q5_K)};
static const row Q4_K_M_ROWS[] = {OUT6, ROW(VALUE, MORE, Q6_K), ROW(QKV, ALWAYS, Q5_K),
                                  ROW(FFN_DOWN, MORE, Q6_K)};
static const row Q5_K_M_ROWS[] = {OUT6, ROW(VALUE, MORE, Q6_K), ROW(QKV, ALWAYS, Q6_K),
                                  ROW(FFN_DOWN, MORE, Q6_K)};
static const row IQ4_ROWS[] = {OUT6, ROW(VALUE, SHARED, Q5_K),
                               ROW(FFN_DOWN, BLIND_8TH, Q5_K)};
static const row TQ_ROWS[] = {OUT6, ROW(EMBEDDING, ALWAYS, Q4_K)};
/* As the files of the project that made the type. */
static const row I2_S_ROWS[] = {ROW(OUTPUT, ALWAYS, F16), ROW(EMBEDDING, ALWAYS, F16)};

#define PLAIN(name, file_type) {#name, RSN_TYPE_##name, file_type, NULL, 0}
#define MIX(name, base, file_type, rows)                                                 \
    {#name, RSN_TYPE_##base, file_type, rows, sizeof(rows) / sizeof *(rows)}

static const rsn_mix MIXES[] = {
    {"keep", RSN_N_TYPES, 0, NULL, 0},
    PLAIN(F32, 0),
    PLAIN(F16, 1),
    PLAIN(BF16, 32),
    PLAIN(Q8_0, 7),
    MIX(Q4_0, Q4_0, 2, Q4_0_ROWS),
    MIX(Q4_1, Q4_1, 3, SIX),
    MIX(Q5_0, Q5_0, 8, Q5_0_ROWS),
    MIX(Q5_1, Q5_1, 9, SIX),
    MIX(Q2_K, Q2_K, 10, Q2_K_ROWS),
    MIX(Q2_K_S, Q2_K, 21, Q2_K_S_ROWS),
    MIX(Q3_K_S, Q3_K, 11, SIX),
    MIX(Q3_K_M, Q3_K, 12, Q3_K_M_ROWS),
    MIX(Q3_K, Q3_K, 12, Q3_K_M_ROWS),
    MIX(Q3_K_L, Q3_K, 13, Q3_K_L_ROWS),
    MIX(Q4_K_S, Q4_K, 14, Q4_K_S_ROWS),
    MIX(Q4_K_M, Q4_K, 15, Q4_K_M_ROWS),
    MIX(Q4_K, Q4_K, 15, Q4_K_M_ROWS),
    MIX(Q5_K_S, Q5_K, 16, SIX),
    MIX(Q5_K_M, Q5_K, 17, Q5_K_M_ROWS),
    MIX(Q5_K, Q5_K, 17, Q5_K_M_ROWS),
    MIX(Q6_K, Q6_K, 18, SIX),
    MIX(IQ4_NL, IQ4_NL, 25, IQ4_ROWS),
    MIX(IQ4_XS, IQ4_XS, 30, IQ4_ROWS),
    MIX(TQ1_0, TQ1_0, 36, TQ_ROWS),
    MIX(TQ2_0, TQ2_0, 37, TQ_ROWS),
    MIX(I2_S, I2_S, 40, I2_S_ROWS),
};

/* What rows that are no whole blocks take instead; F16 where that does not fit either. */
static const rsn_type FALLBACK[RSN_N_TYPES] = {
    [RSN_TYPE_Q4_0] = RSN_TYPE_F16,    [RSN_TYPE_Q4_1] = RSN_TYPE_F16,
    [RSN_TYPE_Q5_0] = RSN_TYPE_F16,    [RSN_TYPE_Q5_1] = RSN_TYPE_F16,
    [RSN_TYPE_Q8_0] = RSN_TYPE_F16,    [RSN_TYPE_IQ4_NL] = RSN_TYPE_F16,
    [RSN_TYPE_Q2_K] = RSN_TYPE_IQ4_NL, [RSN_TYPE_Q3_K] = RSN_TYPE_IQ4_NL,
    [RSN_TYPE_Q4_K] = RSN_TYPE_Q5_0,   [RSN_TYPE_Q5_K] = RSN_TYPE_Q5_1,
    [RSN_TYPE_Q6_K] = RSN_TYPE_Q8_0,   [RSN_TYPE_IQ4_XS] = RSN_TYPE_IQ4_NL,
    [RSN_TYPE_TQ1_0] = RSN_TYPE_F16,   [RSN_TYPE_TQ2_0] = RSN_TYPE_F16,
    [RSN_TYPE_I2_S] = RSN_TYPE_F16,
};

/* --- names -------------------------------------------------------------------------- */

const rsn_mix *rsn_mix_find(const char *name) {
    for (size_t i = 0; i < sizeof MIXES / sizeof *MIXES; i++)
        if (strcasecmp(MIXES[i].name, name) == 0)
            return &MIXES[i];
    return NULL;
}

const rsn_type_info *rsn_target_type(const char *name) {
    for (int i = 0; i < RSN_N_TYPES; i++) {
        const rsn_type_info *info = rsn_type_info_get((rsn_type)i);
        if (info->ggml_id != RSN_NO_GGML_ID && strcasecmp(info->name, name) == 0)
            return info;
    }
    return NULL;
}

reason_status rsn_rule_read(const char *text, rsn_rule *rule) {
    const char *equals = strrchr(text, '=');
    rsn_quoted shown = rsn_quote(text, strlen(text));
    rule->type = equals ? rsn_target_type(equals + 1) : NULL;
    rule->text = text;
    rule->n_matches = 0;
    if (!equals || equals == text || !rule->type)
        return rsn_fail(REASON_ERR_INVALID_ARG,
                        "rule %s: PATTERN=TYPE with a type of tensors, such as Q6_K, is "
                        "needed",
                        shown.text);
    char *pattern = rsn_strndup(text, (size_t)(equals - text));
    if (!pattern)
        return REASON_ERR_NO_MEMORY;
    int failed = regcomp(&rule->pattern, pattern, REG_EXTENDED | REG_NOSUB);
    rsn_free(pattern);
    if (!failed)
        return REASON_OK;
    char why[96] = "";
    (void)regerror(failed, &rule->pattern, why, sizeof why);
    return rsn_fail(REASON_ERR_INVALID_ARG,
                    "rule %s: its pattern is no POSIX extended regular expression: %s",
                    shown.text, why);
}

void rsn_rule_free(rsn_rule *rule) {
    regfree(&rule->pattern);
}

/* --- the model ---------------------------------------------------------------------- */

/* "ARCHITECTURE.key", a number; as it is where the key is absent or differs by layer. */
static reason_status look_up(const rsn_gguf *g, const char *key, int64_t *out) {
    rsn_text arch = {0};
    rsn_str name = {0};
    if (rsn_gguf_string(g, "general.architecture", &arch) != REASON_OK || !arch.data)
        return REASON_OK;
    rsn_str_add(&name, arch.data, arch.n);
    rsn_str_addc(&name, '.');
    rsn_str_addz(&name, key);
    bool failed = name.failed;
    const rsn_gguf_pair *pair = failed ? NULL : rsn_gguf_find(g, rsn_str_text(&name));
    if (pair && pair->type != RSN_GGUF_ARRAY)
        (void)rsn_gguf_int(g, rsn_str_text(&name), 1, INT32_MAX, out);
    rsn_str_free(&name);
    return failed ? REASON_ERR_NO_MEMORY : REASON_OK;
}

reason_status rsn_targets_look(const rsn_gguf *g, rsn_targets *t) {
    int64_t heads = 1, shared = 0;
    t->n_layers = 0;
    reason_status status = look_up(g, "block_count", &t->n_layers);
    if (status == REASON_OK)
        status = look_up(g, "attention.head_count", &heads);
    if (status == REASON_OK)
        status = look_up(g, "attention.head_count_kv", &shared);
    t->n_gqa = shared > 0 ? heads / shared : 1;
    t->has_output = rsn_gguf_find_tensor(g, "output.weight") != NULL;
    return status;
}

static bool has(const char *name, const char *what) {
    return strstr(name, what) != NULL;
}

static bool ends(const char *name, const char *what) {
    size_t n = strlen(name), m = strlen(what);
    return n >= m && strcmp(name + n - m, what) == 0;
}

static part part_of(const rsn_targets *t, const char *name) {
    if (strcmp(name, "output.weight") == 0)
        return OUTPUT;
    if (strcmp(name, "token_embd.weight") == 0)
        return t->has_output ? EMBEDDING : OUTPUT;
    return has(name, "attn_v.weight")        ? VALUE
           : has(name, "attn_qkv.weight")    ? QKV
           : has(name, "attn_output.weight") ? ATTENTION_OUT
           : has(name, "ffn_down")           ? FFN_DOWN
                                             : NOTHING;
}

static bool holds(when w, const rsn_targets *t, int64_t i) {
    int64_t n = t->n_layers;
    switch (w) {
    case ALWAYS: return true;
    case MORE: return i < n / 8 || i >= 7 * n / 8 || (i - n / 8) % 3 == 2;
    case FIRST_2: return i < 2;
    case FIRST_4: return i < 4;
    case FIRST_8TH: return i < n / 8;
    case FIRST_16TH: return i < n / 16;
    case SHARED: return t->n_gqa >= 4;
    case BLIND_8TH: return i < n / 8 && !t->has_importance;
    case SEEING_8TH: return i < n / 8 && t->has_importance;
    }
    return false;
}

/* --- tensors ------------------------------------------------------------------------ */

/* Matrices that products read; tables of positions and the like stay as they are, and so do
 * heads, which are small and read exact activations. */
static bool is_weight(const rsn_gguf_tensor *t) {
    const char *name = t->name.data;
    return t->n_dims >= 2 && ends(name, "weight") && !has(name, "_norm") &&
           !has(name, "ffn_gate_inp") && !has(name, "position_embd") &&
           !has(name, "token_types") && !has(name, "ssm_conv1d") &&
           strncmp(name, "cls.", strlen("cls.")) != 0;
}

static rsn_type choose(rsn_targets *t, const char *name, const char **reason) {
    long long layer = 0;
    for (size_t i = 0; i < t->n_rules; i++)
        if (regexec(&t->rules[i].pattern, name, 0, NULL, 0) == 0) {
            t->rules[i].n_matches++;
            *reason = "rule";
            return t->rules[i].type->type;
        }
    part p = part_of(t, name);
    (void)sscanf(name, "blk.%9lld.", &layer);
    *reason = "mix";
    for (size_t i = 0; i < t->mix->n_rows && !t->pure; i++)
        if (t->mix->rows[i].part == p && holds(t->mix->rows[i].when, t, layer))
            return t->mix->rows[i].type;
    *reason = "type";
    return t->mix->base;
}

const rsn_type_info *rsn_target_of(rsn_targets *t, const rsn_gguf_tensor *tensor,
                                   const char **reason) {
    *reason = "kept";
    if (!is_weight(tensor))
        return tensor->type;
    rsn_type type = choose(t, tensor->name.data, reason);
    if (type == RSN_N_TYPES) {
        *reason = "kept";
        return tensor->type;
    }
    while (tensor->ne[0] % rsn_type_info_get(type)->block_elems != 0) {
        type = FALLBACK[type];
        *reason = "fallback";
    }
    return rsn_type_info_get(type);
}
