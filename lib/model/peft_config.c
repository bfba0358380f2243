/* Owns the keys of adapter_config.json. Those that say how an adapter was trained are not
 * looked at, nor are lists of modules: the tensors tell. Invariant: what would change a
 * result is read or refused. */
#include "model/peft_config.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "format/gguf.h"

static reason_status refuse(const rsn_flat *json, const char *key, const char *found,
                            const char *expected) {
    return rsn_fail(REASON_ERR_UNSUPPORTED,
                    "%s: adapters with %s %s are not supported; %s expected", json->path,
                    key, found, expected);
}

/* --- what is refused ---------------------------------------------------------------- */

static reason_status check_texts(const rsn_flat *json) {
    static const struct {
        const char *key, *only, *without; /* the value where the key is not there */
    } KEYS[] = {{"peft_type", "LORA", ""}, {"bias", "none", "none"}};
    for (size_t i = 0; i < sizeof KEYS / sizeof *KEYS; i++) {
        rsn_text text = {KEYS[i].without, strlen(KEYS[i].without)};
        reason_status status = rsn_flat_text(json, KEYS[i].key, &text);
        if (status != REASON_OK)
            return status;
        if (!rsn_text_is(text, KEYS[i].only))
            return refuse(json, KEYS[i].key, rsn_quote(text.data, text.n).text,
                          KEYS[i].only);
    }
    return REASON_OK;
}

static reason_status check_flags(const rsn_flat *json) {
    static const char *const KEYS[] = {"fan_in_fan_out", "use_dora", "lora_bias",
                                       "use_qalora"};
    for (size_t i = 0; i < sizeof KEYS / sizeof *KEYS; i++) {
        bool set = false;
        reason_status status = rsn_flat_bool(json, KEYS[i], &set);
        if (status != REASON_OK)
            return status;
        if (set)
            return refuse(json, KEYS[i], "true", "false");
    }
    return REASON_OK;
}

/* Values that must be null or an empty list; an object has paths that begin with its
 * key. */
static reason_status check_nothing(const rsn_flat *json) {
    static const char *const KEYS[] = {
        "modules_to_save",        "layer_replication", "trainable_token_indices",
        "alora_invocation_tokens", "use_bdlora",       "target_parameters",
        "arrow_config"};
    for (size_t i = 0; i < json->n; i++) {
        const rsn_flat_value *v = &json->items[i];
        size_t n = strcspn(v->path.data, ".");
        bool empty = v->kind == RSN_FLAT_NULL || (v->kind == RSN_FLAT_LIST && v->n == 0) ||
                     (v->kind == RSN_FLAT_BOOL && !v->i);
        for (size_t k = 0; k < sizeof KEYS / sizeof *KEYS && !empty; k++)
            if (strlen(KEYS[k]) == n && memcmp(KEYS[k], v->path.data, n) == 0 &&
                v->kind != RSN_FLAT_LIST) /* its first item says more */
                return refuse(json, KEYS[k],
                              v->kind == RSN_FLAT_TEXT
                                  ? rsn_quote(v->text.data, v->text.n).text
                                  : "set",
                              "null");
    }
    return REASON_OK;
}

/* Some ways to begin take a part out of the base's weights, which are others then. */
static reason_status check_beginning(const rsn_flat *json) {
    static const char *const HARMLESS[] = {"gaussian", "eva", "orthogonal"};
    const rsn_flat_value *v = rsn_flat_find(json, "init_lora_weights");
    if (!v || v->kind == RSN_FLAT_BOOL)
        return REASON_OK;
    for (size_t i = 0; i < sizeof HARMLESS / sizeof *HARMLESS; i++)
        if (v->kind == RSN_FLAT_TEXT && rsn_text_is(v->text, HARMLESS[i]))
            return REASON_OK;
    return refuse(json, "init_lora_weights",
                  v->kind == RSN_FLAT_TEXT ? rsn_quote(v->text.data, v->text.n).text
                                           : "of another type",
                  "a way that leaves the base as it is");
}

/* --- ranks and scales --------------------------------------------------------------- */

/* The end of modules' names, from a dot on, and the number of these modules. */
typedef struct rsn_peft_pattern {
    rsn_text name; /* first, so that its address is the pattern's */
    double value;
} pattern;

