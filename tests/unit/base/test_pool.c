/* The thread pool: every worker once, turns, forks, and threads that come and go. Meant
 * to be run under the thread sanitizer as well. */
#include "support.h"

#include <dirent.h>
#include <fenv.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cpu.h"
#include "base/log.h"
#include "base/pool.h"

#if defined(__has_feature)
#define HAS_FEATURE(x) __has_feature(x)
#else
#define HAS_FEATURE(x) 0
#endif

/* The thread sanitizer takes threads of a parent for threads of its forked child. */
#if defined(__SANITIZE_THREAD__) || HAS_FEATURE(thread_sanitizer)
enum { CAN_FORK = 0 };
#else
enum { CAN_FORK = 1 };
#endif

/* Sanitizers need all of the address space, and more stack than they are asked for. */
#if defined(__SANITIZE_ADDRESS__) || HAS_FEATURE(address_sanitizer)
enum { PLAIN = 0 };
#else
enum { PLAIN = CAN_FORK };
#endif

enum { MOST = 8 };

static void sleep_us(long us) {
    struct timespec t = {0, us * 1000};
    (void)nanosleep(&t, NULL);
}

/* ---- splitting ---- */

static void check_share(size_t n, size_t grain, int count) {
    size_t at = 0, least = SIZE_MAX, most = 0;
    for (int ith = 0; ith < count; ith++) {
        size_t begin, end;
        rsn_pool_share(n, grain, ith, count, &begin, &end);
        assert_int_equal(begin, at);
        assert_true(end >= begin && end <= n);
        if (end < n) assert_int_equal(end % grain, 0);
        size_t steps = (end - begin) / grain + ((end - begin) % grain != 0);
        if (steps < least) least = steps;
        if (steps > most) most = steps;
        at = end;
    }
    assert_int_equal(at, n); /* nothing is left out */
    assert_true(most - least <= 1);
}

static void test_base_pool__share(void **state) {
    (void)state;
    static const size_t large[] = {SIZE_MAX, SIZE_MAX - 1, SIZE_MAX / 2 + 1,
                                   (size_t)1 << 32};
    for (size_t n = 0; n < 70; n++)
        for (size_t grain = 1; grain < 20; grain++)
            for (int count = 1; count < 20; count++) check_share(n, grain, count);
    for (size_t i = 0; i < COUNT(large); i++)
        for (size_t grain = 1; grain && grain < SIZE_MAX / 2; grain *= 3)
            for (int count = 1; count < 1000; count += 7)
                check_share(large[i], grain, count);
    size_t begin, end;
    rsn_pool_share(10, 0, 1, 2, &begin, &end); /* a grain of 0 counts as 1 */
    assert_int_equal(begin, 5);
    assert_int_equal(end, 10);
}

/* ---- running ---- */

typedef struct job {
    int input;            /* plain: what the caller wrote must be seen */
    int output[MOST + 1]; /* plain: what workers write must be seen */
    int calls[MOST + 1];
    int n;
} job;

static void do_job(void *arg, int ith, int n) {
    job *j = arg;
    j->output[ith] = j->input + ith;
    j->calls[ith]++;
    if (ith == 0) j->n = n;
}

static void run_checked(rsn_pool *pool, int input, int n) {
    job j = {.input = input};
    rsn_pool_run(pool, do_job, &j);
    assert_int_equal(j.n, n);
    for (int ith = 0; ith <= MOST; ith++) {
        assert_int_equal(j.calls[ith], ith < n);
        if (ith < n) assert_int_equal(j.output[ith], input + ith);
    }
}

static void test_base_pool__every_worker_once(void **state) {
    (void)state;
    for (int size = 1; size <= MOST; size++) {
        rsn_pool *pool;
        assert_int_equal(rsn_pool_new(size, &pool), REASON_OK);
        assert_int_equal(rsn_pool_size(pool), size);
        rsn_pool_enter(pool);
        for (int i = 0; i < 2000; i++) run_checked(pool, i, size);
        rsn_pool_leave(pool);
        rsn_pool_release(pool);
    }
}

/* Pauses of all lengths around the time that workers spin, so that they are met awake,
 * asleep and between the two. */
