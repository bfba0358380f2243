/* Owns threads that run one job at a time together with the caller. Splitting work so
 * that its result does not depend on the number of workers is left to the jobs.
 * Invariant: outside of rsn_pool_run() no worker touches anything but the pool, and
 * `generation` changes only while every share of the one before is finished or was taken
 * back. Whoever changes `share` to odd decides which; a worker that comes late finds its
 * generation's share gone, however many have passed since.
 *
 * After fork() the child has none of the threads, and locks may be held by threads it
 * does not have. Both halves of a pool (the turn and the team) therefore carry the
 * process that set them up, and are set up anew in another one. */
#include "base/pool.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cpu.h"
#include "base/fpstate.h"
#include "base/log.h"

enum { THREADS_MAX = 1024, STACK_BYTES = 512 * 1024, SPIN_NS = 50 * 1000 };

/* Multiply-adds that take about as long as waking a sleeping thread: 20 us of float32
 * products. */
enum { LEAST_WORK = 1 << 18 };

typedef struct worker {
    struct reason_pool *pool;
    int ith;       /* 1 and up; the caller is 0 */
    unsigned seen; /* the generation that was looked at last */
    /* Twice the generation whose share is open, plus 1 once somebody has it: the worker,
     * or a caller that no longer needs it. */
    atomic_uint share;
    pthread_t thread;
} worker;

struct reason_pool {
    atomic_int refs;
    int size;   /* workers wanted, the caller included */
    bool spins; /* there is a core for each: a spinning one keeps nobody from work */
    _Atomic uint64_t least_work; /* that is worth waking the workers */

    pthread_mutex_t turn;
    /* The process whose lock `turn` is; its negative while that process sets it up. */
    atomic_long turn_pid;

    /* The team. Written by whoever has the turn. */
    long team_pid;   /* the process that `workers` run in; 0: none */
    int n_started;   /* threads running, at most size - 1 */
    worker *workers; /* [size - 1] */

    /* The job. Written before a new generation, read by workers after they saw it. */
    rsn_job_fn fn; /* NULL: end */
    void *arg;
    int n; /* workers of this job */

    pthread_mutex_t lock; /* of the two conditions, for those who sleep */
    pthread_cond_t wake, done;

    /* Each on a line of its own: spinning readers must not slow down their neighbours. */
    alignas(64) atomic_uint generation;
    atomic_int sleepers;            /* workers that wait for `wake` */
    alignas(64) atomic_int pending; /* workers that have not finished */
    atomic_bool caller_sleeps;
};

/* ---- waiting ---- */

static int64_t now_ns(void) {
    struct timespec t = {0, 0};
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void pause_cpu(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__) && defined(__GNUC__)
    __asm__ volatile("yield");
#endif
}

/* What the two sides wait for. */
static bool has_job(const rsn_pool *pool, unsigned seen) {
    return atomic_load(&pool->generation) != seen;
}

static bool is_done(const rsn_pool *pool, unsigned unused) {
    (void)unused;
    return atomic_load(&pool->pending) == 0;
}

/* Looks for a while without sleeping; whether it came true. The rounds are bounded as
 * well, lest a clock that stands still keep a core busy for ever. */
static bool spin(bool (*is_true)(const rsn_pool *, unsigned), const rsn_pool *pool,
                 unsigned seen) {
    if (is_true(pool, seen)) return true;
    if (!pool->spins) return false;
    const int64_t end = now_ns() + SPIN_NS;
    for (int round = 0; round < 1000; round++) {
        for (int i = 0; i < 32; i++) {
            pause_cpu();
            if (is_true(pool, seen)) return true;
        }
        if (now_ns() >= end) break;
    }
    return false;
}

/* A sleeper announces itself before it looks for the last time, and its counterpart
 * changes the state before it looks for sleepers. All four are sequentially consistent,
 * so at least one of the two sees the other; the lock keeps the wake-up from falling
 * between look and sleep. The changes read as they write: that holds loads behind them
 * back also in emulators of 64-bit ARM that let a load overtake a plain store. */
static void wait_for_job(rsn_pool *pool, unsigned seen) {
    if (spin(has_job, pool, seen)) return;
    (void)pthread_mutex_lock(&pool->lock);
    (void)atomic_fetch_add(&pool->sleepers, 1);
    while (!has_job(pool, seen)) (void)pthread_cond_wait(&pool->wake, &pool->lock);
    (void)atomic_fetch_sub(&pool->sleepers, 1);
    (void)pthread_mutex_unlock(&pool->lock);
}

static void wait_until_done(rsn_pool *pool) {
    if (spin(is_done, pool, 0)) return;
    (void)pthread_mutex_lock(&pool->lock);
    (void)atomic_exchange(&pool->caller_sleeps, true);
    while (!is_done(pool, 0)) (void)pthread_cond_wait(&pool->done, &pool->lock);
    atomic_store(&pool->caller_sleeps, false);
    (void)pthread_mutex_unlock(&pool->lock);
}

