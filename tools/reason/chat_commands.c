/*
 * Owns the commands of `reason chat`, a row each. What they do to the conversation is
 * left to chat_messages.c and chat_turn.c. Invariant: a command that fails changes
 * nothing.
 */
#include <stdlib.h>
#include <string.h>

#include "chat.h"
#include "output.h"

/* ------------------------------------------------------------ settings */

/* The name of a choice's value. */
static const char *name_of(const struct rsn_cli_choice *choices, int value) {
    while (choices->name && choices->value != value) choices++;
    return choices->name ? choices->name : "";
}

static int do_think(struct rsn_chat *chat, const char *value) {
    if (!*value) {
        fprintf(stderr, "think: %s\n",
                name_of(rsn_cli_think_modes, chat->generation.mode));
        return RSN_CLI_OK;
    }
    if (rsn_cli_choice_find(rsn_cli_think_modes, value, &chat->generation.mode))
        return RSN_CLI_OK;
    return rsn_cli_fail("/think is one of auto, on, off, found '%.100s'", value);
}

static int do_effort(struct rsn_chat *chat, const char *value) {
    if (!*value) {
        fprintf(stderr, "effort: %s\n",
                name_of(rsn_cli_efforts, chat->generation.effort));
        return RSN_CLI_OK;
    }
    if (rsn_cli_choice_find(rsn_cli_efforts, value, &chat->generation.effort))
        return RSN_CLI_OK;
    return rsn_cli_fail("/effort is one of none, low, medium, high, found '%.100s'",
                        value);
}

static int do_budget(struct rsn_chat *chat, const char *value) {
    int64_t budget = 0;
    if (!*value) {
        fprintf(stderr, "budget: %d\n", chat->generation.thinking.budget);
        return RSN_CLI_OK;
    }
    if (!rsn_cli_read_int(value, -1, INT32_MAX, &budget))
        return rsn_cli_fail("/budget is a whole number from -1 to %d, found '%.100s'",
                            INT32_MAX, value);
    chat->generation.thinking.budget = (int32_t)budget;
    return RSN_CLI_OK;
}

static int do_temperature(struct rsn_chat *chat, const char *value) {
    double most = RSN_CLI_MAX_TEMPERATURE;
    if (!*value) {
        fprintf(stderr, "temperature: %g\n",
                (double)chat->generation.sampling.temperature);
        return RSN_CLI_OK;
    }
    if (rsn_cli_read_float(value, 0, most, &chat->generation.sampling.temperature))
        return RSN_CLI_OK;
    return rsn_cli_fail("/temperature is a number from 0 to %g, found '%.100s'", most,
                        value);
}

static int do_system(struct rsn_chat *chat, const char *value) {
    if (*value) return rsn_chat_set_system(chat, strcmp(value, "-") == 0 ? NULL : value);
    const char *system = rsn_chat_system(chat);
    fprintf(stderr, "system: %s\n", system ? system : "none");
    return RSN_CLI_OK;
}

/* ------------------------------------------------------------ the conversation */

static int do_clear(struct rsn_chat *chat, const char *value) {
    (void)value;
    if (reason_session_reset(chat->session) != REASON_OK) return rsn_cli_fail_library();
    chat->last.size = 0;
    free(chat->failed);
    chat->failed = NULL;
    return rsn_chat_begin(chat);
}

static int do_drop(struct rsn_chat *chat, const char *value) {
    int64_t n = 1;
    if (*value && !rsn_cli_read_int(value, 1, INT32_MAX, &n))
        return rsn_cli_fail("/drop is a whole number from 1 to %d, found '%.100s'",
                            INT32_MAX, value);
    size_t dropped = rsn_chat_drop(chat, (size_t)n);
    if (dropped == 0) return rsn_cli_fail("there is no turn to take away");
    fprintf(stderr, "taken away: %zu of the oldest turns\n", dropped);
    return RSN_CLI_OK;
}

static int do_retry(struct rsn_chat *chat, const char *value) {
    (void)value;
    return rsn_chat_ask_again(chat);
}

