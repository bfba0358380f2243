/* Owns what is known about the machine: instruction sets and how many cores this process
 * may use. Which kernel runs on which level is left to kernels/. Invariant: a level that
 * the CPU or its operating system lacks is never returned, whatever the environment says;
 * REASON_CPU is read once in the life of the process. */
#include "base/cpu.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if defined(__linux__)
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#endif

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#elif defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#endif

static const char *const level_names[] = {"auto",    "generic", "avx2",
                                          "avxvnni", "avx512",  "neon"};

enum { N_LEVELS = sizeof level_names / sizeof *level_names };

const char *rsn_cpu_name(reason_cpu level) {
    return (unsigned)level < N_LEVELS ? level_names[level] : "unknown";
}

static unsigned bit_of(unsigned level) {
    return 1u << level;
}

#if defined(__x86_64__) || defined(__i386__)

/* The register sets that the operating system saves (XCR0). */
static unsigned read_xcr0(void) {
    unsigned low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

static bool has_all(unsigned found, unsigned wanted) {
    return (found & wanted) == wanted;
}

static unsigned find_levels(void) {
    enum {
        LEAF1_C = 1 << 12 | 1 << 27 | 1 << 28 | 1 << 29, /* FMA, OSXSAVE, AVX, F16C */
        LEAF7_B_AVX2 = 1 << 5 | 1 << 8,                  /* AVX2, BMI2 */
        LEAF7_B_AVX512 = 1 << 16 | 1 << 17 | 1 << 30,    /* F, DQ, BW; bit 31 is VL */
        LEAF7_C_AVX512 = 1 << 11,                        /* VNNI */
        LEAF71_A_AVXVNNI = 1 << 4,
        STATE_YMM = 1 << 1 | 1 << 2,
        STATE_ZMM = STATE_YMM | 1 << 5 | 1 << 6 | 1 << 7
    };
    unsigned a, b, c, d, b7, c7, has = bit_of(REASON_CPU_GENERIC);
    if (!__get_cpuid(1, &a, &b, &c, &d) || !has_all(c, LEAF1_C)) return has;
    if (!__get_cpuid_count(7, 0, &a, &b7, &c7, &d) || !has_all(b7, LEAF7_B_AVX2))
        return has;
    const unsigned n_subleaves = a, state = read_xcr0();
    if (!has_all(state, STATE_YMM)) return has;
    has |= bit_of(REASON_CPU_AVX2);
    if (n_subleaves >= 1 && __get_cpuid_count(7, 1, &a, &b, &c, &d) &&
        has_all(a, LEAF71_A_AVXVNNI))
        has |= bit_of(REASON_CPU_AVXVNNI);
    if (has_all(b7, LEAF7_B_AVX512 | 1u << 31) && has_all(c7, LEAF7_C_AVX512) &&
        has_all(state, STATE_ZMM))
        has |= bit_of(REASON_CPU_AVX512);
    return has;
}

#elif defined(__aarch64__)

/* Where the compiler takes dot products for granted, as Apple's does, all code needs them
 * already. */
static bool has_dot_products(void) {
#if defined(__ARM_FEATURE_DOTPROD)
    return true;
#elif defined(__linux__)
    enum { DOT_PRODUCTS = 1 << 20 }; /* HWCAP_ASIMDDP, which old headers lack */
    return getauxval(AT_HWCAP) & DOT_PRODUCTS;
#else
    return false;
#endif
}

static unsigned find_levels(void) {
    unsigned has = bit_of(REASON_CPU_GENERIC);
    if (has_dot_products()) has |= bit_of(REASON_CPU_NEON);
    return has;
}

#else

static unsigned find_levels(void) {
    return bit_of(REASON_CPU_GENERIC);
}

#endif

static pthread_once_t once = PTHREAD_ONCE_INIT;
static unsigned levels;  /* that the machine has */
static unsigned allowed; /* of these, those that REASON_CPU leaves */

/* A level and those below it that CPUs with it may have, as bits; all of them for AUTO. */
static unsigned at_most(unsigned level) {
    if (level == REASON_CPU_AUTO) return bit_of(N_LEVELS) - 1;
    if (level == REASON_CPU_NEON) return bit_of(REASON_CPU_GENERIC) | bit_of(level);
    return bit_of(level + 1) - 1;
}

/* The levels of `has` that are at most `word`; all of them if it is no level's name. */
static unsigned limit_levels(unsigned has, const char *word) {
    for (unsigned level = REASON_CPU_GENERIC; word && level < N_LEVELS; level++)
        if (strcmp(word, level_names[level]) == 0) return has & at_most(level);
    return has;
}

static void find_once(void) {
    levels = find_levels();
    allowed = limit_levels(levels, getenv("REASON_CPU"));
}

reason_cpu rsn_cpu_best(unsigned has, reason_cpu wish) {
    unsigned level = N_LEVELS - 1;
    has &= at_most((unsigned)wish < N_LEVELS ? wish : REASON_CPU_AUTO);
    while (level > REASON_CPU_GENERIC && !(has >> level & 1)) level--;
    return (reason_cpu)level;
}

reason_cpu rsn_cpu_detect(void) {
    (void)pthread_once(&once, find_once);
    return rsn_cpu_best(levels, REASON_CPU_AUTO);
}

reason_cpu rsn_cpu_ceiling(void) {
    return rsn_cpu_pick(REASON_CPU_AUTO);
}

reason_cpu rsn_cpu_pick(reason_cpu wish) {
    (void)pthread_once(&once, find_once);
    return rsn_cpu_best(allowed, wish);
}

#if defined(__linux__)

/* A small file of the kernel as text; these have no size beforehand. False if it is not
 * there or does not fit. */
static bool read_small(const char *path, char *text, size_t cap) {
    size_t n = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return false;
    while (n < cap) {
        ssize_t got = read(fd, text + n, cap - n);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        n += (size_t)got;
    }
    (void)close(fd);
    if (n == cap) return false;
    text[n] = '\0';
    return true;
}

/* A positive number at *text, moved behind it; 0 for anything else ("max", -1). */
static int64_t read_count(const char **text) {
    int64_t value = 0;
    while (**text == ' ') ++*text;
    for (; **text >= '0' && **text <= '9'; ++*text)
        if (value < INT64_MAX / 100) value = value * 10 + (**text - '0');
    return value;
}

static int32_t divide_quota(int64_t quota, int64_t period) {
    if (quota <= 0 || period <= 0) return INT32_MAX;
    int64_t cores = quota / period;
    return cores < 1 ? 1 : cores < INT32_MAX ? (int32_t)cores : INT32_MAX;
}

/* The quota of one group, version 2: "quota period" or "max period" in one file. */
static int32_t read_quota2(const char *folder) {
    char path[4200], text[128];
    (void)snprintf(path, sizeof path, "%s/cpu.max", folder);
    if (!read_small(path, text, sizeof text)) return INT32_MAX;
    const char *at = text;
    int64_t quota = read_count(&at);
    return divide_quota(quota, read_count(&at));
}

/* Version 1: two files. */
static int32_t read_quota1(const char *folder) {
    char path[4200], quota[128], period[128];
    (void)snprintf(path, sizeof path, "%s/cpu.cfs_quota_us", folder);
    if (!read_small(path, quota, sizeof quota)) return INT32_MAX;
    (void)snprintf(path, sizeof path, "%s/cpu.cfs_period_us", folder);
    if (!read_small(path, period, sizeof period)) return INT32_MAX;
    const char *a = quota, *b = period;
    return divide_quota(read_count(&a), read_count(&b));
}

/* The smallest quota of `group` ("/a/b") and all above it, up to the mount itself. A
 * container may show only its own group, as the root: what is missing is skipped. */
static int32_t climb(const char *mount, const char *group,
                     int32_t (*read_quota)(const char *)) {
    char folder[4096];
    int n = snprintf(folder, sizeof folder, "%s%s", mount, group);
    const size_t root = strlen(mount);
    if (n < 0 || (size_t)n >= sizeof folder || strstr(group, "..")) {
        /* Outside of what is mounted, or too long to be looked at. */
        return root < sizeof folder ? read_quota(mount) : INT32_MAX;
    }
    int32_t least = read_quota(folder);
    for (size_t at = (size_t)n; at > root;) {
        do at--;
        while (at > root && folder[at] != '/');
        folder[at] = '\0';
        int32_t quota = read_quota(folder);
        if (quota < least) least = quota;
    }
    return least;
}

/* Whether "a,b,c" has the item "cpu". */
static bool names_cpu(const char *list) {
    for (const char *at = list; at; at = strchr(at, ',')) {
        if (*at == ',') at++;
        if (strncmp(at, "cpu", 3) == 0 && (at[3] == ',' || at[3] == '\0')) return true;
    }
    return false;
}

static int32_t smaller(int32_t a, int32_t b) {
    return a < b ? a : b;
}

/* One line of the membership file: "0::/group" (version 2) or "4:cpu,cpuacct:/group". */
static int32_t read_membership(char *line, const char *mount) {
    char base[1024];
    char *controllers = strchr(line, ':');
    char *group = controllers ? strchr(controllers + 1, ':') : NULL;
    if (!group) return INT32_MAX;
    *group++ = '\0';
    controllers++;
    if (*controllers ==
        '\0') { /* where version 1 runs beside it, this one is "unified" */
        (void)snprintf(base, sizeof base, "%s/unified", mount);
        return smaller(climb(mount, group, read_quota2), climb(base, group, read_quota2));
    }
    if (!names_cpu(controllers)) return INT32_MAX;
    (void)snprintf(base, sizeof base, "%s/%s", mount, controllers);
    int32_t least = climb(base, group, read_quota1);
    (void)snprintf(base, sizeof base, "%s/cpu", mount);
    return smaller(least, climb(base, group, read_quota1));
}

int32_t rsn_cpu_quota(const char *membership, const char *mount) {
    char text[8192];
    int32_t least = INT32_MAX;
    if (!read_small(membership, text, sizeof text)) return least;
    for (char *line = text, *end; *line; line = end) {
        end = line + strcspn(line, "\n");
        if (*end) *end++ = '\0';
        least = smaller(least, read_membership(line, mount));
    }
    return least;
}

/* How many CPUs the calling thread may run on; INT32_MAX if the system does not say. */
static int32_t count_affinity(void) {
    cpu_set_t sets[8]; /* 8192 CPUs, the most a kernel is built for */
    memset(sets, 0, sizeof sets);
    if (sched_getaffinity(0, sizeof sets, sets)) return INT32_MAX;
    int count = 0;
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) count += CPU_COUNT(&sets[i]);
    return count > 0 ? count : INT32_MAX;
}

static int32_t count_allowed(void) {
    return smaller(count_affinity(),
                   rsn_cpu_quota("/proc/self/cgroup", "/sys/fs/cgroup"));
}

#else

int32_t rsn_cpu_quota(const char *membership, const char *mount) {
    (void)membership;
    (void)mount;
    return INT32_MAX;
}

static int32_t count_allowed(void) {
    return INT32_MAX;
}

#endif

int32_t rsn_cpu_threads(void) {
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    int32_t n = count_allowed();
    if (cores > 0 && cores < n) n = (int32_t)cores;
    return cores <= 0 && n == INT32_MAX ? 1 : n < 1 ? 1 : n;
}
