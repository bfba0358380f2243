/* How often a model is right over tasks whose answers are known, and what that costs. */
#ifndef REASON_CONVERT_EVALUATE_H
#define REASON_CONVERT_EVALUATE_H

#include "decode/sequence.h"

typedef struct rsn_evaluated {
    reason_task_result result; /* n_samples 0: it is not finished */
    char *kind;                /* owned; NULL: none */
    int32_t task_size;
} rsn_evaluated;

typedef struct reason_evaluation {
    rsn_evaluated *tasks; /* [n] */
    size_t n;
    bool hybrid;
    double margin, seconds;
} rsn_evaluation;

/* What is to be evaluated; all structs are complete and checked. */
typedef struct rsn_evaluate_job {
    const rsn_asked *asked; /* each request but for prompt, seed and samples */
    const reason_task *tasks; /* [n] */
    const reason_task_result *known; /* [n]; n_samples 0: that is not known */
    size_t n;
    const reason_evaluate_options *options;
} rsn_evaluate_job;

/* Runs the tasks that are not known. The session is entered here, because advisers are
 * asked before. Statuses as reason_evaluate(). */
reason_status rsn_evaluate(rsn_session *session, const rsn_evaluate_job *job,
                           rsn_evaluation **evaluation);
void rsn_evaluation_free(rsn_evaluation *evaluation);

/* evaluate_figures.c: fills all fields but the size. */
void rsn_evaluation_summary(const rsn_evaluation *e, const char *kind, int32_t task_size,
                            reason_evaluation_summary *out);
/* Of as many tasks in both. */
void rsn_evaluation_compare(const rsn_evaluation *a, const rsn_evaluation *b,
                            reason_evaluation_difference *out);

#endif
