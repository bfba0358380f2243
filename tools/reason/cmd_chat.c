/*
 * `reason chat`: a conversation, line by line, on one session. Owns the history as JSON
 * messages. Left to the library: which part of the prompt is computed again. Invariant:
 * the history holds whole turns only; a turn that failed leaves no trace in it.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "display.h"
#include "generation.h"
#include "input.h"
#include "interrupt.h"
#include "json_out.h"
#include "model.h"
#include "output.h"

struct chat_options {
    bool json, show_thinking, no_color;
};

struct chat {
    struct rsn_cli_model_options model_options;
    struct rsn_cli_generation generation;
    struct chat_options own;
    struct rsn_cli_display display;
    reason_session *session;
    json_t *history;   /* array of messages */
    reason_usage last; /* of the last turn; its size is 0 before there is one */
    bool at_terminal;  /* a person types and reads */
    bool warned;       /* one Ctrl-C came since the last line; the next one leaves */
    int code;          /* a pipe's failures decide the exit code at the end */
};

enum { LINE_LIMIT = 1 << 20 };

#define AT(field) offsetof(struct chat_options, field)

static const struct rsn_cli_option rows[] = {
    {"json", 0, RSN_CLI_FLAG, AT(json), 0, 0, NULL, NULL, "one JSON object per turn"},
    {"show-thinking", 0, RSN_CLI_FLAG, AT(show_thinking), 0, 0, NULL, NULL,
     "thinking on standard error, terminal or not"},
    {"no-color", 0, RSN_CLI_FLAG, AT(no_color), 0, 0, NULL, NULL,
     "no dimmed text; so does NO_COLOR in the environment"},
};

/* ------------------------------------------------------------ history */

/* Appends a message; `reasoning` may be NULL. */
static bool add_message(struct chat *chat, const char *role, const char *content,
                        size_t n_content, const char *reasoning, size_t n_reasoning) {
    struct rsn_cli_object message = rsn_cli_object_new();
    rsn_cli_object_set(&message, "role", json_string(role));
    rsn_cli_object_text(&message, "content", content, n_content);
    if (reasoning)
        rsn_cli_object_text(&message, "reasoning_content", reasoning, n_reasoning);
    bool added = !message.failed && json_array_append(chat->history, message.root) == 0;
    rsn_cli_object_free(&message);
    return added;
}

static bool start_history(struct chat *chat) {
    const char *system = chat->generation.system;
    json_decref(chat->history);
    chat->history = json_array();
    if (!chat->history) return false;
    return !system || add_message(chat, "system", system, strlen(system), NULL, 0);
}

static void drop_messages_from(struct chat *chat, size_t n_messages) {
    while (json_array_size(chat->history) > n_messages)
        json_array_remove(chat->history, json_array_size(chat->history) - 1);
}

/* ------------------------------------------------------------ turn */

static int finish_turn(struct chat *chat, const reason_result *result) {
    size_t n_answer = 0, n_thinking = 0;
    const char *answer = reason_result_answer(result, &n_answer);
    const char *thinking = reason_result_thinking(result, &n_thinking);
    if (!add_message(chat, "assistant", answer, n_answer, n_thinking ? thinking : NULL,
                     n_thinking))
        return rsn_cli_fail_memory();
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
        return rsn_cli_fail("stopped; the turn is dropped");
    if (status == REASON_ERR_CONTEXT_FULL)
        return rsn_cli_fail(
            "%s; /reset starts a new conversation, /save FILE keeps this one",
            reason_last_error());
    return rsn_cli_fail_library();
}

static int generate(struct chat *chat, const char *messages) {
    struct rsn_cli_request request;
    int code = rsn_cli_generation_request(&chat->generation, &request);
    if (code != RSN_CLI_OK) return code;
    request.request.messages_json = messages;
    request.request.stream = rsn_cli_display_piece;
    request.request.stream_user = &chat->display;
    reason_result *result = NULL;
    reason_status status = reason_generate(chat->session, &request.request, &result);
    rsn_cli_display_end(&chat->display, status == REASON_OK);
    code = status == REASON_OK ? finish_turn(chat, result) : fail_turn(status);
    reason_result_free(result);
    return code;
}

static int take_turn(struct chat *chat, const char *line, size_t n_line) {
    size_t n_before = json_array_size(chat->history);
    char *messages = NULL;
    if (add_message(chat, "user", line, n_line, NULL, 0))
        messages = json_dumps(chat->history, JSON_COMPACT);
    int code = messages ? generate(chat, messages) : rsn_cli_fail_memory();
    if (code != RSN_CLI_OK) drop_messages_from(chat, n_before);
    free(messages);
    return code;
}

/* ------------------------------------------------------------ commands */

static const char help_text[] =
    "/think auto|on|off            whether to think\n"
    "/budget N                     most tokens of thinking; -1: all the room\n"
    "/effort none|low|medium|high  the budget in words\n"
    "/reset                        forget the conversation\n"
    "/stats                        tokens and speed of the last turn\n"
    "/save FILE                    write the conversation as JSON\n"
    "/quit                         leave; so do Ctrl-D and a second Ctrl-C\n"
    "//...                         a message that begins with a slash\n";

