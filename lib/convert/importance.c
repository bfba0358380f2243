/* Owns both layouts of importance files and the list that they are read into. Collecting
 * is another file's, using them the quantizer's. Invariant: of what was read every value
 * is finite and not negative, and nothing was sized by a number that the file's size does
 * not allow. */
#include "convert/importance.h"

#include <string.h>

#include "base/array.h"
#include "format/gguf_write.h"

#define SUMS ".in_sum2"
#define COUNTS ".counts"

enum { SUMS_BYTES = sizeof SUMS - 1, COUNTS_BYTES = sizeof COUNTS - 1 };

/* --- the list ----------------------------------------------------------------------- */

reason_status rsn_importance_add(rsn_importance *imp, const char *name, size_t n_name,
                                 size_t n, size_t n_matrices,
                                 rsn_importance_entry **entry) {
    *entry = NULL;
    if (RSN_GROW(&imp->entries, &imp->cap, imp->n_entries + 1) != REASON_OK)
        return REASON_ERR_NO_MEMORY;
    rsn_importance_entry *e = &imp->entries[imp->n_entries];
    *e = (rsn_importance_entry){
        .name = {rsn_arena_strndup(&imp->arena, name, n_name), n_name},
        .n = n,
        .n_matrices = n_matrices,
        .mean_square = rsn_arena_calloc2(&imp->arena, n, sizeof *e->mean_square),
        .count = rsn_arena_calloc2(&imp->arena, n_matrices, sizeof *e->count)};
    if (!e->name.data || !e->mean_square || !e->count)
        return REASON_ERR_NO_MEMORY;
    imp->n_entries++;
    *entry = e;
    return REASON_OK;
}

static reason_status add_dataset(rsn_importance *imp, const char *name, size_t n) {
    rsn_text *list =
        rsn_arena_calloc2(&imp->arena, imp->n_datasets + 1, sizeof *imp->datasets);
    char *text = rsn_arena_strndup(&imp->arena, name, n);
    if (!list || !text)
        return REASON_ERR_NO_MEMORY;
    for (size_t i = 0; i < imp->n_datasets; i++)
        list[i] = imp->datasets[i];
    list[imp->n_datasets++] = (rsn_text){text, n};
    imp->datasets = list;
    return REASON_OK;
}

reason_status rsn_importance_add_dataset(rsn_importance *imp, const char *name) {
    return add_dataset(imp, name, strlen(name));
}

const rsn_importance_entry *rsn_importance_find(const rsn_importance *imp,
                                                const char *name, size_t n_name) {
    for (size_t i = 0; i < imp->n_entries; i++)
        if (imp->entries[i].name.n == n_name &&
            memcmp(imp->entries[i].name.data, name, n_name) == 0)
            return &imp->entries[i];
    return NULL;
}

void rsn_importance_free(rsn_importance *imp) {
    rsn_free(imp->entries);
    rsn_arena_free(&imp->arena);
    memset(imp, 0, sizeof *imp);
}

/* Sums of one matrix to means; a matrix that saw nothing has zeros. */
static reason_status divide(rsn_importance_entry *e) {
    size_t columns = e->n / e->n_matrices;
    for (size_t m = 0; m < e->n_matrices; m++) {
        float count = e->count[m];
        if (!(count >= 0 && count <= 1e30f))
            return rsn_fail(REASON_ERR_FORMAT, "count %zu of %s is %g, 0 or more allowed",
                            m, rsn_quote(e->name.data, e->name.n).text, (double)count);
        for (size_t i = m * columns; i < (m + 1) * columns; i++) {
            float sum = e->mean_square[i], mean = count > 0 ? sum / count : 0;
            if (!(sum >= 0 && mean <= 1e30f))
                return rsn_fail(REASON_ERR_FORMAT,
                                "value %zu of %s is %g over %g, finite and 0 or more "
                                "allowed",
                                i, rsn_quote(e->name.data, e->name.n).text, (double)sum,
                                (double)count);
            e->mean_square[i] = mean;
        }
    }
    return REASON_OK;
}

