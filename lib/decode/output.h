/* From labelled bytes to text for people: whole characters only, the answer cut at stop
 * texts, pieces for the host's callback. */
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
    uint32_t sample;        /* that pieces are of */
    rsn_utf8_gate gates[3]; /* by label */
    reason_label last;      /* the label of the last bytes */
    rsn_str held;           /* the answer's end that may begin a stop text */
    rsn_str piece;          /* scratch */
    rsn_str unsent;         /* pieces for `stream`, a NUL behind each, */
    struct rsn_unsent {
        reason_label label;
        size_t n_bytes;
    } *pieces; /* [n_pieces], what they are */
    size_t n_pieces, pieces_cap;
    bool stopped;           /* a stop text was reached; later text is dropped */
    bool refused;           /* the callback asked to stop */
} rsn_output;

/* A zeroed rsn_output with its borrowed members set is ready. */
void rsn_output_add(rsn_output *o, reason_label label, const char *text, size_t n);
/* Hands the host's callback what was added since the last time. The only function here that
 * calls it. */
void rsn_output_flush(rsn_output *o);
/* The end: what was held is certain now. */
void rsn_output_finish(rsn_output *o);
/* NO_MEMORY if any text was lost. */
reason_status rsn_output_status(const rsn_output *o);
void rsn_output_free(rsn_output *o);

#endif
