/* Owns the walk over the objects of a JSON file and the sentences about values of the
 * wrong kind. What fields mean is their readers'. Invariant: after a reader returned OK
 * the value is read whole; nothing recurses but tables within tables. */
#include "format/hf_json.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>



enum { MAX_ID = 1 << 30 };

reason_status rsn_hf_json_fail(const rsn_json *j, const char *needed) {
    return rsn_fail(REASON_ERR_FORMAT, "JSON: the value that ends at byte %zu is no %s",
                    j->at, needed);
}

reason_status rsn_hf_json_object(rsn_json *j, rsn_json_kind kind,
                                 const rsn_hf_field *fields, size_t n, void *user) {
    if (kind != RSN_JSON_OBJECT_BEGIN)
        return rsn_hf_json_fail(j, "object");
    reason_status status = REASON_OK;
    while (status == REASON_OK &&
           (kind = rsn_json_next(j, &status)) == RSN_JSON_KEY) {
        const rsn_hf_field *field = NULL;
        for (size_t i = 0; i < n && !field; i++)
            if (!fields[i].name ||
                (strlen(fields[i].name) == j->text.n &&
                 memcmp(fields[i].name, rsn_str_text(&j->text), j->text.n) == 0))
                field = &fields[i];
        if (field && field->name)
            kind = rsn_json_next(j, &status);
        if (status == REASON_OK)
            status = field ? field->read(user, j, kind) : rsn_json_skip(j, kind);
    }
    return status;
}

reason_status rsn_hf_json_array(rsn_json *j, rsn_json_kind kind, rsn_hf_read_fn read,
                                void *user) {
    if (kind != RSN_JSON_ARRAY_BEGIN)
        return rsn_hf_json_fail(j, "array");
    reason_status status = REASON_OK;
    while (status == REASON_OK) {
        kind = rsn_json_next(j, &status);
        if (status != REASON_OK || kind == RSN_JSON_ARRAY_END)
            break;
        status = read(user, j, kind);
    }
    return status;
}

reason_status rsn_hf_json_text(const char *text, size_t n_text,
                               const rsn_hf_field *fields, size_t n, void *user) {
    rsn_json j;
    rsn_json_init(&j, text, n_text);
    reason_status status;
    rsn_json_kind kind = rsn_json_next(&j, &status);
    if (status == REASON_OK)
        status = rsn_hf_json_object(&j, kind, fields, n, user);
    if (status == REASON_OK)
        (void)rsn_json_next(&j, &status); /* nothing may follow */
    rsn_json_free(&j);
    return status;
}

reason_status rsn_hf_path(const char *folder, const char *name, char **path) {
    size_t n = strlen(folder), m = strlen(name);
    *path = rsn_alloc(n + m + 2);
    if (!*path)
        return REASON_ERR_NO_MEMORY;
    memcpy(*path, folder, n);
    (*path)[n] = '/';
    memcpy(*path + n + 1, name, m + 1);
    return REASON_OK;
}

reason_status rsn_hf_has(const char *folder, const char *name, bool *found) {
    char *path = NULL;
    struct stat info;
    reason_status status = rsn_hf_path(folder, name, &path);
    *found = status == REASON_OK && stat(path, &info) == 0;
    rsn_free(path);
    return status;
}

reason_status rsn_hf_load(const char *folder, const char *name, rsn_blob *blob) {
    char *path = NULL;
    rsn_file file;
    *blob = (rsn_blob){0};
    reason_status status = rsn_hf_path(folder, name, &path);
    if (status == REASON_OK)
        status = rsn_file_open(path, &file); /* its sentences have the path */
    if (status == REASON_OK) {
        size_t size = (size_t)file.size;
        status = file.size > SIZE_MAX / 2
                     ? rsn_fail(REASON_ERR_LIMIT, "a file of %llu bytes",
                                (unsigned long long)file.size)
                     : rsn_blob_load(&file, 0, size, true, NULL, blob);
        rsn_file_close(&file);
        if (status != REASON_OK && status != REASON_ERR_NO_MEMORY)
            rsn_fail_within(status, path);
    }
    rsn_free(path);
    return status;
}

reason_status rsn_hf_json_file(const char *folder, const char *name, bool *found,
                               const rsn_hf_field *fields, size_t n, void *user) {
    reason_status status = found ? rsn_hf_has(folder, name, found) : REASON_OK;
    if (status != REASON_OK || (found && !*found))
        return status;
    rsn_blob blob;
    status = rsn_hf_load(folder, name, &blob);
    if (status != REASON_OK)
        return status;
    status = rsn_hf_json_text((const char *)blob.data, blob.size, fields, n, user);
    rsn_blob_free(&blob);
    return status && status != REASON_ERR_NO_MEMORY ? rsn_fail_within(status, name)
                                                    : status;
}

reason_status rsn_hf_json_string(rsn_json *j, rsn_json_kind kind, rsn_arena *arena,
                                 rsn_text *out) {
    if (kind == RSN_JSON_NULL)
        return REASON_OK;
    if (kind != RSN_JSON_STRING)
        return rsn_hf_json_fail(j, "string");
    const char *copy = rsn_arena_strndup(arena, rsn_str_text(&j->text), j->text.n);
    if (!copy)
        return REASON_ERR_NO_MEMORY;
    *out = (rsn_text){copy, j->text.n};
    return REASON_OK;
}

reason_status rsn_hf_json_bool(rsn_json *j, rsn_json_kind kind, bool *out) {
    if (kind == RSN_JSON_NULL)
        return REASON_OK;
    if (kind != RSN_JSON_TRUE && kind != RSN_JSON_FALSE)
        return rsn_hf_json_fail(j, "boolean");
    *out = kind == RSN_JSON_TRUE;
    return REASON_OK;
}

reason_status rsn_hf_json_id(rsn_json *j, rsn_json_kind kind, int64_t *out) {
    if (kind == RSN_JSON_NULL)
        return REASON_OK;
    if (kind != RSN_JSON_INT)
        return rsn_hf_json_fail(j, "token id");
    if (j->integer < 0 || j->integer > MAX_ID)
        return rsn_fail(REASON_ERR_FORMAT,
                        "JSON: byte %zu: token id %lld; allowed are 0 to %d", j->at,
                        (long long)j->integer, MAX_ID);
    *out = j->integer;
    return REASON_OK;
}
