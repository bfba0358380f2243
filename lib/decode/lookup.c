/* The index of a text's n-grams. Owns where each stood last; who guesses when is guess.c's.
 * An n-gram has one slot, by its hash, and a later one takes it, so that every token is
 * hashed once and a lookup is one slot, however long the text is: a search of the text would
 * take the square of its length over a generation. Invariant: a slot is a hint, what it
 * leads to is compared; a lost one costs a guess and nothing else. */
#include "decode/lookup.h"

#include <string.h>

#include "base/alloc.h"

/* Slots for each token: how full the index may be, and how full it is made. */
enum { LEAST_SLOTS = 4, SLOTS = 8, FIRST_CAP = 1024 };

void rsn_lookup_free(rsn_lookup *l) {
    rsn_free(l->places);
    memset(l, 0, sizeof *l);
}

/* A larger one is filled again from the first token: together that is as much as the last
 * filling twice. Without memory for it the old one goes on, with more lost hints. */
static bool make_slots(rsn_lookup *l, size_t n) {
    size_t cap = l->cap ? l->cap : FIRST_CAP;
    if (l->cap > 0 && n <= l->cap / LEAST_SLOTS)
        return true;
    while (cap / SLOTS < n)
        cap *= 2;
    uint32_t *places = n < UINT32_MAX ? rsn_calloc2(cap, sizeof *places) : NULL;
    if (!places)
        return l->cap > 0;
    rsn_free(l->places);
    *l = (rsn_lookup){places, cap, 0};
    return true;
}

/* The slot of the n-gram that ends before `end`. */
static uint32_t *slot_of(const rsn_lookup *l, size_t length, const int32_t *end) {
    uint64_t hash = 0;
    for (const int32_t *t = end - length; t < end; t++)
        hash = (hash ^ (uint32_t)*t) * UINT64_C(0x9E3779B97F4A7C15);
    return &l->places[(hash >> 32) & (l->cap - 1)];
}

size_t rsn_lookup_guess(rsn_lookup *l, size_t length, const int32_t *tokens, size_t n,
                        size_t most, int32_t *guesses) {
    if (n <= length || !make_slots(l, n))
        return 0;
    for (size_t at = l->n < length ? length : l->n; at < n; at++)
        *slot_of(l, length, tokens + at) = (uint32_t)at;
    l->n = n; /* the last n-gram has no token behind it yet */
    size_t place = *slot_of(l, length, tokens + n);
    if (place == 0 || place >= n ||
        memcmp(tokens + place - length, tokens + n - length, length * sizeof *tokens) != 0)
        return 0;
    /* Where the text ends, what repeats is taken to go on. */
    for (size_t i = 0; i < most; i++)
        guesses[i] = place + i < n ? tokens[place + i] : guesses[place + i - n];
    return most;
}
