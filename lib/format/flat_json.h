/* A small JSON file as a flat list: every value with its path, names apart by dots. For
 * configurations and lists of shards; vocabularies are read by the pull parser. */
#ifndef REASON_FORMAT_FLAT_JSON_H
#define REASON_FORMAT_FLAT_JSON_H

#include "base/arena.h"
#include "base/file.h"
#include "base/str.h"

enum {
    RSN_FLAT_MAX_BYTES = 16 << 20, /* of a file */
    RSN_FLAT_MAX_VALUES = 131072,  /* list items too */
};

typedef enum rsn_flat_kind {
    RSN_FLAT_NULL,
    RSN_FLAT_BOOL,
    RSN_FLAT_INT,
    RSN_FLAT_FLOAT,
    RSN_FLAT_TEXT,
    RSN_FLAT_LIST, /* its items follow, each with the list's path */
    RSN_FLAT_OTHER /* a list that holds objects or lists, which are left out */
} rsn_flat_kind;

typedef struct rsn_flat_value {
    rsn_text path; /* NUL-terminated as well */
    rsn_flat_kind kind;
    bool item;     /* of the list before */
    size_t n;      /* items of a list */
    int64_t i;     /* BOOL, INT */
    double f;      /* INT, FLOAT */
    rsn_text text; /* TEXT; NUL-terminated as well */
} rsn_flat_value;

typedef struct rsn_flat {
    const char *path; /* of the file */
    rsn_flat_value *items;
    size_t n;
} rsn_flat;

/* Reads a file whose top is an object; of equal paths the first counts. FORMAT, LIMIT, IO,
 * NO_MEMORY; sentences begin with the file's path. */
reason_status rsn_flat_read(const char *path, rsn_arena *arena, rsn_flat *flat);
/* The same where the file may be missing: it is an empty list then. */
reason_status rsn_flat_read_if_there(const char *path, rsn_arena *arena, rsn_flat *flat);

/* NULL: absent, or null. */
const rsn_flat_value *rsn_flat_find(const rsn_flat *flat, const char *path);

/* Typed reads as rsn_gguf_int() and its kin: absent and null leave *out alone; another
 * type or range is FORMAT with file, path, what was found and what is allowed. */
reason_status rsn_flat_int(const rsn_flat *flat, const char *path, int64_t min,
                           int64_t max, int64_t *out);
reason_status rsn_flat_float(const rsn_flat *flat, const char *path, double min,
                             double max, double *out);
reason_status rsn_flat_bool(const rsn_flat *flat, const char *path, bool *out);
reason_status rsn_flat_text(const rsn_flat *flat, const char *path, rsn_text *out);
/* Items of a list of one kind: TEXT, INT, or FLOAT, which whole numbers are too. */
reason_status rsn_flat_list(const rsn_flat *flat, const char *path, rsn_flat_kind item,
                            const rsn_flat_value **items, size_t *n);

#endif