static void test_base_pool__wakes_sleepers(void **state) {
    (void)state;
    rsn_pool *pool;
    assert_int_equal(rsn_pool_new(4, &pool), REASON_OK);
    rsn_pool_enter(pool);
    for (int i = 0; i < 400; i++) {
        run_checked(pool, i, 4);
        sleep_us(i % 20 * 10);
    }
    rsn_pool_leave(pool);
    rsn_pool_release(pool);
}

/* One worker is late by all lengths of time, so the caller waits awake and asleep. */
static void be_late(void *arg, int ith, int n) {
    const int *round = arg;
    if (ith == *round % n) sleep_us(*round % 20 * 10);
}

static void test_base_pool__waits_for_the_last(void **state) {
    (void)state;
    rsn_pool *pool;
    assert_int_equal(rsn_pool_new(3, &pool), REASON_OK);
    rsn_pool_enter(pool);
    for (int i = 0; i < 400; i++) {
        rsn_pool_run(pool, be_late, &i);
        run_checked(pool, i, 3);
    }
    rsn_pool_leave(pool);
    rsn_pool_release(pool);
}

static void test_base_pool__comes_and_goes(void **state) {
    (void)state;
    for (int i = 0; i < 300; i++) {
        rsn_pool *pool;
        assert_int_equal(rsn_pool_new(1 + i % MOST, &pool), REASON_OK);
        if (i % 3) {
            rsn_pool_enter(pool);
            if (i % 3 == 1) run_checked(pool, i, 1 + i % MOST);
            rsn_pool_leave(pool);
        }
        if (i % 5 == 0) sleep_us(200); /* released while its threads sleep */
        rsn_pool_release(pool);
    }
    rsn_pool_release(NULL);
}

static void test_base_pool__sizes(void **state) {
    (void)state;
    static const int32_t bad[] = {-1, INT32_MIN, 1025, INT32_MAX};
    rsn_pool *pool;
    for (size_t i = 0; i < COUNT(bad); i++) {
        assert_int_equal(rsn_pool_new(bad[i], &pool), REASON_ERR_INVALID_ARG);
        assert_null(pool);
        assert_non_null(strstr(rsn_last_error(), "1024"));
    }
    assert_int_equal(rsn_pool_new(1024, &pool), REASON_OK);
    assert_int_equal(rsn_pool_size(pool), 1024);
    rsn_pool_release(pool);
    assert_int_equal(rsn_pool_new(0, &pool), REASON_OK);
    assert_int_equal(rsn_pool_size(pool), rsn_cpu_threads());
    rsn_pool_release(pool);
}

static void test_base_pool__no_memory(void **state) {
    (void)state;
    test_heap heap;
    for (size_t fail_at = 1; fail_at < 4; fail_at++) {
        rsn_pool *pool = NULL;
        heap_use(&heap, fail_at);
        const reason_status status = rsn_pool_new(4, &pool);
        assert_int_equal(status, fail_at < 3 ? REASON_ERR_NO_MEMORY : REASON_OK);
        if (fail_at < 3) assert_null(pool);
        if (pool) { /* and running takes no memory at all */
            rsn_pool_enter(pool);
            run_checked(pool, 1, 4);
            rsn_pool_leave(pool);
            assert_int_equal(heap.n_calls, 2);
        }
        rsn_pool_release(pool);
        heap_end(&heap);
    }
}

/* ---- what threads are like ---- */

typedef struct traits {
    bool same_thread[MOST], blocked[MOST], fault_open[MOST], nearest[MOST];
    size_t stack[MOST];
    pthread_t caller;
} traits;

static void look(void *arg, int ith, int n) {
    (void)n;
    traits *t = arg;
    sigset_t set;
    (void)pthread_sigmask(SIG_BLOCK, NULL, &set);
    t->same_thread[ith] = pthread_equal(pthread_self(), t->caller);
    t->blocked[ith] = sigismember(&set, SIGINT) && sigismember(&set, SIGTERM) &&
                      sigismember(&set, SIGUSR1) && sigismember(&set, SIGPIPE) &&
                      sigismember(&set, SIGALRM) && sigismember(&set, SIGCHLD);
    t->fault_open[ith] = !sigismember(&set, SIGSEGV) && !sigismember(&set, SIGBUS);
    t->nearest[ith] = fegetround() == FE_TONEAREST;
    (void)fesetround(FE_DOWNWARD); /* a job that does not tidy up harms nobody */
#if defined(__GLIBC__)
    pthread_attr_t attr;
    if (ith > 0 && pthread_getattr_np(pthread_self(), &attr) == 0) {
        (void)pthread_attr_getstacksize(&attr, &t->stack[ith]);
        (void)pthread_attr_destroy(&attr);
    }
#endif
}

