/*
 * `reason chat`: a conversation, message by message, on one session. Owns the options and
 * the loop: what is typed, what a Ctrl-C means. Left to others: the conversation
 * (chat_messages.c), a turn (chat_turn.c), commands (chat_commands.c), lines (typing.c).
 * Invariant: after a turn or a command, whatever became of it, the next one can follow.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chat.h"
#include "interrupt.h"
#include "output.h"
#include "typing.h"

enum { MESSAGE_LIMIT = 1 << 20 };

#define AT(field) offsetof(struct rsn_chat_options, field)

static const struct rsn_cli_option rows[] = {
    {"json", 0, RSN_CLI_FLAG, AT(json), 0, 0, NULL, NULL, "one JSON object per turn"},
    {"show-thinking", 0, RSN_CLI_FLAG, AT(show_thinking), 0, 0, NULL, NULL,
     "thinking on standard error, terminal or not"},
    {"no-thinking", 0, RSN_CLI_FLAG, AT(no_thinking), 0, 0, NULL, NULL,
     "thinking is not shown; the model thinks all the same"},
    {"no-color", 0, RSN_CLI_FLAG, AT(no_color), 0, 0, NULL, NULL,
     "no dimmed text; so does NO_COLOR in the environment"},
    {"history", 0, RSN_CLI_TEXT, AT(history), 0, 0, NULL, "FILE",
     "what was typed is kept in FILE for the arrow keys"},
};

/* ------------------------------------------------------------ loop */

/* False: the user wants out. A message that was begun is given up first. */
static bool handle_interrupt(struct rsn_chat *chat, bool begun) {
    if (!chat->at_terminal || rsn_cli_interrupt_signal() != SIGINT) return false;
    if (chat->warned && !begun) return false;
    chat->warned = !begun;
    rsn_cli_interrupt_clear();
    fputs(begun ? "^C\n" : "\nCtrl-C again, Ctrl-D or /quit leaves\n", stderr);
    return true;
}

static void handle_message(struct rsn_chat *chat, const struct rsn_cli_buffer *message) {
    const char *text = message->data;
    bool command = text[0] == '/' && text[1] != '/';
    size_t skip = text[0] == '/' ? 1 : 0;
    int code;
    if (strlen(text) != message->n_bytes) {
        code = rsn_cli_fail("a message that holds a NUL byte is left out");
    } else if (command) {
        code = rsn_chat_command(chat, text);
    } else {
        code = rsn_chat_ask(chat, text + skip, message->n_bytes - skip);
    }
    if (code != RSN_CLI_OK && !chat->at_terminal) chat->code = code;
}

static void refuse_long(struct rsn_chat *chat) {
    int code = rsn_cli_fail("a message longer than the %d KiB allowed here is left out",
                            MESSAGE_LIMIT >> 10);
    if (!chat->at_terminal) chat->code = code;
}

/* False: no message is left, or the user wants out. */
static bool next_message(struct rsn_chat *chat, struct rsn_cli_typing *typing,
                         struct rsn_cli_buffer *message) {
    for (;;) {
        enum rsn_cli_line state = rsn_cli_typing_read(typing, MESSAGE_LIMIT, message);
        if (state == RSN_CLI_LINE_INTERRUPTED &&
            handle_interrupt(chat, message->n_bytes > 0))
            continue;
        if (state == RSN_CLI_LINE_LONG) {
            refuse_long(chat);
            continue;
        }
        if (state == RSN_CLI_LINE_FAILED)
            chat->code = rsn_cli_fail("cannot read standard input: %s", strerror(errno));
        return state == RSN_CLI_LINE_OK && !rsn_chat_quits(message->data);
    }
}

static void converse(struct rsn_chat *chat, struct rsn_cli_typing *typing) {
    struct rsn_cli_buffer message = {0};
    while (!rsn_cli_output_failed() && next_message(chat, typing, &message)) {
        chat->warned = false;
        if (message.n_bytes > 0) handle_message(chat, &message);
        if (!rsn_cli_interrupt_signal()) continue;
        if (!chat->at_terminal || rsn_cli_interrupt_signal() != SIGINT) break;
        /* The answer was stopped; the next Ctrl-C is the second. */
        chat->warned = true;
        rsn_cli_interrupt_clear();
    }
    if (chat->at_terminal) rsn_cli_print("\n");
    if (chat->at_terminal && rsn_cli_interrupt_signal() == SIGINT)
        rsn_cli_interrupt_clear();
    rsn_cli_buffer_free(&message);
}

/* ------------------------------------------------------------ session */

