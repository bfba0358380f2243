/* A pool of threads for fork-join work. The caller is worker 0; workers start at first
 * use, spin at most 50 us, then sleep. One thread starts none; in a forked child the pool
 * starts anew; if a thread cannot be started the work runs on those there are. */
#ifndef REASON_BASE_POOL_H
#define REASON_BASE_POOL_H

#include "base/status.h"

typedef struct reason_pool rsn_pool;

/* One worker's share: worker `ith` of `n`. Must not fail; every worker is called once. */
typedef void (*rsn_job_fn)(void *arg, int ith, int n);

reason_status rsn_pool_new(int32_t n_threads, rsn_pool **pool); /* 0: rsn_cpu_threads() */
rsn_pool *rsn_pool_retain(rsn_pool *pool);
/* The pool that a caller gave, retained, or a new one if that is NULL. */
reason_status rsn_pool_get(rsn_pool *given, int32_t n_threads, rsn_pool **pool);
void rsn_pool_release(rsn_pool *pool); /* NULL is fine; the last one stops the threads */
int rsn_pool_size(const rsn_pool *pool);

/* A public call takes the pool for its whole length, so that sessions which share one
 * take turns. */
void rsn_pool_enter(rsn_pool *pool);
void rsn_pool_leave(rsn_pool *pool);

/* Runs fn on every worker and waits for all of them. Workers run with the default
 * floating-point state, and it is restored in the caller. The pool must be entered. */
void rsn_pool_run(rsn_pool *pool, rsn_job_fn fn, void *arg);

/* The same for a job whose workers take its pieces one by one until none is left: a
 * worker that has not begun when the caller's share ends is not waited for, as it would
 * find nothing; so fn may be called fewer times. */
void rsn_pool_steal(rsn_pool *pool, rsn_job_fn fn, void *arg);

/* Whether so many multiply-adds are worth waking the workers for; never on a pool of one.
 */
bool rsn_pool_pays(const rsn_pool *pool, uint64_t work);
/* For tests: the least work that pays from now on; 0 splits everything. */
void rsn_pool_set_least_work(rsn_pool *pool, uint64_t work);

/* The part [*begin, *end) of n items that worker `ith` of `count` takes, in steps of
 * `grain`. */
void rsn_pool_share(size_t n, size_t grain, int ith, int count, size_t *begin,
                    size_t *end);

#endif
