/*
 * Owns the file in which `reason eval` keeps what is finished: a header that says of
 * what, then a line for each task and setting. Invariant: a record is only ever gone on
 * with by what wrote it, for everything that changes a result is in its header; and a
 * line counts only if its end is there.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "eval.h"
#include "input.h"
#include "json_out.h"

/* Digits that bring a double back exactly. */
enum { EXACT_DIGITS = 17 };

/* --- the header ---------------------------------------------------------------------- */

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
    case RSN_CLI_TEXT:
        return text_json(*(const char *const *)target);
    case RSN_CLI_LIST:
        all = json_array();
        for (size_t i = 0; i < list->n_items; i++)
            if (json_array_append_new(all, text_json(list->items[i])) != 0) break;
        return all;
    }
    return NULL;
}

/* Every value of a table of options, so that a new row is part of the header at once. */
static void put_rows(struct rsn_cli_object *object, const struct rsn_cli_group *group) {
    for (size_t i = 0; i < group->n_rows; i++) {
        const struct rsn_cli_option *row = &group->rows[i];
        rsn_cli_object_set(object, row->name,
                           value_json(row, (const char *)group->base + row->offset));
    }
}

static json_t *settings_json(const struct rsn_cli_eval *eval) {
    json_t *list = json_array();
    for (size_t i = 0; i < eval->n_settings; i++) {
        struct rsn_cli_setting *s = &eval->settings[i];
        const struct rsn_cli_group thinking = RSN_CLI_THINKING_GROUP(&s->generation);
        const struct rsn_cli_group sampling = RSN_CLI_SAMPLING_GROUP(&s->generation);
        struct rsn_cli_object one = rsn_cli_object_new();
        put_rows(&one, &thinking);
        put_rows(&one, &sampling);
        if (one.failed || json_array_append(list, one.root) != 0) {
            json_decref(list);
            list = NULL;
        }
        rsn_cli_object_free(&one);
    }
    return list;
}

static struct rsn_cli_object make_header(struct rsn_cli_eval *eval,
                                         const reason_model *model) {
    const struct rsn_cli_group session = RSN_CLI_SESSION_GROUP(&eval->model);
    struct rsn_cli_object header = rsn_cli_object_new(), tasks = rsn_cli_object_new(),
                          file = rsn_cli_object_new(), how = rsn_cli_object_new();
    const char *path = NULL;
    struct stat about;
    char hash[24];
    snprintf(hash, sizeof hash, "%016llx", (unsigned long long)eval->tasks.hash);
    rsn_cli_object_text(&tasks, "hash", hash, strlen(hash));
    rsn_cli_object_int(&tasks, "n", (int64_t)eval->tasks.n);
    rsn_cli_object_int(&tasks, "answers", eval->own.answers);
    if (reason_model_get_text(model, "path", &path, NULL) != REASON_OK) path = "";
    rsn_cli_object_text(&file, "path", path, strlen(path));
    rsn_cli_object_int(&file, "bytes", stat(path, &about) == 0 ? about.st_size : 0);
    put_rows(&how, &session);
    rsn_cli_object_int(&how, "samples", eval->own.n_samples);
    rsn_cli_object_bool(&how, "hybrid", eval->own.hybrid);
    rsn_cli_object_set(&how, "each", settings_json(eval));
    rsn_cli_object_int(&header, "reason_eval", 1);
    rsn_cli_object_put(&header, "tasks", &tasks);
    rsn_cli_object_put(&header, "model", &file);
    rsn_cli_object_put(&header, "settings", &how);
    return header;
}

static int compare_headers(const struct rsn_cli_eval *eval, const json_t *own,
                           const json_t *found) {
    static const struct {
        const char *key, *other;
    } parts[] = {{"tasks", "of other tasks"},
                 {"model", "of another model"},
                 {"settings", "with other settings"}};
    if (!json_equal(json_object_get(own, "reason_eval"),
                    json_object_get(found, "reason_eval")))
        return rsn_cli_fail("'%s' is no record of an evaluation", eval->own.out);
    for (size_t i = 0; i < RSN_CLI_COUNT(parts); i++)
        if (!json_equal(json_object_get(own, parts[i].key),
                        json_object_get(found, parts[i].key)))
            return rsn_cli_fail("'%s' is the record of an evaluation %s: give another file, "
                                "or what it was made with",
                                eval->own.out, parts[i].other);
    return RSN_CLI_OK;
}

/* --- its lines ----------------------------------------------------------------------- */

static const struct {
    const char *key;
    size_t offset;
} counts[] = {
    {"samples", offsetof(reason_task_result, n_samples)},
    {"right", offsetof(reason_task_result, n_right)},
    {"thought", offsetof(reason_task_result, n_thought)},
    {"thinking_tokens", offsetof(reason_task_result, thinking_tokens)},
    {"answer_tokens", offsetof(reason_task_result, answer_tokens)},
    {"probe_tokens", offsetof(reason_task_result, probe_tokens)},
    {"total_tokens", offsetof(reason_task_result, total_tokens)},
    {"on_right", offsetof(reason_task_result, on_right)},
    {"on_tokens", offsetof(reason_task_result, on_tokens)},
    {"off_right", offsetof(reason_task_result, off_right)},
    {"off_tokens", offsetof(reason_task_result, off_tokens)},
};

