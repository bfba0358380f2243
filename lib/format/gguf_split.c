/* Opens a model's file or, if it was split, all of its parts as one plan. Owns the names
 * of parts and what parts must agree on; each header is gguf_read.c's. Invariant: the
 * name of a file is made of the path that was given and of nothing that is in a file. */
#include "format/gguf.h"

#include <stdio.h>
#include <string.h>

/* How names of parts end. */
#define PART_SUFFIX "-%05u-of-%05u.gguf"
enum { SUFFIX_BYTES = sizeof "-00001-of-00003.gguf" - 1, DIGITS = 5 };

typedef struct split {
    int64_t no, count, tensors; /* split.no, split.count, split.tensors.count */
} split;

/* The tensors of one part, copied from its plan. */
typedef struct piece {
    rsn_gguf_tensor *tensors;
    size_t n;
} piece;

typedef struct joiner {
    const char *path;
    bool i2_s_b;
    size_t stem; /* bytes of the path before the suffix */
    rsn_gguf *g;
    rsn_gguf_files *files;
    split claim;   /* of the first part */
    piece *pieces; /* [claim.count] */
    size_t n_tensors;
} joiner;

/* --- names -------------------------------------------------------------------------- */

static bool take_word(const char **at, const char *word) {
    size_t n = strlen(word);
    bool there = strncmp(*at, word, n) == 0;
    *at += there ? n : 0;
    return there;
}

static bool take_digits(const char **at, int64_t *out) {
    *out = 0;
    for (int i = 0; i < DIGITS; i++, ++*at) {
        if (**at < '0' || **at > '9')
            return false;
        *out = 10 * *out + (**at - '0');
    }
    return true;
}

/* Takes "NAME-00002-of-00003.gguf" apart: 2 and 3. */
static bool read_name(const char *path, size_t *stem, int64_t *number, int64_t *count) {
    size_t n = strlen(path);
    if (n < SUFFIX_BYTES)
        return false;
    *stem = n - SUFFIX_BYTES;
    const char *at = path + *stem;
    return take_word(&at, "-") && take_digits(&at, number) && take_word(&at, "-of-") &&
           take_digits(&at, count) && take_word(&at, ".gguf");
}

/* The path of part `number`, counted from 1; in the arena, NULL without memory. */
static const char *make_name(rsn_arena *arena, const char *path, size_t stem,
                             unsigned number, unsigned count) {
    char *name = rsn_arena_alloc(arena, stem + SUFFIX_BYTES + 1);
    if (!name)
        return NULL;
    memcpy(name, path, stem);
    (void)snprintf(name + stem, SUFFIX_BYTES + 1, PART_SUFFIX, number % 100000u,
                   count % 100000u);
    return name;
}

/* --- what parts say ----------------------------------------------------------------- */

/* A key that every part must have. */
static reason_status read_key(const rsn_gguf *g, const char *key, int64_t max,
                              int64_t *out) {
    *out = -1;
    reason_status status = rsn_gguf_int(g, key, 0, max, out);
    if (status == REASON_OK && *out < 0)
        status = rsn_fail(REASON_ERR_FORMAT, "key %s is missing in a part of a model",
                          key);
    return status;
}

static reason_status read_split(const rsn_gguf *g, split *s) {
    reason_status status = read_key(g, "split.count", UINT16_MAX, &s->count);
    if (status == REASON_OK)
        status = read_key(g, "split.no", UINT16_MAX, &s->no);
    if (status == REASON_OK)
        status = read_key(g, "split.tensors.count", INT32_MAX, &s->tensors);
    return status;
}

/* The name and the keys of the file that was given: part 1 of as many. */
static reason_status check_first(joiner *j) {
    int64_t number = 0, count = 0;
    const split *s = &j->claim;
    if (!read_name(j->path, &j->stem, &number, &count))
        return rsn_fail(REASON_ERR_FORMAT,
                        "key split.count is %lld, but the name does not end with "
                        "-00001-of-%05lld.gguf, by which the other parts are found",
                        (long long)s->count, (long long)s->count);
    if (count != s->count)
        return rsn_fail(REASON_ERR_FORMAT,
                        "key split.count is %lld, but the name says %lld parts",
                        (long long)s->count, (long long)count);
    if (number != s->no + 1)
        return rsn_fail(REASON_ERR_FORMAT,
                        "key split.no is %lld, but the name says part %lld: split.no "
                        "counts from 0, %lld expected",
                        (long long)s->no, (long long)number, (long long)number - 1);
    if (s->no != 0) {
        const char *first =
            make_name(&j->g->arena, j->path, j->stem, 1, (unsigned)s->count);
        return first ? rsn_fail(REASON_ERR_INVALID_ARG,
                                "is part %lld of %lld; open the first, %s, which opens "
                                "all of them",
                                (long long)number, (long long)count, first)
                     : REASON_ERR_NO_MEMORY;
    }
    if (s->count > RSN_GGUF_MAX_PARTS)
        return rsn_fail(REASON_ERR_LIMIT, "key split.count is %lld, at most %d are read",
                        (long long)s->count, RSN_GGUF_MAX_PARTS);
    if (s->tensors > RSN_GGUF_MAX_RECORDS)
        return rsn_fail(REASON_ERR_LIMIT,
                        "key split.tensors.count is %lld, at most %d are read",
                        (long long)s->tensors, RSN_GGUF_MAX_RECORDS);
    return REASON_OK;
}