/* Patterns may be regular expressions for PEFT; in use are names. */
static reason_status check_pattern(const rsn_flat *json, const rsn_flat_value *v,
                                   rsn_text name, bool whole) {
    static const char PLAIN[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "0123456789._";
    if (name.n == 0 || strspn(name.data, PLAIN) != name.n)
        return rsn_fail(REASON_ERR_UNSUPPORTED,
                        "%s: %s: names of modules are supported there, no expressions",
                        json->path, rsn_quote(v->path.data, v->path.n).text);
    if (v->kind != RSN_FLAT_INT && (whole || v->kind != RSN_FLAT_FLOAT))
        return rsn_fail(REASON_ERR_FORMAT, "%s: %s is no %snumber", json->path,
                        rsn_quote(v->path.data, v->path.n).text, whole ? "whole " : "");
    return REASON_OK;
}

/* Collects what stands under the prefix. */
static reason_status read_patterns(const rsn_flat *json, const char *prefix, bool whole,
                                   rsn_arena *arena, rsn_peft_patterns *p) {
    size_t n_prefix = strlen(prefix), same;
    p->list = rsn_arena_calloc2(arena, json->n, sizeof *p->list);
    if (!p->list)
        return REASON_ERR_NO_MEMORY;
    for (size_t i = 0; i < json->n; i++) {
        const rsn_flat_value *v = &json->items[i];
        if (strncmp(v->path.data, prefix, n_prefix) != 0)
            continue;
        rsn_text name = {v->path.data + n_prefix, v->path.n - n_prefix};
        reason_status status = check_pattern(json, v, name, whole);
        if (status != REASON_OK)
            return status;
        p->list[p->n++] = (pattern){name, v->f};
    }
    p->order = rsn_gguf_sort(arena, &p->list->name, sizeof *p->list, p->n, &same);
    if (!p->order)
        return REASON_ERR_NO_MEMORY;
    return same == 0 ? REASON_OK
                     : rsn_fail(REASON_ERR_FORMAT, "%s: %s%s is there twice", json->path,
                                prefix, p->order[same]->data);
}

static int by_name(const void *key, const void *item) {
    return rsn_gguf_compare(key, *(const rsn_text *const *)item);
}

/* The first pattern that a module's name ends with; NULL: none. */
static const pattern *find_pattern(const rsn_peft_patterns *p, rsn_text module) {
    const pattern *first = NULL;
    for (size_t at = 0; at < module.n; at++) {
        rsn_text end = {module.data + at, module.n - at};
        const rsn_text *const *found =
            at == 0 || module.data[at - 1] == '.'
                ? bsearch(&end, p->order, p->n, sizeof *p->order, by_name)
                : NULL;
        const pattern *one = found ? (const pattern *)(const void *)*found : NULL;
        if (one && (!first || one < first))
            first = one;
    }
    return first;
}

reason_status rsn_peft_scale(const rsn_peft_config *config, rsn_text module, size_t rank,
                             float *scale) {
    const pattern *r = find_pattern(&config->ranks, module);
    const pattern *a = find_pattern(&config->alphas, module);
    double wanted = r ? r->value : (double)config->rank;
    double alpha = a ? a->value : config->alpha;
    if (wanted != (double)rank)
        return rsn_fail(REASON_ERR_FORMAT,
                        "%s: says rank %.0f of %s, whose factors have %zu",
                        config->json.path, wanted, rsn_quote(module.data, module.n).text,
                        rank);
    *scale = (float)(alpha / (config->by_root ? sqrt((double)rank) : (double)rank));
    if (!(*scale >= -FLT_MAX && *scale <= FLT_MAX))
        return rsn_fail(REASON_ERR_FORMAT, "%s: alpha of %s is %g, a finite float expected",
                        config->json.path, rsn_quote(module.data, module.n).text, alpha);
    return REASON_OK;
}

static reason_status read_values(rsn_arena *arena, rsn_peft_config *c) {
    reason_status status = rsn_flat_int(&c->json, "r", 1, INT32_MAX, &c->rank);
    if (status == REASON_OK)
        status = rsn_flat_float(&c->json, "lora_alpha", -(double)FLT_MAX, (double)FLT_MAX,
                                &c->alpha);
    if (status == REASON_OK)
        status = rsn_flat_bool(&c->json, "use_rslora", &c->by_root);
    if (status == REASON_OK)
        status = read_patterns(&c->json, "rank_pattern.", true, arena, &c->ranks);
    return status == REASON_OK
               ? read_patterns(&c->json, "alpha_pattern.", false, arena, &c->alphas)
               : status;
}

reason_status rsn_peft_config_read(const char *folder, rsn_arena *arena,
                                   rsn_peft_config *config) {
    static reason_status (*const CHECKS[])(const rsn_flat *) = {
        check_texts, check_flags, check_nothing, check_beginning};
    rsn_str path = {0};
    *config = (rsn_peft_config){.rank = 8, .alpha = 8}; /* where the keys are not there */
    rsn_str_addf(&path, "%s/adapter_config.json", folder);
    reason_status status =
        path.failed ? REASON_ERR_NO_MEMORY
                    : rsn_flat_read(rsn_str_text(&path), arena, &config->json);
    rsn_str_free(&path);
    for (size_t i = 0; i < sizeof CHECKS / sizeof *CHECKS && status == REASON_OK; i++)
        status = CHECKS[i](&config->json);
    return status == REASON_OK ? read_values(arena, config) : status;
}
