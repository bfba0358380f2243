/* Owns which files belong to a model. Invariant: a name from the index is that of a file
 * in the folder itself, and nothing else is ever opened because of it. */
#include "format/hf_shards.h"

#include <stdlib.h>
#include <string.h>

#include "format/flat_json.h"

#define INDEX "model.safetensors.index.json"
#define WHOLE "model.safetensors"
#define MAP "weight_map."

/* "folder/name" in the arena; NULL without memory. */
static const char *join(rsn_arena *arena, const char *folder, const char *name) {
    size_t n = strlen(folder), m = strlen(name);
    char *path = rsn_arena_alloc(arena, n + m + 2);
    if (!path)
        return NULL;
    memcpy(path, folder, n);
    path[n] = '/';
    memcpy(path + n + 1, name, m + 1);
    return path;
}

/* --- the index ---------------------------------------------------------------------- */

/* No part of the name may lead elsewhere. */
static reason_status check_name(const rsn_flat *index, const rsn_flat_value *v) {
    bool plain = v->kind == RSN_FLAT_TEXT && v->text.n > 0 &&
                 strlen(v->text.data) == v->text.n && !strchr(v->text.data, '/') &&
                 !strchr(v->text.data, '\\') && strcmp(v->text.data, ".") != 0 &&
                 strcmp(v->text.data, "..") != 0;
    if (plain)
        return REASON_OK;
    return rsn_fail(REASON_ERR_FORMAT,
                    "%s: %s is in %s; the name of a file in the folder expected",
                    index->path, rsn_quote(v->path.data, v->path.n).text,
                    v->kind == RSN_FLAT_TEXT
                        ? rsn_quote(v->text.data, v->text.n).text
                        : "no text");
}

static bool is_mapped(const rsn_flat_value *v) {
    return strncmp(v->path.data, MAP, sizeof MAP - 1) == 0 && !v->item;
}

