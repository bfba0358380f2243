/* Seconds that only go forward. */
#ifndef REASON_BASE_CLOCK_H
#define REASON_BASE_CLOCK_H

#include <time.h>

static inline double rsn_clock(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

#endif