static int measure_context(struct rsn_chat *chat, const reason_model *model) {
    int64_t asked = chat->model_options.n_ctx;
    int code = rsn_cli_model_int(model, "context_length", &chat->n_context);
    if (code == RSN_CLI_OK && asked > 0 && asked < chat->n_context)
        chat->n_context = asked;
    return code;
}

static int run_loop(struct rsn_chat *chat) {
    struct rsn_cli_typing typing;
    chat->at_terminal = isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1;
    rsn_cli_display_init(&chat->display, chat->own.show_thinking, chat->own.no_color,
                         chat->own.json);
    if (chat->own.no_thinking) chat->display.thinking = NULL;
    int code = rsn_cli_typing_start(&typing, chat->at_terminal, chat->own.history);
    if (code != RSN_CLI_OK) return code;
    if (chat->at_terminal) fputs("/help lists the commands, Ctrl-D leaves\n", stderr);
    converse(chat, &typing);
    code = rsn_cli_typing_end(&typing);
    return chat->code != RSN_CLI_OK ? chat->code : code;
}

static int run_session(struct rsn_chat *chat) {
    reason_model *model = NULL;
    int code = rsn_cli_interrupt_catch();
    if (code == RSN_CLI_OK) code = rsn_cli_model_open(&chat->model_options, &model);
    if (code == RSN_CLI_OK)
        code = rsn_cli_session_open(&chat->model_options, model, NULL, &chat->session);
    if (code == RSN_CLI_OK) code = measure_context(chat, model);
    if (code == RSN_CLI_OK) code = rsn_chat_begin(chat);
    if (code == RSN_CLI_OK) code = run_loop(chat);
    json_decref(chat->messages);
    free(chat->failed);
    free(chat->system);
    rsn_cli_generation_end(&chat->generation);
    reason_session_free(chat->session);
    reason_model_free(model);
    code = rsn_cli_interrupt_code(code);
    rsn_cli_interrupt_release();
    return code;
}

static int run(const struct rsn_cli_command *self, int argc, char **argv) {
    struct rsn_chat chat = {0};
    struct rsn_cli_arguments arguments;
    int code = rsn_cli_generation_init(&chat.generation);
    if (code != RSN_CLI_OK) return code;
    const struct rsn_cli_group groups[] = {
        {"Options:", rows, RSN_CLI_COUNT(rows), &chat.own},
        RSN_CLI_THINKING_GROUP(&chat.generation),
        RSN_CLI_SAMPLING_GROUP(&chat.generation),
        RSN_CLI_MODEL_GROUP(&chat.model_options),
        RSN_CLI_SESSION_GROUP(&chat.model_options),
        RSN_CLI_GUESS_GROUP(&chat.model_options),
    };
    if (!rsn_cli_options_parse(self, groups, RSN_CLI_COUNT(groups), argc, argv,
                               &arguments, &code) ||
        !rsn_cli_options_no_arguments(self, &arguments, &code))
        return code;
    if (chat.own.show_thinking && chat.own.no_thinking)
        return rsn_cli_fail_usage(self, "--show-thinking and --no-thinking at once");
    return run_session(&chat);
}

static const char notes[] =
    "Each line of standard input is a turn; one that ends in a backslash goes on in\n"
    "the next (two backslashes are one). Answers go to standard output as with ask,\n"
    "everything else to standard error. Lines that begin with a slash are commands:\n"
    "/think /budget /effort /temperature /system /retry /drop /clear /stats /save\n"
    "/load /help /quit; /help says more.\n"
    "\n"
    "On a terminal a line can be edited, the arrow keys bring earlier ones, and\n"
    "pasted text stays one message (in builds with libedit).\n"
    "\n"
    "The conversation keeps what the model thought as reasoning_content; whether the\n"
    "next prompt shows it is the template's choice. When the context is full nothing\n"
    "is taken away unasked: /drop takes the oldest turn, /clear all of them.\n"
    "\n"
    "Ctrl-C stops an answer; what there is of it stays in the conversation. A\n"
    "second Ctrl-C, Ctrl-D or /quit leaves. A turn that fails says so, and the\n"
    "conversation goes on without it; in a pipe the exit code is then 1, and Ctrl-C\n"
    "exits with 130. --json prints an object per turn, as ask does.\n"
    "\n"
    "Examples:\n"
    "  reason chat\n"
    "  reason chat --history ~/.reason_history --think on --budget 200\n"
    "  printf 'What is 3 + 4?\\n/think off\\nWhat is 5 + 6?\\n' | reason chat --json\n";

const struct rsn_cli_command rsn_cli_cmd_chat = {"chat", "a conversation, line by line",
                                                 "[OPTIONS]", notes, run};
