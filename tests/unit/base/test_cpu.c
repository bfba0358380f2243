/* Instruction levels and core counts. Whatever reads REASON_CPU runs in a forked child,
 * because it is read once in the life of a process. */
#include "support.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cpu.h"

#if defined(__linux__)
#include <sched.h>
#endif
#if defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#endif

static void test_base_cpu__names(void **state) {
    (void)state;
    assert_string_equal(rsn_cpu_name(REASON_CPU_AUTO), "auto");
    assert_string_equal(rsn_cpu_name(REASON_CPU_GENERIC), "generic");
    assert_string_equal(rsn_cpu_name(REASON_CPU_AVX2), "avx2");
    assert_string_equal(rsn_cpu_name(REASON_CPU_AVXVNNI), "avxvnni");
    assert_string_equal(rsn_cpu_name(REASON_CPU_AVX512), "avx512");
    assert_string_equal(rsn_cpu_name(REASON_CPU_NEON), "neon");
    assert_string_equal(rsn_cpu_name((reason_cpu)6), "unknown");
    assert_string_equal(rsn_cpu_name((reason_cpu)-1), "unknown");
}

/* Six machines, every wish. */
static void test_base_cpu__best_level(void **state) {
    (void)state;
    static const struct {
        const char *has; /* one bit per level, as digits: auto generic avx2 avxvnni avx512
                            neon */
        const char *best; /* the level's number for each wish */
    } machines[] = {
        {"010000", "111111"}, /* an old one */
        {"011100", "312331"}, /* AVX-VNNI but no AVX-512 */
        {"011010", "412241"}, /* the other way round */
        {"011110", "412341"}, /* all of x86 */
        {"010001", "511115"}, /* ARM */
        {"000000", "111111"},
    };
    for (size_t i = 0; i < COUNT(machines); i++) {
        unsigned has = 0;
        for (unsigned level = 0; level < 6; level++)
            has |= (unsigned)(machines[i].has[level] - '0') << level;
        for (unsigned wish = 0; wish < 6; wish++)
            assert_int_equal(rsn_cpu_best(has, (reason_cpu)wish),
                             machines[i].best[wish] - '0');
        assert_int_equal(rsn_cpu_best(has, (reason_cpu)77), machines[i].best[0] - '0');
    }
}

/* What the compiler's own detection says, which was written by others, or the CPU. */
static void test_base_cpu__detects_what_the_compiler_detects(void **state) {
    (void)state;
#if defined(__x86_64__)
    __builtin_cpu_init();
    const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                      __builtin_cpu_supports("bmi2");
    const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") &&
                        __builtin_cpu_supports("avx512bw") &&
                        __builtin_cpu_supports("avx512dq") &&
                        __builtin_cpu_supports("avx512vl") &&
                        __builtin_cpu_supports("avx512vnni");
    const reason_cpu found = rsn_cpu_detect();
    assert_int_equal(found == REASON_CPU_AVX512, avx512);
    assert_int_equal(found >= REASON_CPU_AVX2, avx2);
#elif defined(__aarch64__) && defined(__linux__)
    /* The CPU's own register, which the system lets programs read: bits 44 to 47. */
    enum { HWCAP_CPUID_BIT = 1 << 11 };
    if (!(getauxval(AT_HWCAP) & HWCAP_CPUID_BIT)) skip();
    uint64_t features;
    __asm__ volatile("mrs %0, id_aa64isar0_el1" : "=r"(features));
    assert_int_equal(rsn_cpu_detect(),
                     features >> 44 & 15 ? REASON_CPU_NEON : REASON_CPU_GENERIC);
#else
    assert_int_equal(rsn_cpu_detect(), REASON_CPU_GENERIC);
#endif
}

static int pick(int wish) {
    return (int)(wish < 0 ? rsn_cpu_ceiling() : rsn_cpu_pick((reason_cpu)wish));
}

/* rsn_cpu_pick(wish) of a fresh process with REASON_CPU set to `word` (NULL: not set), or
 * its ceiling if wish is -1. */
static int pick_in_child(const char *word, int wish) {
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (word)
            (void)setenv("REASON_CPU", word, 1);
        else
            (void)unsetenv("REASON_CPU");
        const int level = pick(wish);
        (void)setenv("REASON_CPU", "generic", 1); /* read once: too late to matter */
        _exit(level == pick(wish) ? level : 99);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int detect_in_child(void) {
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)setenv("REASON_CPU", "generic", 1); /* which detection does not look at */
        _exit((int)rsn_cpu_detect());
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WEXITSTATUS(status);
}