/* --- the older layout --------------------------------------------------------------- */

typedef struct reader {
    const rsn_file *file;
    uint64_t at;
} reader;

static reason_status take(reader *r, void *out, uint64_t n, const char *what) {
    if (n > r->file->size - r->at)
        return rsn_fail(REASON_ERR_FORMAT,
                        "%s at byte %llu needs %llu bytes, the file has %llu left", what,
                        (unsigned long long)r->at, (unsigned long long)n,
                        (unsigned long long)(r->file->size - r->at));
    reason_status status = rsn_file_read(r->file, r->at, out, (size_t)n);
    r->at += n;
    return status;
}

static reason_status take_number(reader *r, int32_t least, int32_t most, int32_t *out,
                                 const char *what) {
    reason_status status = take(r, out, sizeof *out, what);
    if (status == REASON_OK && (*out < least || *out > most))
        status = rsn_fail(REASON_ERR_FORMAT, "%s at byte %llu is %d, %d to %d allowed",
                          what, (unsigned long long)r->at - 4, (int)*out, (int)least,
                          (int)most);
    return status;
}

static reason_status take_name(reader *r, char *name, int32_t *n) {
    reason_status status = take_number(r, 1, RSN_GGUF_MAX_NAME, n, "length of a name");
    return status == REASON_OK ? take(r, name, (uint64_t)*n, "a name") : status;
}

static reason_status take_entry(reader *r, rsn_importance *imp, char *name) {
    int32_t n_name = 0, calls = 0, n = 0;
    rsn_importance_entry *e;
    reason_status status = take_name(r, name, &n_name);
    if (status == REASON_OK)
        status = take_number(r, 0, INT32_MAX, &calls, "a number of calls");
    if (status == REASON_OK)
        status = take_number(r, 1, INT32_MAX, &n, "a number of values");
    if (status == REASON_OK && (uint64_t)n > (r->file->size - r->at) / 4)
        status = rsn_fail(REASON_ERR_FORMAT,
                          "%d values at byte %llu, the file has %llu bytes left", (int)n,
                          (unsigned long long)r->at,
                          (unsigned long long)(r->file->size - r->at));
    if (status == REASON_OK)
        status = rsn_importance_add(imp, name, (size_t)n_name, (size_t)n, 1, &e);
    if (status == REASON_OK)
        status = take(r, e->mean_square, 4 * (uint64_t)n, "values");
    if (status != REASON_OK)
        return status;
    e->count[0] = calls > 0 ? (float)calls : 1; /* files of 0 calls hold means */
    return divide(e);
}

static reason_status read_old(const rsn_file *file, rsn_importance *imp) {
    reader r = {file, 0};
    int32_t n = 0, chunks = 0, n_name = 0;
    char *name = rsn_alloc(RSN_GGUF_MAX_NAME);
    reason_status status = name ? REASON_OK : REASON_ERR_NO_MEMORY;
    if (status == REASON_OK)
        status = take_number(&r, 1, RSN_GGUF_MAX_RECORDS, &n, "number of entries");
    for (int32_t i = 0; i < n && status == REASON_OK; i++)
        status = take_entry(&r, imp, name);
    if (status == REASON_OK && r.at < file->size) { /* newer ones end with their text */
        status = take_number(&r, 0, INT32_MAX, &chunks, "number of chunks");
        if (status == REASON_OK)
            status = take_name(&r, name, &n_name);
        if (status == REASON_OK)
            status = add_dataset(imp, name, (size_t)n_name);
        imp->chunk_count = (uint32_t)chunks;
    }
    rsn_free(name);
    return status;
}

/* --- the newer layout --------------------------------------------------------------- */

static bool ends_with(rsn_text name, const char *end, size_t n) {
    return name.n > n && memcmp(name.data + name.n - n, end, n) == 0;
}