static int do_think(struct chat *chat, const char *value) {
    if (rsn_cli_choice_find(rsn_cli_think_modes, value, &chat->generation.mode))
        return RSN_CLI_OK;
    return rsn_cli_fail("/think is one of auto, on, off, found '%.100s'", value);
}

static int do_effort(struct chat *chat, const char *value) {
    if (rsn_cli_choice_find(rsn_cli_efforts, value, &chat->generation.effort))
        return RSN_CLI_OK;
    return rsn_cli_fail("/effort is one of none, low, medium, high, found '%.100s'",
                        value);
}

static int do_budget(struct chat *chat, const char *value) {
    int64_t budget = 0;
    if (!rsn_cli_read_int(value, -1, INT32_MAX, &budget))
        return rsn_cli_fail("/budget is a whole number from -1 to %d, found '%.100s'",
                            INT32_MAX, value);
    chat->generation.budget = (int32_t)budget;
    return RSN_CLI_OK;
}

static int do_reset(struct chat *chat, const char *value) {
    (void)value;
    if (reason_session_reset(chat->session) != REASON_OK) return rsn_cli_fail_library();
    chat->last.size = 0;
    return start_history(chat) ? RSN_CLI_OK : rsn_cli_fail_memory();
}

static int do_stats(struct chat *chat, const char *value) {
    (void)value;
    const reason_usage *last = &chat->last;
    size_t n_tokens = 0;
    uint64_t kv_bytes = 0;
    if (reason_session_length(chat->session, &n_tokens) != REASON_OK ||
        reason_session_kv_bytes(chat->session, &kv_bytes) != REASON_OK)
        return rsn_cli_fail_library();
    fprintf(stderr,
            "conversation: %zu messages, %zu tokens, %.1f MiB of keys and values\n",
            json_array_size(chat->history), n_tokens, (double)kv_bytes / 1048576.0);
    if (last->size == 0) return RSN_CLI_OK;
    uint64_t n_made = last->thinking_tokens + last->answer_tokens + last->markup_tokens;
    double decode_s = last->thinking_s + last->answer_s;
    fprintf(stderr, "last prompt:  %llu tokens, %llu of them kept from before, %.3f s\n",
            (unsigned long long)last->prompt_tokens,
            (unsigned long long)last->cached_tokens, last->prefill_s);
    fprintf(stderr, "last answer:  %llu thinking, %llu answer, %llu markup, %.3f s",
            (unsigned long long)last->thinking_tokens,
            (unsigned long long)last->answer_tokens,
            (unsigned long long)last->markup_tokens, decode_s);
    if (decode_s > 0) fprintf(stderr, ", %.1f tokens/s", (double)n_made / decode_s);
    fputc('\n', stderr);
    return RSN_CLI_OK;
}

static int do_save(struct chat *chat, const char *value) {
    struct rsn_cli_file file;
    if (!*value) return rsn_cli_fail("/save needs the name of a file");
    char *text = json_dumps(chat->history, JSON_INDENT(2));
    if (!text) return rsn_cli_fail_memory();
    int code = rsn_cli_file_create(value, &file);
    if (code == RSN_CLI_OK) {
        code = rsn_cli_file_write(&file, text, strlen(text));
        if (code == RSN_CLI_OK) code = rsn_cli_file_write(&file, "\n", 1);
        if (code == RSN_CLI_OK) code = rsn_cli_file_commit(&file);
        rsn_cli_file_abandon(&file);
    }
    free(text);
    return code;
}

static int do_help(struct chat *chat, const char *value) {
    (void)chat;
    (void)value;
    fputs(help_text, stderr);
    return RSN_CLI_OK;
}

static const struct {
    const char *name;
    int (*run)(struct chat *chat, const char *value);
} commands[] = {
    {"think", do_think}, {"budget", do_budget}, {"effort", do_effort},
    {"reset", do_reset}, {"stats", do_stats},   {"save", do_save},
    {"help", do_help},
};

/* A line that begins with a slash: "/NAME VALUE". */
static int run_line_command(struct chat *chat, const char *line) {
    size_t n_name = strcspn(line + 1, " \t");
    const char *value = line + 1 + n_name;
    value += strspn(value, " \t");
    for (size_t i = 0; i < RSN_CLI_COUNT(commands); i++)
        if (strlen(commands[i].name) == n_name &&
            memcmp(commands[i].name, line + 1, n_name) == 0)
            return commands[i].run(chat, value);
    return rsn_cli_fail("unknown command '%.100s'; /help lists them, // sends a slash",
                        line);
}

/* ------------------------------------------------------------ loop */

/* False: the user wants out. */
static bool handle_interrupt(struct chat *chat) {
    if (!chat->at_terminal || chat->warned || rsn_cli_interrupt_signal() != SIGINT)
        return false;
    chat->warned = true;
    rsn_cli_interrupt_clear();
    fputs("\nCtrl-C again, Ctrl-D or /quit leaves\n", stderr);
    return true;
}