/* Writes an object as a line that is on its way to the disk when this returns. */
static bool write_line(FILE *to, struct rsn_cli_object *object) {
    char *text = object->failed ? NULL
                                : json_dumps(object->root,
                                             JSON_REAL_PRECISION(EXACT_DIGITS));
    bool ok = text && fputs(text, to) >= 0 && fputc('\n', to) != EOF && fflush(to) == 0;
    free(text);
    rsn_cli_object_free(object);
    return ok;
}

void rsn_cli_record_add(struct rsn_cli_eval *eval, size_t setting, size_t task) {
    const reason_task_result *r = &eval->settings[setting].results[task];
    struct rsn_cli_object line = rsn_cli_object_new();
    if (!eval->record) {
        rsn_cli_object_free(&line);
        return;
    }
    rsn_cli_object_int(&line, "setting", (int64_t)setting);
    rsn_cli_object_int(&line, "task", (int64_t)task);
    for (size_t i = 0; i < RSN_CLI_COUNT(counts); i++) {
        uint64_t n;
        memcpy(&n, (const char *)r + counts[i].offset, sizeof n);
        rsn_cli_object_int(&line, counts[i].key, (int64_t)n);
    }
    rsn_cli_object_real(&line, "p_think", r->p_think);
    if (!write_line(eval->record, &line)) eval->record_failed = true;
}

/* False: it is no line of this record. */
static bool take_line(struct rsn_cli_eval *eval, const json_t *line) {
    json_int_t setting = json_integer_value(json_object_get(line, "setting"));
    json_int_t task = json_integer_value(json_object_get(line, "task"));
    const json_t *p_think = json_object_get(line, "p_think");
    reason_task_result r = {.size = sizeof r, .p_think = (double)NAN};
    if (setting < 0 || (size_t)setting >= eval->n_settings || task < 0 ||
        (size_t)task >= eval->tasks.n)
        return false;
    for (size_t i = 0; i < RSN_CLI_COUNT(counts); i++) {
        const json_t *value = json_object_get(line, counts[i].key);
        uint64_t n = (uint64_t)json_integer_value(value);
        if (!json_is_integer(value) || json_integer_value(value) < 0) return false;
        memcpy((char *)&r + counts[i].offset, &n, sizeof n);
    }
    if (json_is_real(p_think)) r.p_think = json_real_value(p_think);
    struct rsn_cli_setting *s = &eval->settings[setting];
    s->n_known += !s->known[task];
    s->results[task] = r;
    s->known[task] = &s->results[task];
    return r.n_samples == (uint64_t)eval->own.n_samples;
}

static int take_lines(struct rsn_cli_eval *eval, const json_t *header, const char *text,
                      size_t n_bytes) {
    size_t number = 0;
    for (const char *at = text, *end; at < text + n_bytes; at = end + 1) {
        end = memchr(at, '\n', n_bytes - (size_t)(at - text));
        json_t *line = json_loadb(at, (size_t)(end - at), 0, NULL);
        int code = RSN_CLI_OK;
        number++;
        if (number == 1)
            code = compare_headers(eval, header, line);
        else if (!take_line(eval, line))
            code = rsn_cli_fail("line %zu of '%s' is no record of a task", number,
                                eval->own.out);
        json_decref(line);
        if (code != RSN_CLI_OK) return code;
    }
    return RSN_CLI_OK;
}

/* --- the file ------------------------------------------------------------------------ */

static int fail_file(const struct rsn_cli_eval *eval, const char *what) {
    return rsn_cli_fail("cannot %s '%s': %s", what, eval->own.out,
                        strerror(errno ? errno : EIO));
}

/* Reads whole lines, of *whole bytes; what is behind the last line end was torn off by
 * something and goes, if it can be ours. */
static int read_record(struct rsn_cli_eval *eval, const json_t *header, size_t *whole) {
    struct rsn_cli_buffer text = {0};
    struct stat about;
    if (stat(eval->own.out, &about) != 0 && errno == ENOENT) return RSN_CLI_OK;
    int code = rsn_cli_read_all(eval->own.out, RSN_CLI_LIMIT_TEXT, &text);
    if (code != RSN_CLI_OK) return code;
    const char *last = text.data ? memrchr(text.data, '\n', text.n_bytes) : NULL;
    if (last) *whole = (size_t)(last - text.data) + 1;
    if (!last && text.n_bytes > 0 && text.data[0] != '{')
        code = rsn_cli_fail("'%s' is no record of an evaluation", eval->own.out);
    else
        code = take_lines(eval, header, text.data, *whole);
    if (code == RSN_CLI_OK && *whole < text.n_bytes &&
        truncate(eval->own.out, (off_t)*whole) != 0)
        code = fail_file(eval, "shorten");
    rsn_cli_buffer_free(&text);
    return code;
}

int rsn_cli_record_open(struct rsn_cli_eval *eval, const reason_model *model) {
    if (!eval->own.out) return RSN_CLI_OK;
    struct rsn_cli_object header = make_header(eval, model);
    size_t n_found = 0;
    int code = header.failed ? rsn_cli_fail_memory()
                             : read_record(eval, header.root, &n_found);
    if (code == RSN_CLI_OK && !(eval->record = fopen(eval->own.out, "ae")))
        code = fail_file(eval, "write");
    if (code == RSN_CLI_OK && n_found == 0 && !write_line(eval->record, &header))
        code = fail_file(eval, "write");
    rsn_cli_object_free(&header);
    return code;
}

int rsn_cli_record_close(struct rsn_cli_eval *eval) {
    FILE *record = eval->record;
    eval->record = NULL;
    if (record && (fclose(record) != 0 || eval->record_failed))
        return fail_file(eval, "write");
    return RSN_CLI_OK;
}
