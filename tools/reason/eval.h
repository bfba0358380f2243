/* What the files of `reason eval` share: a run of settings over tasks, the record of it,
 * and its figures. */
#ifndef REASON_CLI_EVAL_H
#define REASON_CLI_EVAL_H

#include "generation.h"
#include "model.h"
#include "record.h"
#include "tasks.h"

struct rsn_cli_eval_options {
    int32_t n_samples, limit, n_parallel;
    float margin;
    int answers; /* a reason_answer_kind */
    const char *out;
    struct rsn_cli_list vary;
    bool hybrid, json;
};

/* One way to run all tasks. */
struct rsn_cli_setting {
    const char *name; /* as --vary has it */
    char *words;      /* owned; the values of `generation` point into it */
    struct rsn_cli_generation generation;
    reason_task_result *results;      /* [tasks] */
    const reason_task_result **known; /* [tasks]; NULL: not finished */
    size_t n_known;
    reason_evaluation *evaluation; /* NULL until all are finished */
};

struct rsn_cli_eval {
    struct rsn_cli_model_options model;
    struct rsn_cli_generation generation; /* what settings begin as */
    struct rsn_cli_eval_options own;
    struct rsn_cli_tasks tasks;
    struct rsn_cli_setting *settings; /* [n_settings] */
    size_t n_settings;
    struct rsn_cli_record record;
};

/* eval_record.c. Opens --out, which may be none: reads what an earlier run finished, or
 * writes the header. Returns RSN_CLI_OK or says a sentence. */
int rsn_cli_eval_record(struct rsn_cli_eval *eval, const reason_model *model);
/* Keeps a task that was finished. */
void rsn_cli_eval_keep(struct rsn_cli_eval *eval, size_t setting, size_t task);

/* eval_report.c: figures of settings that are all finished, as JSON or a table. Returns
 * RSN_CLI_OK or says a sentence. */
int rsn_cli_eval_print(const struct rsn_cli_eval *eval);

#endif
