/* The thinking controller: the one place that knows where a generation is (in a block, in
 * the answer), which tokens must, may and may not come next, and what each token is
 * called.
 *
 * It works on text, not on token ids: tags are found in the bytes that tokens stand for,
 * so it does not matter how a model spells them. What the texts are comes with the rules;
 * no family of models is known here. The loop that drives it is in generate.c:
 *
 *     while (!done)
 *         if (rsn_think_forced(t, &id))  push id
 *         else  sample id until rsn_think_judge(t, id) accepts it; push id
 *
 * Timeline of docs/THINKING.md; every rule of it has a test named after it. */
#ifndef REASON_DECODE_THINKING_H
#define REASON_DECODE_THINKING_H

#include "model/families.h"

/* A list of token ids, borrowed. */
typedef struct rsn_ids {
    const int32_t *items;
    size_t n;
} rsn_ids;

/* Why a block was closed by force. */
typedef enum rsn_close_reason {
    RSN_CLOSE_NONE,
    RSN_CLOSE_BUDGET,
    RSN_CLOSE_LOOP,
    RSN_CLOSE_EXIT
} rsn_close_reason;

/* Everything that is decided before the first token. Texts and ids are borrowed. */
typedef struct rsn_think_rules {
    rsn_text open, close; /* n = 0: the model has no tags, everything is ANSWER */
    rsn_text before_open; /* MARKUP if the output begins with it and an opening tag */
    rsn_text empty;       /* inside the block of a model told not to think: MARKUP */
    size_t after_close_n; /* most white space bytes that belong to a closing tag */
    const rsn_mark *marks; /* MARKUP outside of blocks, [n_marks] */
    size_t n_marks;
    reason_think_mode mode;
    size_t budget;     /* most THINK tokens */
    size_t min_tokens; /* a block that closes before goes on with `wait`, */
    size_t max_waits;  /* so often at most */
    size_t min_answer; /* tokens kept for the answer */
    size_t grace;
    size_t room;         /* most tokens in all */
    bool
        prompt_is_open; /* the prompt ends inside a block, after the text `prompt_tail` */
    rsn_text prompt_tail;
    bool prompt_in_header; /* the prompt ends in a header */
    size_t opener_n;       /* tokens of an opening tag */
    rsn_ids
        first; /* forced at the start: an opening tag, an empty block, a closing tag */
    rsn_ids thought; /* forced behind it, and then `closing`; n = 0: none */
    size_t first_space_n; /* bytes of white space that `first` ends with and that are
                             MARKUP */
    rsn_close_reason
        silenced_by;    /* why there is to be no thinking, if that was not asked for */
    rsn_ids closing;    /* closing tag and what opens the answer behind it */
    rsn_ids wait;       /* forced instead of an early close */
    rsn_ids close_text; /* forced before a close that the model did not make */
} rsn_think_rules;

typedef enum rsn_verdict {
    RSN_ACCEPT,  /* push it */
    RSN_BAN,     /* draw another token */
    RSN_REPLACE, /* drop it: forced tokens wait in its place */
    RSN_END      /* push it, and the generation is over */
} rsn_verdict;

/* Receives text in order, each stretch once it is certain what it is. */
typedef void (*rsn_span_fn)(void *user, reason_label label, const char *text, size_t n);

/* Where in the text a scan is. */
typedef struct rsn_scan {
    bool in_block;
    bool at_start; /* nothing has been called anything yet */
    bool in_header; /* outside of blocks: behind a header's mark */
    bool last;     /* no more text comes, so nothing can become a tag any more */
    bool fresh;    /* nothing of the block has been called THINK yet */
    bool must_think; /* mode ON, and nothing has been called THINK yet: no block may be
                        empty */
    size_t
        lead; /* bytes of forced white space still to come behind the first opening tag */
    size_t eat;    /* white space bytes that still belong to the last tag or mark */
    rsn_text empty; /* what an empty block would still have to say */
} rsn_scan;

typedef struct rsn_think {
    rsn_think_rules rules;
    rsn_span_fn emit;
    void *user;
    rsn_scan scan;
    rsn_str hold;      /* text that may still turn out to be a tag */
    size_t *owners;    /* [hold.n], the token of each held byte */
    size_t owners_cap;
    uint8_t *bits;     /* [n_tokens], 1 << label of each byte that left */
    size_t bits_cap;
    size_t n_tokens;   /* pushed */
    size_t n_decided;  /* tokens whose label is certain: the first ones */
    size_t counts[3];  /* decided tokens by label */
    size_t longest;     /* bytes of the longest tag or mark */
    size_t header_n;    /* bytes of the opening tag that are a header's mark; 0: none */
    rsn_str answer_tail; /* the answer's last bytes, shorter than a tag */
    rsn_str block_tail;  /* the block's last bytes, enough to see the end of a sentence */
    rsn_str probe, joined; /* scratch of the judge */
    const int32_t
        *queue[2]; /* forced tokens to come: text for inside a block, then a tag */
    size_t queue_n[2];
    size_t tag_from; /* the token at which the last forced tag begins; SIZE_MAX: it is
                        complete */
    size_t n_waits;             /* written so far */
    rsn_close_reason closed_by; /* the last forced close */
} rsn_think;

/* Starts a generation. NO_MEMORY. */
reason_status rsn_think_init(rsn_think *t, const rsn_think_rules *rules, rsn_span_fn emit,
                             void *user);
void rsn_think_free(rsn_think *t);

/* The token that must come next; false if the model may choose. Decides here whether the
 * block has to close. */
bool rsn_think_forced(rsn_think *t, int32_t *id);
/* Closes the block for a reason from outside, with the next tokens. Only where it is
 * settled. */
void rsn_think_close(rsn_think *t, rsn_close_reason reason);
/* Whether the text ends inside a block that something was thought in, no tag is half
 * written, and nothing is being forced. */
bool rsn_think_is_settled(const rsn_think *t);
/* Whether the block's text ends with the end of a line, and not of an empty one. */
bool rsn_think_ends_line(const rsn_think *t);
/* What is to become of a token that was drawn: `text` are its bytes, `is_end` says it
 * ends a generation. NO_MEMORY goes to *status. */
rsn_verdict rsn_think_judge(rsn_think *t, rsn_text text, bool is_end,
                            reason_status *status);
/* Takes a token. `is_end`: it ends the generation and has no text. */
reason_status rsn_think_push(rsn_think *t, rsn_text text, bool is_end);
/* The end: held text becomes what its place says. */
void rsn_think_finish(rsn_think *t);

/* Whether the text so far ends inside a block. */
static inline bool rsn_think_in_block(const rsn_think *t) {
    return t->scan.in_block;
}
/* THINK tokens, if the generation ended now. */
size_t rsn_think_count(const rsn_think *t);
/* The label of token i < t->n_decided. */
reason_label rsn_think_label(const rsn_think *t, size_t i);

#endif
