/* What the tests with threads share: a small job with a known result, and a call that
 * stops in the middle of its work. What a thread finds is written down and judged by the
 * main thread, as a failing assert may only leave the thread that runs the test. Nothing
 * depends on timing: a call that has to be in the middle of something waits inside of its
 * progress callback. */
#ifndef REASON_TESTS_API_THREADS_H
#define REASON_TESTS_API_THREADS_H

#include <pthread.h>

#include "api/support.h"

enum { N_OUTPUT = 24, N_QUESTIONS = 8 };

/* ---- what a thread does ---- */

typedef struct job {
    reason_model *model;
    reason_session *session; /* NULL: a new one on `model`, of `n_threads` */
    int32_t n_threads;
    size_t question;
    int repeats;
    /* What it found: the first status that is not OK, else the ids of the last result. */
    reason_status status;
    int32_t ids[N_OUTPUT];
    size_t n_ids;
} job;

static job expected[N_QUESTIONS];

/* Without asserts, for threads and for children. */
static inline reason_status ask_once(reason_session *session, size_t question, job *out) {
    char text[256], words[64];
    reason_request request;
    reason_sampling sampling;
    reason_result *result;
    (void)snprintf(words, sizeof words, "What is %zu + %zu?", 17 + question * 31,
                   question * 9);
    reason_status status = reason_request_init(&request, sizeof request);
    if (status == REASON_OK)
        status = reason_sampling_init(&sampling, sizeof sampling);
    if (status != REASON_OK)
        return status;
    sampling.seed = question;
    request.text = chat(text, sizeof text, words);
    request.sampling = &sampling;
    request.max_tokens = N_OUTPUT;
    status = reason_generate(session, &request, &result);
    out->n_ids = status == REASON_OK ? result_ids(result, out->ids, N_OUTPUT) : 0;
    reason_result_free(result);
    return status;
}

static inline void *run_job(void *arg) {
    job *j = arg;
    reason_session *own = NULL;
    reason_session_options o;
    j->status = reason_session_options_init(&o, sizeof o);
    o.n_threads = j->n_threads;
    if (j->status == REASON_OK && !j->session)
        j->status = reason_session_new(j->model, &o, &own);
    for (int i = 0; i < j->repeats && j->status == REASON_OK; i++)
        j->status = ask_once(j->session ? j->session : own, j->question, j);
    reason_session_free(own);
    return NULL;
}

static inline bool is_expected(const job *j) {
    const job *e = &expected[j->question];
    return j->status == REASON_OK && j->n_ids == e->n_ids &&
           memcmp(j->ids, e->ids, e->n_ids * sizeof *e->ids) == 0;
}

static inline void start(pthread_t *thread, void *(*fn)(void *), void *arg) {
    if (pthread_create(thread, NULL, fn, arg) != 0)
        fail_msg("a thread could not be started");
}

/* What each question gets when nothing else runs. */
static inline void fill_expected(reason_model *model) {
    for (size_t i = 0; i < N_QUESTIONS; i++) {
        expected[i] = (job){.model = model, .n_threads = 1, .question = i, .repeats = 1};
        (void)run_job(&expected[i]);
        assert_int_equal(expected[i].status, REASON_OK);
        assert_true(expected[i].n_ids > 1);
    }
}

/* ---- a call that waits in the middle ---- */

typedef struct pause_point {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    uint64_t at;       /* the step that waits */
    const char *stage; /* of the call */
    bool reached, released;
} pause_point;

static inline void pause_init(pause_point *p, const char *stage, uint64_t at) {
    memset(p, 0, sizeof *p);
    (void)pthread_mutex_init(&p->lock, NULL);
    (void)pthread_cond_init(&p->changed, NULL);
    p->stage = stage;
    p->at = at;
}

static inline void pause_end(pause_point *p) {
    (void)pthread_cond_destroy(&p->changed);
    (void)pthread_mutex_destroy(&p->lock);
}

static inline void pause_wait(pause_point *p, const bool *until) {
    (void)pthread_mutex_lock(&p->lock);
    while (!*until)
        (void)pthread_cond_wait(&p->changed, &p->lock);
    (void)pthread_mutex_unlock(&p->lock);
}

static inline void pause_note(pause_point *p, bool *what) {
    (void)pthread_mutex_lock(&p->lock);
    *what = true;
    (void)pthread_cond_broadcast(&p->changed);
    (void)pthread_mutex_unlock(&p->lock);
}

static inline int pause_here(void *user, const char *stage, uint64_t done,
                             uint64_t total) {
    pause_point *p = user;
    (void)total;
    if (strcmp(stage, p->stage) == 0 && done == p->at) {
        pause_note(p, &p->reached);
        pause_wait(p, &p->released);
    }
    return 0;
}

/* A generation in a thread of its own. */
typedef struct long_call {
    pthread_t thread;
    pause_point pause;
    reason_session *session;
    asking asking;
    reason_status status;
    reason_result *result;
} long_call;

static inline void *run_long_call(void *arg) {
    long_call *c = arg;
    c->status = reason_generate(c->session, &c->asking.request, &c->result);
    return NULL;
}

/* To be changed before it begins; `c` must stay where it is. */
static inline void init_call(long_call *c, reason_session *session, const char *stage,
                             uint64_t at) {
    memset(c, 0, sizeof *c);
    pause_init(&c->pause, stage, at);
    c->session = session;
    ask_init(&c->asking, "What is 67 * 75?", 48);
    c->asking.request.progress = pause_here;
    c->asking.request.progress_user = &c->pause;
}

/* Returns when the call has reached the point and waits there. */
static inline void begin_call(long_call *c) {
    start(&c->thread, run_long_call, c);
    pause_wait(&c->pause, &c->pause.reached);
}

static inline void end_call(long_call *c) {
    pause_note(&c->pause, &c->pause.released);
    (void)pthread_join(c->thread, NULL);
    pause_end(&c->pause);
}

#endif