static void test_base_pool__threads_are_quiet(void **state) {
    (void)state;
    rsn_pool *pool;
    sigset_t before, after;
    assert_int_equal(rsn_pool_new(4, &pool), REASON_OK);
    (void)pthread_sigmask(SIG_BLOCK, NULL, &before);
    rsn_pool_enter(pool);
    for (int round = 0; round < 3; round++) {
        traits t = {.caller = pthread_self()};
        (void)fesetround(FE_UPWARD);
        rsn_pool_run(pool, look, &t);
        const int mode = fegetround();
        (void)fesetround(FE_TONEAREST);
        assert_int_equal(mode, FE_UPWARD);
        for (int ith = 0; ith < 4; ith++) {
            assert_int_equal(t.same_thread[ith], ith == 0);
            assert_int_equal(t.blocked[ith], ith > 0);
            assert_true(t.fault_open[ith]);
            assert_true(t.nearest[ith]);
            if (PLAIN) assert_true(t.stack[ith] <= 512 * 1024);
        }
    }
    rsn_pool_leave(pool);
    rsn_pool_release(pool);
    (void)pthread_sigmask(SIG_BLOCK, NULL, &after);
    for (int sig = 1; sig < 32; sig++)
        assert_int_equal(sigismember(&after, sig), sigismember(&before, sig));
}

/* How many threads this process has; 0 if the system does not say. */
static int count_threads(void) {
    int n = 0;
    DIR *dir = opendir("/proc/self/task");
    if (!dir) return 0;
    for (const struct dirent *entry; (entry = readdir(dir));)
        n += entry->d_name[0] != '.';
    (void)closedir(dir);
    return n;
}

static void test_base_pool__starts_at_first_use(void **state) {
    (void)state;
    const int before = count_threads();
    if (before == 0) skip(); /* no /proc */
    for (int size = 1; size <= 4; size++) {
        rsn_pool *pool;
        assert_int_equal(rsn_pool_new(size, &pool), REASON_OK);
        rsn_pool_enter(pool);
        assert_int_equal(count_threads(), before);
        run_checked(pool, 1, size);
        assert_int_equal(count_threads(), before + size - 1);
        run_checked(pool, 2, size);
        assert_int_equal(count_threads(), before + size - 1);
        rsn_pool_leave(pool);
        rsn_pool_release(pool);
        /* A joined thread may stay listed for a moment. */
        for (int i = 0; i < 1000 && count_threads() != before; i++) sleep_us(1000);
        assert_int_equal(count_threads(), before);
    }
}

/* ---- sharing ---- */

typedef struct guest {
    rsn_pool *pool;
    int *inside, *n_turns; /* plain: the turn must protect them */
    int rounds;
    pthread_t thread;
} guest;

static void *be_guest(void *arg) {
    guest *g = arg;
    for (int i = 0; i < g->rounds; i++) {
        rsn_pool_enter(g->pool);
        job j = {.input = i};
        int failed = (*g->inside)++ != 0;
        rsn_pool_run(g->pool, do_job, &j);
        failed |= j.n != 3;
        for (int ith = 0; ith < 3; ith++) failed |= j.output[ith] != i + ith;
        (*g->inside)--;
        if (!failed) ++*g->n_turns;
        rsn_pool_leave(g->pool);
    }
    rsn_pool_release(g->pool);
    return NULL;
}

