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

#include "decode/thinking.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* --- the vocabulary: an id is an index ---------------------------------------------- */

enum {
    OPEN,
    CLOSE,
    LT,
    THINK,
    GT,
    LTS,
    A,
    NL,
    NLNL,
    A_CLOSE_B,
    KGT_X,
    EOS, /* the alphabet */
    N_ALPHABET,
    THIN = N_ALPHABET,
    THINK_GT_A,
    CONTROL,
    DOT,
    CLOSE_THIN,
    SENTENCE, /* a wider one */
    N_WIDE,
    WAIT = N_WIDE,
    SO,
    END,
    B,
    X_LT,
    OPEN_THIN,
    CLOSE_OPEN,
    OPEN_OPEN,
    OPEN_A_CLOSE,
    A_OPEN_A,
    A_CLOSE_LT,
    CHANNEL, /* those of other families */
    MESSAGE,
    START,
    PART_END,
    ANALYSIS,
    FINAL,
    ASSISTANT,
    ANA,
    LYSIS_MESSAGE,
    END_OF_END,
    LESS_BAR,
    A_END_B,
    END_START,
    NL_OPEN,
    ANSWER_OPEN,
    ANSWER_CLOSE,
    HALF_ANSWER,
    REST_OF_ANSWER,
    A_ANSWER_B,
    N_TOKENS
};

static const char *const TEXTS[N_TOKENS] = {
    [OPEN] = "<think>",
    [CLOSE] = "</think>",
    [LT] = "<",
    [THINK] = "think",
    [GT] = ">",
    [LTS] = "</",
    [A] = "a",
    [NL] = "\n",
    [NLNL] = "\n\n",
    [A_CLOSE_B] = "a</think>b",
    [KGT_X] = "k>x",
    [EOS] = "",
    [THIN] = "thin",
    [THINK_GT_A] = "think>a",
    [CONTROL] = "",
    [DOT] = ".",
    [CLOSE_THIN] = "</thin",
    [SENTENCE] = "no. ",
    [WAIT] = "Wait",
    [SO] = "So",
    [END] = "done",
    [B] = "b",
    [X_LT] = "x<",
    [OPEN_THIN] = "<thin",
    [CLOSE_OPEN] = "</think><think>",
    [OPEN_OPEN] = "<think></think><think>",
    [A_CLOSE_LT] = "a</think><",
    [OPEN_A_CLOSE] = "<think>a</think>",
    [A_OPEN_A] = "a<think>a",
    [CHANNEL] = "<|channel|>",
    [MESSAGE] = "<|message|>",
    [START] = "<|start|>",
    [PART_END] = "<|end|>",
    [ANALYSIS] = "analysis",
    [FINAL] = "final",
    [ASSISTANT] = "assistant",
    [ANA] = "ana",
    [LYSIS_MESSAGE] = "lysis<|message|>",
    [END_OF_END] = "end|>",
    [LESS_BAR] = "<|",
    [A_END_B] = "a<|end|>b",
    [END_START] = "<|end|><|start|>",
    [NL_OPEN] = "\n<think>",
    [ANSWER_OPEN] = "<response>",
    [ANSWER_CLOSE] = "</response>",
    [HALF_ANSWER] = "<resp",
    [REST_OF_ANSWER] = "onse>",
    [A_ANSWER_B] = "a<response>\nb",
};

static inline rsn_text text_of(int32_t id) {
    return (rsn_text){TEXTS[id], strlen(TEXTS[id])};
}

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
