/* The rules of docs/THINKING.md written down a second time, over whole text: what each
 * byte and token of an output is called, and what is to become of a token that is drawn.
 * It shares nothing with the controller but its rules and is as slow as it is plain. */
#ifndef REASON_TESTS_SLOW_THINK_H
#define REASON_TESTS_SLOW_THINK_H

#include <string.h>

#include "decode/thinking.h"

enum { SLOW_TOKENS = 96, SLOW_BYTES = 4096 };

/* A token of an output. */
typedef struct slow_token {
    const char *text; /* "" for one that has none */
    bool end;         /* it ends the generation */
    bool tag;         /* it was forced as a part of a tag */
} slow_token;

/* What whole text says, byte by byte and token by token. */
typedef struct reading {
    char text[SLOW_BYTES];
    size_t n;
    size_t owner[SLOW_BYTES];
    uint8_t label[SLOW_BYTES];
    bool inside[SLOW_BYTES + 1]; /* whether position i is in a block */
    uint8_t token[SLOW_TOKENS];  /* labels of tokens */
    size_t begin[SLOW_TOKENS];   /* where tokens begin */
    size_t counts[3];
    size_t n_opened, n_closed;
    char answer[SLOW_BYTES];
} reading;

static inline bool slow_stands(const reading *x, size_t at, rsn_text what) {
    return what.n > 0 && x->n - at >= what.n &&
           memcmp(x->text + at, what.data, what.n) == 0;
}

/* Labels [*at, *at + n). */
static inline void slow_label(reading *x, size_t *at, size_t n, reason_label label,
                              bool inside) {
    for (size_t i = 0; i < n; i++) {
        x->label[*at] = (uint8_t)label;
        x->inside[(*at)++] = inside;
    }
}

/* White space behind a tag or a mark. */
static inline void slow_eat(reading *x, size_t *at, size_t most) {
    for (size_t i = 0; i < most && *at < x->n && strchr(" \n\t\r", x->text[*at]); i++)
        slow_label(x, at, 1, REASON_LABEL_MARKUP, false);
}

/* What an empty block would still need behind `written`; {NULL, 0}: it is none. */
static inline rsn_text slow_rest(const rsn_think_rules *r, const char *written,
                                 size_t n) {
    if (n == 0 || (n <= r->empty.n && memcmp(r->empty.data, written, n) == 0))
        return (rsn_text){r->empty.data + n, r->empty.n - n};
    return (rsn_text){NULL, 0};
}

/* A block, from behind its opening tag to behind its closing tag. */
static inline void slow_block(reading *x, size_t *at, const rsn_think_rules *r,
                              rsn_text empty, bool must_think) {
    if (empty.data && !must_think && x->n - *at >= empty.n &&
        memcmp(x->text + *at, empty.data, empty.n) == 0 &&
        slow_stands(x, *at + empty.n, r->close))
        slow_label(x, at, empty.n, REASON_LABEL_MARKUP, true);
    size_t end = *at;
    while (end < x->n && !slow_stands(x, end, r->close))
        end++;
    slow_label(x, at, end - *at, REASON_LABEL_THINK, true);
    if (*at == x->n)
        return;
    slow_label(x, at, r->close.n, REASON_LABEL_MARKUP, true);
    x->n_closed++;
    slow_eat(x, at, r->after_close_n);
}

/* The block that an opening tag has begun. */
static inline void slow_opened(reading *x, size_t *at, const rsn_think_rules *r) {
    bool first = x->n_opened++ == 0 && !r->prompt_is_open;
    size_t lead = first ? r->first_space_n : 0;
    slow_label(x, at, r->open.n, REASON_LABEL_MARKUP, false);
    lead = lead < x->n - *at ? lead : x->n - *at;
    rsn_text rest = slow_rest(r, x->text + *at, lead);
    slow_label(x, at, lead, REASON_LABEL_MARKUP, true);
    slow_block(x, at, r, rest.data ? rest : r->empty,
               first && r->mode == REASON_THINK_ON);
}

static inline void slow_bytes(reading *x, const rsn_think_rules *r) {
    size_t at = 0;
    bool header = r->prompt_in_header;
    if (r->prompt_is_open)
        slow_block(x, &at, r, slow_rest(r, r->prompt_tail.data, r->prompt_tail.n),
                   r->mode == REASON_THINK_ON);
    else if (slow_stands(x, 0, r->before_open) &&
             slow_stands(x, r->before_open.n, r->open))
        slow_label(x, &at, r->before_open.n, REASON_LABEL_MARKUP, false);
    while (at < x->n) {
        const rsn_mark *longest = NULL;
        for (size_t i = 0; i < r->n_marks; i++)
            if (slow_stands(x, at, r->marks[i].text) &&
                (!longest || longest->text.n < r->marks[i].text.n))
                longest = &r->marks[i];
        if (slow_stands(x, at, r->open) && (!longest || longest->text.n < r->open.n)) {
            slow_opened(x, &at, r);
            header = false;
        } else if (longest) {
            slow_label(x, &at, longest->text.n, REASON_LABEL_MARKUP, false);
            header = longest->header;
            slow_eat(x, &at, longest->eat);
        } else {
            slow_label(x, &at, 1, header ? REASON_LABEL_MARKUP : REASON_LABEL_ANSWER,
                       false);
        }
    }
    /* where a token without text would stand at the very end */
    x->inside[x->n] = x->n_opened + r->prompt_is_open > x->n_closed;
}

