/* Evaluations. Owns which requests are made of tasks, how many at once, and what becomes
 * of their results. Left to evaluate_figures.c: figures over tasks. Invariant: what a
 * task is asked depends on its place and on nothing that was asked before, so an
 * evaluation that is stopped and gone on with finds what one that is not stopped finds. */
#include "convert/evaluate.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/fpstate.h"
#include "base/rng.h"
#include "decode/advice.h"
#include "decode/batch.h"
#include "reward/answer.h"

/* How often a task is asked: as the request says, and for `hybrid` in the two modes. */
enum { OWN, ON, OFF, MOST_WAYS };

/* Generations that a slice has for each place in the batch: so many that places are
 * seldom empty while a slice ends. */
enum { ROUNDS = 16 };

typedef struct question {
    reason_request request;
    reason_thinking thinking;
    reason_sampling sampling;
} question;

typedef struct evaluator {
    const rsn_evaluate_job *job;
    rsn_evaluation *e;
    rsn_session *session;
    char **thoughts; /* [job->n], of advisers */
    size_t n_ways;
    size_t most;          /* tasks of a slice */
    size_t *slice;        /* [n_slice], which ones */
    size_t n_slice, next; /* first task that was not in a slice */
    size_t n_finished;
    question *questions; /* [most * n_ways] */
    rsn_asked *asked;    /* the same */
    rsn_result **results;
    const rsn_result **members; /* of a task, [n_ways * samples] */
    bool stopped; /* by a callback */
} evaluator;

/* --- what is asked ------------------------------------------------------------------- */

static bool is_finished(const evaluator *v, size_t i) {
    return v->e->tasks[i].result.n_samples > 0;
}

static void ask(evaluator *v, size_t i, size_t way, size_t at) {
    const rsn_asked *model = v->job->asked;
    question *q = &v->questions[at];
    *q = (question){*model->request, *model->thinking, *model->sampling};
    q->request.prompt = v->job->tasks[i].question;
    q->request.n_samples = v->job->options->n_samples;
    q->request.stream = NULL;
    q->request.progress = NULL;
    q->sampling.seed = rsn_rng_seed(q->sampling.seed, i);
    if (way != OWN)
        q->thinking.mode = way == ON ? REASON_THINK_ON : REASON_THINK_OFF;
    if (v->thoughts[i])
        q->thinking.thought = v->thoughts[i];
    v->asked[at] = (rsn_asked){.request = &q->request,
                               .thinking = &q->thinking,
                               .sampling = &q->sampling};
}

/* The next tasks that are to be run; false: there are none. */
static bool next_slice(evaluator *v) {
    v->n_slice = 0;
    for (; v->next < v->job->n && v->n_slice < v->most; v->next++) {
        if (is_finished(v, v->next))
            continue;
        for (size_t way = 0; way < v->n_ways; way++)
            ask(v, v->next, way, v->n_slice * v->n_ways + way);
        v->slice[v->n_slice++] = v->next;
    }
    return v->n_slice > 0;
}

static reason_status name_slice(const evaluator *v, reason_status status) {
    char place[64];
    size_t first = v->slice[0], last = v->slice[v->n_slice - 1];
    if (status == REASON_OK || status == REASON_ERR_CANCELLED)
        return status;
    if (first == last)
        snprintf(place, sizeof place, "task %zu", first);
    else
        snprintf(place, sizeof place, "tasks %zu to %zu", first, last);
    return rsn_fail_within(status, place);
}

/* --- what was answered --------------------------------------------------------------- */

static reason_status is_right(const reason_task *task, const rsn_result *r, bool *right) {
    return rsn_answer_check((rsn_text){rsn_str_text(&r->answer), r->answer.n},
                            (rsn_text){task->answer, strlen(task->answer)},
                            task->answers, right);
}

