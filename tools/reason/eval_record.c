/*
 * Owns what `reason eval` keeps of what is finished: what its record says it is of, and a
 * line for each task and setting. Left to record.c: the file. Invariant: everything that
 * changes a result is in the header.
 */
#include <math.h>
#include <string.h>

#include "eval.h"
#include "json_out.h"

/* --- the header ---------------------------------------------------------------------- */

static json_t *settings_json(const struct rsn_cli_eval *eval) {
    json_t *list = json_array();
    for (size_t i = 0; i < eval->n_settings; i++) {
        struct rsn_cli_setting *s = &eval->settings[i];
        const struct rsn_cli_group thinking = RSN_CLI_THINKING_GROUP(&s->generation);
        const struct rsn_cli_group sampling = RSN_CLI_SAMPLING_GROUP(&s->generation);
        struct rsn_cli_object one = rsn_cli_object_new();
        rsn_cli_record_rows(&one, &thinking);
        rsn_cli_record_rows(&one, &sampling);
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
    const struct rsn_cli_group adapters = RSN_CLI_ADAPTER_GROUP(&eval->model);
    struct rsn_cli_object header = rsn_cli_object_new(), tasks = rsn_cli_object_new(),
                          how = rsn_cli_object_new();
    char hash[24];
    snprintf(hash, sizeof hash, "%016llx", (unsigned long long)eval->tasks.hash);
    rsn_cli_object_text(&tasks, "hash", hash, strlen(hash));
    rsn_cli_object_int(&tasks, "n", (int64_t)eval->tasks.n);
    rsn_cli_object_int(&tasks, "answers", eval->own.answers);
    rsn_cli_record_rows(&how, &session);
    rsn_cli_record_rows(&how, &adapters);
    rsn_cli_object_int(&how, "samples", eval->own.n_samples);
    rsn_cli_object_bool(&how, "hybrid", eval->own.hybrid);
    rsn_cli_object_set(&how, "each", settings_json(eval));
    rsn_cli_object_int(&header, "reason_eval", 1);
    rsn_cli_object_put(&header, "tasks", &tasks);
    rsn_cli_record_model(&header, model);
    rsn_cli_object_put(&header, "settings", &how);
    return header;
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

void rsn_cli_eval_keep(struct rsn_cli_eval *eval, size_t setting, size_t task) {
    const reason_task_result *r = &eval->settings[setting].results[task];
    if (!eval->record.stream) return;
    struct rsn_cli_object line = rsn_cli_object_new();
    rsn_cli_object_int(&line, "setting", (int64_t)setting);
    rsn_cli_object_int(&line, "task", (int64_t)task);
    for (size_t i = 0; i < RSN_CLI_COUNT(counts); i++) {
        uint64_t n;
        memcpy(&n, (const char *)r + counts[i].offset, sizeof n);
        rsn_cli_object_int(&line, counts[i].key, (int64_t)n);
    }
    rsn_cli_object_real(&line, "p_think", r->p_think);
    rsn_cli_record_write(&eval->record, &line);
}

/* False: it is no line of this record. */
static bool take_line(void *user, const json_t *line) {
    struct rsn_cli_eval *eval = user;
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

int rsn_cli_eval_record(struct rsn_cli_eval *eval, const reason_model *model) {
    static const struct rsn_cli_record_part parts[] = {{"tasks", "of other tasks"},
                                                       {"model", "of another model"},
                                                       {"settings", "with other settings"},
                                                       {NULL, NULL}};
    static const struct rsn_cli_record_kind kind = {
        "reason_eval", "an evaluation", parts, "a task", take_line};
    eval->record.path = eval->own.out;
    if (!eval->own.out) return RSN_CLI_OK;
    struct rsn_cli_object header = make_header(eval, model);
    return rsn_cli_record_open(&eval->record, &kind, &header, eval);
}
