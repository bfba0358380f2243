/* What the files of `reason chat` share: the conversation and the commands on it. */
#ifndef REASON_CLI_CHAT_H
#define REASON_CLI_CHAT_H

#include <jansson.h>

#include "display.h"
#include "generation.h"
#include "model.h"

struct rsn_chat_options {
    bool json, show_thinking, no_thinking, no_color;
    const char *history;
};

struct rsn_chat {
    struct rsn_cli_model_options model_options;
    struct rsn_cli_generation generation;
    struct rsn_chat_options own;
    struct rsn_cli_display display;
    reason_session *session;
    int64_t n_context;  /* tokens of the session */
    json_t *messages;   /* the conversation, an array */
    char *failed;       /* the user's message of a turn that failed; NULL: none */
    reason_usage last;  /* of the last turn; its size is 0 before there is one */
    char *system;       /* set by /system; generation.system points at it */
    bool at_terminal;   /* a person types and reads */
    bool warned;        /* one Ctrl-C came since the last line; the next one leaves */
    int code;           /* a pipe's failures decide the exit code at the end */
};

/* Each returns RSN_CLI_OK or says a sentence. */

/* ---- the conversation (chat_messages.c) ---- */

/* Begins anew: the system message, if there is one, and nothing else. */
int rsn_chat_begin(struct rsn_chat *chat);
/* `reasoning` may be NULL. */
int rsn_chat_add(struct rsn_chat *chat, const char *role, const char *content,
                 size_t n_content, const char *reasoning, size_t n_reasoning);
void rsn_chat_cut(struct rsn_chat *chat, size_t n_messages);
/* The system message's text; NULL: none. */
const char *rsn_chat_system(const struct rsn_chat *chat);
/* Replaces the system message, also of conversations to come; NULL: there is none. */
int rsn_chat_set_system(struct rsn_chat *chat, const char *text);
/* Takes the oldest turns away, at most n; how many were there comes back. */
size_t rsn_chat_drop(struct rsn_chat *chat, size_t n);
/* Where the last turn begins, at the user's message; the number of messages if there is
 * no such. */
size_t rsn_chat_last_turn(const struct rsn_chat *chat);
int rsn_chat_save(const struct rsn_chat *chat, const char *path);
int rsn_chat_load(struct rsn_chat *chat, const char *path);

/* ---- a turn (chat_turn.c) ---- */

/* Asks and shows the answer. A turn that fails leaves no trace but chat->failed. */
int rsn_chat_ask(struct rsn_chat *chat, const char *text, size_t n_bytes);
/* Asks the last question again, or that which failed. */
int rsn_chat_ask_again(struct rsn_chat *chat);

/* ---- commands (chat_commands.c) ---- */

/* Runs "/NAME VALUE". */
int rsn_chat_command(struct rsn_chat *chat, const char *line);
/* Whether the line asks to leave. */
bool rsn_chat_quits(const char *line);

#endif
