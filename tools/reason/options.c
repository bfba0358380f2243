/*
 * Owns the grammar of the command line: --name VALUE, --name=VALUE, -n VALUE, -nVALUE,
 * "--" ends the options, a lone "-" is an argument. Which options exist is left to the
 * tables of each subcommand. Invariant: a target is written only by a value that was
 * checked completely.
 */
#include "options.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "output.h"

/* Where the help column of an option begins. */
enum { HELP_COLUMN = 28 };

struct parser {
    const struct rsn_cli_command *command;
    const struct rsn_cli_group *groups;
    size_t n_groups;
    char **argv;
    int argc, at;
};

bool rsn_cli_choice_find(const struct rsn_cli_choice *choices, const char *text,
                         int *value) {
    for (; choices->name; choices++) {
        if (strcmp(choices->name, text) != 0) continue;
        *value = choices->value;
        return true;
    }
    return false;
}

/* The C library would skip white space and take 0x, inf and nan. */
static bool starts_as_number(const char *text) {
    if (*text == '-' || *text == '+') text++;
    bool digit = text[0] >= '0' && text[0] <= '9';
    bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    return (digit && !hex) || (text[0] == '.' && text[1] >= '0' && text[1] <= '9');
}

bool rsn_cli_read_int(const char *text, int64_t min, int64_t max, int64_t *value) {
    if (!starts_as_number(text)) return false;
    char *end = NULL;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (errno != 0 || *end || end == text || number < min || number > max) return false;
    *value = number;
    return true;
}

static bool read_uint64(const char *text, uint64_t *value) {
    if (*text == '-' || !starts_as_number(text)) return false;
    char *end = NULL;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (errno != 0 || *end || end == text || number > UINT64_MAX) return false;
    *value = number;
    return true;
}

bool rsn_cli_read_float(const char *text, double min, double max, float *value) {
    if (!starts_as_number(text)) return false;
    char *end = NULL;
    double number = strtod(text, &end);
    if (*end || !isfinite(number) || number < min || number > max) return false;
    *value = (float)number;
    return true;
}

/* ------------------------------------------------------------ the help */

static void print_row(const struct rsn_cli_option *row) {
    int n = row->letter ? rsn_cli_print("  -%c, --%s", row->letter, row->name)
                        : rsn_cli_print("      --%s", row->name);
    if (row->value) n += rsn_cli_print(" %s", row->value);
    if (n >= HELP_COLUMN - 1) {
        rsn_cli_print("\n");
        n = 0;
    }
    rsn_cli_print("%*s", HELP_COLUMN - n, "");
    for (const char *p = row->help; *p; p++) {
        rsn_cli_print("%c", *p);
        if (*p == '\n') rsn_cli_print("%*s", HELP_COLUMN, "");
    }
    rsn_cli_print("\n");
}

static void print_help(const struct parser *parser) {
    const struct rsn_cli_command *command = parser->command;
    rsn_cli_print("reason %s: %s\n\nUsage: reason %s %s\n", command->name,
                  command->summary, command->name, command->usage);
    for (size_t g = 0; g < parser->n_groups; g++) {
        const struct rsn_cli_group *group = &parser->groups[g];
        rsn_cli_print("\n%s\n", group->title);
        for (size_t i = 0; i < group->n_rows; i++) print_row(&group->rows[i]);
    }
    rsn_cli_print("\n%s", command->notes);
}

/* ------------------------------------------------------------ the list */

/* One line of a help text on one line, without tabs. */
static void print_flat(const char *text) {
    for (; *text; text++) rsn_cli_print("%c", *text == '\n' ? ' ' : *text);
}

static void list_row(const struct parser *parser, const struct rsn_cli_option *row) {
    rsn_cli_print("option\t%s\t%s\t", parser->command->name, row->name);
    if (row->letter) rsn_cli_print("%c", row->letter);
    rsn_cli_print("\t%s\t", row->value ? row->value : "");
    for (const struct rsn_cli_choice *c = row->choices; c && c->name; c++)
        rsn_cli_print("%s%s", c == row->choices ? "" : ",", c->name);
    rsn_cli_print("\t");
    print_flat(row->help);
    rsn_cli_print("\n");
}

static void print_list(const struct parser *parser) {
    rsn_cli_print("command\t%s\t%s\n", parser->command->name, parser->command->summary);
    for (size_t g = 0; g < parser->n_groups; g++)
        for (size_t i = 0; i < parser->groups[g].n_rows; i++)
            list_row(parser, &parser->groups[g].rows[i]);
}

/* ------------------------------------------------------------ the parser */

static const struct rsn_cli_option *find_row(const struct parser *parser,
                                             const char *name, size_t n_name, char letter,
                                             void **target) {
    for (size_t g = 0; g < parser->n_groups; g++) {
        const struct rsn_cli_group *group = &parser->groups[g];
        for (size_t i = 0; i < group->n_rows; i++) {
            const struct rsn_cli_option *row = &group->rows[i];
            bool same = letter ? row->letter == letter
                               : strlen(row->name) == n_name &&
                                     memcmp(row->name, name, n_name) == 0;
            if (!same) continue;
            *target = (char *)group->base + row->offset;
            return row;
        }
    }
    return NULL;
}