static void handle_line(struct chat *chat, const struct rsn_cli_buffer *line) {
    bool command = line->data[0] == '/' && line->data[1] != '/';
    size_t skip = line->data[0] == '/' ? 1 : 0;
    int code = command ? run_line_command(chat, line->data)
                       : take_turn(chat, line->data + skip, line->n_bytes - skip);
    if (code != RSN_CLI_OK && !chat->at_terminal) chat->code = code;
}

static enum rsn_cli_line read_line(struct chat *chat, struct rsn_cli_lines *lines,
                                   struct rsn_cli_buffer *line) {
    if (chat->at_terminal) {
        rsn_cli_print("> ");
        rsn_cli_flush();
    }
    return rsn_cli_read_line(lines, LINE_LIMIT, line);
}

static int converse(struct chat *chat) {
    struct rsn_cli_lines lines = {.fd = STDIN_FILENO};
    struct rsn_cli_buffer line = {0};
    while (!rsn_cli_output_failed()) {
        enum rsn_cli_line state = read_line(chat, &lines, &line);
        if (state == RSN_CLI_LINE_INTERRUPTED && handle_interrupt(chat)) continue;
        if (state == RSN_CLI_LINE_LONG) {
            int code =
                rsn_cli_fail("a line longer than the %d KiB allowed here is left out",
                             LINE_LIMIT >> 10);
            if (!chat->at_terminal) chat->code = code;
            continue;
        }
        if (state == RSN_CLI_LINE_FAILED)
            chat->code = rsn_cli_fail("cannot read standard input: %s", strerror(errno));
        if (state != RSN_CLI_LINE_OK || strcmp(line.data, "/quit") == 0) break;
        chat->warned = false;
        if (line.n_bytes > 0) handle_line(chat, &line);
        if (!rsn_cli_interrupt_signal()) continue;
        if (!chat->at_terminal || rsn_cli_interrupt_signal() != SIGINT) break;
        /* The answer was stopped; the next Ctrl-C is the second. */
        chat->warned = true;
        rsn_cli_interrupt_clear();
    }
    if (chat->at_terminal) rsn_cli_print("\n");
    if (chat->at_terminal && rsn_cli_interrupt_signal() == SIGINT)
        rsn_cli_interrupt_clear();
    rsn_cli_buffer_free(&line);
    return chat->code;
}

static int run_session(struct chat *chat) {
    reason_model *model = NULL;
    int code = rsn_cli_interrupt_catch();
    if (code == RSN_CLI_OK) code = rsn_cli_model_open(&chat->model_options, &model);
    if (code == RSN_CLI_OK)
        code = rsn_cli_session_open(&chat->model_options, model, NULL, &chat->session);
    if (code == RSN_CLI_OK && !start_history(chat)) code = rsn_cli_fail_memory();
    if (code == RSN_CLI_OK) {
        chat->at_terminal = isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1;
        rsn_cli_display_init(&chat->display, chat->own.show_thinking, chat->own.no_color,
                             chat->own.json);
        if (chat->at_terminal) fputs("/help lists the commands, Ctrl-D leaves\n", stderr);
        code = converse(chat);
    }
    json_decref(chat->history);
    reason_session_free(chat->session);
    reason_model_free(model);
    code = rsn_cli_interrupt_code(code);
    rsn_cli_interrupt_release();
    return code;
}

static int run(const struct rsn_cli_command *self, int argc, char **argv) {
    struct chat chat = {0};
    struct rsn_cli_arguments arguments;
    int code = rsn_cli_generation_init(&chat.generation);
    if (code != RSN_CLI_OK) return code;
    const struct rsn_cli_group groups[] = {
        {"Options:", rows, RSN_CLI_COUNT(rows), &chat.own},
        RSN_CLI_THINKING_GROUP(&chat.generation),
        RSN_CLI_SAMPLING_GROUP(&chat.generation),
        RSN_CLI_MODEL_GROUP(&chat.model_options),
        RSN_CLI_SESSION_GROUP(&chat.model_options),
    };
    if (!rsn_cli_options_parse(self, groups, RSN_CLI_COUNT(groups), argc, argv,
                               &arguments, &code) ||
        !rsn_cli_options_no_arguments(self, &arguments, &code))
        return code;
    return run_session(&chat);
}

static const char notes[] =
    "Each line of standard input is a turn; its answer goes to standard output as\n"
    "with ask, everything else to standard error. Lines that begin with a slash are\n"
    "commands: /think /budget /effort /reset /stats /save /help /quit; /help says\n"
    "more.\n"
    "\n"
    "Ctrl-C stops an answer; what there is of it stays in the conversation. A\n"
    "second Ctrl-C, Ctrl-D or /quit leaves. A turn that fails says so, and the\n"
    "conversation goes on without it; in a pipe the exit code is then 1, and Ctrl-C\n"
    "exits with 130. --json prints an object per turn, as ask does.\n"
    "\n"
    "Examples:\n"
    "  reason chat\n"
    "  printf 'What is 3 + 4?\\n/think off\\nWhat is 5 + 6?\\n' | reason chat --json\n";

const struct rsn_cli_command rsn_cli_cmd_chat = {"chat", "a conversation, line by line",
                                                 "[OPTIONS]", notes, run};
