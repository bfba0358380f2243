/* What the tests of the thinking controller share: a vocabulary of a few texts, rules of
 * an ordinary model, and a run that notes what the controller was given and what it said.
 */
#ifndef REASON_TESTS_THINK_SCRIPT_H
#define REASON_TESTS_THINK_SCRIPT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "support/dialects.h"

/* A list of ids for one call: IDS(OPEN, NL). */
#define IDS(...)                                                                         \
    ((rsn_ids){(const int32_t[]){__VA_ARGS__},                                           \
               sizeof((const int32_t[]){__VA_ARGS__}) / sizeof(int32_t)})

static const int32_t CLOSING[] = {CLOSE, NLNL};
static const int32_t SPLIT_CLOSING[] = {LTS, THINK, GT, NL, NL};
static const int32_t OPENING[] = {OPEN, NL};
static const int32_t EMPTY_BLOCK[] = {OPEN, NLNL, CLOSE, NLNL};
static const int32_t WAITING[] = {WAIT};
static const int32_t CLOSE_TEXT[] = {SO, END};

static const rsn_text OPEN_TAG = {"<think>", 7}, CLOSE_TAG = {"</think>", 8};

/* Rules of an ordinary model with plenty of room. */
static inline rsn_think_rules plain_rules(reason_think_mode mode, size_t budget) {
    rsn_think_rules r = {.open = OPEN_TAG,
                         .close = CLOSE_TAG,
                         .empty = {"\n\n", 2},
                         .after_close_n = 2,
                         .mode = mode,
                         .budget = budget,
                         .room = 60,
                         .closing = {CLOSING, COUNT(CLOSING)}};
    if (mode == REASON_THINK_ON) {
        r.first = (rsn_ids){OPENING, COUNT(OPENING)};
        r.first_space_n = 1;
    }
    if (mode == REASON_THINK_OFF)
        r.first = (rsn_ids){EMPTY_BLOCK, COUNT(EMPTY_BLOCK)};
    return r;
}

/* --- a run: the controller, what it was given and what it said ---------------------- */

enum { MAX_RUN = 64, MAX_BYTES = 1024 };

typedef struct run {
    rsn_think t;
    int32_t ids[MAX_RUN];
    bool forced[MAX_RUN];
    size_t n;
    bool over; /* an end was pushed */
    char text[MAX_BYTES];
    uint8_t labels[MAX_BYTES]; /* of each byte of text */
    size_t n_text;
} run;

static inline void on_span(void *user, reason_label label, const char *text, size_t n) {
    run *r = user;
    assert_true(n > 0 && r->n_text + n < MAX_BYTES);
    memcpy(r->text + r->n_text, text, n);
    memset(r->labels + r->n_text, (int)label, n);
    r->n_text += n;
}

static inline void start(run *r, const rsn_think_rules *rules) {
    memset(r, 0, sizeof *r);
    assert_int_equal(rsn_think_init(&r->t, rules, on_span, r), REASON_OK);
}

static inline void push(run *r, int32_t id, bool forced) {
    assert_true(r->n < r->t.rules.room && r->n < MAX_RUN && !r->over);
    r->ids[r->n] = id;
    r->forced[r->n++] = forced;
    r->over = id == EOS;
    assert_int_equal(rsn_think_push(&r->t, text_of(id), id == EOS), REASON_OK);
}

static inline rsn_verdict judge(run *r, int32_t id) {
    reason_status status = REASON_ERR_INTERNAL;
    rsn_verdict verdict = rsn_think_judge(&r->t, text_of(id), id == EOS, &status);
    assert_int_equal(status, REASON_OK);
    return verdict;
}

#endif
