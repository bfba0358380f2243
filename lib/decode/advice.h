/* Thoughts from another model (ThoughtMani, arXiv 2504.13626): it is asked for the steps of
 * an answer, and these become the whole of the thinking, unless it gives up. */
#ifndef REASON_DECODE_ADVICE_H
#define REASON_DECODE_ADVICE_H

#include "decode/sequence.h"

/* Asks the advisers of those of n requests that have one, thoughts[i] being what that of
 * asked[i] wrote, for rsn_free(); NULL: there is none, or it gave up. Requests in a row that
 * have the same adviser ask it together; none is asked where there is to be no thinking, or
 * the thought is given. No session of the caller may be entered that is an
 * adviser, or shares a pool with one. What generating returns, with the adviser named;
 * INVALID_ARG for text that is no conversation. */
reason_status rsn_advise(const rsn_asked *asked, size_t n, char **thoughts);
void rsn_advice_free(char **thoughts, size_t n);

#endif
