/* The thinking controller, driven by any tokens under any rules. The first bytes of the
 * input are a family's way of speaking and the numbers of a request, each byte behind
 * them a token that a model draws. At every token the controller is compared with the rules
 * written down a second time (support/slow_think.h), and at the end what it promised is
 * counted: no more THINK than the budget, room for the answer, no tag in it, labels that
 * add up. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "support/dialects.h"
#include "support/slow_think.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_ROOM = 80 };

static void demand(int truth, const char *what) {
    if (truth) return;
    (void)fprintf(stderr, "fuzz_thinking: %s\n", what);
    abort();
}

/* --- the rules ---------------------------------------------------------------------- */

static const uint8_t *rest;
static size_t n_rest;

static size_t draw(size_t below) {
    if (n_rest == 0) return 0;
    n_rest--;
    return *rest++ % below;
}

static const dialect *const DIALECTS[] = {&PLAIN, &SPLIT, &CHANNELS, &WRAPPED, &NEW_LINE};
static const int32_t WAITS[] = {WAIT, A, DOT};
static const int32_t CLOSE_TEXTS[] = {SO, END, SENTENCE};

static bool is_inside_text(int32_t id) {
    return id == WAIT || id == SO || id == END || id == SENTENCE || id == A || id == DOT;
}

static size_t minus(size_t a, size_t b) {
    return a > b ? a - b : 0;
}

/* What is forced at the start and fits, as the arithmetic before the first token sees to
 * it: a model is not made to think without room for one token of it. */
static void settle(rsn_think_rules *r, const dialect *d) {
    size_t fixed = r->prompt_is_open || r->mode == REASON_THINK_OFF ? r->closing.n : 0;
    r->min_answer = r->min_answer < minus(r->room, fixed + r->closing.n)
                        ? r->min_answer
                        : minus(r->room, fixed + r->closing.n);
    size_t taken = r->closing.n + r->min_answer + (r->prompt_is_open ? 0 : r->opener_n);
    r->budget = r->budget < minus(r->room, taken) ? r->budget : minus(r->room, taken);
    if (r->budget == 0 && (r->mode == REASON_THINK_ON || r->prompt_is_open))
        r->mode = REASON_THINK_OFF;
    if (r->mode == REASON_THINK_OFF) {
        r->budget = 0;
        r->first_space_n = 0;
        r->first = r->prompt_is_open ? r->closing : ids_of(d->silence);
        if (!r->prompt_is_open && r->first.n + r->min_answer > r->room)
            r->first = (rsn_ids){0};
    }
}

static rsn_think_rules draw_rules(void) {
    static const char *const tails[] = {"", "\n", "\n\n", "so far"};
    const dialect *d = DIALECTS[draw(COUNT(DIALECTS))];
    size_t bits = draw(256);
    rsn_think_rules r = {.mode = (reason_think_mode)draw(3)};
    speak(&r, d);
    r.budget = draw(32);
    r.min_tokens = draw(8);
    r.min_answer = draw(16);
    r.grace = draw(6);
    r.room = 2 * r.closing.n + 1 + draw(MAX_ROOM - 40);
    r.wait = (rsn_ids){WAITS, bits % 4};
    r.close_text = (rsn_ids){CLOSE_TEXTS, bits >> 2 & 3};
    r.prompt_is_open = (bits >> 4 & 3) == 3;
    r.prompt_in_header = !r.prompt_is_open && d == &CHANNELS && (bits >> 6 & 1);
    if (r.prompt_is_open) {
        const char *tail = tails[draw(COUNT(tails))];
        r.prompt_tail = (rsn_text){tail, strlen(tail)};
        r.first = (rsn_ids){0};
        r.first_space_n = 0;
    }
    settle(&r, d);
    return r;
}

/* --- one generation ----------------------------------------------------------------- */

typedef struct run {
    rsn_think t;
    slow_token tokens[SLOW_TOKENS];
    bool drawn[SLOW_TOKENS];
    size_t n;
    bool over, replaced; /* a draw was replaced, and what replaces it has not come */
    char text[SLOW_BYTES];
    uint8_t labels[SLOW_BYTES];
    size_t n_text;
} run;

static void on_span(void *user, reason_label label, const char *text, size_t n) {
    run *r = user;
    demand(n > 0 && r->n_text + n < SLOW_BYTES, "a stretch of text is empty or too long");
    memcpy(r->text + r->n_text, text, n);
    memset(r->labels + r->n_text, (int)label, n);
    r->n_text += n;
}

static void push(run *r, int32_t id, bool drawn) {
    bool end = drawn && id == EOS;
    demand(r->n < r->t.rules.room, "more tokens than there is room");
    r->tokens[r->n] = (slow_token){TEXTS[id], end, !drawn && !is_inside_text(id)};
    r->drawn[r->n++] = drawn;
    r->over = end;
    demand(rsn_think_push(&r->t, (rsn_text){TEXTS[id], strlen(TEXTS[id])}, end) ==
               REASON_OK,
           "no memory");
}

