/* Verdicts: questions to a judge, and what it said. */
#ifndef REASON_REWARD_JUDGE_H
#define REASON_REWARD_JUDGE_H

#include "decode/batch.h"
#include "reward/judge_prompt.h"

/* A judge of responses. All structs are complete and checked. */
typedef struct rsn_judge {
    const reason_judge_request *request;
    const reason_thinking *thinking;
    const reason_sampling *sampling;
    rsn_frame frame;
    uint64_t n_done, n_total; /* verdicts, for its progress */
} rsn_judge;

/* Makes the frame. What rsn_frame_make() returns; the frame is to be freed either way. */
reason_status rsn_judge_begin(rsn_judge *judge, const reason_judge_request *request,
                              const reason_thinking *thinking,
                              const reason_sampling *sampling);
void rsn_judge_end(rsn_judge *judge);

/* One thing that a judge is asked, as often as there are votes. */
typedef struct rsn_judge_question {
    rsn_judge *judge;
    size_t first, second; /* responses as they are shown; one alone is both */
    size_t item;          /* of the checklist */
    uint32_t n_votes;
    uint64_t place; /* no two questions of a judge have the same: the seed is made of it */
} rsn_judge_question;

/* What a judge said once. */
typedef struct rsn_ruling {
    reason_verdict verdict; /* of what was shown first (1) and second (2) */
    double value;           /* of one response; NaN: none */
    rsn_result *result;     /* owned; NULL unless kept */
} rsn_ruling;

typedef struct rsn_judge_usage {
    uint64_t prompt_tokens, cached_tokens, thinking_tokens, answer_tokens, markup_tokens;
} rsn_judge_usage;
void rsn_judge_usage_add(rsn_judge_usage *to, const rsn_result *r);

/* Asks n questions; rulings [sum of votes] in their order, each to be freed if results are
 * kept, after a failure too. The session must be entered; NULL if no question is for a
 * model. Adds to *usage. */
reason_status rsn_judge_ask(rsn_session *session, const rsn_judge_question *questions,
                            size_t n, bool keep, rsn_ruling *rulings,
                            rsn_judge_usage *usage);

/* --- pairs --------------------------------------------------------------------------- */

enum { RSN_PAIR_QUESTIONS = 2 };

/* The questions about responses a and b as the request's order has it; returns how many. */
size_t rsn_pair_ask(rsn_judge *judge, size_t a, size_t b, uint64_t place,
                    rsn_judge_question questions[RSN_PAIR_QUESTIONS]);

/* What rulings on a pair come to. */
typedef struct rsn_tally {
    uint64_t votes_a, votes_b, n_ties, n_invalid;
    uint64_t n_first; /* votes for what was shown first */
    uint64_t n_both, n_agree; /* votes in both orders; of these for the same response */
} rsn_tally;

/* The ruling of a question on `a` (1) and the other response (2). */
reason_verdict rsn_ruling_on(const rsn_judge_question *question, const rsn_ruling *ruling,
                             size_t a);
/* Counts the rulings on the n questions of rsn_pair_ask(). */
rsn_tally rsn_pair_count(const rsn_judge_question *questions, size_t n,
                         const rsn_ruling *rulings);
/* Of a: 1 more votes, 0 fewer, 0.5 as many, or none. */
double rsn_tally_score(const rsn_tally *tally);
/* Shares; NaN of nothing. */
double rsn_tally_agreement(const rsn_tally *tally);
double rsn_tally_first_rate(const rsn_tally *tally);

#endif
