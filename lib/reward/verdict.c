/* Verdicts in text. Owns how a mark is found; which text is looked at is left to judge.c.
 * Invariant: the last verdict counts, as a judge may weigh both before it decides. */
#include "reward/verdict.h"

#include <math.h>

#include "base/decimal.h"
#include "reward/answer.h"

static bool is_space(char c) {
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

static char lower(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Letters of the mark that stand at the text's begin; 0: not all of it does. */
static size_t match(rsn_text text, const char *mark) {
    size_t i = 0, n = 0;
    if (text.n > 0 && is_space(text.data[0]))
        return 0;
    for (; *mark; mark++) {
        if (is_space(*mark))
            continue;
        while (i < text.n && is_space(text.data[i]))
            i++;
        if (i == text.n || lower(text.data[i]) != lower(*mark))
            return 0;
        i++;
        n++;
    }
    return n;
}

int rsn_verdict_of(rsn_text text, const char *const marks[2]) {
    for (size_t at = text.n; at-- > 0;) {
        const rsn_text rest = {text.data + at, text.n - at};
        size_t first = match(rest, marks[0]), second = match(rest, marks[1]);
        if (first > 0 || second > 0)
            return second > first;
    }
    return -1;
}

double rsn_verdict_score(rsn_text text, double low, double high) {
    rsn_text box;
    double value;
    bool valid = rsn_answer_box(text, &box) &&
                 rsn_decimal_parse(box.data, box.n, &value) && value >= low &&
                 value <= high;
    return valid ? value : (double)NAN;
}
