/* The decode loop of one sequence in a session. Owns when the network runs for it. */
#include "decode/generate.h"

#include "decode/guess.h"
#include "decode/pass.h"

/* Until the end of text, a stop, the room, or a wish to stop. */
static reason_status drive(rsn_session *s, rsn_sequence *q) {
    reason_status status = REASON_OK;
    rsn_guess guess, *guesses = &guess;
    rsn_guess_open(&guess, s, q);
    while (q->stage != RSN_DONE && status == REASON_OK) {
        status = rsn_sequence_poll(q);
        if (status == REASON_OK && q->stage != RSN_DONE)
            status = rsn_sequence_choose(q, s->samplers);
        if (status == REASON_OK)
            rsn_sequence_flush(q);
        if (status == REASON_OK && !q->rows)
            rsn_guess_ahead(s, &guesses, 1, SIZE_MAX, &q->cancel);
        if (status == REASON_OK)
            status = rsn_pass(s, &q, 1, &q->cancel);
        if (status == REASON_ERR_CANCELLED && rsn_sequence_has_begun(q))
            status = REASON_OK; /* what it has is a result; the next poll ends it */
    }
    rsn_guess_close(&guess);
    return status;
}

reason_status rsn_generate(rsn_session *session, const rsn_asked *asked,
                           rsn_result **result) {
    rsn_sequence q;
    *result = NULL;
    reason_status status =
        rsn_sequence_open(&q, session, session->setup.n_ctx, asked, 0);
    if (status != REASON_OK)
        return status;
    status = rsn_session_samplers(session, 1);
    if (status == REASON_OK)
        status = rsn_sequence_begin(&q, &session->line);
    if (status == REASON_OK) /* so that the loop takes no memory */
        status = rsn_timeline_reserve(&session->line, rsn_sequence_likely(&q));
    if (status == REASON_OK)
        status = drive(session, &q);
    if (status == REASON_OK)
        status = rsn_sequence_finish(&q, result);
    rsn_timeline_truncate(&session->line, session->line.kv.n);
    rsn_sequence_close(&q);
    return status;
}
