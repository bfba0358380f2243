/* Beam search over the steps of a thought. */
#ifndef REASON_SEARCH_BEAM_H
#define REASON_SEARCH_BEAM_H

#include "decode/batch.h"
#include "search/rewards.h"

/* Makes samples of a request whose structs are complete: a round continues every path that
 * is kept up to the end of its next step, or to the end of all, in n_samples ways
 * altogether, and keeps n_beams of these and of those that have ended. *samples are the
 * paths kept at the end, the best first, as samples of one result, and *scores theirs, for
 * rsn_free(). Those that have not ended have finish reason CANCELLED. The session must be
 * entered. What generating and scoring return. */
reason_status rsn_beam(rsn_session *session, const rsn_asked *asked,
                       const reason_search_options *options, rsn_rewarder *rewarder,
                       rsn_result **samples, double **scores, reason_search_usage *usage);

#endif
