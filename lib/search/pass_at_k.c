/* pass@k. */
#include "search/search.h"

#include <math.h>

/* C(n - right, k) / C(n, k) is a product of k fractions, and also, with k and `right` in
 * each other's place, of `right` ones. */
double rsn_pass_at_k(uint64_t n, uint64_t right, uint64_t k) {
    double none = 1;
    if (k < 1 || k > n || right > n)
        return (double)NAN;
    if (k > n - right)
        return 1;
    uint64_t few = k < right ? k : right, many = k < right ? right : k;
    for (uint64_t i = 0; i < few && none > 0; i++)
        none *= (double)(n - many - i) / (double)(n - i);
    return 1 - none;
}
