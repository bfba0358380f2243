/* What a session has computed for prompts and outputs, kept for those that begin alike: a
 * tree of blocks of 64 positions, each under the one before it. Blocks are shared with the
 * timelines that they came from and that go on from them, until those write. */
#ifndef REASON_DECODE_PREFIXES_H
#define REASON_DECODE_PREFIXES_H

#include "decode/timeline.h"

typedef struct rsn_prefix rsn_prefix;

typedef struct rsn_prefixes {
    rsn_prefix *first; /* beginnings; NULL: none */
    size_t n;          /* blocks */
    uint64_t now;      /* counts uses */
} rsn_prefixes; /* a zeroed one is empty */

/* Gives an empty timeline the longest beginning of these tokens that is there, to be
 * followed by the rest of them. NO_MEMORY: it has none then. */
reason_status rsn_prefixes_find(rsn_prefixes *p, const int32_t *tokens, size_t n,
                                rsn_timeline *line);
/* How long it would be. */
size_t rsn_prefixes_match(const rsn_prefixes *p, const int32_t *tokens, size_t n);
/* Keeps the first n positions of a timeline, n <= line->kv.n. NO_MEMORY: a part of them. */
reason_status rsn_prefixes_keep(rsn_prefixes *p, const rsn_timeline *line, size_t n);
/* Drops the block that was used longest ago, of those that nothing follows and no timeline
 * holds. false: there is none. */
bool rsn_prefixes_drop(rsn_prefixes *p);
void rsn_prefixes_free(rsn_prefixes *p);

#endif
