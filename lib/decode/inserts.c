/* Texts within a prompt. Owns what a mark looks like; where it is put is left to whoever
 * makes the request. Invariant: a text that was put in is not looked at again, so marks
 * in it are plain text. */
#include "decode/inserts.h"

#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "text/template.h"

/* U+F8FF, of private use: the number of a text stands between two of them. */
static const char EDGE[] = "\xEF\xA3\xBF";
enum { EDGE_N = sizeof EDGE - 1 };

void rsn_insert_mark(rsn_str *out, size_t i) {
    rsn_str_addf(out, "%s%zu%s", EDGE, i, EDGE);
}

bool rsn_insert_has_mark(const char *text) {
    return strstr(text, EDGE) != NULL;
}

/* The length of a mark at the start of a text, whose number is below n; 0: it is none. */
static size_t read_mark(rsn_text at, size_t n, size_t *number) {
    size_t i = EDGE_N;
    *number = 0;
    for (; i < at.n && at.data[i] >= '0' && at.data[i] <= '9' && *number < n; i++)
        *number = 10 * *number + (size_t)(at.data[i] - '0');
    bool is_mark = i > EDGE_N && *number < n && i + EDGE_N <= at.n &&
                   memcmp(at.data + i, EDGE, EDGE_N) == 0;
    return is_mark ? i + EDGE_N : 0;
}

static reason_status put_text(rsn_text what, rsn_str *out, rsn_vocab_spans *spans) {
    if (what.n > RSN_TEMPLATE_MAX_OUTPUT || out->n > RSN_TEMPLATE_MAX_OUTPUT)
        return rsn_fail(REASON_ERR_LIMIT, "a prompt with its texts is above %d bytes",
                        RSN_TEMPLATE_MAX_OUTPUT);
    reason_status status = RSN_GROW(&spans->items, &spans->cap, spans->n + 1);
    if (status != REASON_OK)
        return status;
    spans->items[spans->n++] = (rsn_vocab_span){out->n, what.n};
    rsn_str_add(out, what.data, what.n);
    return REASON_OK;
}

static reason_status check_all(const bool *seen, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (!seen[i])
            return rsn_fail(REASON_ERR_MISMATCH,
                            "the template leaves out a part of the prompt");
    return REASON_OK;
}

reason_status rsn_inserts_put(const rsn_inserts *inserts, rsn_str *text,
                              rsn_vocab_spans *spans) {
    rsn_str out = {0};
    bool *seen = rsn_calloc2(inserts->n, sizeof *seen);
    reason_status status = seen ? REASON_OK : REASON_ERR_NO_MEMORY;
    const char *at = rsn_str_text(text), *end = at + text->n;
    while (status == REASON_OK && at < end) {
        const char *edge = memmem(at, (size_t)(end - at), EDGE, EDGE_N);
        size_t number, n;
        rsn_str_add(&out, at, (size_t)((edge ? edge : end) - at));
        if (!edge)
            break;
        n = read_mark((rsn_text){edge, (size_t)(end - edge)}, inserts->n, &number);
        at = edge + (n > 0 ? n : EDGE_N);
        if (n == 0) {
            rsn_str_add(&out, edge, EDGE_N);
            continue;
        }
        seen[number] = true;
        status = put_text(inserts->texts[number], &out, spans);
    }
    if (status == REASON_OK && out.failed)
        status = rsn_fail_memory(out.n);
    if (status == REASON_OK)
        status = check_all(seen, inserts->n);
    rsn_free(seen);
    rsn_str_free(status == REASON_OK ? text : &out);
    if (status == REASON_OK)
        *text = out;
    return status;
}
