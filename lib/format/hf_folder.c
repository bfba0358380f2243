/* Translates a folder into a plan. Owns which tensor becomes which and how it is made;
 * names are hf_names.c's, configuration hf_config.c's. Invariant: each tensor of the
 * folder is in the plan, or known to be needless, or the folder is refused. */
#include "format/hf_folder.h"

#include <string.h>

#include "base/checked.h"
#include "format/gguf_write.h"
#include "format/hf_config.h"
#include "format/hf_make.h"
#include "format/hf_names.h"
#include "format/hf_shards.h"
#include "format/hf_tokenizer.h"

enum { ALIGNMENT = 64, IN_PLACE = 8 /* what kernels want of an address in a file */ };

/* Tensors that config.json says. */
enum { MAX_ROPE = 3 };

typedef struct opener {
    const char *folder;
    rsn_gguf *g;
    rsn_gguf_files *files;
    rsn_pairs pairs;
    rsn_hf_config config;
    rsn_hf_shards shards;
    unsigned bits; /* of the family, and of the head */
    uint64_t made; /* bytes of made tensors */
} opener;

typedef struct source_tensor {
    const rsn_st_tensor *st;
    size_t shard;
    rsn_hf_place place;
} source_tensor;

static reason_status fail_tensor(const opener *o, const source_tensor *s,
                                 reason_status status, const char *why) {
    return rsn_fail(status, "%s: tensor %s, %s %s: %s", o->shards.paths[s->shard],
                    rsn_quote(s->st->name.data, s->st->name.n).text, s->st->dtype->name,
                    rsn_st_describe(s->st).text, why);
}

/* --- how one is made ---------------------------------------------------------------- */

static bool is_projection(const source_tensor *s) {
    rsn_hf_role role = s->place.name->role;
    return s->st->n_dims == 2 &&
           (role == RSN_HF_QUERY || role == RSN_HF_KEY || role == RSN_HF_MATRIX);
}

/* Which heads' rows change places; 0: they do not. */
static size_t permuted_heads(const opener *o, const source_tensor *s) {
    rsn_hf_role role = s->place.name->role;
    if (!(o->config.family->bits & RSN_HF_PERMUTED))
        return 0;
    return role == RSN_HF_QUERY ? (size_t)o->config.n_heads
           : role == RSN_HF_KEY ? (size_t)o->config.n_heads_kv
                                : 0;
}

static reason_status find_scale(const opener *o, const source_tensor *s,
                                rsn_make_from *scale) {
    size_t shard;
    rsn_str name = {0};
    rsn_str_addf(&name, "%s_scale", s->st->name.data);
    if (name.failed)
        return REASON_ERR_NO_MEMORY;
    const rsn_st_tensor *t =
        rsn_hf_shards_find(&o->shards, (rsn_text){name.data, name.n}, &shard);
    rsn_str_free(&name);
    if (!t || t->dtype->weight < 0 || t->n_bytes * 8 != t->dtype->bits)
        return fail_tensor(o, s, REASON_ERR_FORMAT,
                           "its weight_scale, one float, is not there");
    *scale = (rsn_make_from){(uint32_t)shard, t->offset, t->n_bytes, t->dtype};
    return REASON_OK;
}

/* The operation; false: the tensor is used as it lies in the file. */
static bool choose(const opener *o, const source_tensor *s, struct rsn_make *make) {
    bool plain = s->st->dtype->weight >= 0, projection = is_projection(s);
    bool one = (o->config.family->bits & RSN_HF_NORM_ONE) &&
               s->place.name->role == RSN_HF_NORM;
    bool vector = s->st->n_dims == 1 && (one || s->st->dtype->weight != RSN_TYPE_F32);
    make->n_heads = permuted_heads(o, s);
    make->op = RSN_MAKE_ROWS;
    if (!plain)
        make->op = s->st->dtype->name[0] == 'U' ? RSN_MAKE_UNPACK : RSN_MAKE_WIDEN;
    else if (projection && o->config.ternary == RSN_HF_ONLINE)
        make->op = RSN_MAKE_TERNARY;
    else if (vector)
        make->op = RSN_MAKE_VECTOR;
    make->add = one ? 1 : 0;
    return make->op != RSN_MAKE_ROWS || make->n_heads > 0 ||
           s->st->offset % IN_PLACE != 0;
}

