/* Output text. Owns characters, stop texts and the stream callback; what a byte is called
 * was decided by the thinking controller. Invariant: joined pieces are exactly the
 * result's texts. */
#include "decode/output.h"

#include <string.h>

#include "base/array.h"
#include "base/fpstate.h"

static void keep_piece(rsn_output *o, reason_label label) {
    if (RSN_GROW(&o->pieces, &o->pieces_cap, o->n_pieces + 1) != REASON_OK) {
        o->unsent.failed = true;
        return;
    }
    rsn_str_add(&o->unsent, o->piece.data, o->piece.n);
    rsn_str_addc(&o->unsent, '\0');
    o->pieces[o->n_pieces++] = (struct rsn_unsent){label, o->piece.n};
}

static void hand_out(rsn_output *o, reason_label label) {
    if (o->piece.n == 0 || o->piece.failed)
        return;
    rsn_str *text = label == REASON_LABEL_THINK    ? o->thinking
                    : label == REASON_LABEL_ANSWER ? o->answer
                                                   : NULL;
    if (text)
        rsn_str_add(text, o->piece.data, o->piece.n);
    if (o->stream)
        keep_piece(o, label);
    rsn_str_cut(&o->piece, 0);
}

void rsn_output_flush(rsn_output *o) {
    const char *at = o->unsent.data;
    if (o->n_pieces == 0)
        return;
    for (size_t i = 0; i < o->n_pieces && !o->unsent.failed && !o->refused; i++) {
        reason_piece piece = {o->pieces[i].label, at, o->pieces[i].n_bytes,
                              (int32_t)o->sample};
        o->refused = o->stream(o->stream_user, &piece) != 0;
        at += o->pieces[i].n_bytes + 1;
    }
    rsn_fpstate_again();
    rsn_str_cut(&o->unsent, 0);
    o->n_pieces = 0;
}

static void pass_gate(rsn_output *o, reason_label label, const char *text, size_t n) {
    rsn_utf8_gate_feed(&o->gates[label], text, n, &o->piece);
    hand_out(o, label);
}

/* Where the first stop text begins in the held answer, or how many bytes of it are
 * certain. First is which ends first, then which begins first: however the text was cut,
 * it is the same. */
static size_t find_stop(const rsn_output *o, bool *found) {
    size_t certain = o->held.n, end = SIZE_MAX;
    *found = false;
    for (size_t i = 0; i < o->n_stops; i++) {
        size_t n = strlen(o->stops[i]);
        const char *hit = memmem(rsn_str_text(&o->held), o->held.n, o->stops[i], n);
        size_t at = hit ? (size_t)(hit - o->held.data) : 0;
        if (hit && (at + n < end || (at + n == end && at < certain))) {
            certain = at;
            end = at + n;
            *found = true;
        }
    }
    if (*found)
        return certain;
    for (size_t i = 0; i < o->n_stops; i++) {
        size_t n = strlen(o->stops[i]);
        for (size_t k = n - 1 < o->held.n ? n - 1 : o->held.n; k > 0; k--)
            if (memcmp(o->held.data + o->held.n - k, o->stops[i], k) == 0) {
                certain = o->held.n - k < certain ? o->held.n - k : certain;
                break;
            }
    }
    return certain;
}

static void add_answer(rsn_output *o, const char *text, size_t n) {
    if (o->n_stops == 0) {
        pass_gate(o, REASON_LABEL_ANSWER, text, n);
        return;
    }
    bool found;
    rsn_str_add(&o->held, text, n);
    size_t certain = find_stop(o, &found);
    pass_gate(o, REASON_LABEL_ANSWER, rsn_str_text(&o->held), certain);
    rsn_str_drop(&o->held, certain);
    if (found) {
        o->stopped = true;
        rsn_str_cut(&o->held, 0);
    }
}

void rsn_output_add(rsn_output *o, reason_label label, const char *text, size_t n) {
    if (o->stopped || n == 0)
        return;
    if (label != o->last) { /* a character does not go on behind a tag */
        rsn_utf8_gate_finish(&o->gates[o->last], &o->piece);
        hand_out(o, o->last);
        o->last = label;
    }
    if (label == REASON_LABEL_ANSWER)
        add_answer(o, text, n);
    else
        pass_gate(o, label, text, n);
}

void rsn_output_finish(rsn_output *o) {
    if (o->held.n > 0)
        pass_gate(o, REASON_LABEL_ANSWER, o->held.data, o->held.n);
    rsn_str_cut(&o->held, 0);
    for (int label = 0; label < 3; label++) {
        rsn_utf8_gate_finish(&o->gates[label], &o->piece);
        hand_out(o, (reason_label)label);
    }
}

reason_status rsn_output_status(const rsn_output *o) {
    if (o->thinking->failed || o->answer->failed || o->held.failed || o->piece.failed ||
        o->unsent.failed)
        return rsn_fail_memory(o->thinking->n + o->answer->n);
    return REASON_OK;
}

void rsn_output_free(rsn_output *o) {
    rsn_str_free(&o->held);
    rsn_str_free(&o->piece);
    rsn_str_free(&o->unsent);
    rsn_free(o->pieces);
}
