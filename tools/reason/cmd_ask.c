/*
 * `reason ask`: one prompt, or one per line of a file, and the answers. Left to others:
 * the options of a generation (generation.c), how text is shown (display.c). Invariant:
 * standard output gets answers, or JSON, and nothing else unless it is a terminal.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "display.h"
#include "generation.h"
#include "input.h"
#include "interrupt.h"
#include "model.h"
#include "output.h"

struct ask_options {
    const char *input;
    bool json, show_thinking, no_color;
};

struct ask {
    struct rsn_cli_model_options model;
    struct rsn_cli_generation generation;
    struct ask_options own;
    struct rsn_cli_display display;
    reason_session *session;
};

#define AT(field) offsetof(struct ask_options, field)

static const struct rsn_cli_option rows[] = {
    {"input", 'i', RSN_CLI_TEXT, AT(input), 0, 0, NULL, "FILE",
     "one prompt per line, \"-\" for standard input; empty\nlines are left out"},
    {"json", 0, RSN_CLI_FLAG, AT(json), 0, 0, NULL, NULL, "one JSON object per prompt"},
    {"show-thinking", 0, RSN_CLI_FLAG, AT(show_thinking), 0, 0, NULL, NULL,
     "thinking on standard error, terminal or not"},
    {"no-color", 0, RSN_CLI_FLAG, AT(no_color), 0, 0, NULL, NULL,
     "no dimmed text; so does NO_COLOR in the environment"},
};

static int run_prompt(struct ask *ask, const char *prompt, int64_t line) {
    reason_request request;
    int code = rsn_cli_generation_request(&ask->generation, &request);
    if (code != RSN_CLI_OK) return code;
    request.prompt = prompt;
    request.system = ask->generation.system;
    request.stream = rsn_cli_display_piece;
    request.stream_user = &ask->display;
    reason_result *result = NULL;
    reason_status status = reason_generate(ask->session, &request, &result);
    rsn_cli_display_end(&ask->display, status == REASON_OK);
    if (status != REASON_OK && line > 0) {
        code = rsn_cli_fail("line %lld: %s", (long long)line, reason_last_error());
    } else if (status != REASON_OK) {
        code = rsn_cli_fail_library();
    } else if (rsn_cli_output_failed()) {
        code = RSN_CLI_FAILED;
    } else if (ask->own.json) {
        code = rsn_cli_result_print(result, line);
    } else {
        rsn_cli_result_note(result);
    }
    reason_result_free(result);
    return code;
}

static int check_line(enum rsn_cli_line state, const char *name, int64_t line,
                      const struct rsn_cli_buffer *prompt) {
    if (state == RSN_CLI_LINE_LONG)
        return rsn_cli_fail("'%s': line %lld is longer than the %d MiB allowed here",
                            name, (long long)line, RSN_CLI_LIMIT_PROMPT >> 20);
    if (state == RSN_CLI_LINE_FAILED)
        return rsn_cli_fail("cannot read '%s': %s", name, strerror(errno));
    if (state == RSN_CLI_LINE_OK && strlen(prompt->data) != prompt->n_bytes)
        return rsn_cli_fail(
            "'%s': line %lld holds a NUL byte; text without NUL is needed", name,
            (long long)line);
    return RSN_CLI_OK;
}

static int run_lines(struct ask *ask, int fd, const char *name) {
    struct rsn_cli_lines lines = {.fd = fd};
    struct rsn_cli_buffer prompt = {0};
    int code = RSN_CLI_OK;
    for (int64_t line = 1; code == RSN_CLI_OK && !rsn_cli_interrupt_signal(); line++) {
        enum rsn_cli_line state =
            rsn_cli_read_line(&lines, RSN_CLI_LIMIT_PROMPT, &prompt);
        if (state == RSN_CLI_LINE_END || state == RSN_CLI_LINE_INTERRUPTED) break;
        code = check_line(state, name, line, &prompt);
        if (code == RSN_CLI_OK && prompt.n_bytes > 0)
            code = run_prompt(ask, prompt.data, line);
    }
    rsn_cli_buffer_free(&prompt);
    return code;
}

static int run_file(struct ask *ask) {
    const char *path = ask->own.input;
    if (strcmp(path, "-") == 0) return run_lines(ask, STDIN_FILENO, "standard input");
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd == -1) return rsn_cli_fail("cannot open '%s': %s", path, strerror(errno));
    int code = run_lines(ask, fd, path);
    close(fd);
    return code;
}

static int run_session(struct ask *ask, const struct rsn_cli_buffer *prompt) {
    reason_model *model = NULL;
    int code = rsn_cli_interrupt_catch();
    if (code == RSN_CLI_OK) code = rsn_cli_model_open(&ask->model, &model);
    if (code == RSN_CLI_OK)
        code = rsn_cli_session_open(&ask->model, model, NULL, &ask->session);
    if (code == RSN_CLI_OK) {
        rsn_cli_display_init(&ask->display, ask->own.show_thinking, ask->own.no_color,
                             ask->own.json);
        code = ask->own.input ? run_file(ask) : run_prompt(ask, prompt->data, 0);
    }
    rsn_cli_generation_end(&ask->generation);
    reason_session_free(ask->session);
    reason_model_free(model);
    code = rsn_cli_interrupt_code(code);
    rsn_cli_interrupt_release();
    return code;
}

static int run(const struct rsn_cli_command *self, int argc, char **argv) {
    struct ask ask = {0};
    struct rsn_cli_arguments arguments;
    struct rsn_cli_buffer prompt = {0};
    int code = rsn_cli_generation_init(&ask.generation);
    if (code != RSN_CLI_OK) return code;
    const struct rsn_cli_group groups[] = {
        {"Options:", rows, RSN_CLI_COUNT(rows), &ask.own},
        RSN_CLI_THINKING_GROUP(&ask.generation),
        RSN_CLI_SAMPLING_GROUP(&ask.generation),
        RSN_CLI_MODEL_GROUP(&ask.model),
        RSN_CLI_SESSION_GROUP(&ask.model),
        RSN_CLI_GUESS_GROUP(&ask.model),
    };
    if (!rsn_cli_options_parse(self, groups, RSN_CLI_COUNT(groups), argc, argv,
                               &arguments, &code))
        return code;
    if (ask.own.input && arguments.n_items > 0)
        return rsn_cli_fail_usage(self, "a prompt and --input at once");
    if (!ask.own.input) code = rsn_cli_gather_prompt(self, &arguments, &prompt);
    if (code == RSN_CLI_OK) code = run_session(&ask, &prompt);
    rsn_cli_buffer_free(&prompt);
    return code;
}

static const char notes[] =
    "PROMPT is all arguments joined by spaces. Without one, or with \"-\", it is\n"
    "standard input, less one line end. Write -- before a prompt that begins with a\n"
    "dash.\n"
    "\n"
    "On a terminal the thinking is shown dimmed, then the answer. In a pipe or a\n"
    "file standard output holds the answer alone; thinking goes to standard error\n"
    "if that is a terminal or with --show-thinking. An answer that is empty, cut or\n"
    "stopped says so on standard error; with --json see finish_reason, answer_end.\n"
    "\n"
    "--json prints an object per prompt:\n"
    "  {\"thinking\", \"answer\", \"finish_reason\", \"p_think\",\n"
    "   \"usage\": {\"prompt_tokens\", \"thinking_tokens\", \"answer_tokens\",\n"
    "             \"markup_tokens\", \"prefill_s\", \"decode_s\", \"cached_tokens\",\n"
    "             \"kv_bytes\", \"probe_tokens\", \"guessed_tokens\",\n"
    "             \"accepted_tokens\"},\n"
    "   \"answer_end\", \"budget\"} and, with --input, \"line\".\n"
    "finish_reason is eos, stop, length, budget, loop, early_exit or cancelled;\n"
    "p_think is null where the mode was forced; answer_end is how the last token\n"
    "came to be the last; probe_tokens were run to look ahead and forgotten again.\n"
    "\n"
    "With --input the first prompt that fails ends the run. Ctrl-C stops, shows\n"
    "what there is and exits with 130.\n"
    "\n"
    "Examples:\n"
    "  reason ask \"What is 37 * 24?\"\n"
    "  echo \"Sort 8 90 1 48.\" | reason ask --budget 100 > answer.txt\n"
    "  reason ask --think off --temperature 0 --json -- \"-5 + 3 = ?\"\n"
    "  reason ask --json --input questions.txt > answers.jsonl\n";

const struct rsn_cli_command rsn_cli_cmd_ask = {
    "ask", "answer a prompt, thinking within a budget", "[OPTIONS] [PROMPT...]", notes,
    run};