static bool is_type(const source_tensor *s, const char *name) {
    return strcmp(s->st->dtype->name, name) == 0;
}

static reason_status check(const opener *o, const source_tensor *s) {
    bool packed = is_type(s, "U8") && is_projection(s) &&
                  (o->config.ternary == RSN_HF_MULTIPLY ||
                   o->config.ternary == RSN_HF_DIVIDE);
    size_t n_heads = permuted_heads(o, s);
    uint64_t rows = s->st->shape[0] * (packed ? 4 : 1);
    if (s->st->n_dims < 1 || s->st->n_dims > RSN_GGUF_MAX_DIMS || s->st->n_bytes == 0)
        return fail_tensor(o, s, REASON_ERR_FORMAT,
                           "1 to 4 dimensions with elements expected");
    if (s->st->dtype->weight < 0 && !packed && !is_type(s, "F8_E4M3"))
        return fail_tensor(o, s, REASON_ERR_UNSUPPORTED,
                           "F32, F16, BF16 and F8_E4M3 are supported as weights");
    if (n_heads > 0 && rows % (2 * n_heads) != 0)
        return fail_tensor(o, s, REASON_ERR_FORMAT,
                           "its rows are no even number for each head");
    return REASON_OK;
}

/* The type that the made tensor has. */
static const rsn_type_info *type_of(const struct rsn_make *make, size_t cols) {
    switch (make->op) {
    case RSN_MAKE_UNPACK:
    case RSN_MAKE_TERNARY: return rsn_make_ternary_type(cols);
    case RSN_MAKE_WIDEN: return rsn_type_info_get(RSN_TYPE_F16);
    case RSN_MAKE_ROWS: return rsn_type_info_get((rsn_type)make->from.dtype->weight);
    case RSN_MAKE_VECTOR:
    case RSN_MAKE_VALUES: break;
    }
    return rsn_type_info_get(RSN_TYPE_F32);
}

/* A place behind the made tensors so far. */
static reason_status put_made(opener *o, const struct rsn_make *make,
                              rsn_gguf_tensor *t) {
    uint64_t at;
    t->part = (uint32_t)o->shards.n;
    if (!rsn_gguf_tensor_bytes(t->type, t->ne, &t->n_bytes) ||
        !rsn_round_up_u64(o->made, ALIGNMENT, &at) ||
        !rsn_add_u64(at, t->n_bytes, &o->made))
        return rsn_fail(REASON_ERR_LIMIT, "%s: tensor %s is too large", o->folder,
                        t->name.data);
    t->offset = at;
    o->files->makes[o->files->n_makes++] = *make;
    return REASON_OK;
}

/* --- tensors ------------------------------------------------------------------------ */

/* The next tensor of the plan, with this name. */
static rsn_gguf_tensor *next_tensor(opener *o, const char *name) {
    rsn_gguf_tensor *t = &o->g->tensors[o->g->n_tensors];
    t->name.n = strlen(name);
    t->name.data = rsn_arena_strndup(&o->g->arena, name, t->name.n);
    for (int d = 0; d < RSN_GGUF_MAX_DIMS; d++)
        t->ne[d] = 1;
    if (!t->name.data)
        return NULL;
    o->g->n_tensors++;
    return t;
}

static reason_status add_tensor(opener *o, const source_tensor *s) {
    struct rsn_make make = {.from = {(uint32_t)s->shard, s->st->offset, s->st->n_bytes,
                                     s->st->dtype},
                            .divide = o->config.ternary == RSN_HF_DIVIDE};
    reason_status status = check(o, s);
    if (status != REASON_OK)
        return status;
    rsn_gguf_tensor *t = next_tensor(o, rsn_hf_name_make_gguf(&s->place).text);
    if (!t)
        return REASON_ERR_NO_MEMORY;
    t->n_dims = s->st->n_dims;
    for (uint32_t d = 0; d < t->n_dims; d++)
        t->ne[d] = s->st->shape[t->n_dims - 1 - d];
    bool is_made = choose(o, s, &make);
    if (make.op == RSN_MAKE_UNPACK) {
        t->ne[t->n_dims - 1] *= 4;
        status = find_scale(o, s, &make.scale);
    }
    make.cols = t->n_dims > 1 ? (size_t)t->ne[0] : 1;
    make.rows = t->n_dims > 1 ? (size_t)(t->ne[1] * t->ne[2] * t->ne[3]) : (size_t)t->ne[0];
    t->type = type_of(&make, make.cols);
    if (status != REASON_OK || is_made)
        return status == REASON_OK ? put_made(o, &make, t) : status;
    t->part = (uint32_t)s->shard;
    t->offset = s->st->offset;
    t->n_bytes = s->st->n_bytes;
    return REASON_OK;
}

