/* What comes between the logits of a position and the choice of a token there: questions to
 * the model, and the policies (policy.h) that ask them. Each is given a sequence that has
 * logits, and may leave it without: then it waits for the network. NO_MEMORY. */
#ifndef REASON_DECODE_CONSULT_H
#define REASON_DECODE_CONSULT_H

#include "decode/sequence.h"

/* What policies see of it. */
rsn_view rsn_consult_view(const rsn_sequence *q);
/* Behind the prompt: how likely the model is to think, and what a threshold makes of that. */
reason_status rsn_consult_prompt(rsn_sequence *q);
/* In an aside: its next logits, or its end. */
reason_status rsn_consult_aside(rsn_sequence *q);
/* Before a token; *waits: there is a question to the model first. */
reason_status rsn_consult_token(rsn_sequence *q, bool *waits);
/* Behind a token: text that goes nowhere is ended, in the answer with all of it. */
void rsn_consult_loop(rsn_sequence *q);
/* Behind a token that waits: what is to stay of a full chunk is written behind the prompt
 * again. */
reason_status rsn_consult_chunk(rsn_sequence *q);

#endif
