/* Owns composing a text; the tables are utf8proc's. Its own decomposing of whole texts
 * sorts marks in time that is the square of their number, so marks are sorted here.
 * Invariant: characters below U+0300 are composed already and compose with nothing before
 * them, so text is cut before these alone. */
#include "text/nfc.h"

#include <utf8proc.h>

#include <string.h>

#include "base/array.h"
#include "base/utf8.h"

enum { CLASSES = 256, MOST = 32 /* characters that one decomposes to */ };

static uint8_t class_of(int32_t cp) {
    return (uint8_t)utf8proc_get_property(cp)->combining_class;
}

/* Sorts marks by class, those of one class as they are; counted, so time is linear. */
static reason_status sort_marks(rsn_nfc *w, int32_t *marks, size_t n) {
    size_t place[CLASSES + 1] = {0};
    reason_status status = RSN_GROW(&w->sorted, &w->sorted_cap, n);
    if (status != REASON_OK) return status;
    for (size_t i = 0; i < n; i++) place[class_of(marks[i]) + 1]++;
    for (size_t c = 0; c < CLASSES; c++) place[c + 1] += place[c];
    for (size_t i = 0; i < n; i++) w->sorted[place[class_of(marks[i])]++] = marks[i];
    memcpy(marks, w->sorted, n * sizeof *marks);
    return REASON_OK;
}

static reason_status order_marks(rsn_nfc *w, size_t n) {
    reason_status status = REASON_OK;
    for (size_t at = 0; at < n && status == REASON_OK;) {
        size_t end = at;
        while (end < n && class_of(w->chars[end])) end++;
        if (end - at > 1) status = sort_marks(w, w->chars + at, end - at);
        at = end + 1;
    }
    return status;
}

/* Decomposes s[0..n), which is valid, orders and composes. */
static reason_status compose(rsn_nfc *w, const char *s, size_t n, rsn_str *out) {
    size_t made = 0;
    int last = 0;
    for (size_t at = 0; at < n;) {
        int32_t cp;
        reason_status status = RSN_GROW(&w->chars, &w->cap, made + MOST);
        if (status != REASON_OK) return status;
        at += rsn_utf8_decode(s + at, n - at, &cp);
        utf8proc_ssize_t len = utf8proc_decompose_char(
            cp, w->chars + made, MOST, UTF8PROC_DECOMPOSE | UTF8PROC_STABLE, &last);
        if (len < 1 || len > MOST) {
            w->chars[made] = cp;
            len = 1;
        }
        made += (size_t)len;
    }
    reason_status status = order_marks(w, made);
    if (status != REASON_OK) return status;
    utf8proc_ssize_t left = utf8proc_normalize_utf32(
        w->chars, (utf8proc_ssize_t)made, UTF8PROC_COMPOSE | UTF8PROC_STABLE);
    for (utf8proc_ssize_t i = 0; i < left; i++) {
        char bytes[4];
        rsn_str_add(out, bytes, rsn_utf8_encode(w->chars[i], bytes));
    }
    return out->failed ? REASON_ERR_NO_MEMORY : REASON_OK;
}

reason_status rsn_nfc_add(rsn_nfc *w, const char *s, size_t n, rsn_str *out) {
    reason_status status = REASON_OK;
    size_t from = 0; /* of what is not appended yet */
    size_t low = 0;  /* the last character below U+0300, which marks may compose with */
    bool run = false; /* characters from U+0300 on, with the one at `low` before them */
    for (size_t at = 0; at < n && status == REASON_OK;) {
        int32_t cp;
        size_t len = rsn_utf8_decode(s + at, n - at, &cp);
        if (cp >= 0x300 && !run) {
            rsn_str_add(out, s + from, low - from);
            from = low;
            run = true;
        } else if (cp < 0x300) {
            if (run) status = compose(w, s + from, at - from, out);
            if (run) from = at;
            run = false;
            low = cp < 0 ? at + len : at;
        }
        at += len;
    }
    if (status == REASON_OK && run) return compose(w, s + from, n - from, out);
    rsn_str_add(out, s + from, n - from);
    return out->failed ? REASON_ERR_NO_MEMORY : status;
}

void rsn_nfc_free(rsn_nfc *w) {
    rsn_free(w->chars);
    rsn_free(w->sorted);
    *w = (rsn_nfc){0};
}