/* The output matrix of a model whose output is its embedding, or that has a head instead,
 * is ballast: some programs write it all the same. */
static bool is_needless(const opener *o, const source_tensor *s) {
    return s->place.name->role == RSN_HF_OUTPUT &&
           (o->config.tied == 1 || o->config.task != RSN_HF_CAUSAL);
}

static reason_status add_shard(opener *o, size_t shard) {
    const rsn_safetensors *st = &o->shards.st[shard];
    reason_status status = REASON_OK;
    for (size_t i = 0; i < st->n_tensors && status == REASON_OK; i++) {
        source_tensor s = {.st = &st->tensors[i], .shard = shard};
        if (rsn_hf_name_is_ballast(s.st->name))
            continue;
        if (!rsn_hf_name_find(o->bits, s.st->name, &s.place))
            return fail_tensor(o, &s, REASON_ERR_UNSUPPORTED,
                               "is none that models of this architecture have");
        if (!is_needless(o, &s))
            status = add_tensor(o, &s);
    }
    return status;
}

static reason_status add_values(opener *o, const char *name, const float *values) {
    struct rsn_make make = {
        .op = RSN_MAKE_VALUES, .rows = o->config.n_rot / 2, .cols = 1, .values = values};
    if (!values)
        return REASON_OK;
    rsn_gguf_tensor *t = next_tensor(o, name);
    if (!t)
        return REASON_ERR_NO_MEMORY;
    t->n_dims = 1;
    t->ne[0] = make.rows;
    t->type = type_of(&make, 1);
    return put_made(o, &make, t);
}

static reason_status add_tensors(opener *o) {
    size_t most = MAX_ROPE;
    for (size_t i = 0; i < o->shards.n; i++)
        most += o->shards.st[i].n_tensors;
    if (most > RSN_GGUF_MAX_RECORDS)
        return rsn_fail(REASON_ERR_LIMIT, "%s: has more than %d tensors", o->folder,
                        RSN_GGUF_MAX_RECORDS - MAX_ROPE);
    o->g->tensors = rsn_arena_calloc2(&o->g->arena, most, sizeof *o->g->tensors);
    o->files->makes = rsn_arena_calloc2(&o->g->arena, most, sizeof *o->files->makes);
    if (!o->g->tensors || !o->files->makes)
        return REASON_ERR_NO_MEMORY;
    reason_status status = REASON_OK;
    for (size_t i = 0; i < o->shards.n && status == REASON_OK; i++)
        status = add_shard(o, i);
    if (status == REASON_OK)
        status = add_values(o, "rope_freqs.weight", o->config.rope_all);
    if (status == REASON_OK)
        status = add_values(o, "rope_factors_short.weight", o->config.rope_short);
    if (status == REASON_OK)
        status = add_values(o, "rope_factors_long.weight", o->config.rope_long);
    return status;
}

/* --- the plan ----------------------------------------------------------------------- */

static reason_status add_parts(opener *o) {
    rsn_gguf *g = o->g;
    g->n_parts = o->shards.n + 1;
    g->parts = rsn_arena_calloc2(&g->arena, g->n_parts, sizeof *g->parts);
    if (!g->parts)
        return REASON_ERR_NO_MEMORY;
    for (size_t i = 0; i < o->shards.n; i++) /* aligned, as the file's addresses are */
        g->parts[i] = (rsn_gguf_part){o->shards.paths[i],
                                      o->shards.st[i].data_start / ALIGNMENT * ALIGNMENT,
                                      o->shards.st[i].data_end};
    g->parts[o->shards.n] = (rsn_gguf_part){o->folder, 0, o->made};
    return REASON_OK;
}

