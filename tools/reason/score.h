/* What the files of `reason score` share: its options, and scores as lines. */
#ifndef REASON_CLI_SCORE_H
#define REASON_CLI_SCORE_H

#include "json_out.h"
#include "model.h"
#include "pairs.h"
#include "record.h"
#include "scoring.h"

struct rsn_cli_score_options {
    int32_t limit;
    const char *system, *reference, *out;
    bool plain, steps, json;
};

struct rsn_cli_score {
    struct rsn_cli_model_options model;
    struct rsn_cli_scoring scoring;
    struct rsn_cli_score_options own;
    struct rsn_cli_pairs pairs;
    size_t n_done; /* lines of `pairs` that have scores */
    struct rsn_cli_record record;
    struct rsn_cli_accuracy accuracy;
};

/* score_lines.c. The line of a pair; its "correct" is 1 where the better one has the highest
 * score, 0.5 where another one has it too, else 0, and null if the pair does not say which
 * is better. */
struct rsn_cli_object rsn_cli_score_line(const struct rsn_cli_score *score,
                                         const struct rsn_cli_pair *pair,
                                         const reason_scores *scores);

#endif
