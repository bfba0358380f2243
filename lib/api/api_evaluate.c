/* Public functions of evaluations. */
#include <math.h>
#include <stdio.h>

#include "api/options.h"
#include "api/request.h"
#include "base/alloc.h"
#include "convert/evaluate.h"

static const reason_task TASK = {.size = sizeof TASK, .task_size = -1};
static const reason_evaluate_options OPTIONS = {.size = sizeof OPTIONS, .n_samples = 1};
static const reason_task_result NOT_KNOWN = {.size = sizeof NOT_KNOWN};

reason_status reason_task_init(reason_task *task, size_t size) {
    return rsn_options_init(task, size, &TASK, sizeof TASK, "task");
}

reason_status reason_evaluate_options_init(reason_evaluate_options *options,
                                           size_t size) {
    return rsn_options_init(options, size, &OPTIONS, sizeof OPTIONS, "options");
}

/* --- what is given ------------------------------------------------------------------- */

static reason_status check_options(const reason_evaluate_options *o,
                                   const rsn_asked *asked) {
    const reason_request *r = asked->request;
    const reason_thinking *how = asked->thinking;
    if (o->n_samples < 1)
        return rsn_fail(REASON_ERR_INVALID_ARG, "n_samples %d, 1 or more expected",
                        o->n_samples);
    if (!isfinite(o->margin) || o->margin < 0)
        return rsn_fail(REASON_ERR_INVALID_ARG, "margin %g, 0 or more expected",
                        o->margin);
    if (r->messages || r->messages_json || r->text)
        return rsn_fail(REASON_ERR_INVALID_ARG,
                        "the request has messages, messages_json or text; the questions "
                        "are the prompts of an evaluation");
    if (o->hybrid && (how->mode != REASON_THINK_AUTO || how->thought || how->adviser))
        return rsn_fail(REASON_ERR_INVALID_ARG,
                        "hybrid needs mode AUTO without thought and adviser, where the "
                        "model decides");
    return REASON_OK;
}

static reason_status read_task(const reason_task *task, reason_task *out) {
    *out = TASK;
    if (!task)
        return rsn_fail_null("it");
    reason_status status = rsn_options_read(task, out, sizeof *out, "task");
    if (status != REASON_OK)
        return status;
    if (!out->question || !out->answer)
        return rsn_fail_null("question or answer");
    if ((size_t)out->answers > REASON_ANSWER_CHOICE)
        return rsn_fail(REASON_ERR_INVALID_ARG, "answers %d is none of its enum",
                        (int)out->answers);
    if (out->task_size < -1)
        return rsn_fail(REASON_ERR_INVALID_ARG, "task_size %d, -1 or more expected",
                        out->task_size);
    return REASON_OK;
}

static reason_status read_known(const reason_task_result *known, int32_t n_samples,
                                reason_task_result *out) {
    reason_status status = rsn_options_read(known, out, sizeof *out, "known");
    if (!known || status != REASON_OK)
        return status;
    if (out->n_samples != (uint64_t)n_samples)
        return rsn_fail(REASON_ERR_INVALID_ARG, "known has %llu samples, %d expected",
                        (unsigned long long)out->n_samples, n_samples);
    if (out->n_right > out->n_samples || out->n_thought > out->n_samples ||
        out->on_right > out->n_samples || out->off_right > out->n_samples)
        return rsn_fail(REASON_ERR_INVALID_ARG, "known counts more than its %d samples",
                        n_samples);
    return REASON_OK;
}

static reason_status read_tasks(const reason_task *const *tasks, size_t n,
                                const reason_evaluate_options *o, reason_task *all,
                                reason_task_result *known) {
    reason_status status = REASON_OK;
    char place[48];
    for (size_t i = 0; i < n && status == REASON_OK; i++) {
        known[i] = NOT_KNOWN;
        status = read_task(tasks[i], &all[i]);
        if (status == REASON_OK)
            status = read_known(o->known ? o->known[i] : NULL, o->n_samples, &known[i]);
        snprintf(place, sizeof place, "task %zu", i);
        if (status != REASON_OK)
            status = rsn_fail_within(status, place);
    }
    return status;
}