static reason_status sort_names(opener *o) {
    rsn_gguf *g = o->g;
    size_t same_pair, same;
    g->pairs = o->pairs.items;
    g->n_pairs = o->pairs.n;
    g->pair_order = rsn_gguf_sort(&g->arena, &g->pairs[0].key, sizeof *g->pairs,
                                  g->n_pairs, &same_pair);
    g->tensor_order = rsn_gguf_sort(&g->arena, &g->tensors[0].name, sizeof *g->tensors,
                                    g->n_tensors, &same);
    if (!g->pair_order || !g->tensor_order)
        return REASON_ERR_NO_MEMORY;
    if (same_pair > 0)
        return rsn_fail(REASON_ERR_INTERNAL, "%s: key %s came out twice", o->folder,
                        g->pair_order[same_pair]->data);
    if (same > 0)
        return rsn_fail(REASON_ERR_FORMAT, "%s: two tensors become %s", o->folder,
                        g->tensor_order[same]->data);
    if (o->config.task == RSN_HF_CAUSAL && o->config.tied == 0 &&
        !rsn_gguf_find_tensor(g, "output.weight"))
        return rsn_fail(REASON_ERR_FORMAT,
                        "%s: tensor lm_head.weight is missing, and tie_word_embeddings "
                        "is false",
                        o->folder);
    return REASON_OK;
}

static void add_name(opener *o) {
    const char *name = strrchr(o->folder, '/');
    name = name && name[1] ? name + 1 : o->folder;
    rsn_pairs_text(&o->pairs, "general.name", (rsn_text){name, strlen(name)});
}

/* The folder of the path: itself, or where the one file lies. */
static const char *folder_of(rsn_arena *arena, const char *path, bool is_folder) {
    size_t n = strlen(path);
    const char *slash = strrchr(path, '/');
    while (is_folder && n > 1 && path[n - 1] == '/')
        n--;
    if (is_folder)
        return rsn_arena_strndup(arena, path, n);
    return slash ? rsn_arena_strndup(arena, path, slash == path ? 1 : (size_t)(slash - path))
                 : rsn_arena_strndup(arena, ".", 1);
}

static reason_status open_folder(opener *o, const char *path, rsn_gguf_watch_fn watch,
                                 void *user) {
    bool is_folder = rsn_file_is_folder(path);
    rsn_arena *arena = &o->g->arena;
    o->pairs.arena = arena;
    o->folder = folder_of(arena, path, is_folder);
    o->g->path = is_folder ? o->folder : rsn_arena_strndup(arena, path, strlen(path));
    if (!o->folder || !o->g->path)
        return REASON_ERR_NO_MEMORY;
    reason_status status = rsn_hf_config_read(o->folder, &o->pairs, &o->config);
    bool two = o->config.task == RSN_HF_REWARD || o->config.task == RSN_HF_PROCESS_REWARD;
    if (status == REASON_OK)
        status = rsn_hf_shards_open(o->folder, is_folder ? NULL : o->g->path, arena, watch,
                                    user, o->files, &o->shards);
    if (status != REASON_OK)
        return status;
    o->bits = o->config.family->bits | (two ? RSN_HF_TWO_LAYERS : 0);
    add_name(o);
    bool found; /* without a tokenizer ids are all that the model takes */
    status = o->pairs.failed ? REASON_ERR_NO_MEMORY
                             : rsn_hf_tokenizer(o->folder, (size_t)o->config.n_vocab,
                                                &o->pairs, &found);
    if (status == REASON_OK)
        status = add_tensors(o);
    if (status == REASON_OK)
        status = add_parts(o);
    return status == REASON_OK ? sort_names(o) : status;
}

reason_status rsn_hf_open(const char *path, rsn_gguf_watch_fn watch, void *user,
                          rsn_gguf *g, rsn_gguf_files *files) {
    opener o = {.g = g, .files = files};
    memset(g, 0, sizeof *g);
    *files = (rsn_gguf_files){0};
    reason_status status = open_folder(&o, path, watch, user);
    if (status != REASON_OK) {
        rsn_gguf_files_close(files);
        rsn_gguf_free(g);
    }
    return status;
}
