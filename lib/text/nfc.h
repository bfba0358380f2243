/* Unicode's composed form (NFC) of a text. */
#ifndef REASON_TEXT_NFC_H
#define REASON_TEXT_NFC_H

#include "base/str.h"

/* Working memory, kept from text to text. A zeroed one is empty. */
typedef struct rsn_nfc {
    int32_t *chars;
    size_t cap;
    int32_t *sorted; /* of marks in a row */
    size_t sorted_cap;
} rsn_nfc;

/* Appends the composed form of s[0..n); bytes that are no character are kept and compose
 * with nothing. Time is linear in the text. NO_MEMORY. */
reason_status rsn_nfc_add(rsn_nfc *w, const char *s, size_t n, rsn_str *out);
void rsn_nfc_free(rsn_nfc *w);

#endif