static reason_status evaluate(reason_session *session, const rsn_asked *asked,
                              const reason_task *const *tasks, size_t n,
                              const reason_evaluate_options *o,
                              reason_evaluation **evaluation) {
    reason_task *all = rsn_alloc2(n, sizeof *all);
    reason_task_result *known = rsn_alloc2(n, sizeof *known);
    const rsn_evaluate_job job = {asked, all, known, n, o};
    reason_status status =
        all && known ? read_tasks(tasks, n, o, all, known) : REASON_ERR_NO_MEMORY;
    if (status == REASON_OK)
        status = rsn_evaluate(session, &job, evaluation);
    rsn_free(all);
    rsn_free(known);
    return status;
}

reason_status reason_evaluate(reason_session *session, const reason_request *request,
                              const reason_task *const *tasks, size_t n,
                              const reason_evaluate_options *options,
                              reason_evaluation **evaluation) {
    reason_evaluate_options o = OPTIONS;
    rsn_complete c;
    rsn_asked asked;
    if (evaluation)
        *evaluation = NULL;
    if (!session || !request || !tasks || !evaluation)
        return rsn_fail_null("session, request, tasks or evaluation");
    if (n == 0)
        return rsn_fail(REASON_ERR_INVALID_ARG, "n is 0, at least 1 expected");
    reason_status status = rsn_options_read(options, &o, sizeof o, "options");
    if (status == REASON_OK)
        status = rsn_request_read(request, &c, &asked);
    if (status == REASON_OK)
        status = check_options(&o, &asked);
    return status == REASON_OK ? evaluate(session, &asked, tasks, n, &o, evaluation)
                               : status;
}

/* --- what was found ------------------------------------------------------------------ */

void reason_evaluation_free(reason_evaluation *evaluation) {
    rsn_evaluation_free(evaluation);
}

size_t reason_evaluation_n_tasks(const reason_evaluation *evaluation) {
    return evaluation ? evaluation->n : 0;
}

reason_status reason_evaluation_task(const reason_evaluation *evaluation, size_t index,
                                     reason_task_result *result) {
    if (!evaluation)
        return rsn_fail_null("evaluation");
    if (index >= evaluation->n)
        return rsn_fail(REASON_ERR_INVALID_ARG, "task %zu, the evaluation has %zu", index,
                        evaluation->n);
    const reason_task_result *from = &evaluation->tasks[index].result;
    return rsn_options_write(result, from, sizeof *from, "result");
}

reason_status reason_evaluation_summary_of(const reason_evaluation *evaluation,
                                           const char *kind, int32_t task_size,
                                           reason_evaluation_summary *summary) {
    reason_evaluation_summary out = {.size = sizeof out};
    if (!evaluation)
        return rsn_fail_null("evaluation");
    if (task_size < -1)
        return rsn_fail(REASON_ERR_INVALID_ARG, "task_size %d, -1 or more expected",
                        task_size);
    rsn_evaluation_summary(evaluation, kind, task_size, &out);
    return rsn_options_write(summary, &out, sizeof out, "summary");
}

reason_status reason_evaluation_compare(const reason_evaluation *a,
                                        const reason_evaluation *b,
                                        reason_evaluation_difference *difference) {
    reason_evaluation_difference out;
    if (!a || !b)
        return rsn_fail_null("a or b");
    if (a->n != b->n)
        return rsn_fail(REASON_ERR_INVALID_ARG,
                        "one evaluation has %zu tasks, the other %zu", a->n, b->n);
    rsn_evaluation_compare(a, b, &out);
    return rsn_options_write(difference, &out, sizeof out, "difference");
}