/* What holds wherever the generation is. */
static void check_point(const run *r, const reading *x) {
    const rsn_think_rules *rules = &r->t.rules;
    demand(rsn_think_in_block(&r->t) == x->inside[x->n], "lost track of the block");
    demand(x->counts[REASON_LABEL_THINK] <= rules->budget, "more THINK than the budget");
    demand(r->over || rsn_think_count(&r->t) == x->counts[REASON_LABEL_THINK],
           "THINK is counted wrongly");
    demand(!slow_holds_tag(rules, x->answer), "a tag in the answer");
}

/* Whether the block holds nothing yet but what an empty one begins with. */
static bool may_be_empty(const run *r, const reading *x) {
    return r->t.scan.fresh && x->n > 0 && r->t.hold.n > 0;
}

/* Forced tokens come for a reason, and come when there is one. */
static void check_force(const run *r, const reading *x, bool queued, bool forced) {
    const rsn_think_rules *rules = &r->t.rules;
    size_t thought = x->counts[REASON_LABEL_THINK];
    bool fits = slow_fits(rules, r->n, r->t.counts[REASON_LABEL_ANSWER], thought,
                          1 + slow_close_text(rules));
    bool grace = rules->grace > 0 && thought > 0 &&
                 thought + rules->grace >= rules->budget;
    if (forced && !queued)
        demand(x->inside[x->n] && (!fits || grace), "a block is closed without a reason");
    if (!forced && x->inside[x->n] && !may_be_empty(r, x))
        demand(fits, "a block whose budget is spent is not closed");
    demand(forced || !r->replaced, "nothing comes in place of a token");
}

static void step(run *r, reading *x) {
    const rsn_think_rules *rules = &r->t.rules;
    bool queued = r->t.queue_n[0] + r->t.queue_n[1] > 0;
    int32_t id;
    bool forced = rsn_think_forced(&r->t, &id);
    check_force(r, x, queued, forced);
    r->replaced = false;
    if (forced) {
        push(r, id, false);
        return;
    }
    reason_status status;
    id = (int32_t)draw(N_TOKENS);
    r->tokens[r->n] = (slow_token){TEXTS[id], id == EOS, false};
    rsn_verdict expected = slow_verdict(rules, r->tokens, r->n,
                                        r->t.counts[REASON_LABEL_ANSWER]);
    rsn_verdict verdict = rsn_think_judge(
        &r->t, (rsn_text){TEXTS[id], strlen(TEXTS[id])}, id == EOS, &status);
    demand(status == REASON_OK && verdict == expected, "another verdict than the rules'");
    if (verdict == RSN_ACCEPT || verdict == RSN_END)
        push(r, id, true);
    r->replaced = verdict == RSN_REPLACE;
}

/* A generation that its room has ended, not the model or the input: behind the last
 * thought stand as many tokens as the answer had a right to. */
static void check_answer(const run *r, const reading *x) {
    size_t last = SIZE_MAX, before = 0, after = 0;
    for (size_t i = 0; i < r->n; i++)
        last = x->token[i] == REASON_LABEL_THINK ? i : last;
    if (r->n < r->t.rules.room || r->over || last == SIZE_MAX)
        return;
    for (size_t i = 0; i < r->n; i++) {
        before += i < last && x->token[i] == REASON_LABEL_ANSWER;
        after += i > last && r->drawn[i];
    }
    demand(after >= slow_need(&r->t.rules, before), "no room was kept for the answer");
}

static void check_end(run *r, const reading *x) {
    size_t sum = 0;
    rsn_think_finish(&r->t);
    demand(r->t.n_decided == r->n, "tokens without a label");
    demand(r->n_text == x->n && memcmp(r->text, x->text, x->n) == 0, "text got lost");
    demand(memcmp(r->labels, x->label, x->n) == 0, "text is called something else");
    for (size_t i = 0; i < r->n; i++)
        demand(rsn_think_label(&r->t, i) == (reason_label)x->token[i],
               "a token is called something else");
    for (int label = 0; label < 3; label++) {
        demand(r->t.counts[label] == x->counts[label], "the counts are others");
        sum += r->t.counts[label];
    }
    demand(sum == r->n && r->n <= r->t.rules.room, "the counts do not add up");
    check_answer(r, x);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static run r;
    static reading x;
    rest = data;
    n_rest = size;
    const rsn_think_rules rules = draw_rules();
    memset(&r, 0, sizeof r);
    demand(rsn_think_init(&r.t, &rules, on_span, &r) == REASON_OK, "no memory");
    do {
        slow_read(&x, r.tokens, r.n, &rules);
        check_point(&r, &x);
        if (r.n == rules.room || r.over) break;
        step(&r, &x);
    } while (n_rest > 0 || r.t.queue_n[0] + r.t.queue_n[1] > 0);
    slow_read(&x, r.tokens, r.n, &rules);
    check_end(&r, &x);
    rsn_think_free(&r.t);
    return 0;
}