static reason_status read_pairs(const rsn_gguf *g, rsn_importance *imp) {
    rsn_text type = {0};
    const rsn_text *datasets = NULL;
    size_t n_datasets = 0;
    int64_t count = 0, size = 0;
    reason_status status = rsn_gguf_string(g, "general.type", &type);
    if (status == REASON_OK &&
        (type.n != 7 || memcmp(type.data, "imatrix", 7) != 0))
        status = rsn_fail(REASON_ERR_FORMAT, "key general.type is %s, imatrix expected",
                          type.data ? rsn_quote(type.data, type.n).text : "missing");
    if (status == REASON_OK)
        status = rsn_gguf_int(g, "imatrix.chunk_count", 0, UINT32_MAX, &count);
    if (status == REASON_OK)
        status = rsn_gguf_int(g, "imatrix.chunk_size", 0, UINT32_MAX, &size);
    if (status == REASON_OK)
        status = rsn_gguf_strings(g, "imatrix.datasets", &datasets, &n_datasets);
    for (size_t i = 0; i < n_datasets && status == REASON_OK; i++)
        status = add_dataset(imp, datasets[i].data, datasets[i].n);
    imp->chunk_count = (uint32_t)count;
    imp->chunk_size = (uint32_t)size;
    return status;
}

static const rsn_gguf_tensor *find_counts(const rsn_gguf *g, rsn_text stem) {
    rsn_str name = {0};
    rsn_str_add(&name, stem.data, stem.n);
    rsn_str_addz(&name, COUNTS);
    const rsn_gguf_tensor *t =
        name.failed ? NULL : rsn_gguf_find_tensor(g, rsn_str_text(&name));
    rsn_str_free(&name);
    return t;
}

static reason_status read_sums(const rsn_gguf *g, const rsn_file *file,
                               const rsn_gguf_tensor *sums, rsn_importance *imp) {
    rsn_text stem = {sums->name.data, sums->name.n - SUMS_BYTES};
    const rsn_gguf_tensor *counts = find_counts(g, stem);
    rsn_importance_entry *e;
    if (!counts || counts->n_bytes / 4 != sums->ne[1] * sums->ne[2] * sums->ne[3] ||
        counts->type->type != RSN_TYPE_F32 || sums->type->type != RSN_TYPE_F32)
        return rsn_fail(REASON_ERR_FORMAT,
                        "tensor %s needs one F32 count for each of its rows in a tensor "
                        "of the same name with " COUNTS,
                        rsn_quote(sums->name.data, sums->name.n).text);
    reason_status status =
        rsn_importance_add(imp, stem.data, stem.n, (size_t)(sums->n_bytes / 4),
                           (size_t)(counts->n_bytes / 4), &e);
    if (status == REASON_OK)
        status = rsn_file_read(file, sums->offset, e->mean_square, (size_t)sums->n_bytes);
    if (status == REASON_OK)
        status = rsn_file_read(file, counts->offset, e->count, (size_t)counts->n_bytes);
    return status == REASON_OK ? divide(e) : status;
}

static reason_status read_new(const rsn_file *file, const char *path,
                              rsn_importance *imp) {
    rsn_gguf g;
    reason_status status = rsn_gguf_open(file, path, false, &g);
    if (status != REASON_OK)
        return status; /* the sentence names the file already */
    status = read_pairs(&g, imp);
    for (size_t i = 0; i < g.n_tensors && status == REASON_OK; i++)
        if (ends_with(g.tensors[i].name, SUMS, SUMS_BYTES))
            status = read_sums(&g, file, &g.tensors[i], imp);
    rsn_gguf_free(&g);
    return status == REASON_OK || status == REASON_ERR_NO_MEMORY
               ? status
               : rsn_fail_within(status, path);
}