static void count(reason_task_result *t, size_t way, const rsn_result *r, bool right) {
    const reason_usage *u = &r->usage;
    uint64_t total = u->thinking_tokens + u->answer_tokens + u->markup_tokens;
    if (way == OWN) {
        t->n_right += right;
        t->n_thought += u->thinking_tokens > 0;
        t->thinking_tokens += u->thinking_tokens;
        t->answer_tokens += u->answer_tokens;
        t->probe_tokens += u->probe_tokens;
        t->total_tokens += total;
    } else {
        *(way == ON ? &t->on_right : &t->off_right) += right;
        *(way == ON ? &t->on_tokens : &t->off_tokens) += total;
    }
}

/* A task from the results of its members, of which NULL is one that runs. Does nothing
 * unless all have come to an end of their own. */
static reason_status finish(evaluator *v, size_t i) {
    const rsn_result *const *members = v->members;
    size_t n = (size_t)v->job->options->n_samples;
    reason_task_result t = {.size = sizeof t, .n_samples = n};
    double sum = 0, n_p = 0;
    bool right;
    for (size_t k = 0; k < n * v->n_ways; k++)
        if (!members[k] || members[k]->answer_end == REASON_FINISH_CANCELLED)
            return REASON_OK;
    for (size_t k = 0; k < n * v->n_ways; k++) {
        reason_status status = is_right(&v->job->tasks[i], members[k], &right);
        if (status != REASON_OK)
            return status;
        count(&t, k / n, members[k], right);
        if (k / n == OWN && !isnan(members[k]->p_think)) {
            sum += members[k]->p_think;
            n_p++;
        }
    }
    t.p_think = n_p > 0 ? sum / n_p : (double)NAN;
    v->e->tasks[i].result = t;
    v->n_finished++;
    return REASON_OK;
}

/* Tells the host, who may want an end. */
static void report(evaluator *v, size_t i) {
    const reason_evaluate_options *o = v->job->options;
    const reason_request *r = v->job->asked->request;
    if (o->done && o->done(o->done_user, i, &v->e->tasks[i].result) != 0)
        v->stopped = true;
    if (r->progress &&
        r->progress(r->progress_user, "evaluate", v->n_finished, v->job->n) != 0)
        v->stopped = true;
    rsn_fpstate_again();
}

/* --- running ------------------------------------------------------------------------- */

/* Looks for tasks all of whose members have ended since the last pass, and so sees every
 * one: a batch looks once more after the last has ended. */
static reason_status look(void *user, rsn_batch *b) {
    evaluator *v = user;
    size_t n = rsn_batch_n(b) / v->n_slice;
    reason_status status = REASON_OK;
    for (size_t at = 0; at < v->n_slice && status == REASON_OK && !v->stopped; at++) {
        size_t i = v->slice[at];
        if (is_finished(v, i))
            continue;
        for (size_t k = 0; k < n; k++)
            v->members[k] = rsn_batch_result(b, at * n + k);
        status = finish(v, i);
        if (is_finished(v, i))
            report(v, i);
    }
    for (size_t i = 0; v->stopped && i < rsn_batch_n(b); i++)
        rsn_batch_cancel(b, i);
    return status;
}

static reason_status run_slice(evaluator *v) {
    const rsn_batch_watch watch = {.look = look, .user = v};
    size_t n = v->n_slice * v->n_ways;
    bool all = !v->stopped;
    reason_status status =
        rsn_generate_batch(v->session, v->asked, n, &watch, v->results);
    for (size_t i = 0; i < n; i++)
        rsn_result_free(v->results[i]);
    for (size_t at = 0; at < v->n_slice; at++)
        all = all && is_finished(v, v->slice[at]);
    if (status == REASON_OK && (!all || v->stopped))
        return rsn_fail(REASON_ERR_CANCELLED, "cancelled after %zu of %zu tasks",
                        v->n_finished, v->job->n);
    return name_slice(v, status);
}

static reason_status run(evaluator *v) {
    reason_status status = rsn_session_enter(v->session);
    if (status != REASON_OK)
        return status;
    while (status == REASON_OK && next_slice(v))
        status = run_slice(v);
    rsn_session_leave(v->session);
    return status;
}

