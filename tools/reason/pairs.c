/*
 * Owns the format of prompts with responses, and figures over which one was found to be
 * better. Who finds it is left to the commands.
 */
#include "pairs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "input.h"
#include "json_lines.h"

/* --- what was asked ------------------------------------------------------------------ */

static bool add_turn(struct rsn_cli_buffer *text, const char *role, const char *content) {
    const char *const parts[] = {text->n_bytes > 0 ? "\n\n" : "", "**", role, "**\n\n",
                                 content};
    for (size_t i = 0; i < RSN_CLI_COUNT(parts); i++)
        if (!rsn_cli_buffer_append(text, parts[i], strlen(parts[i]))) return false;
    return true;
}

/* A conversation as a text; a lone message of a user is its content. */
static int take_messages(const struct rsn_cli_place *at, const json_t *list,
                         struct rsn_cli_pair *pair) {
    struct rsn_cli_buffer text = {0};
    bool ok = true;
    if (!json_is_array(list) || json_array_size(list) == 0)
        return rsn_cli_json_lines_fail(at, "messages", "no list of messages");
    for (size_t i = 0; i < json_array_size(list) && ok; i++) {
        const json_t *message = json_array_get(list, i);
        const char *role = rsn_cli_json_lines_text(json_object_get(message, "role"));
        const char *content = rsn_cli_json_lines_text(json_object_get(message, "content"));
        if (!role || !content) {
            rsn_cli_buffer_free(&text);
            return rsn_cli_json_lines_fail(at, "messages", "no list of roles with texts");
        }
        ok = json_array_size(list) == 1 && strcmp(role, "user") == 0
                 ? rsn_cli_buffer_append(&text, content, strlen(content))
                 : add_turn(&text, role, content);
    }
    pair->conversation = text.data;
    pair->messages = json_dumps(list, 0);
    return ok && pair->messages && pair->conversation ? RSN_CLI_OK
                                                      : rsn_cli_fail_memory();
}

static int take_prompt(const struct rsn_cli_place *at, const json_t *line,
                       struct rsn_cli_pair *pair) {
    const json_t *prompt = json_object_get(line, "prompt"),
                 *messages = json_object_get(line, "messages");
    if (!prompt == !messages)
        return rsn_cli_fail("line %zu of '%s' needs \"prompt\" or \"messages\", and one of "
                            "them",
                            at->line, at->path);
    if (messages) return take_messages(at, messages, pair);
    pair->prompt = rsn_cli_json_lines_text(prompt);
    return pair->prompt ? RSN_CLI_OK : rsn_cli_json_lines_fail(at, "prompt", "no text");
}

const char *rsn_cli_pair_query(const struct rsn_cli_pair *pair) {
    return pair->prompt ? pair->prompt : pair->conversation;
}

/* --- what is to be compared ---------------------------------------------------------- */

static int take_responses(const struct rsn_cli_place *at, const json_t *line, size_t least,
                          struct rsn_cli_pair *pair) {
    const json_t *list = json_object_get(line, "responses");
    size_t n = json_array_size(list);
    if (!json_is_array(list) || n < least)
        return rsn_cli_json_lines_fail(at, "responses",
                          least > 1 ? "no list of two texts or more" : "no list of texts");
    pair->responses = calloc(n, sizeof *pair->responses);
    if (!pair->responses) return rsn_cli_fail_memory();
    for (; pair->n < n; pair->n++) {
        pair->responses[pair->n] = rsn_cli_json_lines_text(json_array_get(list, pair->n));
        if (!pair->responses[pair->n])
            return rsn_cli_json_lines_fail(at, "responses", "no list of texts");
    }
    return RSN_CLI_OK;
}

