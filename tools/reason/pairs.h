/* Prompts with several responses, a JSON object a line, and how often the better one was
 * found. */
#ifndef REASON_CLI_PAIRS_H
#define REASON_CLI_PAIRS_H

#include "json_out.h"

/* One line. Texts are owned by the list that it is of. */
struct rsn_cli_pair {
    size_t line;            /* its number in the file, from 1 */
    const char *prompt;     /* NULL: it has messages */
    char *messages;         /* a conversation as a JSON array; owned */
    char *conversation;     /* the same as one text; owned */
    const char **responses; /* [n]; owned */
    size_t n;
    int64_t chosen;       /* the better one, from 0; -1: not said */
    const char *category; /* NULL: none */
};

struct rsn_cli_pairs {
    json_t *lines; /* an array of objects, which own all texts */
    struct rsn_cli_pair *items; /* [n] */
    size_t n, cap;
    uint64_t hash; /* of all lines */
};

/* Reads the first `limit` lines of a file, 0: all; "-" is standard input. A line has
 * "prompt" or "messages", "responses" (`least` or more texts), and if there are "chosen" (a
 * number from 0) or "labels" (a number for each response, of which the largest one is
 * chosen), and "category". Returns RSN_CLI_OK or says a sentence that names the line.
 * Either way the list is to be freed. */
int rsn_cli_pairs_read(const char *path, size_t limit, size_t least,
                       struct rsn_cli_pairs *pairs);
void rsn_cli_pairs_free(struct rsn_cli_pairs *pairs);
/* What was asked, as one text. */
const char *rsn_cli_pair_query(const struct rsn_cli_pair *pair);

/* --- figures ------------------------------------------------------------------------- */

/* Lines of one category, or all. */
struct rsn_cli_found {
    const char *category; /* borrowed; NULL: none, or all */
    size_t n;             /* lines that say which is better */
    double right;         /* of these, found; a draw is half */
};

struct rsn_cli_accuracy {
    struct rsn_cli_found all;
    struct rsn_cli_found *categories; /* [n], in the order in which they came */
    size_t n, cap;
};

/* Counts a line. Returns RSN_CLI_OK or says a sentence. */
int rsn_cli_accuracy_add(struct rsn_cli_accuracy *accuracy, const char *category,
                         double right);
void rsn_cli_accuracy_free(struct rsn_cli_accuracy *accuracy);
/* "n", "accuracy", "accuracy_ci95": [LOW, HIGH]; with categories also "by_category" and
 * "category_mean", in which each category counts alike (as RewardBench has it). */
void rsn_cli_accuracy_put(struct rsn_cli_object *object,
                          const struct rsn_cli_accuracy *accuracy);
/* The same as sentences. */
void rsn_cli_accuracy_say(const struct rsn_cli_accuracy *accuracy);

#endif