/* Several threads share one pool; each has a reference, and the last one out ends it. */
static void test_base_pool__sessions_take_turns(void **state) {
    (void)state;
    enum { GUESTS = 6, ROUNDS = 300 };
    for (int repeat = 0; repeat < 5; repeat++) {
        int inside = 0, n_turns = 0;
        guest guests[GUESTS];
        rsn_pool *pool;
        assert_int_equal(rsn_pool_new(3, &pool), REASON_OK);
        for (int i = 0; i < GUESTS; i++) {
            guests[i] = (guest){.pool = rsn_pool_retain(pool),
                                .inside = &inside,
                                .n_turns = &n_turns,
                                .rounds = ROUNDS};
            assert_int_equal(
                pthread_create(&guests[i].thread, NULL, be_guest, &guests[i]), 0);
        }
        rsn_pool_release(pool);
        for (int i = 0; i < GUESTS; i++)
            assert_int_equal(pthread_join(guests[i].thread, NULL), 0);
        assert_int_equal(n_turns, GUESTS * ROUNDS);
    }
}

/* ---- forks ---- */

/* What a forked child does with a pool of `size`; its exit code is 0 if all is well. */
static int use_in_child(rsn_pool *pool, int size) {
    for (int i = 0; i < 50; i++) {
        job j = {.input = i};
        rsn_pool_enter(pool);
        rsn_pool_run(pool, do_job, &j);
        rsn_pool_leave(pool);
        if (j.n != size) return 1;
        for (int ith = 0; ith < size; ith++)
            if (j.calls[ith] != 1 || j.output[ith] != i + ith) return 2;
    }
    rsn_pool_release(pool);
    return 0;
}

/* Waits for a child, at most a minute: one that hangs is ended and counts as failed. */
static void check_child(pid_t child) {
    int status = 0;
    assert_true(child > 0);
    for (int i = 0; i < 60000; i++) {
        pid_t done = waitpid(child, &status, WNOHANG);
        assert_true(done >= 0);
        if (done == child) {
            assert_true(WIFEXITED(status));
            assert_int_equal(WEXITSTATUS(status), 0);
            return;
        }
        sleep_us(1000);
    }
    (void)kill(child, SIGKILL);
    (void)waitpid(child, &status, 0);
    fail_msg("the child hangs");
}

static void test_base_pool__fork_between_runs(void **state) {
    (void)state;
    if (!CAN_FORK) skip();
    for (int size = 1; size <= 4; size++) {
        for (int used = 0; used < 2; used++) {
            rsn_pool *pool;
            assert_int_equal(rsn_pool_new(size, &pool), REASON_OK);
            rsn_pool_enter(pool);
            if (used) run_checked(pool, 1, size);
            rsn_pool_leave(pool);
            pid_t child = fork();
            if (child == 0) _exit(use_in_child(pool, size));
            check_child(child);
            rsn_pool_enter(pool);
            run_checked(pool, 2, size); /* the parent's threads are untouched */
            rsn_pool_leave(pool);
            rsn_pool_release(pool);
        }
    }
}

/* The child lets go of a pool that it never used; the parent's workers sleep in it. */
static void test_base_pool__fork_and_release(void **state) {
    (void)state;
    if (!CAN_FORK) skip();
    rsn_pool *pool;
    assert_int_equal(rsn_pool_new(4, &pool), REASON_OK);
    rsn_pool_enter(pool);
    run_checked(pool, 1, 4);
    rsn_pool_leave(pool);
    sleep_us(20000);
    pid_t child = fork();
    if (child == 0) {
        rsn_pool_release(pool);
        _exit(0);
    }
    check_child(child);
    rsn_pool_enter(pool);
    run_checked(pool, 2, 4);
    rsn_pool_leave(pool);
    rsn_pool_release(pool);
}

/* Forked inside its turn, as by a progress callback: the child goes on with the call. */
static void test_base_pool__fork_inside_a_turn(void **state) {
    (void)state;
    if (!CAN_FORK) skip();
    rsn_pool *pool;
    assert_int_equal(rsn_pool_new(3, &pool), REASON_OK);
    rsn_pool_enter(pool);
    run_checked(pool, 1, 3);
    pid_t child = fork();
    if (child == 0) {
        job j = {.input = 7};
        rsn_pool_run(pool, do_job, &j);
        rsn_pool_leave(pool);
        _exit(j.n == 3 && j.output[2] == 9 ? use_in_child(pool, 3) : 3);
    }
    check_child(child);
    run_checked(pool, 2, 3);
    rsn_pool_leave(pool);
    rsn_pool_release(pool);
}

