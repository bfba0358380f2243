/* Owns the changes that are the same for every tokenizer model. What a model does itself,
 * such as a table of replacements, is its own. Invariant: a text that needs no change is
 * not copied. */
#include "text/prepare.h"

#include <string.h>

/* Where the next U+2581 is; n if there is none. */
static size_t find_spelt(const char *s, size_t n, size_t at) {
    for (; at < n; at++) {
        const char *found = memchr(s + at, '\xE2', n - at);
        if (!found) return n;
        at = (size_t)(found - s);
        if (n - at >= 3 && memcmp(found, "\xE2\x96\x81", 3) == 0) return at;
    }
    return n;
}

static void replace_spelt(rsn_text text, rsn_str *out) {
    for (size_t at = 0; at < text.n;) {
        size_t end = find_spelt(text.data, text.n, at);
        rsn_str_add(out, text.data + at, end - at);
        if (end < text.n) rsn_str_addc(out, ' ');
        at = end + 3;
    }
}

reason_status rsn_prepare_text(const rsn_prepare *p, rsn_text *text, bool *prefixed,
                               rsn_prepare_scratch *scratch) {
    rsn_str *composed = &scratch->composed, *out = &scratch->text;
    if (text->n == 0) return REASON_OK;
    if (p->nfc) {
        rsn_str_cut(composed, 0);
        reason_status status = rsn_nfc_add(&scratch->nfc, text->data, text->n, composed);
        if (status != REASON_OK) return status;
        *text = (rsn_text){rsn_str_text(composed), composed->n};
    }
    size_t first = p->spelt ? find_spelt(text->data, text->n, 0) : text->n;
    bool spelt = p->replace && first < text->n;
    bool spaced = first == 0 || text->data[0] == ' ';
    if (p->missing && spaced) *prefixed = false;
    bool put = p->put && *prefixed;
    if (p->put) *prefixed = false;
    if (!spelt && !put) return REASON_OK;
    rsn_str_cut(out, 0);
    if (put) rsn_str_addc(out, ' ');
    if (spelt) {
        replace_spelt(*text, out);
    } else {
        rsn_str_add(out, text->data, text->n);
    }
    *text = (rsn_text){rsn_str_text(out), out->n};
    return out->failed ? REASON_ERR_NO_MEMORY : REASON_OK;
}

void rsn_prepare_scratch_free(rsn_prepare_scratch *scratch) {
    rsn_str_free(&scratch->composed);
    rsn_str_free(&scratch->text);
    rsn_nfc_free(&scratch->nfc);
}