/* The one with the largest label; none of several. */
static int take_labels(const struct rsn_cli_place *at, const json_t *labels,
                       struct rsn_cli_pair *pair) {
    double best = -(double)INFINITY;
    if (json_array_size(labels) != pair->n)
        return rsn_cli_json_lines_fail(at, "labels", "no list with a number for each response");
    for (size_t i = 0; i < pair->n; i++) {
        const json_t *label = json_array_get(labels, i);
        double value = json_is_boolean(label) ? json_boolean_value(label)
                                              : json_number_value(label);
        if (!json_is_boolean(label) && !json_is_number(label))
            return rsn_cli_json_lines_fail(at, "labels", "no list with a number for each response");
        if (value == best) pair->chosen = -1;
        if (value > best) pair->chosen = (int64_t)i;
        best = value > best ? value : best;
    }
    return RSN_CLI_OK;
}

static int take_chosen(const struct rsn_cli_place *at, const json_t *line,
                       struct rsn_cli_pair *pair) {
    const json_t *chosen = json_object_get(line, "chosen"),
                 *labels = json_object_get(line, "labels");
    pair->chosen = -1;
    if (chosen && labels)
        return rsn_cli_fail("line %zu of '%s' has \"chosen\" and \"labels\", one expected",
                            at->line, at->path);
    if (labels && !json_is_null(labels)) return take_labels(at, labels, pair);
    if (!chosen || json_is_null(chosen)) return RSN_CLI_OK;
    json_int_t i = json_integer_value(chosen);
    if (!json_is_integer(chosen) || i < 0 || (size_t)i >= pair->n)
        return rsn_cli_json_lines_fail(at, "chosen", "no number of a response, from 0");
    pair->chosen = i;
    return RSN_CLI_OK;
}

static int take_category(const struct rsn_cli_place *at, const json_t *line,
                         struct rsn_cli_pair *pair) {
    const json_t *category = json_object_get(line, "category");
    pair->category = rsn_cli_json_lines_text(category);
    bool none = !category || json_is_null(category);
    return pair->category || none ? RSN_CLI_OK : rsn_cli_json_lines_fail(at, "category", "no text");
}

/* --- the file ------------------------------------------------------------------------ */

static int add_pair(const struct rsn_cli_place *at, const json_t *line, size_t least,
                    struct rsn_cli_pairs *pairs) {
    if (pairs->n == pairs->cap) {
        size_t cap = pairs->cap ? 2 * pairs->cap : 256;
        struct rsn_cli_pair *items = realloc(pairs->items, cap * sizeof *items);
        if (!items) return rsn_cli_fail_memory();
        pairs->items = items;
        pairs->cap = cap;
    }
    struct rsn_cli_pair *pair = &pairs->items[pairs->n++];
    *pair = (struct rsn_cli_pair){.line = at->line};
    int code = take_prompt(at, line, pair);
    if (code == RSN_CLI_OK) code = take_responses(at, line, least, pair);
    if (code == RSN_CLI_OK) code = take_chosen(at, line, pair);
    if (code == RSN_CLI_OK) code = take_category(at, line, pair);
    return code;
}

struct reader {
    struct rsn_cli_pairs *pairs;
    size_t least; /* responses of a line */
};

static int take_line(void *user, const struct rsn_cli_place *at, const json_t *line,
                     const char *text, size_t n_bytes) {
    const struct reader *reader = user;
    struct rsn_cli_pairs *pairs = reader->pairs;
    for (size_t i = 0; i <= n_bytes; i++) /* FNV-1a; a line end is in no line */
        pairs->hash = (pairs->hash ^ (i < n_bytes ? (unsigned char)text[i] : '\n')) *
                      UINT64_C(0x100000001B3);
    return add_pair(at, line, reader->least, pairs);
}

int rsn_cli_pairs_read(const char *path, size_t limit, size_t least,
                       struct rsn_cli_pairs *pairs) {
    struct reader reader = {pairs, least};
    *pairs = (struct rsn_cli_pairs){.lines = json_array(),
                                    .hash = UINT64_C(0xCBF29CE484222325)};
    if (!pairs->lines) return rsn_cli_fail_memory();
    return rsn_cli_json_lines_read(path, limit, "line", pairs->lines, take_line, &reader);
}