static void test_base_pool__fork_of_a_fork(void **state) {
    (void)state;
    if (!CAN_FORK) skip();
    rsn_pool *pool;
    assert_int_equal(rsn_pool_new(3, &pool), REASON_OK);
    rsn_pool_enter(pool);
    run_checked(pool, 1, 3);
    rsn_pool_leave(pool);
    pid_t child = fork();
    if (child == 0) {
        rsn_pool_enter(pool);
        run_checked(pool, 1, 3);
        rsn_pool_leave(pool);
        pid_t grandchild = fork();
        if (grandchild == 0) _exit(use_in_child(pool, 3));
        int status = -1;
        (void)waitpid(grandchild, &status, 0);
        _exit(WIFEXITED(status) && WEXITSTATUS(status) == 0 ? use_in_child(pool, 3) : 4);
    }
    check_child(child);
    rsn_pool_release(pool);
}

/* Other threads hold the turn and run jobs at the moment of the fork. */
static void test_base_pool__fork_while_others_run(void **state) {
    (void)state;
    if (!CAN_FORK) skip();
    enum { GUESTS = 2 };
    int inside = 0, n_turns = 0;
    guest guests[GUESTS];
    rsn_pool *pool;
    assert_int_equal(rsn_pool_new(3, &pool), REASON_OK);
    for (int i = 0; i < GUESTS; i++) {
        guests[i] = (guest){.pool = rsn_pool_retain(pool),
                            .inside = &inside,
                            .n_turns = &n_turns,
                            .rounds = 3000};
        assert_int_equal(pthread_create(&guests[i].thread, NULL, be_guest, &guests[i]),
                         0);
    }
    for (int i = 0; i < 20; i++) {
        sleep_us(i * 37);
        pid_t child = fork();
        if (child == 0) _exit(use_in_child(pool, 3));
        check_child(child);
    }
    for (int i = 0; i < GUESTS; i++)
        assert_int_equal(pthread_join(guests[i].thread, NULL), 0);
    assert_int_equal(n_turns, GUESTS * 3000);
    rsn_pool_release(pool);
}

/* Two threads of a child come to the inherited pool at the same time. */
static void test_base_pool__child_with_threads(void **state) {
    (void)state;
    if (!CAN_FORK) skip();
    rsn_pool *pool;
    assert_int_equal(rsn_pool_new(3, &pool), REASON_OK);
    rsn_pool_enter(pool);
    run_checked(pool, 1, 3);
    for (int repeat = 0; repeat < 10; repeat++) {
        pid_t child = fork(); /* the turn is held, by a thread the child's do not know */
        if (child == 0) {
            enum { GUESTS = 4 };
            int inside = 0, n_turns = 0;
            guest guests[GUESTS];
            for (int i = 0; i < GUESTS; i++) {
                guests[i] = (guest){.pool = rsn_pool_retain(pool),
                                    .inside = &inside,
                                    .n_turns = &n_turns,
                                    .rounds = 50};
                if (pthread_create(&guests[i].thread, NULL, be_guest, &guests[i]))
                    _exit(5);
            }
            for (int i = 0; i < GUESTS; i++) (void)pthread_join(guests[i].thread, NULL);
            _exit(n_turns == GUESTS * 50 ? use_in_child(pool, 3) : 6);
        }
        check_child(child);
    }
    rsn_pool_leave(pool);
    rsn_pool_release(pool);
}

/* ---- threads that cannot be started ---- */

static void count_warning(void *user, reason_log_level level, const char *line) {
    int *n = user;
    *n += level == REASON_LOG_WARNING && strstr(line, "threads") != NULL;
}

