/*
 * Owns how the figures of `reason eval` are shown. Left to the library: the figures.
 * Invariant: a setting's figures depend on the tasks' results alone, so an evaluation
 * that went on from a record prints what one without a stop prints.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eval.h"
#include "json_out.h"
#include "output.h"

/* --- groups of tasks ----------------------------------------------------------------- */

/* The kind of task i if it is the first of its kind; else NULL. */
static const char *new_kind(const struct rsn_cli_tasks *tasks, size_t i) {
    const char *kind = tasks->items[i].kind;
    for (size_t k = 0; kind && k < i; k++)
        if (tasks->items[k].kind && strcmp(tasks->items[k].kind, kind) == 0) return NULL;
    return kind;
}

/* The smallest size above one; -1: none. */
static int32_t next_size(const struct rsn_cli_tasks *tasks, int32_t size) {
    int32_t best = -1;
    for (size_t i = 0; i < tasks->n; i++) {
        int32_t own = tasks->items[i].task_size;
        if (own > size && (best < 0 || own < best)) best = own;
    }
    return best;
}

static reason_evaluation_summary summary_of(const struct rsn_cli_setting *s,
                                            const char *kind, int32_t size) {
    reason_evaluation_summary summary = {.size = sizeof summary};
    (void)reason_evaluation_summary_of(s->evaluation, kind, size, &summary);
    return summary;
}

static reason_evaluation_difference difference_of(const struct rsn_cli_eval *eval,
                                                  size_t i) {
    reason_evaluation_difference d = {.size = sizeof d};
    (void)reason_evaluation_compare(eval->settings[0].evaluation,
                                    eval->settings[i].evaluation, &d);
    return d;
}

/* --- JSON ---------------------------------------------------------------------------- */

static void put_interval(struct rsn_cli_object *object, const char *key, double low,
                         double high) {
    json_t *both = json_array();
    json_array_append_new(both, isfinite(low) ? json_real(low) : json_null());
    json_array_append_new(both, isfinite(high) ? json_real(high) : json_null());
    rsn_cli_object_set(object, key, both);
}

static void put_summary(const struct rsn_cli_eval *eval, struct rsn_cli_object *object,
                        const reason_evaluation_summary *s) {
    rsn_cli_object_int(object, "n", (int64_t)s->n);
    rsn_cli_object_real(object, "accuracy", s->accuracy);
    put_interval(object, "accuracy_ci95", s->accuracy_low, s->accuracy_high);
    rsn_cli_object_real(object, "thinking_tokens", s->thinking_tokens);
    rsn_cli_object_real(object, "answer_tokens", s->answer_tokens);
    rsn_cli_object_real(object, "total_tokens", s->total_tokens);
    rsn_cli_object_real(object, "probe_tokens", s->probe_tokens);
    rsn_cli_object_real(object, "think_rate", s->think_rate);
    rsn_cli_object_real(object, "p_think", s->p_think);
    if (eval->own.n_samples > 1) rsn_cli_object_real(object, "pass_at_k", s->pass_at_k);
    if (!eval->own.hybrid) return;
    rsn_cli_object_real(object, "hybrid_accuracy", s->hybrid_accuracy);
    put_interval(object, "hybrid_ci95", s->hybrid_accuracy_low, s->hybrid_accuracy_high);
}

static void put_group(const struct rsn_cli_eval *eval, struct rsn_cli_object *object,
                      const char *key, const reason_evaluation_summary *s) {
    struct rsn_cli_object one = rsn_cli_object_new();
    put_summary(eval, &one, s);
    rsn_cli_object_put(object, key, &one);
}

static void put_groups(const struct rsn_cli_eval *eval, struct rsn_cli_object *object,
                       const struct rsn_cli_setting *setting) {
    struct rsn_cli_object kinds = rsn_cli_object_new(), sizes = rsn_cli_object_new();
    for (size_t i = 0; i < eval->tasks.n; i++) {
        const char *kind = new_kind(&eval->tasks, i);
        if (!kind) continue;
        reason_evaluation_summary s = summary_of(setting, kind, -1);
        put_group(eval, &kinds, kind, &s);
    }
    for (int32_t size = -1; (size = next_size(&eval->tasks, size)) >= 0;) {
        reason_evaluation_summary s = summary_of(setting, NULL, size);
        char key[16];
        snprintf(key, sizeof key, "%d", (int)size);
        put_group(eval, &sizes, key, &s);
    }
    rsn_cli_object_put(object, "by_kind", &kinds);
    rsn_cli_object_put(object, "by_size", &sizes);
}

static void put_difference(const struct rsn_cli_eval *eval, size_t i,
                           struct rsn_cli_object *object) {
    struct rsn_cli_object inner = rsn_cli_object_new();
    reason_evaluation_difference d = difference_of(eval, i);
    rsn_cli_object_real(&inner, "accuracy", d.accuracy);
    put_interval(&inner, "accuracy_ci95", d.accuracy_low, d.accuracy_high);
    rsn_cli_object_real(&inner, "thinking_tokens", d.thinking_tokens);
    put_interval(&inner, "thinking_tokens_ci95", d.thinking_tokens_low,
                 d.thinking_tokens_high);
    rsn_cli_object_real(&inner, "total_tokens", d.total_tokens);
    put_interval(&inner, "total_tokens_ci95", d.total_tokens_low, d.total_tokens_high);
    rsn_cli_object_put(object, "difference", &inner);
}

