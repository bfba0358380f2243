/*
 * Owns the format of tasks. What is done with them is left to eval.c. Invariant: a line
 * that is not what it should be stops everything, so that no figure is of fewer tasks
 * than the file has.
 */
#include "tasks.h"

#include <stdlib.h>
#include <string.h>

#include "input.h"

/* Where a line comes from, for a sentence about it. */
struct place {
    const char *path;
    size_t line;
};

static int fail_field(const struct place *at, const char *field, const char *expected) {
    return rsn_cli_fail("line %zu of '%s': \"%s\" is %s", at->line, at->path, field,
                        expected);
}

/* A text, which may be missing or null if it is `optional`. */
static int take_text(const struct place *at, const json_t *line, const char *field,
                     bool optional, const char **text) {
    const json_t *value = json_object_get(line, field);
    *text = json_string_value(value);
    if (*text || (optional && (!value || json_is_null(value)))) return RSN_CLI_OK;
    if (!value) return fail_field(at, field, "missing");
    return fail_field(at, field, "no text");
}

static int take_size(const struct place *at, const json_t *line, int32_t *size) {
    const json_t *value = json_object_get(line, "size");
    if (!value || json_is_null(value)) return RSN_CLI_OK;
    json_int_t n = json_integer_value(value);
    if (!json_is_integer(value) || n < 0 || n > INT32_MAX)
        return fail_field(at, "size", "no whole number from 0 to 2147483647");
    *size = (int32_t)n;
    return RSN_CLI_OK;
}

/* FNV-1a, with a byte between two texts that is in none. */
static void add_hash(struct rsn_cli_tasks *tasks, const char *text) {
    for (const char *p = text ? text : ""; *p; p++)
        tasks->hash = (tasks->hash ^ (unsigned char)*p) * UINT64_C(0x100000001B3);
    tasks->hash = (tasks->hash ^ 0xff) * UINT64_C(0x100000001B3);
}

static bool make_room(struct rsn_cli_tasks *tasks) {
    if (tasks->n < tasks->cap) return true;
    size_t cap = tasks->cap ? 2 * tasks->cap : 256;
    reason_task *items = realloc(tasks->items, cap * sizeof *items);
    if (!items) return false;
    tasks->items = items;
    tasks->cap = cap;
    return true;
}

static int add_task(const struct place *at, const json_t *line,
                    reason_answer_kind answers, struct rsn_cli_tasks *tasks) {
    char size[16];
    if (!make_room(tasks)) return rsn_cli_fail_memory();
    reason_task *task = &tasks->items[tasks->n];
    if (reason_task_init(task, sizeof *task) != REASON_OK) return rsn_cli_fail_library();
    int code = take_text(at, line, "question", false, &task->question);
    if (code == RSN_CLI_OK) code = take_text(at, line, "answer", false, &task->answer);
    if (code == RSN_CLI_OK) code = take_text(at, line, "kind", true, &task->kind);
    if (code == RSN_CLI_OK) code = take_size(at, line, &task->task_size);
    if (code != RSN_CLI_OK) return code;
    task->answers = answers;
    snprintf(size, sizeof size, "%d", (int)task->task_size);
    add_hash(tasks, task->question);
    add_hash(tasks, task->answer);
    add_hash(tasks, task->kind);
    add_hash(tasks, size);
    tasks->n++;
    return RSN_CLI_OK;
}

static int add_line(const struct place *at, const char *text, size_t n_bytes,
                    reason_answer_kind answers, struct rsn_cli_tasks *tasks) {
    json_error_t error;
    json_t *line = json_loadb(text, n_bytes, JSON_REJECT_DUPLICATES, &error);
    if (!json_is_object(line)) {
        const char *why = line ? "it is another value" : error.text;
        rsn_cli_fail("line %zu of '%s' is no JSON object: %s", at->line, at->path, why);
        json_decref(line);
        return RSN_CLI_FAILED;
    }
    if (json_array_append_new(tasks->lines, line) != 0) return rsn_cli_fail_memory();
    return add_task(at, line, answers, tasks);
}

static bool is_blank(const char *text, size_t n_bytes) {
    for (size_t i = 0; i < n_bytes; i++)
        if (!memchr(" \t\r", text[i], 3)) return false;
    return true;
}

static int add_lines(const char *path, const struct rsn_cli_buffer *text, size_t limit,
                     reason_answer_kind answers, struct rsn_cli_tasks *tasks) {
    struct place at = {strcmp(path, "-") == 0 ? "standard input" : path, 0};
    for (size_t from = 0; from < text->n_bytes && (limit == 0 || tasks->n < limit);) {
        const char *line = text->data + from;
        const char *end = memchr(line, '\n', text->n_bytes - from);
        size_t n = end ? (size_t)(end - line) : text->n_bytes - from;
        at.line++;
        from += n + 1;
        if (is_blank(line, n)) continue;
        int code = add_line(&at, line, n, answers, tasks);
        if (code != RSN_CLI_OK) return code;
    }
    return tasks->n > 0 ? RSN_CLI_OK : rsn_cli_fail("'%s' has no task", at.path);
}

int rsn_cli_tasks_read(const char *path, size_t limit, reason_answer_kind answers,
                       struct rsn_cli_tasks *tasks) {
    struct rsn_cli_buffer text = {0};
    *tasks = (struct rsn_cli_tasks){.lines = json_array(),
                                    .hash = UINT64_C(0xCBF29CE484222325)};
    if (!tasks->lines) return rsn_cli_fail_memory();
    int code = rsn_cli_read_all(path, RSN_CLI_LIMIT_TEXT, &text);
    if (code == RSN_CLI_OK) code = add_lines(path, &text, limit, answers, tasks);
    rsn_cli_buffer_free(&text);
    if (code != RSN_CLI_OK) return code;
    tasks->list = calloc(tasks->n, sizeof *tasks->list);
    if (!tasks->list) return rsn_cli_fail_memory();
    for (size_t i = 0; i < tasks->n; i++) tasks->list[i] = &tasks->items[i];
    return RSN_CLI_OK;
}

void rsn_cli_tasks_free(struct rsn_cli_tasks *tasks) {
    json_decref(tasks->lines);
    free(tasks->items);
    free(tasks->list);
    *tasks = (struct rsn_cli_tasks){0};
}