/* A child with address space for few stacks only: 1 to 7 workers do the work of 8. */
static int run_with_little_room(void) {
    unsigned long pages = 0;
    FILE *statm = fopen("/proc/self/statm", "r");
    if (!statm || fscanf(statm, "%lu", &pages) != 1) return 77;
    (void)fclose(statm);
    rsn_pool *pool;
    int n_warnings = 0;
    if (rsn_pool_new(MOST, &pool)) return 1;
    const rlim_t room = (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE) + 1800 * 1024;
    const struct rlimit limit = {room, room};
    if (setrlimit(RLIMIT_AS, &limit)) return 77;
    rsn_log_set(count_warning, &n_warnings);
    for (int i = 0; i < 100; i++) {
        job j = {.input = i};
        rsn_pool_enter(pool);
        rsn_pool_run(pool, do_job, &j);
        rsn_pool_leave(pool);
        if (j.n < 1 || j.n >= MOST) return 2;
        for (int ith = 0; ith < MOST; ith++)
            if (j.calls[ith] != (ith < j.n)) return 3;
    }
    rsn_pool_release(pool);
    return n_warnings == 1 ? 0 : 4;
}

static void test_base_pool__works_with_what_there_is(void **state) {
    (void)state;
    if (!PLAIN) skip();
    pid_t child = fork();
    if (child == 0) _exit(run_with_little_room());
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77) skip(); /* no /proc or no such limit */
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* --- jobs whose pieces are taken one by one ------------------------------------------ */

enum { PIECES = 37 };

typedef struct pieces {
    atomic_int taken, done[PIECES], inside;
    int n;
} pieces;

static void take_pieces(void *arg, int ith, int n) {
    pieces *p = arg;
    (void)atomic_fetch_add(&p->inside, 1);
    assert_true(ith >= 0 && ith < n && n == p->n);
    for (int i; (i = atomic_fetch_add(&p->taken, 1)) < PIECES;)
        (void)atomic_fetch_add(&p->done[i], 1);
    (void)atomic_fetch_sub(&p->inside, 1);
}

static void count_share(void *arg, int ith, int n) {
    pieces *p = arg;
    (void)n;
    (void)atomic_fetch_add(&p->done[ith], 1);
}

/* Every piece is done once and nobody is inside afterwards, however late a worker is;
 * jobs of the other kind between them still get every worker. */
static void test_base_pool__steal(void **state) {
    (void)state;
    for (int32_t threads = 1; threads <= 5; threads++) {
        rsn_pool *pool;
        assert_int_equal(rsn_pool_new(threads, &pool), REASON_OK);
        rsn_pool_enter(pool);
        for (int round = 0; round < 2000; round++) {
            pieces p;
            memset(&p, 0, sizeof p);
            p.n = threads;
            rsn_pool_steal(pool, take_pieces, &p);
            assert_int_equal(atomic_load(&p.inside), 0);
            for (int i = 0; i < PIECES; i++)
                assert_int_equal(atomic_load(&p.done[i]), 1);
            if (round % 7 != 0)
                continue;
            rsn_pool_run(pool, count_share, &p);
            for (int i = 0; i < threads; i++)
                assert_int_equal(atomic_load(&p.done[i]), 2);
        }
        rsn_pool_leave(pool);
        rsn_pool_release(pool);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        /* First: the C library keeps the stacks of earlier threads and would use them. */
        cmocka_unit_test(test_base_pool__works_with_what_there_is),
        cmocka_unit_test(test_base_pool__share),
        cmocka_unit_test(test_base_pool__every_worker_once),
        cmocka_unit_test(test_base_pool__wakes_sleepers),
        cmocka_unit_test(test_base_pool__waits_for_the_last),
        cmocka_unit_test(test_base_pool__comes_and_goes),
        cmocka_unit_test(test_base_pool__sizes),
        cmocka_unit_test(test_base_pool__no_memory),
        cmocka_unit_test(test_base_pool__threads_are_quiet),
        cmocka_unit_test(test_base_pool__starts_at_first_use),
        cmocka_unit_test(test_base_pool__sessions_take_turns),
        cmocka_unit_test(test_base_pool__fork_between_runs),
        cmocka_unit_test(test_base_pool__fork_and_release),
        cmocka_unit_test(test_base_pool__fork_inside_a_turn),
        cmocka_unit_test(test_base_pool__fork_of_a_fork),
        cmocka_unit_test(test_base_pool__fork_while_others_run),
        cmocka_unit_test(test_base_pool__child_with_threads),
        cmocka_unit_test(test_base_pool__steal),
    };
    return cmocka_run_group_tests_name("base/pool", tests, NULL, NULL);
}
