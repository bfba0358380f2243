/*
 * Owns records of what is finished. What a line says is left to the commands. Invariant: a
 * record is only ever gone on with by what wrote it, for everything that changes a result
 * is in its header; and a line counts only if its end is there.
 */
#include "record.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "input.h"

/* Digits that bring a double back exactly. */
enum { EXACT_DIGITS = 17 };

/* --- headers ------------------------------------------------------------------------- */

static json_t *text_json(const char *text) {
    return text ? rsn_cli_json_text(text, strlen(text)) : json_null();
}

static json_t *value_json(const struct rsn_cli_option *row, const void *target) {
    const struct rsn_cli_list *list = target;
    json_t *all;
    switch (row->kind) {
    case RSN_CLI_FLAG: return json_boolean(*(const bool *)target);
    case RSN_CLI_INT: return json_integer(*(const int32_t *)target);
    case RSN_CLI_UINT64: return json_integer((json_int_t)*(const uint64_t *)target);
    case RSN_CLI_FLOAT: return json_real((double)*(const float *)target);
    case RSN_CLI_CHOICE: return json_integer(*(const int *)target);
    case RSN_CLI_TEXT: return text_json(*(const char *const *)target);
    case RSN_CLI_LIST:
        all = json_array();
        for (size_t i = 0; i < list->n_items; i++)
            if (json_array_append_new(all, text_json(list->items[i])) != 0) break;
        return all;
    }
    return NULL;
}

void rsn_cli_record_rows(struct rsn_cli_object *header,
                         const struct rsn_cli_group *group) {
    for (size_t i = 0; i < group->n_rows; i++) {
        const struct rsn_cli_option *row = &group->rows[i];
        rsn_cli_object_set(header, row->name,
                           value_json(row, (const char *)group->base + row->offset));
    }
}

void rsn_cli_record_model(struct rsn_cli_object *header, const reason_model *model) {
    struct rsn_cli_object file = rsn_cli_object_new();
    const char *path = NULL;
    struct stat about;
    if (reason_model_get_text(model, "path", &path, NULL) != REASON_OK) path = "";
    rsn_cli_object_text(&file, "path", path, strlen(path));
    rsn_cli_object_int(&file, "bytes", stat(path, &about) == 0 ? about.st_size : 0);
    rsn_cli_object_put(header, "model", &file);
}

static int compare_headers(const char *path, const struct rsn_cli_record_kind *kind,
                           const json_t *own, const json_t *found) {
    if (!json_equal(json_object_get(own, kind->mark), json_object_get(found, kind->mark)))
        return rsn_cli_fail("'%s' is no record of %s", path, kind->name);
    for (const struct rsn_cli_record_part *p = kind->parts; p->key; p++)
        if (!json_equal(json_object_get(own, p->key), json_object_get(found, p->key)))
            return rsn_cli_fail("'%s' is the record of %s %s: give another file, or what "
                                "it was made with",
                                path, kind->name, p->other);
    return RSN_CLI_OK;
}

/* --- lines --------------------------------------------------------------------------- */

static bool write_line(FILE *to, struct rsn_cli_object *object) {
    char *text = object->failed
                     ? NULL
                     : json_dumps(object->root, JSON_REAL_PRECISION(EXACT_DIGITS));
    bool ok = text && fputs(text, to) >= 0 && fputc('\n', to) != EOF && fflush(to) == 0;
    free(text);
    return ok;
}

void rsn_cli_record_write(struct rsn_cli_record *record, struct rsn_cli_object *object) {
    if (record->stream && !write_line(record->stream, object)) record->failed = true;
    rsn_cli_object_free(object);
}

static int take_lines(const char *path, const struct rsn_cli_record_kind *kind,
                      const json_t *header, void *user, const char *text,
                      size_t n_bytes) {
    size_t number = 0;
    for (const char *at = text, *end; at < text + n_bytes; at = end + 1) {
        end = memchr(at, '\n', n_bytes - (size_t)(at - text));
        json_t *line = json_loadb(at, (size_t)(end - at), 0, NULL);
        int code = RSN_CLI_OK;
        number++;
        if (number == 1)
            code = compare_headers(path, kind, header, line);
        else if (!kind->take(user, line))
            code = rsn_cli_fail("line %zu of '%s' is no record of %s", number, path,
                                kind->line);
        json_decref(line);
        if (code != RSN_CLI_OK) return code;
    }
    return RSN_CLI_OK;
}

/* --- the file ------------------------------------------------------------------------ */

static int fail_file(const char *path, const char *what) {
    return rsn_cli_fail("cannot %s '%s': %s", what, path, strerror(errno ? errno : EIO));
}

/* Reads whole lines, of *whole bytes; what is behind the last line end was torn off by
 * something and goes, if it can be ours. */
static int read_record(const char *path, const struct rsn_cli_record_kind *kind,
                       const json_t *header, void *user, size_t *whole) {
    struct rsn_cli_buffer text = {0};
    struct stat about;
    if (stat(path, &about) != 0 && errno == ENOENT) return RSN_CLI_OK;
    int code = rsn_cli_read_all(path, RSN_CLI_LIMIT_TEXT, &text);
    if (code != RSN_CLI_OK) return code;
    const char *last = text.data ? memrchr(text.data, '\n', text.n_bytes) : NULL;
    if (last) *whole = (size_t)(last - text.data) + 1;
    if (!last && text.n_bytes > 0 && text.data[0] != '{')
        code = rsn_cli_fail("'%s' is no record of %s", path, kind->name);
    else
        code = take_lines(path, kind, header, user, text.data, *whole);
    if (code == RSN_CLI_OK && *whole < text.n_bytes &&
        truncate(path, (off_t)*whole) != 0)
        code = fail_file(path, "shorten");
    rsn_cli_buffer_free(&text);
    return code;
}

int rsn_cli_record_open(struct rsn_cli_record *record,
                        const struct rsn_cli_record_kind *kind,
                        struct rsn_cli_object *header, void *user) {
    size_t n_found = 0;
    int code = header->failed
                   ? rsn_cli_fail_memory()
                   : read_record(record->path, kind, header->root, user, &n_found);
    if (code == RSN_CLI_OK && !(record->stream = fopen(record->path, "ae")))
        code = fail_file(record->path, "write");
    if (code == RSN_CLI_OK && n_found == 0 && !write_line(record->stream, header))
        code = fail_file(record->path, "write");
    rsn_cli_object_free(header);
    return code;
}

int rsn_cli_record_close(struct rsn_cli_record *record) {
    FILE *stream = record->stream;
    record->stream = NULL;
    if (stream && (fclose(stream) != 0 || record->failed))
        return fail_file(record->path, "write");
    return RSN_CLI_OK;
}
