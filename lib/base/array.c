/* Owns the growth rule of arrays; their items and counts are left to the caller.
 * Invariant: on failure neither the array nor its capacity has changed. */
#include "base/array.h"

#include <string.h>

enum { FIRST_CAP = 8 };

reason_status rsn_grow(void **items, size_t *cap, size_t need, size_t size) {
    if (need <= *cap) return REASON_OK;
    size_t wanted = *cap > SIZE_MAX / 2 ? need : *cap * 2;
    if (wanted < need) wanted = need;
    if (wanted < FIRST_CAP) wanted = FIRST_CAP;
    /* *items is in truth a pointer to the caller's type: copying its bytes, unlike
     * reading it as a void pointer, is sound whatever that type is. */
    void *old;
    memcpy(&old, items, sizeof old);
    void *grown = rsn_resize2(old, wanted, size);
    if (!grown) return REASON_ERR_NO_MEMORY;
    memcpy(items, &grown, sizeof grown);
    *cap = wanted;
    return REASON_OK;
}