static int by_text(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The files that the index names, each once, sorted. */
static reason_status list_files(const rsn_flat *index, rsn_arena *arena,
                                const char ***names, size_t *n) {
    reason_status status = REASON_OK;
    const char **all = rsn_arena_calloc2(arena, index->n, sizeof *all);
    size_t n_all = 0;
    if (!all)
        return REASON_ERR_NO_MEMORY;
    for (size_t i = 0; i < index->n && status == REASON_OK; i++)
        if (is_mapped(&index->items[i]) &&
            (status = check_name(index, &index->items[i])) == REASON_OK)
            all[n_all++] = index->items[i].text.data;
    if (status != REASON_OK)
        return status;
    if (n_all == 0)
        return rsn_fail(REASON_ERR_FORMAT, "%s: weight_map is missing or empty",
                        index->path);
    qsort(all, n_all, sizeof *all, by_text);
    for (size_t i = 0; i < n_all; i++)
        if (*n == 0 || strcmp(all[*n - 1], all[i]) != 0)
            all[(*n)++] = all[i];
    *names = all;
    return *n <= RSN_GGUF_MAX_PARTS - 1
               ? REASON_OK
               : rsn_fail(REASON_ERR_LIMIT, "%s: names %zu files, at most %d are read",
                          index->path, *n, RSN_GGUF_MAX_PARTS - 1);
}

/* The shard of that file, by the order in which the index's files were listed. */
static const rsn_safetensors *shard_of(const rsn_hf_shards *shards, const char *file) {
    size_t low = 0, high = shards->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(strrchr(shards->paths[middle], '/') + 1, file);
        if (order == 0)
            return &shards->st[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* Every tensor of the index is in the file that it says. */
static reason_status check_index(const rsn_flat *index, const rsn_hf_shards *shards) {
    for (size_t i = 0; i < index->n; i++) {
        const rsn_flat_value *v = &index->items[i];
        if (!is_mapped(v))
            continue;
        rsn_text name = {v->path.data + sizeof MAP - 1, v->path.n - (sizeof MAP - 1)};
        const rsn_safetensors *shard = shard_of(shards, v->text.data);
        if (!shard || !rsn_safetensors_find(shard, name))
            return rsn_fail(REASON_ERR_FORMAT, "%s: tensor %s is not in %s", index->path,
                            rsn_quote(name.data, name.n).text,
                            rsn_quote(v->text.data, v->text.n).text);
    }
    return REASON_OK;
}

/* --- the files ---------------------------------------------------------------------- */

static reason_status fail_without(const char *folder, rsn_arena *arena) {
    static const char *const OTHERS[] = {"pytorch_model.bin",
                                         "pytorch_model.bin.index.json", "tf_model.h5",
                                         "flax_model.msgpack"};
    for (size_t i = 0; i < sizeof OTHERS / sizeof *OTHERS; i++) {
        const char *path = join(arena, folder, OTHERS[i]);
        if (!path)
            return REASON_ERR_NO_MEMORY;
        if (rsn_file_is_there(path))
            return rsn_fail(REASON_ERR_UNSUPPORTED,
                            "%s: weights are read from safetensors files only; save the "
                            "model in that format",
                            path);
    }
    return rsn_fail(REASON_ERR_IO, "%s: has neither " WHOLE " nor " INDEX, folder);
}

static reason_status open_shard(rsn_gguf_files *files, rsn_arena *arena,
                                rsn_hf_shards *shards, size_t i) {
    const char *path = shards->paths[i];
    reason_status status = rsn_file_open(path, &files->list[i]);
    if (status != REASON_OK)
        return status;
    status = rsn_safetensors_read(&files->list[i], arena, &shards->st[i]);
    return status == REASON_OK || status == REASON_ERR_NO_MEMORY
               ? status
               : rsn_fail_within(status, path);
}

static reason_status open_all(rsn_arena *arena, rsn_gguf_watch_fn watch, void *user,
                              rsn_gguf_files *files, rsn_hf_shards *shards) {
    shards->st = rsn_arena_calloc2(arena, shards->n, sizeof *shards->st);
    files->list = rsn_alloc2(shards->n, sizeof *files->list);
    if (!shards->st || !files->list)
        return REASON_ERR_NO_MEMORY;
    files->n = shards->n;
    for (size_t i = 0; i < shards->n; i++)
        files->list[i] = (rsn_file){-1, 0};
    reason_status status = REASON_OK;
    for (size_t i = 0; i < shards->n && status == REASON_OK; i++) {
        status = open_shard(files, arena, shards, i);
        if (status == REASON_OK && watch)
            status = watch(user, i + 1, shards->n + 1); /* one more is made */
    }
    return status;
}

/* Fills the list of paths: one, or those of the index. */
static reason_status find_files(const char *folder, const char *single, rsn_arena *arena,
                                rsn_flat *index, rsn_hf_shards *shards) {
    const char **names = NULL;
    const char *whole = single ? single : join(arena, folder, WHOLE);
    const char *listed = join(arena, folder, INDEX);
    if (!whole || !listed)
        return REASON_ERR_NO_MEMORY;
    bool is_listed = !single && !rsn_file_is_there(whole);
    shards->n = is_listed ? 0 : 1;
    if (is_listed && !rsn_file_is_there(listed))
        return fail_without(folder, arena);
    if (is_listed) {
        reason_status status = rsn_flat_read(listed, arena, index);
        if (status == REASON_OK)
            status = list_files(index, arena, &names, &shards->n);
        if (status != REASON_OK)
            return status;
    }
    shards->paths = rsn_arena_calloc2(arena, shards->n, sizeof *shards->paths);
    if (!shards->paths)
        return REASON_ERR_NO_MEMORY;
    for (size_t i = 0; i < shards->n; i++) {
        shards->paths[i] = is_listed ? join(arena, folder, names[i]) : whole;
        if (!shards->paths[i])
            return REASON_ERR_NO_MEMORY;
    }
    return REASON_OK;
}

reason_status rsn_hf_shards_open(const char *folder, const char *single, rsn_arena *arena,
                                 rsn_gguf_watch_fn watch, void *user,
                                 rsn_gguf_files *files, rsn_hf_shards *shards) {
    rsn_flat index = {0};
    memset(shards, 0, sizeof *shards);
    reason_status status = find_files(folder, single, arena, &index, shards);
    if (status == REASON_OK)
        status = open_all(arena, watch, user, files, shards);
    return status == REASON_OK ? check_index(&index, shards) : status;
}

const rsn_st_tensor *rsn_hf_shards_find(const rsn_hf_shards *shards, rsn_text name,
                                        size_t *shard) {
    for (size_t i = 0; i < shards->n; i++) {
        const rsn_st_tensor *t = rsn_safetensors_find(&shards->st[i], name);
        if (t) {
            *shard = i;
            return t;
        }
    }
    return NULL;
}
