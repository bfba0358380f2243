/* A vocabulary of a few texts, and the kinds of families that tests of the thinking
 * controller speak with it. */
#ifndef REASON_TESTS_DIALECTS_H
#define REASON_TESTS_DIALECTS_H

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

/* --- families ----------------------------------------------------------------------- */

/* What families differ in. */
typedef struct dialect {
    rsn_text open, close, before_open, empty;
    size_t after_close_n, first_space_n;
    rsn_mark marks[4];
    int32_t opening[4], closing[8], silence[4]; /* end with EOS */
} dialect;

#define TEXT(z) {z, sizeof(z) - 1}

static const dialect PLAIN = {.open = TEXT("<think>"),
                              .close = TEXT("</think>"),
                              .empty = TEXT("\n\n"),
                              .after_close_n = 2,
                              .first_space_n = 1,
                              .opening = {OPEN, NL, EOS},
                              .closing = {CLOSE, NLNL, EOS},
                              .silence = {OPEN, NLNL, CLOSE, EOS}};
static const dialect SPLIT = {.open = TEXT("<think>"),
                              .close = TEXT("</think>"),
                              .empty = TEXT("\n\n"),
                              .after_close_n = 2,
                              .first_space_n = 1,
                              .opening = {OPEN, NL, EOS},
                              .closing = {LTS, THINK, GT, NL, NL, EOS},
                              .silence = {OPEN, NLNL, CLOSE, EOS}};
static const dialect CHANNELS = {
    .open = TEXT("<|channel|>analysis<|message|>"),
    .close = TEXT("<|end|>"),
    .marks = {{TEXT("<|start|>"), 0, true},
              {TEXT("<|channel|>"), 0, true},
              {TEXT("<|message|>"), 0, false},
              {TEXT("<|end|>"), 0, false}},
    .opening = {CHANNEL, ANALYSIS, MESSAGE, EOS},
    .closing = {PART_END, START, ASSISTANT, CHANNEL, FINAL, MESSAGE, EOS},
    .silence = {CHANNEL, FINAL, MESSAGE, EOS}};
static const dialect WRAPPED = {
    .open = TEXT("<think>"),
    .close = TEXT("</think>"),
    .after_close_n = 2,
    .marks = {{TEXT("<response>"), 2, false}, {TEXT("</response>"), 1, false}},
    .opening = {OPEN, EOS},
    .closing = {CLOSE, HALF_ANSWER, REST_OF_ANSWER, EOS},
    .silence = {EOS}};
static const dialect NEW_LINE = {.open = TEXT("<think>"),
                                 .close = TEXT("</think>"),
                                 .before_open = TEXT("\n"),
                                 .opening = {NL, OPEN, EOS},
                                 .closing = {CLOSE, EOS},
                                 .silence = {NL_OPEN, CLOSE, EOS}};

static inline rsn_ids ids_of(const int32_t *list) {
    size_t n = 0;
    while (list[n] != EOS)
        n++;
    return (rsn_ids){list, n};
}

static inline void speak(rsn_think_rules *r, const dialect *d) {
    r->open = d->open;
    r->close = d->close;
    r->before_open = d->before_open.data ? d->before_open : (rsn_text){"", 0};
    r->empty = d->empty.data ? d->empty : (rsn_text){"", 0};
    r->after_close_n = d->after_close_n;
    r->marks = d->marks;
    while (r->n_marks < COUNT(d->marks) && d->marks[r->n_marks].text.n > 0)
        r->n_marks++;
    r->opener_n = ids_of(d->opening).n;
    r->closing = ids_of(d->closing);
    if (r->mode != REASON_THINK_AUTO)
        r->first = ids_of(r->mode == REASON_THINK_ON ? d->opening : d->silence);
    r->first_space_n = r->mode == REASON_THINK_ON ? d->first_space_n : 0;
}

/* The budget of a model with this much room, as rules.c lowers it. */
static inline void lower_budget(rsn_think_rules *r) {
    size_t taken =
        r->closing.n + r->min_answer + (r->prompt_is_open ? 0 : r->opener_n);
    size_t most = r->room > taken ? r->room - taken : 0;
    r->budget = r->budget < most ? r->budget : most;
}

#endif
