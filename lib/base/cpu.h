/* Which instruction set this process may use. */
#ifndef REASON_BASE_CPU_H
#define REASON_BASE_CPU_H

#include "base/status.h"

/* The highest level of reason_cpu that this CPU has (GENERIC where nothing else is
 * known). */
reason_cpu rsn_cpu_detect(void);
/* rsn_cpu_detect() under the ceiling that REASON_CPU in the environment sets; read once.
 * An unknown word there is ignored. */
reason_cpu rsn_cpu_ceiling(void);
/* The level to run: min(wish, rsn_cpu_ceiling()), where AUTO wishes everything. AVXVNNI
 * on a CPU that has AVX-512 but not AVX-VNNI becomes AVX2; a level of another kind of
 * processor becomes GENERIC. */
reason_cpu rsn_cpu_pick(reason_cpu wish);
const char *rsn_cpu_name(reason_cpu level); /* "generic", "avx2", ... */
/* What decides the two above, apart so that a test can play any machine. `has` is a set
 * of levels, bit 1 << level each; the result is one of them, at most `wish`, or GENERIC. */
reason_cpu rsn_cpu_best(unsigned has, reason_cpu wish);
/* How many cores a control group's quota is worth, rounded down, at least 1; INT32_MAX:
 * no quota. `membership` is a file like /proc/self/cgroup, `mount` a folder like
 * /sys/fs/cgroup. */
int32_t rsn_cpu_quota(const char *membership, const char *mount);

/* What the process may use: max(1, min(affinity mask, cgroup quota rounded down, cores)).
 */
int32_t rsn_cpu_threads(void);

#endif