reason_status rsn_importance_read(const char *path, rsn_importance *imp) {
    rsn_file file;
    char magic[4] = "";
    memset(imp, 0, sizeof *imp);
    reason_status status = rsn_file_open(path, &file);
    if (status != REASON_OK)
        return status;
    if (file.size >= sizeof magic)
        status = rsn_file_read(&file, 0, magic, sizeof magic);
    if (status == REASON_OK && memcmp(magic, "GGUF", sizeof magic) == 0) {
        status = read_new(&file, path, imp);
    } else if (status != REASON_OK || (status = read_old(&file, imp)) != REASON_OK) {
        if (status != REASON_ERR_NO_MEMORY)
            rsn_fail_within(status, path);
    }
    rsn_file_close(&file);
    if (status != REASON_OK)
        rsn_importance_free(imp);
    return status;
}

/* --- writing ------------------------------------------------------------------------ */

static reason_status name_tensor(rsn_arena *arena, rsn_text stem, const char *end,
                                 uint64_t columns, uint64_t matrices,
                                 rsn_gguf_tensor *t) {
    size_t n_end = strlen(end);
    char *name = rsn_arena_alloc(arena, stem.n + n_end + 1);
    if (!name)
        return REASON_ERR_NO_MEMORY;
    memcpy(name, stem.data, stem.n);
    memcpy(name + stem.n, end, n_end + 1);
    *t = (rsn_gguf_tensor){.name = {name, stem.n + n_end},
                           .n_dims = matrices > 1 ? 2 : 1,
                           .ne = {columns, matrices, 1, 1},
                           .type = rsn_type_info_get(RSN_TYPE_F32)};
    return REASON_OK;
}

static reason_status write_entry(rsn_gguf_writer *w, rsn_arena *arena,
                                 const rsn_importance_entry *e) {
    float *sums = rsn_arena_calloc2(arena, e->n, sizeof *sums);
    if (!sums)
        return REASON_ERR_NO_MEMORY;
    for (size_t i = 0; i < e->n; i++)
        sums[i] = e->mean_square[i] * e->count[i / (e->n / e->n_matrices)];
    reason_status status = rsn_gguf_write_data(w, sums, e->n * sizeof *sums);
    return status == REASON_OK
               ? rsn_gguf_write_data(w, e->count, e->n_matrices * sizeof *e->count)
               : status;
}

reason_status rsn_importance_write(const char *path, const rsn_importance *imp) {
    const rsn_gguf_pair pairs[] = {
        rsn_gguf_pair_text("general.type", "imatrix"),
        rsn_gguf_pair_texts("imatrix.datasets", imp->datasets, imp->n_datasets),
        rsn_gguf_pair_u32("imatrix.chunk_count", imp->chunk_count),
        rsn_gguf_pair_u32("imatrix.chunk_size", imp->chunk_size),
    };
    rsn_arena arena = {0};
    size_t n = imp->n_entries;
    rsn_gguf_tensor *tensors = rsn_arena_calloc2(&arena, 2 * n, sizeof *tensors);
    reason_status status = tensors ? REASON_OK : REASON_ERR_NO_MEMORY;
    for (size_t i = 0; i < n && status == REASON_OK; i++) {
        const rsn_importance_entry *e = &imp->entries[i];
        status = name_tensor(&arena, e->name, SUMS, e->n / e->n_matrices, e->n_matrices,
                             &tensors[2 * i]);
        if (status == REASON_OK)
            status = name_tensor(&arena, e->name, COUNTS, 1, e->n_matrices,
                                 &tensors[2 * i + 1]);
    }
    rsn_gguf_content content = {pairs, sizeof pairs / sizeof *pairs, tensors, 2 * n};
    rsn_gguf_writer w = {.file = {.fd = -1}};
    if (status == REASON_OK)
        status = rsn_gguf_write_begin(path, &content, &w);
    for (size_t i = 0; i < n && status == REASON_OK; i++)
        status = write_entry(&w, &arena, &imp->entries[i]);
    if (status == REASON_OK)
        status = rsn_gguf_write_commit(&w, NULL, NULL);
    rsn_gguf_write_abandon(&w);
    rsn_arena_free(&arena);
    return status;
}
