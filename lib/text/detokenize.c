/* Owns the way from ids to bytes and from bytes to well-formed text. What a token's bytes
 * are is tokens.c's. Invariant: what a gate holds is always the beginning of a character
 * that could still become valid. */
#include "text/detokenize.h"

#include <string.h>

#include "base/utf8.h"

reason_status rsn_vocab_decode(const rsn_vocab *v, const int32_t *ids, size_t n,
                               uint32_t flags, rsn_str *out) {
    size_t size = rsn_vocab_size(v);
    for (size_t i = 0; i < n; i++)
        if (ids[i] < 0 || (size_t)ids[i] >= size)
            return rsn_fail(REASON_ERR_INVALID_ARG,
                            "token %zu of %zu: id %d; the vocabulary has ids 0 to %zu", i,
                            n, (int)ids[i], size - 1);
    bool adds_space = rsn_vocab_adds_space(v), prefixed = adds_space;
    for (size_t i = 0; i < n; i++) {
        rsn_text bytes = rsn_vocab_bytes(v, ids[i]);
        if (rsn_vocab_is_special(v, ids[i])) {
            /* An unknown token may stand within a text. */
            prefixed = adds_space && !rsn_vocab_is_unknown(v, ids[i]) &&
                       !rsn_vocab_adds_space_once(v);
            if (!(flags & REASON_TOKENS_SPECIAL) && rsn_vocab_is_control(v, ids[i]))
                continue;
        } else if (prefixed && bytes.n) {
            size_t drop = bytes.data[0] == ' ';
            bytes = (rsn_text){bytes.data + drop, bytes.n - drop};
            prefixed = false;
        }
        rsn_str_add(out, bytes.data, bytes.n);
    }
    return out->failed ? REASON_ERR_NO_MEMORY : REASON_OK;
}

static void add_replacement(rsn_str *out) {
    rsn_str_add(out, "\xEF\xBF\xBD", 3);
}

/* Appends s[0..n), which is not open at its end, with its invalid parts replaced. */
static void add_valid(const char *s, size_t n, rsn_str *out) {
    for (size_t at = 0; at < n;) {
        size_t bad;
        if (rsn_utf8_valid(s + at, n - at, &bad)) bad = n - at;
        rsn_str_add(out, s + at, bad);
        at += bad;
        if (at == n) return;
        int32_t cp;
        at += rsn_utf8_decode(s + at, n - at, &cp);
        add_replacement(out);
    }
}

void rsn_utf8_gate_feed(rsn_utf8_gate *gate, const char *bytes, size_t n, rsn_str *out) {
    /* A held beginning takes bytes one by one until it is a character or can be none. */
    while (gate->n_held && n) {
        gate->held[gate->n_held++] = *bytes++;
        n--;
        size_t open = rsn_utf8_open_tail(gate->held, gate->n_held);
        add_valid(gate->held, gate->n_held - open, out);
        memmove(gate->held, gate->held + gate->n_held - open, open);
        gate->n_held = (uint8_t)open;
    }
    size_t open = rsn_utf8_open_tail(bytes, n);
    add_valid(bytes, n - open, out);
    if (open) {
        memcpy(gate->held, bytes + n - open, open);
        gate->n_held = (uint8_t)open;
    }
}

void rsn_utf8_gate_finish(rsn_utf8_gate *gate, rsn_str *out) {
    if (gate->n_held) add_replacement(out);
    gate->n_held = 0;
}
