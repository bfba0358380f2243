/* The public function that measures the machine: reads and arithmetic at their limit, on
 * all workers of a pool at once. */
#include "api/options.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/cpu.h"
#include "base/fpstate.h"
#include "base/pool.h"
#include "kernels/peak.h"

/* Memory that no cache holds, and how long each figure may take. */
enum { READ_BYTES = 256 << 20 };
static const double SECONDS = 0.15;

typedef enum task { FILL, READ, INT8, FLOAT32 } task;

typedef struct measure {
    const rsn_peak *peak;
    unsigned char *bytes; /* [READ_BYTES] */
    task what;
    uint64_t rounds;
    uint64_t done[1024]; /* by worker */
} measure;

static void work(void *arg, int ith, int count) {
    measure *m = arg;
    size_t begin, end;
    rsn_pool_share(READ_BYTES, 4096, ith, count, &begin, &end);
    switch (m->what) {
    case FILL:
        for (size_t i = begin; i < end; i++)
            m->bytes[i] = (unsigned char)i;
        break;
    case READ:
        for (uint64_t r = 0; r < m->rounds; r++) {
            uint64_t sum = rsn_peak_read(m->bytes + begin, end - begin);
            m->done[ith] = (end - begin) * m->rounds + (sum == UINT64_MAX);
        }
        break;
    case INT8: m->done[ith] = m->peak->int8(m->rounds); break;
    case FLOAT32: m->done[ith] = m->peak->float32(m->rounds); break;
    }
}

/* Units a second: rounds double until one run takes long enough, then the best of three.
 */
static double rate(measure *m, rsn_pool *pool, task what, uint64_t rounds) {
    double best = 0, took = 0;
    m->what = what;
    m->rounds = rounds;
    for (int left = 3; left > 0;) {
        double start = rsn_clock();
        rsn_pool_run(pool, work, m);
        took = rsn_clock() - start;
        if (took < SECONDS / 3 && m->rounds < UINT64_MAX / 4) {
            m->rounds *= 2;
            continue;
        }
        double sum = 0;
        for (int i = 0; i < rsn_pool_size(pool); i++)
            sum += (double)m->done[i];
        best = sum / took > best ? sum / took : best;
        left--;
    }
    return best;
}

static reason_status measure_with(rsn_pool *pool, reason_machine *machine) {
    measure *m = rsn_calloc2(1, sizeof *m);
    if (!m)
        return REASON_ERR_NO_MEMORY;
    m->bytes = rsn_alloc_aligned(READ_BYTES);
    reason_machine result = {sizeof result, rsn_pool_size(pool), NULL, 0, 0, 0};
    if (m->bytes) {
        m->peak = rsn_peak_for(rsn_cpu_pick(REASON_CPU_AUTO));
        m->what = FILL;
        result.cpu = rsn_cpu_name(m->peak->level);
        rsn_pool_enter(pool);
        rsn_fpstate saved = rsn_fpstate_enter();
        rsn_pool_run(pool, work, m);
        result.read_bytes_s = rate(m, pool, READ, 1);
        result.int8_ops_s = rate(m, pool, INT8, 64);
        result.float_ops_s = rate(m, pool, FLOAT32, 64);
        rsn_fpstate_leave(saved);
        rsn_pool_leave(pool);
    }
    reason_status status = m->bytes ? REASON_OK : REASON_ERR_NO_MEMORY;
    rsn_free_aligned(m->bytes);
    rsn_free(m);
    return status == REASON_OK
               ? rsn_options_write(machine, &result, sizeof result, "machine")
               : status;
}

reason_status reason_machine_measure(reason_pool *pool, reason_machine *machine) {
    /* Cleared first: a size that is wrong must not cost a measurement. */
    const reason_machine none = {0};
    reason_status status = rsn_options_write(machine, &none, sizeof none, "machine");
    if (status != REASON_OK)
        return status;
    rsn_pool *own = NULL;
    status = rsn_pool_get(pool, 0, &own);
    if (status == REASON_OK)
        status = measure_with(own, machine);
    rsn_pool_release(own);
    return status;
}