/* Publishes the job that was written into the pool. */
static void start_generation(rsn_pool *pool) {
    unsigned next = atomic_load(&pool->generation) + 1;
    for (int i = 0; i < pool->n_started; i++)
        atomic_store(&pool->workers[i].share, 2 * next);
    (void)atomic_exchange(&pool->generation, next);
    if (atomic_load(&pool->sleepers) == 0) return;
    (void)pthread_mutex_lock(&pool->lock);
    (void)pthread_cond_broadcast(&pool->wake);
    (void)pthread_mutex_unlock(&pool->lock);
}

static void finish_share(rsn_pool *pool) {
    if (atomic_fetch_sub(&pool->pending, 1) != 1) return;
    if (!atomic_load(&pool->caller_sleeps)) return;
    (void)pthread_mutex_lock(&pool->lock);
    (void)pthread_cond_signal(&pool->done);
    (void)pthread_mutex_unlock(&pool->lock);
}

/* ---- workers ---- */

static void run_share(const rsn_pool *pool, int ith) {
    rsn_fpstate saved = rsn_fpstate_enter();
    pool->fn(pool->arg, ith, pool->n);
    rsn_fpstate_leave(saved);
}

/* Whether the share of this generation was still to be had. */
static bool take_share(worker *w, unsigned generation) {
    unsigned open = 2 * generation;
    return atomic_compare_exchange_strong(&w->share, &open, open + 1);
}

static void *work(void *arg) {
    worker *self = arg;
    rsn_pool *pool = self->pool;
    for (;;) {
        wait_for_job(pool, self->seen);
        self->seen = atomic_load(&pool->generation);
        if (!take_share(self, self->seen)) continue;
        if (!pool->fn) return NULL;
        run_share(pool, self->ith);
        finish_share(pool);
    }
}

/* Signals are the host's threads' business. Those that a fault raises in the thread
 * itself stay open, so that the host's crash handler still sees them. */
static void block_signals(sigset_t *before) {
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS};
    sigset_t set;
    (void)sigfillset(&set);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        (void)sigdelset(&set, faults[i]);
    /* Threads inherit the mask of the one that makes them. */
    (void)pthread_sigmask(SIG_SETMASK, &set, before);
}

/* Starts threads until there are enough or the system refuses. */
static void start_threads(rsn_pool *pool, const pthread_attr_t *attr) {
    while (pool->n_started < pool->size - 1) {
        worker *w = &pool->workers[pool->n_started];
        w->pool = pool;
        w->ith = pool->n_started + 1;
        w->seen = atomic_load(&pool->generation);
        atomic_store(&w->share, 2 * w->seen + 1);
        if (pthread_create(&w->thread, attr, work, w)) return;
        pool->n_started++;
    }
}

