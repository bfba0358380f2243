/* Answers in the form in which two of them are compared. */
#ifndef REASON_REWARD_ANSWER_H
#define REASON_REWARD_ANSWER_H

#include "base/str.h"

/* Appends the normal form of the answer in a text; nothing if there is none. Equal forms
 * are equal answers. *out.failed if there is no memory. */
void rsn_answer_normalize(rsn_text text, reason_answer_kind kind, rsn_str *out);
/* What the last \boxed{} of a text has in it, without white space around. False: there is
 * none. */
bool rsn_answer_box(rsn_text text, rsn_text *content);
/* Whether the answer in a text is that of a solution, which is an answer and nothing else;
 * an empty one is never. NO_MEMORY. */
reason_status rsn_answer_check(rsn_text text, rsn_text gold, reason_answer_kind kind,
                               bool *right);

#endif