static reason_status compare_key(const char *key, int64_t found, int64_t wanted) {
    if (found == wanted)
        return REASON_OK;
    return rsn_fail(REASON_ERR_FORMAT, "key %s is %lld, %lld expected in this part", key,
                    (long long)found, (long long)wanted);
}

/* Metadata counts in the first part; another one that has an architecture must not have
 * another. */
static reason_status compare_architecture(const rsn_gguf *first, const rsn_gguf *part) {
    static const char key[] = "general.architecture";
    rsn_text a = {0}, b = {0};
    reason_status status = rsn_gguf_string(part, key, &b);
    if (status != REASON_OK || !b.data)
        return status;
    if (rsn_gguf_string(first, key, &a) == REASON_OK && a.data &&
        rsn_gguf_compare(&a, &b) == 0)
        return REASON_OK;
    return rsn_fail(REASON_ERR_FORMAT,
                    "key %s is %s, the first part has %s; only the first needs it", key,
                    rsn_quote(b.data, b.n).text,
                    a.data ? rsn_quote(a.data, a.n).text : "none");
}

/* Part i, counted from 0, against the first. */
static reason_status check_part(const joiner *j, const rsn_gguf *part, size_t i) {
    split s = {0};
    reason_status status = read_split(part, &s);
    if (status == REASON_OK)
        status = compare_key("split.no", s.no, (int64_t)i);
    if (status == REASON_OK)
        status = compare_key("split.count", s.count, j->claim.count);
    if (status == REASON_OK)
        status = compare_key("split.tensors.count", s.tensors, j->claim.tensors);
    if (status == REASON_OK)
        status = compare_architecture(j->g, part);
    return status;
}

/* --- joining ------------------------------------------------------------------------ */

/* Takes over the tensors of part i, so that its plan can be freed. */
static reason_status keep_tensors(joiner *j, const rsn_gguf *part, size_t i) {
    rsn_arena *arena = &j->g->arena;
    piece *p = &j->pieces[i];
    if (part->n_tensors > (size_t)j->claim.tensors - j->n_tensors)
        return rsn_fail(REASON_ERR_FORMAT,
                        "key split.tensors.count is %lld, the parts up to this one have "
                        "%zu tensors",
                        (long long)j->claim.tensors, j->n_tensors + part->n_tensors);
    p->n = part->n_tensors;
    p->tensors = rsn_arena_calloc2(arena, p->n, sizeof *p->tensors);
    if (!p->tensors)
        return REASON_ERR_NO_MEMORY;
    j->n_tensors += p->n;
    for (size_t t = 0; t < p->n; t++) {
        p->tensors[t] = part->tensors[t];
        p->tensors[t].part = (uint32_t)i;
        p->tensors[t].name.data = rsn_arena_strndup(arena, part->tensors[t].name.data,
                                                    part->tensors[t].name.n);
        if (!p->tensors[t].name.data)
            return REASON_ERR_NO_MEMORY;
    }
    return REASON_OK;
}

static reason_status add_part(joiner *j, size_t i) {
    rsn_gguf part = {0};
    rsn_gguf_part *place = &j->g->parts[i];
    place->path = make_name(&j->g->arena, j->path, j->stem, (unsigned)i + 1,
                            (unsigned)j->claim.count);
    if (!place->path)
        return REASON_ERR_NO_MEMORY;
    reason_status status = rsn_file_open(place->path, &j->files->list[i]);
    if (status == REASON_OK)
        status = rsn_gguf_open(&j->files->list[i], place->path, j->i2_s_b, &part);
    if (status != REASON_OK)
        return status; /* the sentence names the part already */
    if ((status = check_part(j, &part, i)) == REASON_OK)
        status = keep_tensors(j, &part, i);
    place->data_start = part.parts[0].data_start;
    place->data_end = part.parts[0].data_end;
    rsn_gguf_free(&part);
    if (status == REASON_OK || status == REASON_ERR_NO_MEMORY)
        return status;
    return rsn_fail_within(status, place->path);
}