void rsn_cli_pairs_free(struct rsn_cli_pairs *pairs) {
    for (size_t i = 0; i < pairs->n; i++) {
        free(pairs->items[i].messages);
        free(pairs->items[i].conversation);
        free(pairs->items[i].responses);
    }
    free(pairs->items);
    json_decref(pairs->lines);
    *pairs = (struct rsn_cli_pairs){0};
}

/* --- figures ------------------------------------------------------------------------- */

static struct rsn_cli_found *find_category(struct rsn_cli_accuracy *a,
                                           const char *category) {
    for (size_t i = 0; i < a->n; i++)
        if (strcmp(a->categories[i].category, category) == 0) return &a->categories[i];
    if (a->n == a->cap) {
        size_t cap = a->cap ? 2 * a->cap : 16;
        struct rsn_cli_found *more = realloc(a->categories, cap * sizeof *more);
        if (!more) return NULL;
        a->categories = more;
        a->cap = cap;
    }
    a->categories[a->n] = (struct rsn_cli_found){.category = category};
    return &a->categories[a->n++];
}

int rsn_cli_accuracy_add(struct rsn_cli_accuracy *a, const char *category, double right) {
    struct rsn_cli_found *found = category ? find_category(a, category) : NULL;
    if (category && !found) return rsn_cli_fail_memory();
    a->all.n++;
    a->all.right += right;
    if (found) {
        found->n++;
        found->right += right;
    }
    return RSN_CLI_OK;
}

void rsn_cli_accuracy_free(struct rsn_cli_accuracy *a) {
    free(a->categories);
    *a = (struct rsn_cli_accuracy){0};
}

static double share_of(const struct rsn_cli_found *f) {
    return f->right / (double)f->n;
}

static double category_mean(const struct rsn_cli_accuracy *a) {
    double sum = 0;
    for (size_t i = 0; i < a->n; i++) sum += share_of(&a->categories[i]);
    return sum / (double)a->n;
}

static void put_found(struct rsn_cli_object *object, const struct rsn_cli_found *f) {
    double low, high;
    json_t *interval = json_array();
    reason_share_interval(share_of(f), f->n, &low, &high);
    json_array_append_new(interval, isfinite(low) ? json_real(low) : json_null());
    json_array_append_new(interval, isfinite(high) ? json_real(high) : json_null());
    rsn_cli_object_int(object, "n", (int64_t)f->n);
    rsn_cli_object_real(object, "accuracy", share_of(f));
    rsn_cli_object_set(object, "accuracy_ci95", interval);
}

void rsn_cli_accuracy_put(struct rsn_cli_object *object, const struct rsn_cli_accuracy *a) {
    put_found(object, &a->all);
    if (a->n == 0) return;
    struct rsn_cli_object categories = rsn_cli_object_new();
    for (size_t i = 0; i < a->n; i++) {
        struct rsn_cli_object one = rsn_cli_object_new();
        put_found(&one, &a->categories[i]);
        rsn_cli_object_put(&categories, a->categories[i].category, &one);
    }
    rsn_cli_object_put(object, "by_category", &categories);
    rsn_cli_object_real(object, "category_mean", category_mean(a));
}

void rsn_cli_accuracy_say(const struct rsn_cli_accuracy *a) {
    double low, high;
    for (size_t i = 0; i <= a->n; i++) {
        const struct rsn_cli_found *f = i < a->n ? &a->categories[i] : &a->all;
        reason_share_interval(share_of(f), f->n, &low, &high);
        rsn_cli_say("accuracy%s%s %.4f [%.4f, %.4f] of %zu", i < a->n ? " of " : "",
                    i < a->n ? f->category : "", share_of(f), low, high, f->n);
    }
    if (a->n > 1)
        rsn_cli_say("mean accuracy of %zu categories %.4f", a->n, category_mean(a));
}