static int do_save(struct rsn_chat *chat, const char *value) {
    if (!*value) return rsn_cli_fail("/save needs the name of a file");
    return rsn_chat_save(chat, value);
}

static int do_load(struct rsn_chat *chat, const char *value) {
    if (!*value) return rsn_cli_fail("/load needs the name of a file");
    int code = rsn_chat_load(chat, value);
    if (code == RSN_CLI_OK)
        fprintf(stderr, "read: %zu messages\n", json_array_size(chat->messages));
    return code;
}

static void print_last(const reason_usage *last) {
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
    if (n_made > 0)
        fprintf(stderr, ", %.0f%% thinking",
                100.0 * (double)last->thinking_tokens / (double)n_made);
    fputc('\n', stderr);
}

static int do_stats(struct rsn_chat *chat, const char *value) {
    size_t n_tokens = 0;
    uint64_t kv_bytes = 0;
    (void)value;
    if (reason_session_length(chat->session, &n_tokens) != REASON_OK ||
        reason_session_kv_bytes(chat->session, &kv_bytes) != REASON_OK)
        return rsn_cli_fail_library();
    fprintf(stderr,
            "conversation: %zu messages, %zu tokens, %.1f MiB of keys and values\n",
            json_array_size(chat->messages), n_tokens, (double)kv_bytes / 1048576.0);
    fprintf(stderr, "context:      %lld tokens, %lld left\n", (long long)chat->n_context,
            (long long)chat->n_context - (long long)n_tokens);
    if (chat->last.size > 0) print_last(&chat->last);
    return RSN_CLI_OK;
}

/* ------------------------------------------------------------ the table */

static int do_help(struct rsn_chat *chat, const char *value);

static const struct {
    const char *name, *value;
    int (*run)(struct rsn_chat *chat, const char *value); /* NULL: the loop's own */
    const char *help;                                     /* NULL: another name */
} commands[] = {
    {"think", "[auto|on|off]", do_think, "whether to think"},
    {"budget", "[N]", do_budget, "most tokens of thinking; -1: all the room"},
    {"effort", "[none|low|medium|high]", do_effort, "the budget in words"},
    {"temperature", "[T]", do_temperature, "0: always the likeliest token"},
    {"system", "[TEXT]", do_system, "the system message; - for none"},
    {"retry", "", do_retry, "ask the last question again, with the next seed"},
    {"drop", "[N]", do_drop, "take the N oldest turns away; default 1"},
    {"clear", "", do_clear, "forget the conversation"},
    {"reset", "", do_clear, NULL},
    {"stats", "", do_stats, "tokens, speed, memory, context left"},
    {"save", "FILE", do_save, "write the conversation as JSON"},
    {"load", "FILE", do_load, "go on with a conversation from a file"},
    {"help", "", do_help, "this list"},
    {"quit", "", NULL, "leave; so do Ctrl-D and a second Ctrl-C"},
};

static int do_help(struct rsn_chat *chat, const char *value) {
    (void)chat;
    (void)value;
    for (size_t i = 0; i < RSN_CLI_COUNT(commands); i++) {
        if (!commands[i].help) continue;
        int n = fprintf(stderr, "/%s %s", commands[i].name, commands[i].value);
        fprintf(stderr, "%*s%s\n", n < 32 ? 32 - n : 1, "", commands[i].help);
    }
    fputs("//...                           a message that begins with a slash\n"
          "...\\                            a line that goes on in the next one\n"
          "Commands without a value show the one in force.\n",
          stderr);
    return RSN_CLI_OK;
}

bool rsn_chat_quits(const char *line) {
    return strcmp(line, "/quit") == 0;
}

int rsn_chat_command(struct rsn_chat *chat, const char *line) {
    size_t n_name = strcspn(line + 1, " \t");
    const char *value = line + 1 + n_name;
    value += strspn(value, " \t");
    for (size_t i = 0; i < RSN_CLI_COUNT(commands); i++)
        if (commands[i].run && strlen(commands[i].name) == n_name &&
            memcmp(commands[i].name, line + 1, n_name) == 0)
            return commands[i].run(chat, value);
    return rsn_cli_fail("unknown command '%.100s'; /help lists them, // sends a slash",
                        line);
}