static int fail_choice(const struct parser *parser, const struct rsn_cli_option *row,
                       const char *text) {
    char names[256] = "";
    for (const struct rsn_cli_choice *c = row->choices; c->name; c++) {
        size_t n = strlen(names);
        snprintf(names + n, sizeof names - n, "%s%s", n ? ", " : "", c->name);
    }
    return rsn_cli_fail_usage(parser->command, "--%s is one of %s, found '%s'", row->name,
                              names, text);
}

static int add_to_list(const struct parser *parser, const struct rsn_cli_option *row,
                       struct rsn_cli_list *list, const char *text) {
    if (list->n_items == RSN_CLI_LIST_CAP)
        return rsn_cli_fail_usage(parser->command, "more than %d times --%s",
                                  RSN_CLI_LIST_CAP, row->name);
    list->items[list->n_items++] = text;
    return RSN_CLI_OK;
}

static int store(const struct parser *parser, const struct rsn_cli_option *row,
                 void *target, const char *text) {
    int64_t whole = 0;
    switch (row->kind) {
    case RSN_CLI_FLAG:
        *(bool *)target = true;
        return RSN_CLI_OK;
    case RSN_CLI_INT:
        if (!rsn_cli_read_int(text, (int64_t)row->min, (int64_t)row->max, &whole))
            return rsn_cli_fail_usage(
                parser->command, "--%s is a whole number from %.0f to %.0f, found '%s'",
                row->name, row->min, row->max, text);
        *(int32_t *)target = (int32_t)whole;
        return RSN_CLI_OK;
    case RSN_CLI_UINT64:
        if (!read_uint64(text, target))
            return rsn_cli_fail_usage(
                parser->command, "--%s is a whole number of at most 64 bits, found '%s'",
                row->name, text);
        return RSN_CLI_OK;
    case RSN_CLI_FLOAT:
        if (!rsn_cli_read_float(text, row->min, row->max, target))
            return rsn_cli_fail_usage(parser->command,
                                      "--%s is a number from %g to %g, found '%s'",
                                      row->name, row->min, row->max, text);
        return RSN_CLI_OK;
    case RSN_CLI_TEXT:
        *(const char **)target = text;
        return RSN_CLI_OK;
    case RSN_CLI_LIST:
        return add_to_list(parser, row, target, text);
    case RSN_CLI_CHOICE:
        return rsn_cli_choice_find(row->choices, text, target)
                   ? RSN_CLI_OK
                   : fail_choice(parser, row, text);
    }
    return RSN_CLI_USAGE;
}

/* Takes the value that goes with a row: `attached` if it was written in the same
 * argument. */
static int take_value(struct parser *parser, const struct rsn_cli_option *row,
                      void *target, const char *attached) {
    if (row->kind == RSN_CLI_FLAG) {
        if (attached)
            return rsn_cli_fail_usage(parser->command, "--%s takes no value, found '%s'",
                                      row->name, attached);
        return store(parser, row, target, NULL);
    }
    if (!attached && parser->at == parser->argc)
        return rsn_cli_fail_usage(parser->command, "--%s needs a value", row->name);
    return store(parser, row, target, attached ? attached : parser->argv[parser->at++]);
}

static int take_option(struct parser *parser, const char *arg) {
    void *target = NULL;
    const struct rsn_cli_option *row;
    const char *attached = NULL;
    if (arg[1] == '-') {
        const char *equals = strchr(arg, '=');
        size_t n_name = equals ? (size_t)(equals - arg) - 2 : strlen(arg) - 2;
        row = find_row(parser, arg + 2, n_name, 0, &target);
        if (equals) attached = equals + 1;
        if (!row)
            return rsn_cli_fail_usage(parser->command, "unknown option '%.*s'",
                                      (int)(n_name + 2 < 200 ? n_name + 2 : 200), arg);
    } else {
        row = find_row(parser, NULL, 0, arg[1], &target);
        if (arg[2]) attached = arg + 2;
        if (!row)
            return rsn_cli_fail_usage(parser->command, "unknown option '%.200s'", arg);
    }
    return take_value(parser, row, target, attached);
}

bool rsn_cli_options_parse(const struct rsn_cli_command *command,
                           const struct rsn_cli_group *groups, size_t n_groups, int argc,
                           char **argv, struct rsn_cli_arguments *arguments, int *code) {
    struct parser parser = {command, groups, n_groups, argv, argc, 0};
    bool options_ended = false;
    arguments->items = argv;
    arguments->n_items = 0;
    *code = RSN_CLI_OK;
    while (parser.at < argc) {
        char *arg = argv[parser.at++];
        if (options_ended || arg[0] != '-' || arg[1] == 0) {
            argv[arguments->n_items++] = arg;
        } else if (strcmp(arg, "--") == 0) {
            options_ended = true;
        } else if (strcmp(arg, "--help") == 0 || strcmp(arg, "-h") == 0) {
            print_help(&parser);
            return false;
        } else if (strcmp(arg, "--list-options") == 0) {
            print_list(&parser);
            return false;
        } else {
            *code = take_option(&parser, arg);
            if (*code != RSN_CLI_OK) return false;
        }
    }
    return true;
}

bool rsn_cli_options_no_arguments(const struct rsn_cli_command *command,
                                  const struct rsn_cli_arguments *arguments, int *code) {
    if (arguments->n_items == 0) return true;
    *code =
        rsn_cli_fail_usage(command, "unexpected argument '%.200s'", arguments->items[0]);
    return false;
}
