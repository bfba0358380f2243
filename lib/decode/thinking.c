/* The thinking controller. Owns the state machine and its policies; sampling, the network
 * and the clock are elsewhere. Invariant: rsn_think_count() never exceeds the budget, and
 * the room that is left always holds the closing tag and what the answer still has a
 * right to. */
#include "decode/thinking.h"

#include <string.h>

#include "base/array.h"

/* --- scanning text for tags -------------------------------------------------------- */

typedef enum edge { EDGE_NONE, EDGE_OPEN, EDGE_CLOSE } edge;

/* A stretch of text and what it is; `at` marks the end of a tag. */
typedef struct sink {
    void (*span)(struct sink *to, reason_label label, const char *text, size_t n,
                 edge at);
} sink;

/* How many bytes at the end of text could begin `tag`; the whole tag does not count. */
static size_t open_suffix(const char *text, size_t n, rsn_text tag) {
    size_t k = tag.n ? tag.n - 1 : 0;
    for (k = k < n ? k : n; k > 0; k--)
        if (memcmp(text + n - k, tag.data, k) == 0)
            return k;
    return 0;
}

static bool is_space(char c) {
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

/* Whether text begins with a then b (1), may still come to (0), or cannot any more (-1).
 */
static int match_two(const char *text, size_t n, rsn_text a, rsn_text b) {
    for (size_t i = 0; i < n && i < a.n + b.n; i++)
        if (text[i] != (i < a.n ? a.data[i] : b.data[i - a.n]))
            return -1;
    return n >= a.n + b.n ? 1 : 0;
}

static void leave_block(rsn_scan *s, const rsn_think_rules *r) {
    s->in_block = false;
    s->fresh = false;
    s->eat = r->after_close_n;
}

/* Whether a block that begins with this text may still be an empty one. */
static bool begins_empty(rsn_text empty, rsn_text written) {
    return written.n == 0 ||
           (written.n <= empty.n && memcmp(empty.data, written.data, written.n) == 0);
}

static rsn_text drop_first(rsn_text text, size_t n) {
    return n < text.n ? (rsn_text){text.data + n, text.n - n} : (rsn_text){"", 0};
}

/* One stretch inside a block. Returns the bytes taken; 0: more text is needed. */
static size_t scan_block(rsn_scan *s, const rsn_think_rules *r, const char *text,
                         size_t n, sink *to) {
    if (s->lead > 0) {
        size_t taken = s->lead < n ? s->lead : n;
        to->span(to, REASON_LABEL_MARKUP, text, taken, EDGE_NONE);
        if (begins_empty(s->empty, (rsn_text){text, taken}))
            s->empty = drop_first(s->empty, taken);
        s->lead -= taken;
        return taken;
    }
    if (s->fresh) {
        rsn_text none = {"", 0};
        int bare = match_two(text, n, none, r->close),
            empty = match_two(text, n, s->empty, r->close);
        if (bare == 1 || empty == 1) {
            size_t taken = r->close.n + (bare == 1 ? 0 : s->empty.n);
            to->span(to, REASON_LABEL_MARKUP, text, taken, EDGE_CLOSE);
            leave_block(s, r);
            return taken;
        }
        if ((bare == 0 || empty == 0) && !s->last)
            return 0;
        s->fresh = s->must_think = false;
    }
    const char *hit = memmem(text, n, r->close.data, r->close.n);
    size_t held = s->last ? 0 : open_suffix(text, n, r->close);
    size_t before = hit ? (size_t)(hit - text) : n - held;
    if (before > 0)
        to->span(to, REASON_LABEL_THINK, text, before, EDGE_NONE);
    if (!hit)
        return before;
    to->span(to, REASON_LABEL_MARKUP, hit, r->close.n, EDGE_CLOSE);
    leave_block(s, r);
    return before + r->close.n;
}

/* What was found outside of blocks: text[0 .. at) is nothing of it, the next n bytes are
 * `mark`, or NULL for the opening tag; n = 0: what follows may still become one. */
typedef struct find {
    size_t at, n;
    const rsn_mark *mark;
} find;

/* What begins exactly here. Of several the longest counts, as soon as it is certain that
 * none of the longer ones comes. */
static find find_here(const rsn_scan *s, const rsn_think_rules *r, const char *text,
                      size_t n) {
    find best = {1, 0, NULL};
    for (size_t i = 0; i <= r->n_marks; i++) {
        const rsn_mark *mark = i < r->n_marks ? &r->marks[i] : NULL;
        rsn_text what = mark ? mark->text : r->open;
        size_t both = what.n < n ? what.n : n;
        if (what.n == 0 || memcmp(text, what.data, both) != 0)
            continue;
        if (what.n > n && !s->last)
            return (find){0, 0, NULL};
        if (what.n <= n && what.n > best.n)
            best = (find){0, what.n, mark};
    }
    return best;
}

static find find_mark(const rsn_scan *s, const rsn_think_rules *r, const char *text,
                      size_t n) {
    for (size_t at = 0; at < n; at++) {
        find here = find_here(s, r, text + at, n - at);
        if (here.at == 0)
            return (find){at, here.n, here.mark};
    }
    return (find){n, 0, NULL};
}

static void enter_block(rsn_scan *s, const rsn_think_rules *r) {
    s->in_block = true;
    s->fresh = true;
    s->empty = s->must_think ? (rsn_text){"", 0} : r->empty;
}

/* One stretch outside of blocks. */
static size_t scan_answer(rsn_scan *s, const rsn_think_rules *r, const char *text,
                          size_t n, sink *to) {
    size_t space = 0;
    if (s->at_start && r->before_open.n > 0) {
        int opens = match_two(text, n, r->before_open, r->open);
        if (opens == 0 && !s->last)
            return 0;
        space = opens == 1 ? r->before_open.n : 0;
    }
    s->at_start = false;
    if (space == 0) {
        while (space < n && space < s->eat && is_space(text[space]))
            space++;
        s->eat = space < n ? 0 : s->eat - space;
    }
    if (space > 0) {
        to->span(to, REASON_LABEL_MARKUP, text, space, EDGE_NONE);
        return space;
    }
    find hit = find_mark(s, r, text, n);
    if (hit.at > 0)
        to->span(to, s->in_header ? REASON_LABEL_MARKUP : REASON_LABEL_ANSWER, text,
                 hit.at, EDGE_NONE);
    if (hit.n == 0)
        return hit.at;
    to->span(to, REASON_LABEL_MARKUP, text + hit.at, hit.n,
             hit.mark ? EDGE_NONE : EDGE_OPEN);
    s->in_header = hit.mark && hit.mark->header;
    s->eat = hit.mark ? hit.mark->eat : 0;
    if (!hit.mark)
        enter_block(s, r);
    return hit.at + hit.n;
}

/* Hands on all text that is certain; returns how much that was. */
static size_t scan_text(rsn_scan *s, const rsn_think_rules *r, const char *text, size_t n,
                        sink *to) {
    size_t at = 0, taken = 1;
    while (at < n && taken > 0) {
        taken = s->in_block ? scan_block(s, r, text + at, n - at, to)
                            : scan_answer(s, r, text + at, n - at, to);
        at += taken;
    }
    return at;
}

/* --- policies ---------------------------------------------------------------------- */

static size_t tokens_left(const rsn_think *t) {
    return t->rules.room - t->n_tokens;
}

/* Tokens that the answer still has a right to. */
static size_t answer_need(const rsn_think *t) {
    size_t has = t->counts[REASON_LABEL_ANSWER];
    return t->rules.min_answer > has ? t->rules.min_answer - has : 0;
}

/* Whether `n` more forced THINK tokens fit before the closing tag. */
static bool fits_in_block(const rsn_think *t, size_t n) {
    return rsn_think_count(t) + n <= t->rules.budget &&
           n + t->rules.closing.n + answer_need(t) <= tokens_left(t);
}

/* The close text's share of the block: what cannot ever fit is left out. */
static size_t close_text_n(const rsn_think *t) {
    return t->rules.close_text.n <= t->rules.budget ? t->rules.close_text.n : 0;
}

static bool budget_is_spent(const rsn_think *t) {
    return !fits_in_block(t, close_text_n(t) + 1);
}

static bool ends_sentence(const rsn_str *s) {
    static const char *const ENDS[] = {".", "!", "?", "\n", "\u3002", "\uff01", "\uff1f"};
    for (size_t i = 0; i < sizeof ENDS / sizeof *ENDS; i++) {
        size_t n = strlen(ENDS[i]);
        if (s->n >= n && memcmp(s->data + s->n - n, ENDS[i], n) == 0)
            return true;
    }
    return false;
}

static bool grace_takes_sentence_end(const rsn_think *t) {
    size_t count = rsn_think_count(t);
    return t->rules.grace > 0 && count > 0 && count + t->rules.grace >= t->rules.budget &&
           t->hold.n == 0 && ends_sentence(&t->block_tail);
}

/* Ways in which a block is made to close, asked in this order before each token. */
static const struct {
    bool (*closes)(const rsn_think *t);
    rsn_close_reason reason;
} CLOSERS[] = {
    {budget_is_spent, RSN_CLOSE_BUDGET},
    {grace_takes_sentence_end, RSN_CLOSE_BUDGET},
};

/* --- forced tokens ----------------------------------------------------------------- */

/* Queues text for inside the block, then a tag. */
static void force(rsn_think *t, rsn_ids text, rsn_ids tag) {
    t->queue[0] = text.items;
    t->queue_n[0] = text.n;
    t->queue[1] = tag.items;
    t->queue_n[1] = tag.n;
    t->tag_from = t->n_tokens + text.n;
}

static void force_close(rsn_think *t, rsn_close_reason reason) {
    rsn_ids none = {0};
    bool fits = close_text_n(t) > 0 && fits_in_block(t, close_text_n(t));
    force(t, fits && reason != RSN_CLOSE_NONE ? t->rules.close_text : none,
          t->rules.closing);
    if (reason != RSN_CLOSE_NONE)
        t->closed_by = reason;
}

static bool is_forcing(const rsn_think *t) {
    return t->queue_n[0] + t->queue_n[1] > 0;
}

/* A model that is writing an empty block may end it itself: none of it is THINK. The
 * judge lets it do nothing else where the budget is spent. */
static bool may_be_empty(const rsn_think *t) {
    return t->scan.fresh && t->hold.n > 0 &&
           t->rules.closing.n + answer_need(t) < tokens_left(t);
}

bool rsn_think_is_settled(const rsn_think *t) {
    return t->scan.in_block && t->hold.n == 0 && !is_forcing(t) && rsn_think_count(t) > 0;
}

bool rsn_think_ends_line(const rsn_think *t) {
    const rsn_str *s = &t->block_tail;
    return s->n > 1 && s->data[s->n - 1] == '\n' && s->data[s->n - 2] != '\n';
}

void rsn_think_close(rsn_think *t, rsn_close_reason reason) {
    if (rsn_think_is_settled(t))
        force_close(t, reason);
}

bool rsn_think_forced(rsn_think *t, int32_t *id) {
    bool asks = !is_forcing(t) && t->scan.in_block && !may_be_empty(t);
    for (size_t i = 0; asks && !is_forcing(t) && i < sizeof CLOSERS / sizeof *CLOSERS;
         i++)
        if (CLOSERS[i].closes(t))
            force_close(t, CLOSERS[i].reason);
    if (!is_forcing(t)) {
        t->tag_from = SIZE_MAX;
        return false;
    }
    int part = t->queue_n[0] > 0 ? 0 : 1;
    *id = *t->queue[part]++;
    t->queue_n[part]--;
    return true;
}

/* --- judging a drawn token --------------------------------------------------------- */

/* What pushing a token would do. */
typedef struct outcome {
    sink to;
    const rsn_think *t;
    bool held; /* what comes now would stay held, and is not looked at but for `answer` */
    rsn_str *answer; /* the answer's tail and what would join it */
    size_t at;       /* bytes of the hold and the token that were looked at */
    size_t n_opened, n_closed;
    size_t n_think; /* tokens that would become THINK */
    size_t last;    /* the last of these, + 1 */
    bool must_open; /* what stays held can only become an opening tag */
} outcome;

/* The next n bytes are THINK: counts their tokens, each once. */
static void note_think(outcome *o, size_t n) {
    const rsn_think *t = o->t;
    for (size_t end = o->at + n; o->at < end;) {
        bool held = o->at < t->hold.n;
        size_t owner = held ? t->owners[o->at] : t->n_tokens;
        bool counts = !held || !(t->bits[owner] & 1u << REASON_LABEL_THINK);
        if (counts && o->last != owner + 1)
            o->n_think++;
        o->last = owner + 1;
        o->at = held ? o->at + 1 : end;
    }
}

static void note_outcome(sink *to, reason_label label, const char *text, size_t n,
                         edge at) {
    outcome *o = (outcome *)(void *)to;
    if (label == REASON_LABEL_ANSWER)
        rsn_str_add(o->answer, text, n);
    if (o->held)
        return;
    o->n_opened += at == EDGE_OPEN;
    o->n_closed += at == EDGE_CLOSE;
    if (label == REASON_LABEL_THINK)
        note_think(o, n);
    else
        o->at += n;
}

static bool holds(const rsn_str *s, rsn_text what) {
    return what.n > 0 && s->n > 0 && memmem(s->data, s->n, what.data, what.n);
}

/* Whether answer text has a tag or a mark in it, be it made of two parts of the answer.
 */
static bool holds_tag(const rsn_str *s, const rsn_think_rules *r) {
    bool found = holds(s, r->open) || holds(s, r->close);
    for (size_t i = 0; i < r->n_marks && !found; i++)
        found = holds(s, r->marks[i].text);
    return found;
}

/* Room for the token that is drawn now, `n_more` to end the opening tag, a token of
 * thought, the close and the answer. */
static bool may_open(const rsn_think *t, size_t n_more) {
    return t->rules.mode != REASON_THINK_OFF && rsn_think_count(t) < t->rules.budget &&
           2 + n_more + t->rules.closing.n + answer_need(t) <= tokens_left(t);
}

/* Whether text that is held behind a header's mark can only become an opening tag. One
 * that is not allowed is refused here, where the header may still say something else;
 * other opening tags are refused at their end, for till then they may be an answer. */
static bool must_open(const rsn_think *t, rsn_text held) {
    return t->header_n > 0 && held.n > t->header_n && held.n < t->rules.open.n &&
           memcmp(held.data, t->rules.open.data, held.n) == 0;
}

/* Whether a block that closes with `n_think` THINK tokens in all goes on instead. */
static bool is_too_early(const rsn_think *t, size_t n_think) {
    bool may_wait = t->rules.max_waits == 0 || t->n_waits < t->rules.max_waits;
    return n_think < t->rules.min_tokens && t->rules.wait.n > 0 && may_wait &&
           fits_in_block(t, t->rules.wait.n + close_text_n(t));
}

static rsn_verdict replace_by_wait(rsn_think *t) {
    t->n_waits++;
    force(t, t->rules.wait, (rsn_ids){0});
    return RSN_REPLACE;
}

static rsn_verdict replace_by_close(rsn_think *t, rsn_close_reason reason) {
    force_close(t, reason);
    return RSN_REPLACE;
}

/* The end of text inside a block: thinking that was asked for gets its answer. */
static rsn_verdict judge_end(rsn_think *t) {
    if (!t->scan.in_block)
        return RSN_END;
    if (t->rules.mode == REASON_THINK_ON && rsn_think_count(t) == 0)
        return RSN_BAN;
    if (is_too_early(t, rsn_think_count(t)))
        return replace_by_wait(t);
    return t->rules.mode == REASON_THINK_ON ? replace_by_close(t, RSN_CLOSE_NONE)
                                            : RSN_END;
}

/* Runs the hold and a token through a copy of the scan. */
static rsn_scan foresee(rsn_think *t, rsn_text text, outcome *o) {
    rsn_str *probe = &t->probe, *joined = &t->joined;
    rsn_scan scan = t->scan;
    rsn_str_cut(probe, 0);
    rsn_str_add(probe, t->hold.data, t->hold.n);
    rsn_str_add(probe, text.data, text.n);
    rsn_str_cut(joined, 0);
    rsn_str_add(joined, t->answer_tail.data, t->answer_tail.n);
    *o = (outcome){.to = {note_outcome}, .t = t, .answer = joined};
    for (size_t i = t->n_decided; i < t->n_tokens; i++)
        o->n_think += (t->bits[i] & 1u << REASON_LABEL_THINK) != 0;
    size_t taken = scan_text(&scan, &t->rules, rsn_str_text(probe), probe->n, &o->to);
    rsn_text rest = {rsn_str_text(probe) + taken, probe->n - taken};
    /* What stays held counts, or a later end would hand it out. */
    if (scan.in_block) {
        note_think(o, rest.n);
    } else {
        rsn_scan end = scan;
        end.last = o->held = true;
        scan_text(&end, &t->rules, rest.data, rest.n, &o->to);
        o->must_open = must_open(t, rest);
    }
    if (scan.in_block && text.n == 0)
        o->n_think++;
    o->n_think += t->counts[REASON_LABEL_THINK];
    return scan;
}

rsn_verdict rsn_think_judge(rsn_think *t, rsn_text text, bool is_end,
                            reason_status *status) {
    *status = REASON_OK;
    if (t->rules.open.n == 0)
        return is_end ? RSN_END : RSN_ACCEPT;
    if (is_end)
        return judge_end(t);
    outcome o;
    rsn_scan scan = foresee(t, text, &o);
    if (t->probe.failed || t->joined.failed) {
        *status = rsn_fail_memory(t->hold.n + text.n);
        return RSN_BAN;
    }
    if (holds_tag(&t->joined, &t->rules) || o.n_opened > 1 ||
        (o.n_opened == 1 && (o.n_closed > 0 || !may_open(t, 0))) ||
        (o.must_open && !may_open(t, t->rules.opener_n)) ||
        (o.n_closed > 0 && t->rules.mode == REASON_THINK_ON && o.n_think == 0))
        return RSN_BAN;
    if (o.n_closed > 0 && is_too_early(t, o.n_think))
        return replace_by_wait(t);
    bool goes_on = t->scan.in_block && scan.in_block;
    if (o.n_think > t->rules.budget || (goes_on && budget_is_spent(t)))
        return replace_by_close(t, RSN_CLOSE_BUDGET);
    return RSN_ACCEPT;
}

/* --- taking tokens ----------------------------------------------------------------- */

typedef struct delivery {
    sink to;
    rsn_think *t;
    size_t at; /* bytes of the hold that left already */
} delivery;

static void keep_last(rsn_str *s, const char *text, size_t n, size_t most) {
    rsn_str_add(s, text, n);
    if (s->n > most)
        rsn_str_drop(s, s->n - most);
}

static void deliver(sink *to, reason_label label, const char *text, size_t n, edge at) {
    delivery *d = (delivery *)(void *)to;
    rsn_think *t = d->t;
    for (size_t i = 0; i < n; i++)
        t->bits[t->owners[d->at + i]] |= (uint8_t)(1u << label);
    d->at += n;
    if (label == REASON_LABEL_ANSWER)
        keep_last(&t->answer_tail, text, n, t->longest > 0 ? t->longest - 1 : 0);
    if (label == REASON_LABEL_THINK)
        keep_last(&t->block_tail, text, n, 4);
    if (at != EDGE_NONE)
        rsn_str_cut(&t->block_tail, 0);
    t->emit(t->user, label, text, n);
}

static void count_decided(rsn_think *t) {
    size_t end = t->hold.n > 0 ? t->owners[0] : t->n_tokens;
    for (; t->n_decided < end; t->n_decided++)
        t->counts[rsn_think_label(t, t->n_decided)]++;
}

reason_label rsn_think_label(const rsn_think *t, size_t i) {
    if (t->bits[i] & 1u << REASON_LABEL_THINK)
        return REASON_LABEL_THINK;
    return t->bits[i] & 1u << REASON_LABEL_ANSWER ? REASON_LABEL_ANSWER
                                                  : REASON_LABEL_MARKUP;
}

/* Where a forced tag begins of which only a part is out; else the end of all tokens. */
static size_t tag_start(const rsn_think *t) {
    size_t start = t->tag_from > t->n_decided ? t->tag_from : t->n_decided;
    return start < t->n_tokens ? start : t->n_tokens;
}

size_t rsn_think_count(const rsn_think *t) {
    size_t undecided = tag_start(t) - t->n_decided;
    if (!t->scan.in_block) /* a token that closed a block, and then began what may be a
                              tag */
        undecided =
            undecided > 0 && rsn_think_label(t, t->n_decided) == REASON_LABEL_THINK;
    return t->counts[REASON_LABEL_THINK] + undecided;
}

reason_status rsn_think_push(rsn_think *t, rsn_text text, bool is_end) {
    size_t n = is_end ? 0 : text.n;
    reason_status status = RSN_GROW(&t->bits, &t->bits_cap, t->n_tokens + 1);
    if (status == REASON_OK)
        status = RSN_GROW(&t->owners, &t->owners_cap, t->hold.n + n + 1);
    if (status != REASON_OK)
        return status;
    size_t held = t->hold.n;
    rsn_str_add(&t->hold, text.data, n);
    if (t->hold.failed)
        return rsn_fail_memory(n);
    /* A token without text, such as a control token, is thought if it stands in a block.
     */
    bool silent_thought = n == 0 && !is_end && t->scan.in_block;
    t->bits[t->n_tokens] = silent_thought ? 1u << REASON_LABEL_THINK : 0;
    t->scan.must_think = t->scan.must_think && !silent_thought;
    for (size_t i = 0; i < n; i++)
        t->owners[held + i] = t->n_tokens;
    t->n_tokens++;
    delivery d = {{deliver}, t, 0};
    scan_text(&t->scan, &t->rules, rsn_str_text(&t->hold), t->hold.n, &d.to);
    memmove(t->owners, t->owners + d.at, (t->hold.n - d.at) * sizeof *t->owners);
    rsn_str_drop(&t->hold, d.at);
    count_decided(t);
    return t->answer_tail.failed || t->block_tail.failed ? rsn_fail_memory(n) : REASON_OK;
}

void rsn_think_finish(rsn_think *t) {
    delivery d = {{deliver}, t, 0};
    size_t n = 0, from = tag_start(t);
    while (n < t->hold.n && t->owners[n] < from)
        n++;
    t->scan.last = true;
    if (n > 0 && t->scan.in_block)
        deliver(&d.to, REASON_LABEL_THINK, t->hold.data, n, EDGE_NONE);
    else if (n > 0)
        scan_text(&t->scan, &t->rules, t->hold.data, n, &d.to);
    if (n < t->hold.n) /* half of a forced tag is neither thought nor answer */
        deliver(&d.to, REASON_LABEL_MARKUP, t->hold.data + n, t->hold.n - n, EDGE_NONE);
    rsn_str_cut(&t->hold, 0);
    count_decided(t);
}

/* --- start and end ----------------------------------------------------------------- */

/* What an ordinary generation needs, so that its loop takes no memory; longer ones and
 * longer tokens grow as they go. */
enum { RESERVED_TOKENS = 1024, RESERVED_BYTES = 256 };

static reason_status reserve(rsn_think *t) {
    rsn_str *const texts[] = {&t->hold, &t->answer_tail, &t->block_tail, &t->probe,
                              &t->joined};
    size_t n = t->rules.room < RESERVED_TOKENS ? t->rules.room : RESERVED_TOKENS;
    reason_status status = RSN_GROW(&t->bits, &t->bits_cap, n);
    if (status == REASON_OK)
        status = RSN_GROW(&t->owners, &t->owners_cap, RESERVED_BYTES);
    for (size_t i = 0; i < sizeof texts / sizeof *texts && status == REASON_OK; i++) {
        rsn_str_reserve(texts[i], RESERVED_BYTES);
        status = texts[i]->failed ? rsn_fail_memory(RESERVED_BYTES) : REASON_OK;
    }
    return status;
}

static void measure_marks(rsn_think *t) {
    const rsn_think_rules *r = &t->rules;
    t->longest = r->open.n > r->close.n ? r->open.n : r->close.n;
    for (size_t i = 0; i < r->n_marks; i++) {
        rsn_text mark = r->marks[i].text;
        t->longest = mark.n > t->longest ? mark.n : t->longest;
        if (r->marks[i].header && mark.n > t->header_n && mark.n < r->open.n &&
            memcmp(mark.data, r->open.data, mark.n) == 0)
            t->header_n = mark.n;
    }
}

reason_status rsn_think_init(rsn_think *t, const rsn_think_rules *rules, rsn_span_fn emit,
                             void *user) {
    memset(t, 0, sizeof *t);
    t->rules = *rules;
    t->emit = emit;
    t->user = user;
    t->closed_by = rules->silenced_by;
    measure_marks(t);
    t->scan.at_start = !rules->prompt_is_open;
    t->scan.in_header = rules->prompt_in_header;
    t->scan.must_think = rules->mode == REASON_THINK_ON;
    t->scan.lead = rules->first_space_n;
    if (rules->prompt_is_open) {
        bool may_be_empty =
            begins_empty(rules->empty, rules->prompt_tail) && !t->scan.must_think;
        t->scan.in_block = true;
        t->scan.fresh = may_be_empty || t->scan.must_think;
        t->scan.empty =
            drop_first(rules->empty, may_be_empty ? rules->prompt_tail.n : SIZE_MAX);
    }
    if (rules->thought.n > 0)
        force(t, rules->thought, rules->closing);
    else
        force(t, (rsn_ids){0}, rules->first);
    return reserve(t);
}

void rsn_think_free(rsn_think *t) {
    rsn_free(t->owners);
    rsn_free(t->bits);
    rsn_str_free(&t->hold);
    rsn_str_free(&t->answer_tail);
    rsn_str_free(&t->block_tail);
    rsn_str_free(&t->probe);
    rsn_str_free(&t->joined);
}