/* Starts the team's threads; works on with those that could be started. */
static void start_team(rsn_pool *pool) {
    pthread_attr_t attr;
    if (pthread_attr_init(&attr) == 0) {
        sigset_t before;
        (void)pthread_attr_setstacksize(&attr, STACK_BYTES);
        block_signals(&before);
        start_threads(pool, &attr);
        (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
        (void)pthread_attr_destroy(&attr);
    }
    if (pool->n_started < pool->size - 1)
        rsn_log(REASON_LOG_WARNING, "pool: %d of %d threads could be started",
                pool->n_started + 1, pool->size);
}

/* The team of this process. What a parent process left there belongs to threads that do
 * not exist here, so it is written over, never destroyed: destroying it could wait for
 * them. */
static void prepare_team(rsn_pool *pool) {
    long pid = (long)getpid();
    if (pool->team_pid == pid) return;
    (void)pthread_mutex_init(&pool->lock, NULL);
    (void)pthread_cond_init(&pool->wake, NULL);
    (void)pthread_cond_init(&pool->done, NULL);
    atomic_store(&pool->sleepers, 0);
    atomic_store(&pool->pending, 0);
    atomic_store(&pool->caller_sleeps, false);
    pool->n_started = 0;
    pool->team_pid = pid;
    start_team(pool);
}

static void end_team(rsn_pool *pool) {
    if (pool->team_pid != (long)getpid()) return;
    pool->fn = NULL;
    start_generation(pool);
    for (int i = 0; i < pool->n_started; i++)
        (void)pthread_join(pool->workers[i].thread, NULL);
    (void)pthread_cond_destroy(&pool->done);
    (void)pthread_cond_destroy(&pool->wake);
    (void)pthread_mutex_destroy(&pool->lock);
}

/* Takes back the shares that no worker has begun. */
static void take_back(rsn_pool *pool) {
    unsigned generation = atomic_load(&pool->generation);
    for (int i = 0; i < pool->n_started; i++)
        if (take_share(&pool->workers[i], generation))
            (void)atomic_fetch_sub(&pool->pending, 1);
}

static void run(rsn_pool *pool, rsn_job_fn fn, void *arg, bool all) {
    if (pool->size > 1) prepare_team(pool);
    pool->fn = fn;
    pool->arg = arg;
    pool->n = pool->n_started + 1;
    if (pool->n > 1) {
        atomic_store(&pool->pending, pool->n - 1);
        start_generation(pool);
    }
    run_share(pool, 0);
    if (pool->n > 1 && !all) take_back(pool);
    if (pool->n > 1) wait_until_done(pool);
}

void rsn_pool_run(rsn_pool *pool, rsn_job_fn fn, void *arg) {
    run(pool, fn, arg, true);
}

void rsn_pool_steal(rsn_pool *pool, rsn_job_fn fn, void *arg) {
    run(pool, fn, arg, false);
}

/* ---- the turn ---- */

/* Makes `turn` a lock of this process, open, unless it is one already. Two threads may
 * come here at once; one sets it up, the other waits for it. */
static void prepare_turn(rsn_pool *pool) {
    const long pid = (long)getpid();
    for (;;) {
        long owner = atomic_load(&pool->turn_pid);
        if (owner == pid) return;
        if (owner == -pid) {
            (void)sched_yield();
        } else if (atomic_compare_exchange_strong(&pool->turn_pid, &owner, -pid)) {
            (void)pthread_mutex_init(&pool->turn, NULL);
            atomic_store(&pool->turn_pid, pid);
        }
    }
}

void rsn_pool_enter(rsn_pool *pool) {
    prepare_turn(pool);
    (void)pthread_mutex_lock(&pool->turn);
}

void rsn_pool_leave(rsn_pool *pool) {
    /* In a process forked inside the turn the lock is made anew, and open. */
    if (atomic_load(&pool->turn_pid) != (long)getpid())
        prepare_turn(pool);
    else
        (void)pthread_mutex_unlock(&pool->turn);
}

/* ---- life ---- */

bool rsn_pool_pays(const rsn_pool *pool, uint64_t work) {
    return pool->size > 1 &&
           work >= atomic_load_explicit(&pool->least_work, memory_order_relaxed);
}

void rsn_pool_set_least_work(rsn_pool *pool, uint64_t work) {
    atomic_store_explicit(&pool->least_work, work, memory_order_relaxed);
}

reason_status rsn_pool_new(int32_t n_threads, rsn_pool **pool) {
    *pool = NULL;
    if (n_threads < 0 || n_threads > THREADS_MAX)
        return rsn_fail(REASON_ERR_INVALID_ARG, "threads: %d, allowed are 0 to %d",
                        (int)n_threads, THREADS_MAX);
    if (n_threads == 0) n_threads = rsn_cpu_threads();
    if (n_threads > THREADS_MAX) n_threads = THREADS_MAX;
    rsn_pool *p = rsn_alloc_aligned(sizeof *p);
    if (!p) return REASON_ERR_NO_MEMORY;
    memset(p, 0, sizeof *p);
    p->workers = rsn_calloc2((size_t)n_threads - 1, sizeof *p->workers);
    if (!p->workers) {
        rsn_free_aligned(p);
        return REASON_ERR_NO_MEMORY;
    }
    p->size = n_threads;
    p->spins = n_threads <= rsn_cpu_threads();
    atomic_init(&p->least_work, LEAST_WORK);
    atomic_init(&p->refs, 1);
    atomic_init(&p->turn_pid, 0);
    atomic_init(&p->generation, 0);
    atomic_init(&p->sleepers, 0);
    atomic_init(&p->pending, 0);
    atomic_init(&p->caller_sleeps, false);
    *pool = p;
    return REASON_OK;
}

rsn_pool *rsn_pool_retain(rsn_pool *pool) {
    (void)atomic_fetch_add(&pool->refs, 1);
    return pool;
}

reason_status rsn_pool_get(rsn_pool *given, int32_t n_threads, rsn_pool **pool) {
    if (!given) return rsn_pool_new(n_threads, pool);
    *pool = rsn_pool_retain(given);
    return REASON_OK;
}

void rsn_pool_release(rsn_pool *pool) {
    if (!pool || atomic_fetch_sub(&pool->refs, 1) != 1) return;
    end_team(pool);
    if (atomic_load(&pool->turn_pid) == (long)getpid())
        (void)pthread_mutex_destroy(&pool->turn);
    rsn_free(pool->workers);
    rsn_free_aligned(pool);
}

int rsn_pool_size(const rsn_pool *pool) {
    return pool->size;
}

void rsn_pool_share(size_t n, size_t grain, int ith, int count, size_t *begin,
                    size_t *end) {
    if (grain == 0) grain = 1;
    const size_t steps = n / grain + (n % grain != 0);
    const size_t each = steps / (size_t)count, rest = steps % (size_t)count;
    const size_t i = (size_t)ith;
    const size_t from = i * each + (i < rest ? i : rest);
    const size_t to = from + each + (i < rest);
    /* Only the last step may be short; multiplying it could overflow, so it is cut. */
    *begin = from < steps ? from * grain : n;
    *end = to < steps ? to * grain : n;
}
