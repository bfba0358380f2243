/* Many generations in one session, in the same forward passes: they join at any time and
 * leave at token boundaries, share the blocks of what they have in common, and give what
 * each gives alone. batch.c drives it for a list that is known, queue.c for requests that
 * come as they come. */
#ifndef REASON_DECODE_ENGINE_H
#define REASON_DECODE_ENGINE_H

#include <stdatomic.h>

#include "decode/guess.h"
#include "decode/sequence.h"

typedef enum rsn_standing { RSN_QUEUED, RSN_RUNNING, RSN_ENDED } rsn_standing;

/* A generation among others. Its memory is its user's, and stays where it is. */
typedef struct rsn_member {
    rsn_sequence q;
    rsn_timeline line;
    rsn_guess guess;
    rsn_standing standing;
    bool kept;            /* its prompt is among the prefixes */
    uint64_t order;       /* who joined earlier comes first */
    reason_status status; /* NO_MEMORY: it ended without a result */
    rsn_result *result;   /* what it made; NULL until then */
    struct rsn_member *next, *before; /* of those that have not ended */
    void *owner;                      /* for the user */
} rsn_member;

/* What a user wants to be told; each may be NULL. */
typedef struct rsn_engine_hooks {
    /* Between the choice of tokens and the pass. A failure ends the step with it. */
    reason_status (*look)(void *user);
    void (*ended)(void *user, rsn_member *m);
    void *user;
    bool in_step; /* what a look does depends on everyone making one token a pass: there are
                     no guesses */
} rsn_engine_hooks;

typedef struct rsn_room {
    size_t n_ctx;       /* of a generation: a memory limit is a shorter context */
    size_t most_blocks; /* of keys and values; SIZE_MAX: no limit */
} rsn_room;

typedef struct rsn_engine {
    rsn_session *session;
    rsn_engine_hooks hooks;
    rsn_member *first, *last; /* that have not ended, in the order in which they joined */
    rsn_member **running;     /* [n_running] */
    rsn_sequence **passes;    /* [n_running], the same for a pass */
    rsn_guess **guesses;      /* [n_running], and their guesses */
    size_t n_running;
    uint64_t n_joined;
    rsn_room room;
    atomic_size_t next; /* of `running` to choose */
} rsn_engine;

/* What there is beside the session's own text. NO_MEMORY if a memory limit holds nothing.
 * */
reason_status rsn_engine_room(const rsn_session *session, rsn_room *room);
/* The session must be entered from here to the end; its own timeline is left alone.
 * NO_MEMORY. */
reason_status rsn_engine_begin(rsn_engine *e, rsn_session *session, const rsn_room *room,
                               const rsn_engine_hooks *hooks);
/* Prefixes of one context's length stay for those who come later. Fine after a failure.
 * */
void rsn_engine_end(rsn_engine *e);
/* Drops the prefixes that are beyond that. */
void rsn_engine_trim(rsn_engine *e);

/* A zeroed member whose sequence was opened for e->room joins. */
void rsn_engine_join(rsn_engine *e, rsn_member *m);
/* Ends those that are to end, fills free places, chooses everyone's next token and runs
 * the network once. A failure (NO_MEMORY, or of the look) leaves all as they are: a later
 * step goes on. Nothing is left to do once e->first is NULL. */
reason_status rsn_engine_step(rsn_engine *e);
/* Ends it before the next pass, with finish reason CANCELLED. */
void rsn_member_cancel(rsn_member *m);
/* Gives back what it holds, its result included; only of one that the engine does not
 * have, or that is ended without another step. */
void rsn_member_close(rsn_member *m);

#endif
