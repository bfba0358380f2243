/* Answers in the form in which two of them are compared. */
#ifndef REASON_REWARD_ANSWER_H
#define REASON_REWARD_ANSWER_H

#include "base/str.h"

/* Appends the normal form of the answer in a text; nothing if there is none. Equal forms
 * are equal answers. *out.failed if there is no memory. */
void rsn_answer_normalize(rsn_text text, reason_answer_kind kind, rsn_str *out);
/* The same of a text that is an answer and nothing else, as solutions are given. */
void rsn_answer_normalize_gold(rsn_text gold, reason_answer_kind kind, rsn_str *out);

#endif
