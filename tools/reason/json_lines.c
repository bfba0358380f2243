/*
 * Owns how a file is cut into objects. What they mean is left to who takes them.
 * Invariant: a line that is not what it should be stops everything, so that no figure is
 * of fewer lines than the file has.
 */
#include "json_lines.h"

#include <string.h>

#include "input.h"

int rsn_cli_json_lines_fail(const struct rsn_cli_place *at, const char *field,
                            const char *found) {
    return rsn_cli_fail("line %zu of '%s': \"%s\" is %s", at->line, at->path, field,
                        found);
}

const char *rsn_cli_json_lines_text(const json_t *value) {
    const char *text = json_string_value(value);
    return text && strlen(text) == json_string_length(value) ? text : NULL;
}

static int fail_object(const struct rsn_cli_place *at, const char *why) {
    return rsn_cli_fail("line %zu of '%s' is no JSON object: %s", at->line, at->path, why);
}

static bool is_blank(const char *text, size_t n_bytes) {
    for (size_t i = 0; i < n_bytes; i++)
        if (!memchr(" \t\r", text[i], 3)) return false;
    return true;
}

static int take_line(const struct rsn_cli_place *at, const char *text, size_t n_bytes,
                     json_t *keep, rsn_cli_json_line_fn take, void *user) {
    json_error_t error;
    json_t *object = json_loadb(text, n_bytes, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL,
                                &error);
    if (!json_is_object(object)) {
        int code = fail_object(at, object ? "it is another value" : error.text);
        json_decref(object);
        return code;
    }
    if (json_array_append_new(keep, object) != 0) return rsn_cli_fail_memory();
    return take(user, at, object, text, n_bytes);
}

int rsn_cli_json_lines_read(const char *path, size_t limit, const char *things, json_t *keep,
                            rsn_cli_json_line_fn take, void *user) {
    struct rsn_cli_buffer all = {0};
    struct rsn_cli_place at = {strcmp(path, "-") == 0 ? "standard input" : path, 0};
    int code = rsn_cli_read_all(path, RSN_CLI_LIMIT_TEXT, &all);
    for (size_t from = 0; code == RSN_CLI_OK && from < all.n_bytes &&
                          (limit == 0 || json_array_size(keep) < limit);) {
        const char *line = all.data + from;
        const char *end = memchr(line, '\n', all.n_bytes - from);
        size_t n = end ? (size_t)(end - line) : all.n_bytes - from;
        at.line++;
        from += n + 1;
        if (!is_blank(line, n)) code = take_line(&at, line, n, keep, take, user);
    }
    rsn_cli_buffer_free(&all);
    if (code == RSN_CLI_OK && json_array_size(keep) == 0)
        code = rsn_cli_fail("'%s' has no %s", at.path, things);
    return code;
}