static int print_json(const struct rsn_cli_eval *eval) {
    int code = RSN_CLI_OK;
    for (size_t i = 0; i < eval->n_settings && code == RSN_CLI_OK; i++) {
        const struct rsn_cli_setting *setting = &eval->settings[i];
        reason_evaluation_summary s = summary_of(setting, NULL, -1);
        struct rsn_cli_object object = rsn_cli_object_new();
        rsn_cli_object_text(&object, "setting", setting->name, strlen(setting->name));
        put_summary(eval, &object, &s);
        put_groups(eval, &object, setting);
        if (i > 0) put_difference(eval, i, &object);
        code = rsn_cli_object_print(&object);
    }
    return code;
}

/* --- the table ----------------------------------------------------------------------- */

static void print_head(const struct rsn_cli_eval *eval, const char *what, int width) {
    rsn_cli_print("%-*s %6s %7s %12s %9s %9s %8s", width, what, "tasks", "right", "95%",
                  "thinking", "tokens", "thought");
    if (eval->own.n_samples > 1) rsn_cli_print("  pass@%-3d", (int)eval->own.n_samples);
    if (eval->own.hybrid) rsn_cli_print(" %7s %12s", "hybrid", "95%");
}

static void print_share(double share, double low, double high) {
    rsn_cli_print(" %6.1f%%  %5.1f-%5.1f", 100 * share, 100 * low, 100 * high);
}

static void print_row(const struct rsn_cli_eval *eval, const char *name, int width,
                      const reason_evaluation_summary *s) {
    rsn_cli_print("%-*s %6llu", width, name, (unsigned long long)s->n);
    print_share(s->accuracy, s->accuracy_low, s->accuracy_high);
    rsn_cli_print(" %9.1f %9.1f %7.1f%%", s->thinking_tokens, s->total_tokens,
                  100 * s->think_rate);
    if (eval->own.n_samples > 1) rsn_cli_print(" %7.1f%%", 100 * s->pass_at_k);
    if (eval->own.hybrid)
        print_share(s->hybrid_accuracy, s->hybrid_accuracy_low, s->hybrid_accuracy_high);
}

static int widest(const struct rsn_cli_eval *eval) {
    size_t width = 8;
    for (size_t i = 0; i < eval->n_settings; i++)
        if (strlen(eval->settings[i].name) > width)
            width = strlen(eval->settings[i].name);
    for (size_t i = 0; i < eval->tasks.n; i++) {
        const char *kind = eval->tasks.items[i].kind;
        if (kind && strlen(kind) > width) width = strlen(kind);
    }
    return (int)(width < 60 ? width : 60);
}

static void print_groups(const struct rsn_cli_eval *eval, int width) {
    const struct rsn_cli_setting *setting = &eval->settings[0];
    bool first = true;
    for (size_t i = 0; i < eval->tasks.n; i++) {
        const char *kind = new_kind(&eval->tasks, i);
        if (!kind) continue;
        if (first) rsn_cli_print("\n");
        if (first) print_head(eval, "kind", width);
        if (first) rsn_cli_print("\n");
        first = false;
        reason_evaluation_summary s = summary_of(setting, kind, -1);
        print_row(eval, kind, width, &s);
        rsn_cli_print("\n");
    }
    first = true;
    for (int32_t size = -1; (size = next_size(&eval->tasks, size)) >= 0; first = false) {
        reason_evaluation_summary s = summary_of(setting, NULL, size);
        char name[16];
        if (first) rsn_cli_print("\n");
        if (first) print_head(eval, "size", width);
        if (first) rsn_cli_print("\n");
        snprintf(name, sizeof name, "%d", (int)size);
        print_row(eval, name, width, &s);
        rsn_cli_print("\n");
    }
}

static int print_table(const struct rsn_cli_eval *eval) {
    int width = widest(eval);
    print_head(eval, "setting", width);
    rsn_cli_print("%s\n", eval->n_settings > 1 ? "  to the first, 95%" : "");
    for (size_t i = 0; i < eval->n_settings; i++) {
        reason_evaluation_summary s = summary_of(&eval->settings[i], NULL, -1);
        print_row(eval, eval->settings[i].name, width, &s);
        if (i > 0) {
            reason_evaluation_difference d = difference_of(eval, i);
            rsn_cli_print("  %+.1f (%+.1f to %+.1f)", 100 * d.accuracy,
                          100 * d.accuracy_low, 100 * d.accuracy_high);
        }
        rsn_cli_print("\n");
    }
    if (eval->n_settings == 1) print_groups(eval, width);
    rsn_cli_flush();
    return rsn_cli_output_failed() ? RSN_CLI_FAILED : RSN_CLI_OK;
}

int rsn_cli_eval_print(const struct rsn_cli_eval *eval) {
    return eval->own.json ? print_json(eval) : print_table(eval);
}
