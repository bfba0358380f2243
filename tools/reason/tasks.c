/*
 * Owns the format of tasks. What is done with them is left to eval.c.
 */
#include "tasks.h"

#include <stdlib.h>
#include <string.h>

#include "json_lines.h"

/* A text, which may be missing or null if it is `optional`. */
static int take_text(const struct rsn_cli_place *at, const json_t *line, const char *field,
                     bool optional, const char **text) {
    const json_t *value = json_object_get(line, field);
    *text = rsn_cli_json_lines_text(value);
    if (*text || (optional && (!value || json_is_null(value)))) return RSN_CLI_OK;
    if (!value) return rsn_cli_json_lines_fail(at, field, "missing");
    return rsn_cli_json_lines_fail(at, field, "no text");
}

static int take_size(const struct rsn_cli_place *at, const json_t *line, int32_t *size) {
    const json_t *value = json_object_get(line, "size");
    if (!value || json_is_null(value)) return RSN_CLI_OK;
    json_int_t n = json_integer_value(value);
    if (!json_is_integer(value) || n < 0 || n > INT32_MAX)
        return rsn_cli_json_lines_fail(at, "size", "no whole number from 0 to 2147483647");
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

struct reader {
    struct rsn_cli_tasks *tasks;
    reason_answer_kind answers;
};

static int take_line(void *user, const struct rsn_cli_place *at, const json_t *line,
                     const char *text, size_t n_bytes) {
    const struct reader *reader = user;
    struct rsn_cli_tasks *tasks = reader->tasks;
    char size[16];
    (void)text;
    (void)n_bytes;
    if (!make_room(tasks)) return rsn_cli_fail_memory();
    reason_task *task = &tasks->items[tasks->n];
    if (reason_task_init(task, sizeof *task) != REASON_OK) return rsn_cli_fail_library();
    int code = take_text(at, line, "question", false, &task->question);
    if (code == RSN_CLI_OK) code = take_text(at, line, "answer", false, &task->answer);
    if (code == RSN_CLI_OK) code = take_text(at, line, "kind", true, &task->kind);
    if (code == RSN_CLI_OK) code = take_size(at, line, &task->task_size);
    if (code != RSN_CLI_OK) return code;
    task->answers = reader->answers;
    snprintf(size, sizeof size, "%d", (int)task->task_size);
    add_hash(tasks, task->question);
    add_hash(tasks, task->answer);
    add_hash(tasks, task->kind);
    add_hash(tasks, size);
    tasks->n++;
    return RSN_CLI_OK;
}

int rsn_cli_tasks_read(const char *path, size_t limit, reason_answer_kind answers,
                       struct rsn_cli_tasks *tasks) {
    struct reader reader = {tasks, answers};
    *tasks = (struct rsn_cli_tasks){.lines = json_array(),
                                    .hash = UINT64_C(0xCBF29CE484222325)};
    if (!tasks->lines) return rsn_cli_fail_memory();
    int code =
        rsn_cli_json_lines_read(path, limit, "task", tasks->lines, take_line, &reader);
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
