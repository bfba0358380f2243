/* Owns the double array and the texts of a table of normalizations. The file may hold any
 * bytes: every step is checked against the array's end, and what leads beyond it is no
 * match. Invariant: texts[] ends with a NUL, so every place in it begins a text. */
#include "text/charsmap.h"

#include <string.h>

static uint32_t read_u32(const uint8_t *b) {
    return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 |
           (uint32_t)b[3] << 24;
}

static reason_status check_texts(const uint8_t *texts, size_t n) {
    for (size_t at = 0; at < n;) {
        const uint8_t *end = memchr(texts + at, 0, n - at);
        size_t len = end ? (size_t)(end - texts) - at : n - at;
        if (!end)
            return rsn_fail(REASON_ERR_FORMAT,
                            "tokenizer.ggml.precompiled_charsmap: the last of its texts "
                            "has no end");
        if (len > RSN_CHARSMAP_MAX_TEXT)
            return rsn_fail(REASON_ERR_LIMIT,
                            "tokenizer.ggml.precompiled_charsmap: a replacement of %zu "
                            "bytes; the limit is %d",
                            len, RSN_CHARSMAP_MAX_TEXT);
        at += len + 1;
    }
    return REASON_OK;
}

reason_status rsn_charsmap_init(rsn_charsmap *m, const uint8_t *bytes, size_t n) {
    *m = (rsn_charsmap){0};
    if (n == 0) return REASON_OK;
    size_t n_array = n < 4 ? 0 : read_u32(bytes);
    if (n < 4 || n_array % 4 || n_array == 0 || n_array >= n - 4)
        return rsn_fail(REASON_ERR_FORMAT,
                        "tokenizer.ggml.precompiled_charsmap: an array of %zu bytes in a "
                        "table of %zu; needed are whole numbers of 4 bytes, and texts "
                        "behind them",
                        n_array, n);
    const uint8_t *texts = bytes + 4 + n_array;
    m->n_units = n_array / 4;
    m->n_texts = n - 4 - n_array;
    reason_status status = check_texts(texts, m->n_texts);
    if (status != REASON_OK) return status;
    m->units = rsn_alloc2(m->n_units, sizeof *m->units);
    m->texts = rsn_alloc(m->n_texts);
    if (!m->units || !m->texts) return REASON_ERR_NO_MEMORY;
    for (size_t i = 0; i < m->n_units; i++) m->units[i] = read_u32(bytes + 4 + 4 * i);
    memcpy(m->texts, texts, m->n_texts);
    return REASON_OK;
}

void rsn_charsmap_free(rsn_charsmap *m) {
    rsn_free(m->units);
    rsn_free(m->texts);
    *m = (rsn_charsmap){0};
}

/* A unit holds, from the low bits: the byte on the edge to it; whether a value stands at
 * its offset; whether the offset is in units of 256; the offset. In a value's unit the
 * highest bit is set and the others are the value. */
static uint32_t label_of(uint32_t unit) {
    return unit & (UINT32_C(1) << 31 | 0xFF);
}

static bool has_value(uint32_t unit) {
    return unit >> 8 & 1;
}

static size_t offset_of(uint32_t unit) {
    return (size_t)(unit >> 10) << (unit >> 9 & 1 ? 8 : 0);
}

size_t rsn_charsmap_find(const rsn_charsmap *m, const char *s, size_t n, rsn_text *by) {
    if (m->n_units == 0) return 0;
    size_t at = offset_of(m->units[0]), found = 0;
    for (size_t i = 0; i < n && i < RSN_CHARSMAP_MAX_KEY; i++) {
        uint8_t byte = (uint8_t)s[i];
        if (byte == 0) break; /* no rule has one, but it is the label of empty units */
        at ^= byte;
        if (at >= m->n_units || label_of(m->units[at]) != byte) break;
        uint32_t unit = m->units[at];
        at ^= offset_of(unit);
        if (!has_value(unit) || at >= m->n_units) continue;
        uint32_t value = m->units[at] & (UINT32_MAX >> 1);
        if (value >= m->n_texts) continue;
        found = i + 1;
        *by = (rsn_text){m->texts + value, strlen(m->texts + value)};
    }
    return found;
}