static void test_base_cpu__ceiling(void **state) {
    (void)state;
    const int best = detect_in_child();
    const bool is_arm = best == REASON_CPU_NEON;
    assert_in_range(best, REASON_CPU_GENERIC, REASON_CPU_NEON);
    assert_int_equal(pick_in_child(NULL, -1), best);
    assert_int_equal(pick_in_child("", -1), best);
    assert_int_equal(pick_in_child("auto", -1), best);
    assert_int_equal(pick_in_child("AVX2", -1), best); /* unknown words do nothing */
    assert_int_equal(pick_in_child("avx2 ", -1), best);
    /* The highest levels are ceilings of their own kind of processor only. */
    assert_int_equal(pick_in_child("avx512", -1), is_arm ? REASON_CPU_GENERIC : best);
    assert_int_equal(pick_in_child("neon", -1), is_arm ? best : REASON_CPU_GENERIC);
    assert_int_equal(pick_in_child("neon", REASON_CPU_AVX512), REASON_CPU_GENERIC);
    assert_int_equal(pick_in_child("generic", -1), REASON_CPU_GENERIC);
    assert_int_equal(pick_in_child("generic", REASON_CPU_AVX512), REASON_CPU_GENERIC);
    const int at_most_avx2 =
        best >= REASON_CPU_AVX2 && !is_arm ? REASON_CPU_AVX2 : REASON_CPU_GENERIC;
    assert_int_equal(pick_in_child("avx2", -1), at_most_avx2);
    assert_int_equal(pick_in_child("avx2", REASON_CPU_AVX512), at_most_avx2);
    assert_int_equal(pick_in_child("avx2", REASON_CPU_GENERIC), REASON_CPU_GENERIC);
    assert_int_equal(pick_in_child(NULL, REASON_CPU_AVX2), at_most_avx2);
    assert_int_equal(pick_in_child(NULL, REASON_CPU_AUTO), best);
}

/* ---- quotas, in a folder that plays /sys/fs/cgroup ---- */

static char root[] = "reason-test-cpu-XXXXXX";
static char written[64][256]; /* what to remove afterwards, in order of making */
static size_t n_written;

static const char *path_of(const char *name) {
    static char path[512];
    (void)snprintf(path, sizeof path, "%s/%s", root, name);
    return path;
}

static void make_folder(const char *name) {
    assert_int_equal(mkdir(path_of(name), 0700), 0);
    (void)snprintf(written[n_written++], sizeof *written, "%s", name);
}