/* Room for the other parts, after the first. */
static reason_status make_room(joiner *j) {
    size_t n = (size_t)j->claim.count;
    rsn_gguf_part *parts = rsn_arena_calloc2(&j->g->arena, n, sizeof *parts);
    rsn_file *list = rsn_resize2(j->files->list, n, sizeof *list);
    j->pieces = rsn_arena_calloc2(&j->g->arena, n, sizeof *j->pieces);
    if (list) {
        j->files->list = list;
        j->files->n = n;
        for (size_t i = 1; i < n; i++)
            list[i] = (rsn_file){-1, 0};
    }
    if (!parts || !list || !j->pieces)
        return REASON_ERR_NO_MEMORY;
    parts[0] = j->g->parts[0];
    j->g->parts = parts;
    j->g->n_parts = n;
    return keep_tensors(j, j->g, 0);
}

/* One list of the tensors of all parts. */
static reason_status join_tensors(joiner *j) {
    rsn_gguf *g = j->g;
    if ((int64_t)j->n_tensors != j->claim.tensors)
        return rsn_fail(REASON_ERR_FORMAT,
                        "key split.tensors.count is %lld, the %zu parts have %zu tensors",
                        (long long)j->claim.tensors, g->n_parts, j->n_tensors);
    rsn_gguf_tensor *all =
        rsn_arena_calloc2(&g->arena, j->n_tensors, sizeof *all);
    if (!all)
        return REASON_ERR_NO_MEMORY;
    g->tensors = all;
    g->n_tensors = j->n_tensors;
    for (size_t i = 0; i < g->n_parts; all += j->pieces[i++].n)
        if (j->pieces[i].n > 0)
            memcpy(all, j->pieces[i].tensors, j->pieces[i].n * sizeof *all);
    size_t same;
    g->tensor_order = rsn_gguf_sort(&g->arena, &g->tensors[0].name, sizeof *g->tensors,
                                    g->n_tensors, &same);
    if (!g->tensor_order)
        return REASON_ERR_NO_MEMORY;
    if (same == 0)
        return REASON_OK;
    const rsn_gguf_tensor *a = (const void *)g->tensor_order[same - 1];
    const rsn_gguf_tensor *b = (const void *)g->tensor_order[same];
    return rsn_fail(REASON_ERR_FORMAT, "tensor %s is in %s and in %s",
                    rsn_quote(a->name.data, a->name.n).text, g->parts[a->part].path,
                    g->parts[b->part].path);
}

static reason_status tell(rsn_gguf_watch_fn watch, void *user, size_t done, size_t n) {
    return watch ? watch(user, done, n) : REASON_OK;
}

static reason_status open_others(joiner *j, rsn_gguf_watch_fn watch, void *user) {
    reason_status status = read_split(j->g, &j->claim);
    if (status == REASON_OK)
        status = check_first(j);
    if (status == REASON_OK)
        status = make_room(j);
    if (status != REASON_OK)
        return status == REASON_ERR_NO_MEMORY ? status : rsn_fail_within(status, j->path);
    if ((status = tell(watch, user, 1, j->g->n_parts)) != REASON_OK)
        return status;
    for (size_t i = 1; i < j->g->n_parts; i++)
        if ((status = add_part(j, i)) != REASON_OK ||
            (status = tell(watch, user, i + 1, j->g->n_parts)) != REASON_OK)
            return status;
    status = join_tensors(j);
    return status == REASON_ERR_FORMAT ? rsn_fail_within(status, j->path) : status;
}

reason_status rsn_gguf_open_all(const char *path, bool i2_s_b, rsn_gguf_watch_fn watch,
                                void *user, rsn_gguf *g, rsn_gguf_files *files) {
    int64_t count = 0;
    joiner j = {.path = path, .i2_s_b = i2_s_b, .g = g, .files = files};
    memset(g, 0, sizeof *g);
    *files = (rsn_gguf_files){.list = rsn_alloc2(1, sizeof *files->list)};
    if (!files->list)
        return REASON_ERR_NO_MEMORY;
    reason_status status = rsn_file_open(path, &files->list[0]);
    if (status == REASON_OK) {
        files->n = 1;
        status = rsn_gguf_open(&files->list[0], path, i2_s_b, g);
    }
    if (status == REASON_OK &&
        (status = rsn_gguf_int(g, "split.count", 0, UINT16_MAX, &count)) != REASON_OK)
        rsn_fail_within(status, path);
    if (status == REASON_OK)
        status = count > 1 ? open_others(&j, watch, user) : tell(watch, user, 1, 1);
    if (status != REASON_OK) {
        rsn_gguf_free(g);
        rsn_gguf_files_close(files);
    }
    return status;
}

void rsn_gguf_files_close(rsn_gguf_files *files) {
    for (size_t i = 0; i < files->n; i++)
        rsn_file_close(&files->list[i]);
    rsn_free(files->list);
    *files = (rsn_gguf_files){0};
}