/* Before the session is entered, as rsn_advise() wants it. */
static reason_status ask_adviser(evaluator *v) {
    reason_status status = REASON_OK;
    if (!v->job->asked->thinking->adviser)
        return REASON_OK;
    char **advice = rsn_calloc2(v->most, sizeof *advice);
    if (!advice)
        return REASON_ERR_NO_MEMORY;
    while (status == REASON_OK && next_slice(v)) {
        status = name_slice(v, rsn_advise(v->asked, v->n_slice, advice));
        for (size_t at = 0; at < v->n_slice; at++)
            v->thoughts[v->slice[at]] = advice[at];
    }
    v->next = 0;
    rsn_free(advice);
    return status;
}

/* --- the whole ----------------------------------------------------------------------- */

static reason_status make_evaluation(const rsn_evaluate_job *job, rsn_evaluation **out) {
    rsn_evaluation *e = rsn_calloc2(1, sizeof *e);
    *out = e;
    if (!e || !(e->tasks = rsn_calloc2(job->n, sizeof *e->tasks)))
        return REASON_ERR_NO_MEMORY;
    e->n = job->n;
    e->hybrid = job->options->hybrid;
    e->margin = job->options->margin;
    for (size_t i = 0; i < e->n; i++) {
        const char *kind = job->tasks[i].kind;
        e->tasks[i].result = job->known[i];
        e->tasks[i].task_size = job->tasks[i].task_size;
        e->tasks[i].kind = kind ? rsn_strndup(kind, strlen(kind)) : NULL;
        if (kind && !e->tasks[i].kind)
            return REASON_ERR_NO_MEMORY;
    }
    return REASON_OK;
}

static reason_status make_room(evaluator *v) {
    size_t n_samples = (size_t)v->job->options->n_samples;
    size_t n_members = n_samples * v->n_ways;
    v->most = ROUNDS * v->session->setup.n_parallel / n_members + 1;
    v->most = v->most < v->job->n ? v->most : v->job->n;
    size_t n = v->most * v->n_ways;
    v->thoughts = rsn_calloc2(v->job->n, sizeof(char *));
    v->slice = rsn_calloc2(v->most, sizeof *v->slice);
    v->questions = rsn_calloc2(n, sizeof *v->questions);
    v->asked = rsn_calloc2(n, sizeof *v->asked);
    v->results = rsn_calloc2(n, sizeof(rsn_result *));
    v->members = rsn_calloc2(n_members, sizeof(rsn_result *));
    bool ok = v->thoughts && v->slice && v->questions && v->asked && v->results &&
              v->members;
    return ok ? REASON_OK : REASON_ERR_NO_MEMORY;
}

static void free_room(evaluator *v) {
    if (v->thoughts)
        rsn_advice_free(v->thoughts, v->job->n);
    rsn_free(v->thoughts);
    rsn_free(v->slice);
    rsn_free(v->questions);
    rsn_free(v->asked);
    rsn_free(v->results);
    rsn_free(v->members);
}

reason_status rsn_evaluate(rsn_session *session, const rsn_evaluate_job *job,
                           rsn_evaluation **evaluation) {
    evaluator v = {.job = job, .session = session};
    double start = rsn_clock();
    v.n_ways = job->options->hybrid ? MOST_WAYS : 1;
    *evaluation = NULL;
    reason_status status = make_evaluation(job, &v.e);
    for (size_t i = 0; i < job->n; i++)
        v.n_finished += job->known[i].n_samples > 0;
    if (status == REASON_OK)
        status = make_room(&v);
    if (status == REASON_OK)
        status = ask_adviser(&v);
    if (status == REASON_OK)
        status = run(&v);
    free_room(&v);
    if (status != REASON_OK) {
        rsn_evaluation_free(v.e);
        return status;
    }
    v.e->seconds = rsn_clock() - start;
    *evaluation = v.e;
    return REASON_OK;
}

void rsn_evaluation_free(rsn_evaluation *e) {
    if (!e)
        return;
    for (size_t i = 0; i < e->n; i++)
        rsn_free(e->tasks[i].kind);
    rsn_free(e->tasks);
    rsn_free(e);
}
