/*
 * The command `reason`. Owns the table of subcommands and the process: start, dispatch,
 * exit code. What a subcommand does is left to its own file. Invariant: it uses only the
 * public header, so it can do nothing that another program could not.
 */
#include <string.h>

#include "cli.h"
#include "output.h"

static const struct rsn_cli_command *const commands[] = {
    &rsn_cli_cmd_ask,      &rsn_cli_cmd_chat,       &rsn_cli_cmd_search,
    &rsn_cli_cmd_eval,     &rsn_cli_cmd_judge,      &rsn_cli_cmd_score,
    &rsn_cli_cmd_info,
    &rsn_cli_cmd_tokenize, &rsn_cli_cmd_detokenize, &rsn_cli_cmd_logits,
    &rsn_cli_cmd_template, &rsn_cli_cmd_bench,      &rsn_cli_cmd_quantize,
    &rsn_cli_cmd_convert,  &rsn_cli_cmd_perplexity, &rsn_cli_cmd_imatrix,
};

static const char usage[] = "Usage: reason COMMAND [OPTIONS] [ARGUMENTS]\n";
static const char hint[] = "See 'reason --help' and 'reason COMMAND --help'.\n";

static void print_help(void) {
    rsn_cli_print("reason: reasoning language models on CPUs\n\n%s\nCommands:\n", usage);
    for (size_t i = 0; i < RSN_CLI_COUNT(commands); i++)
        rsn_cli_print("  %-12s %s\n", commands[i]->name, commands[i]->summary);
    rsn_cli_print("  %-12s %s\n", "help", "the same as COMMAND --help");
    rsn_cli_print(
        "\n"
        "Everywhere:\n"
        "  -m, --model MODEL    GGUF file or Hugging Face folder; default: the small model\n"
        "                       that ships\n"
        "  -t, --threads N      threads; default: as many as this process may use\n"
        "      --json           one JSON object, or one a line, on standard output\n"
        "  -h, --help           help on COMMAND, with examples\n"
        "      --version        the version of the command and the library\n"
        "      --list-options   all options of all commands, for scripts\n"
        "\n"
        "Exit codes: 0 done, 1 failed with one sentence on standard error, 2 wrong\n"
        "usage, 128 + N stopped by signal N.\n"
        "\n"
        "Examples:\n"
        "  reason ask \"What is 37 * 24?\"\n"
        "  reason ask --budget 50 --json \"What is 37 * 24?\"\n"
        "  reason chat -m model.gguf\n");
}

static void print_version(void) {
    rsn_cli_print("reason %s\n", REASON_VERSION);
    if (strcmp(REASON_VERSION, reason_version()) != 0)
        rsn_cli_print("library %s\n", reason_version());
}

static int run_command(const char *name, int argc, char **argv) {
    for (size_t i = 0; i < RSN_CLI_COUNT(commands); i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i]->run(commands[i], argc, argv);
    rsn_cli_say("unknown %s '%s'; see 'reason --help'",
                name[0] == '-' ? "option" : "command", name);
    return RSN_CLI_USAGE;
}

/* The tables of all subcommands, a line each, apart by tabs: "command", name, summary, or
 * "option", command, name, letter, value, choices, help. Manuals and completions are
 * checked against it. */
static int list_options(void) {
    int code = RSN_CLI_OK;
    for (size_t i = 0; i < RSN_CLI_COUNT(commands) && code == RSN_CLI_OK; i++) {
        char list[] = "--list-options";
        char *arguments[] = {list, NULL};
        code = commands[i]->run(commands[i], 1, arguments);
    }
    return code;
}

static int dispatch(int argc, char **argv) {
    if (argc < 2) {
        fputs(usage, stderr);
        fputs(hint, stderr);
        return RSN_CLI_USAGE;
    }
    const char *name = argv[1];
    bool asks_help = strcmp(name, "help") == 0;
    if (strcmp(name, "--version") == 0) {
        print_version();
    } else if (strcmp(name, "--list-options") == 0) {
        return list_options();
    } else if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 ||
               (asks_help && argc == 2)) {
        print_help();
    } else if (asks_help) {
        char help[] = "--help";
        char *arguments[] = {help, NULL};
        return run_command(argv[2], 1, arguments);
    } else {
        return run_command(name, argc - 2, argv + 2);
    }
    return RSN_CLI_OK;
}

int main(int argc, char **argv) {
    rsn_cli_output_start();
    return rsn_cli_output_finish(dispatch(argc, argv));
}
