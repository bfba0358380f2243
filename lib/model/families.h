/* How families of reasoning models mark their thoughts and their answers. */
#ifndef REASON_MODEL_FAMILIES_H
#define REASON_MODEL_FAMILIES_H

#include "base/str.h"

enum { RSN_FAMILY_SIGNS = 4, RSN_FAMILY_MARKS = 5, RSN_FAMILY_SWITCHES = 2 };

/* A text in the answer that is no part of it: a wrapper's tag, a channel's name. */
typedef struct rsn_mark {
    rsn_text text;
    size_t eat;  /* most white space bytes behind it that belong to it */
    bool header; /* all text from here to the next mark belongs to it */
} rsn_mark;

/* A variable of a chat template that turns thinking off and on. The values are JSON;
 * NULL: it is left alone. */
typedef struct rsn_switch {
    const char *name, *off, *on;
} rsn_switch;

/* A variable of a chat template that takes an effort. */
typedef struct rsn_effort_variable {
    const char *name;
    const char *values[3]; /* JSON, for low, medium and high */
    bool takes_budget;     /* it counts tokens, and takes a budget as well */
} rsn_effort_variable;

/* A row of the table. An unset text is one that the family does not have. */
typedef struct rsn_family {
    const char *name;
    const char *signs[RSN_FAMILY_SIGNS];  /* all stand in its template; none: not found so
                                             */
    const char *tokens[RSN_FAMILY_SIGNS]; /* all are tokens of its vocabulary; as above */
    rsn_text open, close;
    rsn_text before_open; /* what it writes between the prompt and the opening tag */
    rsn_text after_open;  /* white space */
    rsn_text empty;       /* what stands in the block of a model told not to think */
    rsn_text after_close; /* between the closing tag and the answer, or its wrapper */
    rsn_text answer_open; /* opens the answer's wrapper */
    size_t close_eat; /* white space bytes that belong to a closing tag, beyond those of
                         after_close */
    bool no_block;    /* told not to think it writes `silence` and no empty block */
    rsn_text silence;
    bool fixed;    /* a template's literals say nothing about its white space */
    rsn_text turn; /* begins each turn of a conversation; unset: control tokens do */
    rsn_mark marks[RSN_FAMILY_MARKS];
    rsn_switch switches[RSN_FAMILY_SWITCHES];
    const rsn_effort_variable *effort;
} rsn_family;

/* Rows in the order in which they are looked for: those that say more come first. */
extern const rsn_family rsn_families[];
extern const size_t rsn_n_families;
/* The row of a model without tags. */
extern const rsn_family rsn_family_none;

#endif
