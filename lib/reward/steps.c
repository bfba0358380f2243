/* Steps. Owns how a response is cut. Invariant: steps are in order and do not overlap, and
 * nothing but white space and separators lies outside of them. */
#include "reward/steps.h"

#include <string.h>

#include "base/array.h"

static bool is_space(char c) {
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

static size_t skip_space(rsn_text t, size_t at, size_t end) {
    while (at < end && is_space(t.data[at]))
        at++;
    return at;
}

/* Where the next separator begins from `at` on, `end` if there is none, and where it ends.
 * A blank line takes all white space up to the next line that is not empty. */
static size_t find_separator(rsn_text t, size_t at, size_t end, rsn_text separator,
                             size_t *behind) {
    rsn_text what = separator.n > 0 ? separator : (rsn_text){"\n\n", 2};
    const char *hit = memmem(t.data + at, end - at, what.data, what.n);
    *behind = hit ? (size_t)(hit - t.data) + what.n : end;
    while (separator.n == 0 && *behind < end && t.data[*behind] == '\n')
        ++*behind;
    return hit ? (size_t)(hit - t.data) : end;
}

static reason_status cut_part(rsn_text t, size_t at, size_t end, rsn_text separator,
                              rsn_cuts *cuts) {
    reason_status status = REASON_OK;
    while (at < end && status == REASON_OK) {
        size_t behind, content = find_separator(t, at, end, separator, &behind);
        bool is_step = skip_space(t, at, content) < content;
        if (is_step)
            status = RSN_GROW(&cuts->items, &cuts->cap, cuts->n + 1);
        if (is_step && status == REASON_OK)
            cuts->items[cuts->n++] = (rsn_cut){at, content, behind};
        at = behind;
    }
    return status;
}

reason_status rsn_steps_cut(const rsn_tags *tags, rsn_text text, bool open,
                            rsn_text separator, rsn_cuts *cuts) {
    rsn_parts parts = rsn_parts_of(tags, text, open);
    cuts->n = 0;
    if (separator.n > 0 || !parts.has_thought)
        return cut_part(text, 0, text.n, separator, cuts);
    size_t end = (size_t)(parts.thought.data - text.data) + parts.thought.n;
    size_t answer = (size_t)(parts.answer.data - text.data);
    reason_status status = cut_part(text, 0, end, separator, cuts);
    if (status == REASON_OK && skip_space(text, answer, text.n) < text.n) {
        status = RSN_GROW(&cuts->items, &cuts->cap, cuts->n + 1);
        if (status == REASON_OK)
            cuts->items[cuts->n++] = (rsn_cut){end, text.n, text.n};
    }
    return status;
}
