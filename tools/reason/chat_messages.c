/*
 * Owns the conversation of `reason chat`: an array of messages as templates take them.
 * Asking is left to chat_turn.c. Invariant: the array holds objects with a role only, and
 * a file replaces it whole or not at all.
 */
#include <stdlib.h>
#include <string.h>

#include "chat.h"
#include "input.h"
#include "json_out.h"
#include "output.h"

static const char *role_of(const json_t *message) {
    return json_string_value(json_object_get(message, "role"));
}

static bool has_role(const struct rsn_chat *chat, size_t index, const char *role) {
    const char *found = role_of(json_array_get(chat->messages, index));
    return found && strcmp(found, role) == 0;
}

/* A message; NULL if memory ran out. `reasoning` may be NULL. */
static json_t *make_message(const char *role, const char *content, size_t n_content,
                            const char *reasoning, size_t n_reasoning) {
    struct rsn_cli_object message = rsn_cli_object_new();
    rsn_cli_object_set(&message, "role", json_string(role));
    rsn_cli_object_text(&message, "content", content, n_content);
    if (reasoning)
        rsn_cli_object_text(&message, "reasoning_content", reasoning, n_reasoning);
    if (!message.failed) return message.root;
    rsn_cli_object_free(&message);
    return NULL;
}

int rsn_chat_add(struct rsn_chat *chat, const char *role, const char *content,
                 size_t n_content, const char *reasoning, size_t n_reasoning) {
    json_t *message = make_message(role, content, n_content, reasoning, n_reasoning);
    bool added = message && json_array_append(chat->messages, message) == 0;
    json_decref(message);
    return added ? RSN_CLI_OK : rsn_cli_fail_memory();
}

int rsn_chat_begin(struct rsn_chat *chat) {
    const char *system = chat->generation.system;
    json_decref(chat->messages);
    chat->messages = json_array();
    if (!chat->messages) return rsn_cli_fail_memory();
    if (!system) return RSN_CLI_OK;
    return rsn_chat_add(chat, "system", system, strlen(system), NULL, 0);
}

void rsn_chat_cut(struct rsn_chat *chat, size_t n_messages) {
    while (json_array_size(chat->messages) > n_messages)
        json_array_remove(chat->messages, json_array_size(chat->messages) - 1);
}

const char *rsn_chat_system(const struct rsn_chat *chat) {
    if (!has_role(chat, 0, "system")) return NULL;
    const json_t *message = json_array_get(chat->messages, 0);
    return json_string_value(json_object_get(message, "content"));
}

/* Puts the message in front, in the place of the one that may be there. */
static bool put_system(struct rsn_chat *chat, json_t *message) {
    bool there = has_role(chat, 0, "system");
    if (!message) return !there || json_array_remove(chat->messages, 0) == 0;
    return there ? json_array_set(chat->messages, 0, message) == 0
                 : json_array_insert(chat->messages, 0, message) == 0;
}

int rsn_chat_set_system(struct rsn_chat *chat, const char *text) {
    char *copy = text ? strdup(text) : NULL;
    json_t *message = text ? make_message("system", text, strlen(text), NULL, 0) : NULL;
    bool good = (!text || (copy && message)) && put_system(chat, message);
    json_decref(message);
    if (!good) {
        free(copy);
        return rsn_cli_fail_memory();
    }
    free(chat->system);
    chat->system = copy;
    chat->generation.system = copy;
    return RSN_CLI_OK;
}

/* Behind the turn that begins at `from`: where the next user's message is. */
static size_t turn_end(const struct rsn_chat *chat, size_t from) {
    size_t n = json_array_size(chat->messages), at = from + 1;
    while (at < n && !has_role(chat, at, "user")) at++;
    return at < n ? at : n;
}

size_t rsn_chat_drop(struct rsn_chat *chat, size_t n) {
    size_t first = has_role(chat, 0, "system") ? 1 : 0, dropped = 0;
    for (; dropped < n && first < json_array_size(chat->messages); dropped++) {
        size_t end = turn_end(chat, first);
        while (end-- > first) json_array_remove(chat->messages, first);
    }
    return dropped;
}

size_t rsn_chat_last_turn(const struct rsn_chat *chat) {
    size_t n = json_array_size(chat->messages);
    for (size_t at = n; at-- > 0;)
        if (has_role(chat, at, "user")) return at;
    return n;
}

int rsn_chat_save(const struct rsn_chat *chat, const char *path) {
    struct rsn_cli_file file;
    char *text = json_dumps(chat->messages, JSON_INDENT(2));
    if (!text) return rsn_cli_fail_memory();
    int code = rsn_cli_file_create(path, &file);
    if (code == RSN_CLI_OK) {
        code = rsn_cli_file_write(&file, text, strlen(text));
        if (code == RSN_CLI_OK) code = rsn_cli_file_write(&file, "\n", 1);
        if (code == RSN_CLI_OK) code = rsn_cli_file_commit(&file);
        rsn_cli_file_abandon(&file);
    }
    free(text);
    return code;
}

/* Templates take more than roles and texts (parts, calls of tools), so only what this
 * command itself reads is checked. */
static int check_messages(const char *path, const json_t *messages) {
    if (!json_is_array(messages))
        return rsn_cli_fail("'%s' is no conversation: a JSON array is expected", path);
    for (size_t i = 0; i < json_array_size(messages); i++)
        if (!role_of(json_array_get(messages, i)))
            return rsn_cli_fail("'%s': message %zu is no object with a role", path, i);
    return RSN_CLI_OK;
}

int rsn_chat_load(struct rsn_chat *chat, const char *path) {
    struct rsn_cli_buffer text = {0};
    json_error_t error;
    int code = rsn_cli_read_text(path, RSN_CLI_LIMIT_JSON, &text);
    if (code != RSN_CLI_OK) return code;
    json_t *messages =
        json_loadb(text.data, text.n_bytes, JSON_REJECT_DUPLICATES, &error);
    rsn_cli_buffer_free(&text);
    if (!messages)
        return rsn_cli_fail("'%s' is no JSON: line %d: %s", path, error.line, error.text);
    code = check_messages(path, messages);
    if (code != RSN_CLI_OK) {
        json_decref(messages);
        return code;
    }
    json_decref(chat->messages);
    chat->messages = messages;
    chat->last.size = 0;
    return RSN_CLI_OK;
}
