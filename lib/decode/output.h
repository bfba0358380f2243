/* From labelled bytes to text for people: whole characters only, the answer cut at stop
 * texts, each piece handed to the host's callback. */
#ifndef REASON_DECODE_OUTPUT_H
#define REASON_DECODE_OUTPUT_H

#include "base/str.h"
#include "text/detokenize.h"

typedef struct rsn_output {
    rsn_str *thinking, *answer; /* where the text goes, borrowed */
    const char *const *stops;   /* [n_stops] */
    size_t n_stops;
    reason_stream_fn stream;
    void *stream_user;
    rsn_utf8_gate gates[3]; /* by label */
    reason_label last;      /* the label of the last bytes */
    rsn_str held;           /* the answer's end that may begin a stop text */
    rsn_str piece;          /* scratch */
    bool stopped;           /* a stop text was reached; later text is dropped */
    bool refused;           /* the callback asked to stop */
} rsn_output;

/* A zeroed rsn_output with its borrowed members set is ready. */
void rsn_output_add(rsn_output *o, reason_label label, const char *text, size_t n);
/* The end: hands out what was held. */
void rsn_output_finish(rsn_output *o);
/* NO_MEMORY if any text was lost. */
reason_status rsn_output_status(const rsn_output *o);
void rsn_output_free(rsn_output *o);

#endif
