/* Options by tables: a row per option, a group per table, one parser that also prints the
 * help. */
#ifndef REASON_CLI_OPTIONS_H
#define REASON_CLI_OPTIONS_H

#include "cli.h"

/* What an option takes, and the type that its offset points at. */
enum rsn_cli_kind {
    RSN_CLI_FLAG,   /* nothing; bool */
    RSN_CLI_INT,    /* a whole number within [min, max]; int32_t */
    RSN_CLI_UINT64, /* any whole number of 64 bits; uint64_t */
    RSN_CLI_FLOAT,  /* a finite number within [min, max]; float */
    RSN_CLI_TEXT,   /* anything; const char * into argv */
    RSN_CLI_LIST,   /* anything, repeatable; struct rsn_cli_list */
    RSN_CLI_CHOICE  /* a name from `choices`; int */
};

enum { RSN_CLI_LIST_CAP = 32 };

struct rsn_cli_list {
    const char *items[RSN_CLI_LIST_CAP];
    size_t n_items;
};

/* Ends with a row whose name is NULL. */
struct rsn_cli_choice {
    const char *name;
    int value;
};

struct rsn_cli_option {
    const char *name; /* long name without the dashes */
    char letter;      /* short name, or 0 */
    enum rsn_cli_kind kind;
    size_t offset;                        /* of the target within the group's base */
    double min, max;                      /* INT and FLOAT */
    const struct rsn_cli_choice *choices; /* CHOICE */
    const char *value; /* the value's name in the help; NULL for a flag */
    const char *help;
};

/* Rows and the struct that their offsets lead into. */
struct rsn_cli_group {
    const char *title;
    const struct rsn_cli_option *rows;
    size_t n_rows;
    void *base;
};

/* Arguments that are no options, in order; the array is the front of argv. */
struct rsn_cli_arguments {
    char **items;
    size_t n_items;
};

/* Whether `text` names a choice; sets *value. */
bool rsn_cli_choice_find(const struct rsn_cli_choice *choices, const char *text,
                         int *value);
/* Whether all of `text` is a number within [min, max]; sets *value. */
bool rsn_cli_read_int(const char *text, int64_t min, int64_t max, int64_t *value);
bool rsn_cli_read_float(const char *text, double min, double max, float *value);

/*
 * Reads argv by the groups' rows. False: the command ends now with *code, because --help
 * or --list-options was answered or a usage error was said. argv is reordered, arguments that are no
 * options first.
 */
bool rsn_cli_options_parse(const struct rsn_cli_command *command,
                           const struct rsn_cli_group *groups, size_t n_groups, int argc,
                           char **argv, struct rsn_cli_arguments *arguments, int *code);
/* For subcommands that take options only: true, or false after a usage error. */
bool rsn_cli_options_no_arguments(const struct rsn_cli_command *command,
                                  const struct rsn_cli_arguments *arguments, int *code);

#endif
