/* Guesses by a draft: a smaller model with the same vocabulary reads along and says what it
 * finds likeliest next. */
#ifndef REASON_DECODE_DRAFT_H
#define REASON_DECODE_DRAFT_H

#include "decode/prefixes.h"
#include "model/model.h"

typedef struct rsn_drafter rsn_drafter;

typedef struct rsn_draft_setup {
    rsn_model *model;
    rsn_pool *pool;
    size_t n_ctx;
    size_t n_chunk;     /* most tokens of one pass */
    size_t most_blocks; /* of keys and values; SIZE_MAX: no limit */
} rsn_draft_setup;

/* Retains model and pool. NO_MEMORY, LIMIT. */
reason_status rsn_drafter_new(const rsn_draft_setup *setup, rsn_drafter **drafter);
/* Bytes that it holds, of keys and values for one full context. LIMIT. */
reason_status rsn_drafter_need(const rsn_draft_setup *setup, size_t n_workers,
                               uint64_t *kv_bytes, uint64_t *work_bytes);
void rsn_drafter_free(rsn_drafter *d); /* NULL is fine */
/* Forgets what it has read. */
void rsn_drafter_reset(rsn_drafter *d);
/* Bytes of keys and values that it keeps between generations. */
uint64_t rsn_drafter_kv_bytes(const rsn_drafter *d);

/* What it has read of one text, which grows, and which thinking in chunks cuts; a zeroed one
 * has read nothing. */
typedef struct rsn_draft {
    rsn_timeline line;
    bool is_open;
    bool kept;    /* the prompt is there for others */
    size_t known; /* tokens of the line that are the text's */
} rsn_draft;

typedef struct rsn_draft_job {
    rsn_draft *draft;
    const int32_t *tokens; /* [n], all so far, 1 or more */
    size_t n;
    size_t n_prompt;  /* of these, that other texts may begin with */
    size_t most;      /* guesses wanted; 0: it reads along */
    int32_t *guesses; /* [most] */
    size_t n_guesses; /* what was found */
    size_t allowed;   /* tokens that may be run until it has read all; 0: it stays behind */
} rsn_draft_job;

/* Room for n jobs, valid until the next call. NULL: no memory. */
rsn_draft_job *rsn_drafter_jobs(rsn_drafter *d, size_t n);
/* Does all of these, those of all texts that are open, in as few passes as there are
 * guesses. Whoever is further behind than is allowed is read a part and has no guesses yet;
 * who has no memory, or no context left, has none. */
void rsn_drafter_run(rsn_drafter *d, rsn_draft_job *jobs, size_t n,
                     const rsn_cancel *cancel);
/* Lets go of a text; what was read stays for those that begin alike. */
void rsn_draft_close(rsn_drafter *d, rsn_draft *draft);

#endif