static void write_file(const char *name, const char *text) {
    int fd = open(path_of(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(close(fd), 0);
    (void)snprintf(written[n_written++], sizeof *written, "%s", name);
}

static int begin_quota(void **state) {
    (void)state;
    strcpy(root, "reason-test-cpu-XXXXXX");
    n_written = 0;
    return mkdtemp(root) ? 0 : -1;
}

static int end_quota(void **state) {
    (void)state;
    while (n_written > 0) (void)remove(path_of(written[--n_written]));
    return rmdir(root);
}

/* The quota of a process whose membership file has this text. */
static int32_t quota_of(const char *membership) {
    write_file("membership", membership);
    n_written--;
    char path[512];
    (void)snprintf(path, sizeof path, "%s", path_of("membership"));
    int32_t quota = rsn_cpu_quota(path, root);
    assert_int_equal(remove(path), 0);
    return quota;
}

static void test_base_cpu__quota_version_2(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int32_t cores;
    } cases[] = {{"max 100000\n", INT32_MAX},
                 {"100000 100000\n", 1},
                 {"199999 100000\n", 1},
                 {"250000 100000\n", 2},
                 {"1000 100000\n", 1},
                 {"800000 100000", 8},
                 {"garbage\n", INT32_MAX},
                 {"", INT32_MAX},
                 {"200000\n", INT32_MAX},
                 {"200000 0\n", INT32_MAX},
                 {"-1 100000\n", INT32_MAX},
                 {"99999999999999999999999999 1\n", INT32_MAX},
                 {"300000 99999999999999999999999999\n", 1}};
    make_folder("a");
    make_folder("a/b");
    for (size_t i = 0; i < COUNT(cases); i++) {
        write_file("a/b/cpu.max", cases[i].text);
        assert_int_equal(quota_of("0::/a/b\n"), cases[i].cores);
        assert_int_equal(quota_of("0::/a\n"), INT32_MAX);
        n_written -= i + 1 < COUNT(cases);
    }
}

/* The smallest quota on the way up counts. */
static void test_base_cpu__quota_climbs(void **state) {
    (void)state;
    make_folder("a");
    make_folder("a/b");
    make_folder("a/b/c");
    write_file("a/b/c/cpu.max", "500000 100000\n");
    write_file("a/cpu.max", "300000 100000\n");
    assert_int_equal(quota_of("0::/a/b/c\n"), 3);
    assert_int_equal(quota_of("0::/a/b\n"), 3);
    assert_int_equal(quota_of("0::/\n"), INT32_MAX);
    write_file("cpu.max", "200000 100000\n");
    assert_int_equal(quota_of("0::/a/b/c\n"), 2);
    assert_int_equal(quota_of("0::/\n"), 2);
    assert_int_equal(quota_of("0::/not/here\n"), 2); /* a container sees only its root */
    assert_int_equal(quota_of("0::/../outside\n"), 2); /* so does one in a namespace */
    write_file("a/b/cpu.max", "100000 100000\n");
    assert_int_equal(quota_of("0::/a/b/c\n"), 1);
    char membership[512], mount[512];
    write_file("membership", "0::/..\n");
    (void)snprintf(membership, sizeof membership, "%s", path_of("membership"));
    (void)snprintf(mount, sizeof mount, "%s", path_of("a"));
    assert_int_equal(rsn_cpu_quota(membership, mount), 3); /* never above the mount */
}

static void test_base_cpu__quota_version_1(void **state) {
    (void)state;
    make_folder("cpu,cpuacct");
    make_folder("cpu,cpuacct/x");
    write_file("cpu,cpuacct/x/cpu.cfs_quota_us", "450000\n");
    write_file("cpu,cpuacct/x/cpu.cfs_period_us", "100000\n");
    assert_int_equal(quota_of("5:memory:/x\n4:cpu,cpuacct:/x\n1:name=systemd:/x\n"), 4);
    assert_int_equal(quota_of("5:memory:/x\n4:cpuset:/x\n"), INT32_MAX);
    assert_int_equal(quota_of("4:cpu,cpuacct:/\n"), INT32_MAX);
    make_folder("cpu");
    make_folder("cpu/x");
    write_file("cpu/x/cpu.cfs_quota_us", "-1\n");
    write_file("cpu/x/cpu.cfs_period_us", "100000\n");
    assert_int_equal(quota_of("4:cpu:/x\n"), INT32_MAX);
    write_file("cpu/cpu.cfs_quota_us", "200000\n");
    write_file("cpu/cpu.cfs_period_us", "100000\n");
    assert_int_equal(quota_of("4:cpu:/x\n"), 2);
    assert_int_equal(quota_of("4:cpuacct,cpu:/x\n"), 2); /* found under the short name */
    make_folder("unified");
    make_folder("unified/x");
    write_file("unified/x/cpu.max", "100000 100000\n");
    assert_int_equal(quota_of("4:cpu:/x\n0::/x\n"), 1);
}

static void test_base_cpu__quota_of_damaged_files(void **state) {
    (void)state;
    static const char *const bad[] = {"",       "\n",    ":",    "::",       "0:",
                                      "0::",    "0:::",  "x",    "\n\n0",    "4:cpu",
                                      "4:cpu:", ",:,:,", "0::a", "4:,cpu,:/"};
    static char large[20000];
    for (size_t i = 0; i < COUNT(bad); i++) assert_int_equal(quota_of(bad[i]), INT32_MAX);
    memset(large, '/', sizeof large - 1);
    memcpy(large, "0::", 3);
    assert_int_equal(quota_of(large), INT32_MAX); /* longer than is read */
    large[8000] = '\0';
    assert_int_equal(quota_of(large), INT32_MAX); /* longer than a path */
    large[4000] = '\0';
    assert_int_equal(quota_of(large), INT32_MAX);
    assert_int_equal(rsn_cpu_quota("/nowhere/at/all", root), INT32_MAX);
    assert_int_equal(rsn_cpu_quota(root, root), INT32_MAX);
}

static void test_base_cpu__threads(void **state) {
    (void)state;
    const int32_t n = rsn_cpu_threads();
    assert_in_range(n, 1, sysconf(_SC_NPROCESSORS_ONLN));
#if defined(__linux__)
    cpu_set_t before, single;
    assert_int_equal(sched_getaffinity(0, sizeof before, &before), 0);
    assert_true(n <= CPU_COUNT(&before));
    CPU_ZERO(&single);
    for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (!CPU_ISSET(cpu, &before)) continue;
        CPU_SET(cpu, &single);
        break;
    }
    assert_int_equal(sched_setaffinity(0, sizeof single, &single), 0);
    const int32_t n_single = rsn_cpu_threads();
    assert_int_equal(sched_setaffinity(0, sizeof before, &before), 0);
    assert_int_equal(n_single, 1);
    assert_int_equal(rsn_cpu_threads(), n);
#endif
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_base_cpu__names),
        cmocka_unit_test(test_base_cpu__best_level),
        cmocka_unit_test(
            test_base_cpu__ceiling), /* before anything asks in this process */
        cmocka_unit_test(test_base_cpu__detects_what_the_compiler_detects),
#if defined(__linux__)
        cmocka_unit_test_setup_teardown(test_base_cpu__quota_version_2, begin_quota,
                                        end_quota),
        cmocka_unit_test_setup_teardown(test_base_cpu__quota_climbs, begin_quota,
                                        end_quota),
        cmocka_unit_test_setup_teardown(test_base_cpu__quota_version_1, begin_quota,
                                        end_quota),
        cmocka_unit_test_setup_teardown(test_base_cpu__quota_of_damaged_files,
                                        begin_quota, end_quota),
#endif
        cmocka_unit_test(test_base_cpu__threads),
    };
    return cmocka_run_group_tests_name("base/cpu", tests, NULL, NULL);
}