/* Half of a tag that is being forced is neither thought nor answer. */
static inline void slow_half_tag(reading *x, const slow_token *tokens, size_t n) {
    while (n > 0 && tokens[n - 1].tag)
        n--;
    for (size_t i = 0; i < x->n; i++)
        if (x->owner[i] >= n)
            x->label[i] = REASON_LABEL_MARKUP;
}

/* Reads an output that ends here. */
static inline void slow_read(reading *x, const slow_token *tokens, size_t n,
                             const rsn_think_rules *r) {
    bool seen[SLOW_TOKENS][3] = {{false}};
    size_t n_answer = 0;
    x->n = x->n_opened = x->n_closed = 0;
    memset(x->counts, 0, sizeof x->counts);
    for (size_t i = 0; i < n; i++) {
        x->begin[i] = x->n;
        for (const char *c = tokens[i].text; *c; c++) {
            x->owner[x->n] = i;
            x->text[x->n++] = *c;
        }
    }
    slow_bytes(x, r);
    slow_half_tag(x, tokens, n);
    for (size_t i = 0; i < x->n; i++) {
        seen[x->owner[i]][x->label[i]] = true;
        if (x->label[i] == REASON_LABEL_ANSWER)
            x->answer[n_answer++] = x->text[i];
    }
    x->answer[n_answer] = '\0';
    for (size_t i = 0; i < n; i++) {
        bool silent = tokens[i].text[0] == '\0' && !tokens[i].end;
        x->token[i] = seen[i][REASON_LABEL_THINK] || (silent && x->inside[x->begin[i]])
                          ? REASON_LABEL_THINK
                      : seen[i][REASON_LABEL_ANSWER] ? REASON_LABEL_ANSWER
                                                     : REASON_LABEL_MARKUP;
        x->counts[x->token[i]]++;
    }
}

/* Whether text holds a tag or a mark. */
static inline bool slow_holds_tag(const rsn_think_rules *r, const char *text) {
    size_t n = strlen(text);
    bool found = memmem(text, n, r->open.data, r->open.n) ||
                 memmem(text, n, r->close.data, r->close.n);
    for (size_t i = 0; i < r->n_marks; i++)
        found = found || memmem(text, n, r->marks[i].text.data, r->marks[i].text.n);
    return found;
}

/* --- room --------------------------------------------------------------------------- */

/* Tokens that the answer still has a right to, having `n_answer`. */
static inline size_t slow_need(const rsn_think_rules *r, size_t n_answer) {
    return r->min_answer > n_answer ? r->min_answer - n_answer : 0;
}

static inline size_t slow_close_text(const rsn_think_rules *r) {
    return r->close_text.n <= r->budget ? r->close_text.n : 0;
}

/* Whether `more` tokens of thought fit behind n tokens, n_think of them thoughts. */
static inline bool slow_fits(const rsn_think_rules *r, size_t n, size_t n_answer,
                             size_t n_think, size_t more) {
    return n_think + more <= r->budget &&
           n + more + r->closing.n + slow_need(r, n_answer) <= r->room;
}

/* --- verdicts ----------------------------------------------------------------------- */

/* Whether the text ends in a header that only an opening tag begins so. */
static inline bool slow_must_open(const reading *x, const rsn_think_rules *r) {
    for (size_t k = 1; k < r->open.n && k <= x->n && !x->inside[x->n]; k++) {
        bool named = memcmp(x->text + x->n - k, r->open.data, k) == 0 &&
                     !x->inside[x->n - k];
        for (size_t i = 0; i < r->n_marks && named; i++)
            if (r->marks[i].header && r->marks[i].text.n < k &&
                memcmp(r->marks[i].text.data, r->open.data, r->marks[i].text.n) == 0)
                return true;
    }
    return false;
}

/* What is to become of tokens[n], which was drawn behind n others; n_answer of these are
 * certain to be ANSWER. tokens[] has room for it. */
static inline rsn_verdict slow_verdict(const rsn_think_rules *r, const slow_token *tokens,
                                       size_t n, size_t n_answer) {
    static reading now, next;
    const slow_token *drawn = &tokens[n];
    slow_read(&now, tokens, n, r);
    slow_read(&next, tokens, n + 1, r);
    bool on = r->mode == REASON_THINK_ON, inside = now.inside[now.n];
    size_t thought = now.counts[REASON_LABEL_THINK],
           will = next.counts[REASON_LABEL_THINK];
    size_t opens = next.n_opened - now.n_opened, closes = next.n_closed - now.n_closed;
    bool waits = r->wait.n > 0 &&
                 slow_fits(r, n, n_answer, thought, r->wait.n + slow_close_text(r));
    if (drawn->end && !inside)
        return RSN_END;
    if (drawn->end && on && thought == 0)
        return RSN_BAN;
    if (drawn->end && thought < r->min_tokens && waits)
        return RSN_REPLACE;
    if (drawn->end)
        return on ? RSN_REPLACE : RSN_END;
    size_t least = n + 2 + r->closing.n + slow_need(r, n_answer);
    bool may = r->mode != REASON_THINK_OFF && thought < r->budget;
    if (slow_holds_tag(r, next.answer) || opens > 1 ||
        (opens == 1 && (closes > 0 || !may || least > r->room)) ||
        (opens == 0 && slow_must_open(&next, r) &&
         (!may || least + r->opener_n > r->room)) ||
        (closes > 0 && on && will == 0))
        return RSN_BAN;
    if (closes > 0 && will < r->min_tokens && waits)
        return RSN_REPLACE;
    bool goes_on = inside && next.inside[next.n];
    if (will > r->budget ||
        (goes_on && !slow_fits(r, n, n_answer, thought, 1 + slow_close_text(r))))
        return RSN_REPLACE;
    return RSN_ACCEPT;
}

#endif
