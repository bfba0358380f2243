/*
 * Owns one turn of `reason chat`: a question, its answer, and what becomes of both. The
 * generation is left to the library. Invariant: the conversation holds whole turns only;
 * what a turn that failed had asked is kept for /retry.
 */
#include <stdlib.h>
#include <string.h>

#include "chat.h"
#include "interrupt.h"

static int finish_turn(struct rsn_chat *chat, const reason_result *result) {
    size_t n_answer = 0, n_thinking = 0;
    const char *answer = reason_result_answer(result, &n_answer);
    const char *thinking = reason_result_thinking(result, &n_thinking);
    int code = rsn_chat_add(chat, "assistant", answer, n_answer,
                            n_thinking ? thinking : NULL, n_thinking);
    if (code != RSN_CLI_OK) return code;
    chat->last.size = sizeof chat->last;
    if (reason_result_usage(result, &chat->last) != REASON_OK)
        return rsn_cli_fail_library();
    if (chat->own.json) return rsn_cli_result_print(result, 0);
    if (reason_result_answer_end(result) == REASON_FINISH_CANCELLED) {
        rsn_cli_say("stopped; the conversation keeps the answer up to here");
    } else {
        rsn_cli_result_note(result);
    }
    return RSN_CLI_OK;
}

static int fail_turn(reason_status status) {
    if (status == REASON_ERR_CANCELLED)
        return rsn_cli_fail("stopped; the turn is dropped, /retry asks again");
    if (status == REASON_ERR_CONTEXT_FULL)
        return rsn_cli_fail("%s; /drop takes the oldest turn away and /retry asks again, "
                            "/clear starts a new conversation, /save FILE keeps this one",
                            reason_last_error());
    return rsn_cli_fail_library();
}

static int generate(struct rsn_chat *chat, const char *messages) {
    reason_request request;
    int code = rsn_cli_generation_request(&chat->generation, &request);
    if (code != RSN_CLI_OK) return code;
    request.messages_json = messages;
    request.stream = rsn_cli_display_piece;
    request.stream_user = &chat->display;
    reason_result *result = NULL;
    reason_status status = reason_generate(chat->session, &request, &result);
    rsn_cli_display_end(&chat->display, status == REASON_OK);
    code = status == REASON_OK ? finish_turn(chat, result) : fail_turn(status);
    reason_result_free(result);
    return code;
}

static void keep_failed(struct rsn_chat *chat, const char *text, size_t n_bytes) {
    char *copy = strndup(text, n_bytes);
    free(chat->failed);
    chat->failed = copy;
}

int rsn_chat_ask(struct rsn_chat *chat, const char *text, size_t n_bytes) {
    size_t n_before = json_array_size(chat->messages);
    char *messages = NULL;
    int code = rsn_chat_add(chat, "user", text, n_bytes, NULL, 0);
    if (code == RSN_CLI_OK) {
        messages = json_dumps(chat->messages, JSON_COMPACT);
        code = messages ? generate(chat, messages) : rsn_cli_fail_memory();
    }
    free(messages);
    if (code == RSN_CLI_OK) {
        free(chat->failed);
        chat->failed = NULL;
    } else {
        rsn_chat_cut(chat, n_before);
        keep_failed(chat, text, n_bytes);
    }
    return code;
}

static int ask_failed(struct rsn_chat *chat) {
    char *text = chat->failed;
    chat->failed = NULL;
    int code = rsn_chat_ask(chat, text, strlen(text));
    free(text);
    return code;
}

int rsn_chat_ask_again(struct rsn_chat *chat) {
    if (chat->failed) return ask_failed(chat);
    size_t from = rsn_chat_last_turn(chat);
    if (from == json_array_size(chat->messages))
        return rsn_cli_fail("there is no question to ask again");
    json_t *before = json_copy(chat->messages);
    char *messages = NULL;
    rsn_chat_cut(chat, from + 1);
    /* The same question with the same seed would have the same answer. */
    chat->generation.sampling.seed++;
    if (before) messages = json_dumps(chat->messages, JSON_COMPACT);
    int code = messages ? generate(chat, messages) : rsn_cli_fail_memory();
    free(messages);
    if (code != RSN_CLI_OK && before) {
        json_decref(chat->messages);
        chat->messages = before;
    } else {
        json_decref(before);
    }
    return code;
}
