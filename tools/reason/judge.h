/* What the files of `reason judge` share: its options, and verdicts as lines. */
#ifndef REASON_CLI_JUDGE_H
#define REASON_CLI_JUDGE_H

#include "generation.h"
#include "input.h"
#include "json_out.h"
#include "model.h"
#include "pairs.h"
#include "record.h"

struct rsn_cli_judge_options {
    int kind, order, method; /* a reason_judge_kind, _order, reason_tournament_method */
    int32_t n_votes, n_opponents, lowest, highest, limit, n_parallel;
    const char *rubric, *checklist, *prompt; /* files */
    const char *verdict_1, *verdict_2;
    const char *out;
    bool texts, json;
};

struct rsn_cli_judge {
    struct rsn_cli_model_options model;
    struct rsn_cli_generation generation;
    struct rsn_cli_judge_options own;
    struct rsn_cli_pairs pairs;
    struct rsn_cli_buffer rubric, checklist, prompt; /* what is in the files */
    const char **items; /* [n_items], lines of `checklist` */
    size_t n_items;
    size_t n_done; /* lines of `pairs` that have a verdict */
    struct rsn_cli_record record;
    struct rsn_cli_accuracy accuracy;
    double agreement; /* sum over n_agreement lines */
    size_t n_agreement;
};

/* judge_lines.c. The line of a pair; its "correct" is 1 where the better one was found, 0.5
 * for a draw, else 0, and null if the pair does not say which is better. */
struct rsn_cli_object rsn_cli_judgement_line(const struct rsn_cli_judge *judge,
                                             const struct rsn_cli_pair *pair,
                                             const reason_judgement *judgement);
struct rsn_cli_object rsn_cli_tournament_line(const struct rsn_cli_judge *judge,
                                              const struct rsn_cli_pair *pair,
                                              const reason_tournament *tournament);

#endif
