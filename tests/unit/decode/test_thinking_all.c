/* The thinking controller on all token sequences over a small alphabet: at every point
 * its labels, verdicts and forced tokens are compared with a labeller that looks at the
 * whole text at once, and with the rules of docs/THINKING.md written down a second time
 * (support/slow_think.h). So for families of each kind: plain tags, wrappers around the
 * answer, channels with headers, a line before the opening tag. */
#include "support/slow_think.h"
#include "unit/decode/think_script.h"

/* --- all sequences ------------------------------------------------------------------ */

typedef struct search {
    rsn_think_rules rules;
    const int32_t *alphabet;
    size_t n_alphabet, depth;
    size_t n_seen, n_banned,
        n_replaced; /* so that a search that tries nothing is noticed */
} search;

static void copy_string(rsn_str *to, const rsn_str *from) {
    *to = (rsn_str){0};
    rsn_str_add(to, from->data, from->n);
    assert_false(to->failed);
}

static void *copy_bytes(const void *from, size_t n_bytes) {
    void *to = rsn_alloc(n_bytes);
    assert_non_null(to);
    if (n_bytes > 0)
        memcpy(to, from, n_bytes);
    return to;
}

/* A second controller at the same point; scratch is left empty. */
static void copy_run(run *to, const run *from) {
    memcpy(to->ids, from->ids, from->n * sizeof *from->ids);
    memcpy(to->forced, from->forced, from->n * sizeof *from->forced);
    memcpy(to->text, from->text, from->n_text);
    memcpy(to->labels, from->labels, from->n_text);
    to->n = from->n;
    to->n_text = from->n_text;
    to->over = from->over;
    to->t = from->t;
    to->t.user = to;
    to->t.owners_cap = from->t.hold.n;
    to->t.owners = copy_bytes(from->t.owners, from->t.hold.n * sizeof *from->t.owners);
    to->t.bits_cap = from->n;
    to->t.bits = copy_bytes(from->t.bits, from->n * sizeof *from->t.bits);
    copy_string(&to->t.hold, &from->t.hold);
    copy_string(&to->t.answer_tail, &from->t.answer_tail);
    copy_string(&to->t.block_tail, &from->t.block_tail);
    to->t.probe = to->t.joined = (rsn_str){0};
}

/* The run as the slow rules see it; there is room for one more. */
static void tell(const run *r, slow_token *tokens) {
    for (size_t i = 0; i < r->n; i++) {
        int32_t id = r->ids[i];
        bool tag = r->forced[i] && id != WAIT && id != SO && id != END;
        tokens[i] = (slow_token){TEXTS[id], id == EOS, tag};
    }
}

static void read_run(reading *x, const run *r) {
    slow_token tokens[MAX_RUN];
    tell(r, tokens);
    slow_read(x, tokens, r->n, &r->t.rules);
}

static bool is_forcing(const run *r) {
    return r->t.queue_n[0] + r->t.queue_n[1] > 0;
}

static size_t tokens_left(const run *r) {
    return r->t.rules.room - r->n;
}

static size_t answer_need(const run *r) {
    return slow_need(&r->t.rules, r->t.counts[REASON_LABEL_ANSWER]);
}

static bool fits(const run *r, size_t n_think, size_t more) {
    return slow_fits(&r->t.rules, r->n, r->t.counts[REASON_LABEL_ANSWER], n_think, more);
}

/* What docs/THINKING.md says about drawing `id` here. */
static rsn_verdict expected_verdict(const run *r, int32_t id) {
    slow_token tokens[MAX_RUN + 1];
    tell(r, tokens);
    tokens[r->n] = (slow_token){TEXTS[id], id == EOS, false};
    return slow_verdict(&r->t.rules, tokens, r->n, r->t.counts[REASON_LABEL_ANSWER]);
}

/* What is true at every point, whatever comes next. */
static void check_point(const run *r, const reading *x) {
    const rsn_think_rules *rules = &r->t.rules;
    bool inside = x->inside[x->n];
    assert_int_equal(rsn_think_in_block(&r->t), inside);
    assert_true(x->counts[REASON_LABEL_THINK] <= rules->budget);
    if (!r->over)
        assert_int_equal(rsn_think_count(&r->t), x->counts[REASON_LABEL_THINK]);
    assert_true(r->n <= rules->room);
    assert_false(slow_holds_tag(rules, x->answer));
    if (inside && !is_forcing(r) && !r->over)
        assert_true(rules->closing.n + answer_need(r) <= tokens_left(r));
    bool closes = r->n > 0 && x->n > 0 && x->owner[x->n - 1] == r->n - 1 && !inside &&
                  x->inside[x->begin[r->n - 1]] && x->n_closed > 0;
    if (closes &&
        r->forced[r->n - 1]) /* what is still forced is the space behind the tag */
        assert_true(tokens_left(r) >= answer_need(r) + r->t.queue_n[1]);
    if (closes && !r->forced[r->n - 1])
        assert_true(tokens_left(r) >= answer_need(r) + rules->closing.n);
    if (x->n_closed > 0 && rules->mode == REASON_THINK_ON && rules->budget > 0)
        assert_true(x->counts[REASON_LABEL_THINK] > 0);
}

/* The generation ends here: text and labels against the slow labeller. */
static void check_end(const run *r, const reading *x) {
    static run end;
    copy_run(&end, r);
    rsn_think_finish(&end.t);
    assert_int_equal(end.t.n_decided, r->n);
    assert_int_equal(end.n_text, x->n);
    assert_memory_equal(end.text, x->text, x->n);
    assert_memory_equal(end.labels, x->label, x->n);
    for (size_t i = 0; i < r->n; i++)
        assert_int_equal(rsn_think_label(&end.t, i), x->token[i]);
    for (int label = 0; label < 3; label++)
        assert_int_equal(end.t.counts[label], x->counts[label]);
    rsn_think_free(&end.t);
}

/* A token that must come where none was queued: the block may only be closed for a
 * reason. */
static void check_close(const run *r, const reading *x) {
    size_t thought = x->counts[REASON_LABEL_THINK];
    bool spent = !fits(r, thought, 1 + slow_close_text(&r->t.rules));
    bool grace = r->t.rules.grace > 0 && thought > 0 &&
                 thought + r->t.rules.grace >= r->t.rules.budget && x->n > 0 &&
                 (x->text[x->n - 1] == '.' || x->text[x->n - 1] == '\n');
    assert_true(x->inside[x->n] && (spent || grace));
}

/* Every continuation of `r` by `depth` drawn tokens; depth is small. */
static void explore(search *s, run *r, size_t depth) {
    static reading x;
    int32_t id;
    for (;;) {
        read_run(&x, r);
        check_point(r, &x);
        check_end(r, &x);
        s->n_seen++;
        if (r->over || r->n == s->rules.room)
            return;
        bool queued = is_forcing(r);
        if (!rsn_think_forced(&r->t, &id))
            break;
        if (!queued)
            check_close(r, &x);
        push(r, id, true);
    }
    for (size_t i = 0; i < s->n_alphabet && depth > 0; i++) {
        run *next = malloc(sizeof *next);
        assert_non_null(next);
        copy_run(next, r);
        rsn_verdict expected = expected_verdict(r, s->alphabet[i]);
        rsn_verdict verdict = judge(next, s->alphabet[i]);
        assert_int_equal(verdict, expected);
        s->n_banned += verdict == RSN_BAN;
        s->n_replaced += verdict == RSN_REPLACE;
        if (verdict == RSN_ACCEPT || verdict == RSN_END)
            push(next, s->alphabet[i], false);
        if (verdict != RSN_BAN)
            explore(s, next, depth - 1);
        rsn_think_free(&next->t);
        free(next);
    }
}

/* Returns how many draws were banned, so that a search that tries nothing is noticed. */
static size_t search_all(rsn_think_rules rules, const int32_t *alphabet,
                         size_t n_alphabet, size_t depth) {
    search s = {rules, alphabet, n_alphabet, depth, 0, 0, 0};
    lower_budget(&s.rules);
    run *r = malloc(sizeof *r);
    assert_non_null(r);
    start(r, &s.rules);
    explore(&s, r, depth);
    rsn_think_free(&r->t);
    free(r);
    assert_true(s.n_seen > depth);
    return s.n_banned;
}

static bool is_slow(void) {
    return getenv("REASON_SLOW") != NULL;
}

static const int32_t ALPHABET[] = {OPEN, CLOSE, LT,   THINK,     GT,    LTS,
                                   A,    NL,    NLNL, A_CLOSE_B, KGT_X, EOS};
static const int32_t WIDE[] = {
    OPEN,      CLOSE,        LT,         THINK,     GT,   LTS,       A,
    NL,        NLNL,         A_CLOSE_B,  KGT_X,     EOS,  THIN,      THINK_GT_A,
    CONTROL,   DOT,          CLOSE_THIN, SENTENCE,  X_LT, OPEN_THIN, CLOSE_OPEN,
    OPEN_OPEN, OPEN_A_CLOSE, A_OPEN_A,   A_CLOSE_LT};

/* One rule set of a search. */
typedef struct setup {
    reason_think_mode mode;
    size_t budget, min_tokens, min_answer, grace, room;
    const char *tail; /* NULL: the prompt has no open block */
    bool close_text, split;
} setup;

static rsn_think_rules rules_of(const setup *s, const dialect *d) {
    rsn_think_rules r = {.mode = s->mode,
                         .budget = s->budget,
                         .min_tokens = s->min_tokens,
                         .min_answer = s->min_answer,
                         .grace = s->grace,
                         .room = s->room};
    speak(&r, d);
    r.wait = (rsn_ids){WAITING, s->min_tokens > 0};
    if (s->close_text)
        r.close_text = (rsn_ids){CLOSE_TEXT, COUNT(CLOSE_TEXT)};
    if (s->tail) {
        r.prompt_is_open = true;
        r.prompt_tail = (rsn_text){s->tail, strlen(s->tail)};
        r.first_space_n = 0;
        r.first = s->mode == REASON_THINK_OFF ? r.closing : (rsn_ids){0};
    }
    return r;
}

static const dialect *own_dialect(const setup *s) {
    return s->split ? &SPLIT : &PLAIN;
}

#define AUTO REASON_THINK_AUTO
#define ON REASON_THINK_ON
#define OFF REASON_THINK_OFF

/* mode, budget, min_tokens, min_answer, grace, room, tail, close_text, split */
static const setup SETUPS[] = {
    {AUTO, 40, 0, 0, 0, 60, NULL, false, false},
    {AUTO, 1, 0, 0, 0, 60, NULL, false, false},
    {AUTO, 2, 0, 0, 0, 60, NULL, false, true},
    {AUTO, 3, 0, 3, 0, 9, NULL, true, false},
    {AUTO, 5, 3, 1, 0, 60, NULL, true, false},
    {AUTO, 3, 2, 0, 2, 60, NULL, false, false},
    {AUTO, 0, 0, 2, 0, 6, NULL, false, false},
    {AUTO, 9, 0, 2, 0, 7, NULL, false, false},
    {AUTO, 9, 0, 1, 0, 10, NULL, true, true},
    {AUTO, 2, 0, 0, 0, 60, "", false, false},
    {AUTO, 1, 0, 1, 0, 5, "\n", false, false},
    {AUTO, 4, 3, 0, 3, 60, "\n\n", true, false},
    {AUTO, 3, 0, 0, 0, 60, "so far", true, false},
    {ON, 40, 0, 0, 0, 60, NULL, false, false},
    {ON, 1, 0, 0, 0, 60, NULL, false, false},
    {ON, 2, 0, 2, 0, 9, NULL, true, false},
    {ON, 3, 2, 0, 2, 60, NULL, true, true},
    {ON, 3, 3, 1, 0, 8, NULL, false, false},
    {ON, 2, 0, 0, 0, 60, "\n", false, false},
    {ON, 5, 4, 0, 4, 60, "so far", true, true},
    {OFF, 0, 0, 0, 0, 60, NULL, false, false},
    {OFF, 0, 0, 2, 0, 8, NULL, false, false},
    {OFF, 0, 0, 1, 0, 60, "\n\n", false, true},
};

static void test_decode_thinking_all__short_sequences(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(SETUPS); i++)
        assert_true(search_all(rules_of(&SETUPS[i], own_dialect(&SETUPS[i])), ALPHABET,
                               COUNT(ALPHABET), is_slow() ? 3 : 4) > 0);
}

static void test_decode_thinking_all__sequences_of_six(void **state) {
    (void)state;
    static const size_t chosen[] = {0, 1, 3, 15};
    for (size_t i = 0; i < COUNT(chosen); i++)
        assert_true(search_all(rules_of(&SETUPS[chosen[i]],
                                        own_dialect(&SETUPS[chosen[i]])),
                               ALPHABET, COUNT(ALPHABET), is_slow() ? 3 : 6) > 0);
}

static void test_decode_thinking_all__sequences_of_odd_tokens(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(SETUPS); i++)
        assert_true(search_all(rules_of(&SETUPS[i], own_dialect(&SETUPS[i])), WIDE,
                               COUNT(WIDE), is_slow() ? 2 : 3) > 0);
}

/* Every rule set again, with the tokens that matter to a family. */
static void search_dialect(const dialect *d, const int32_t *alphabet, size_t n,
                           size_t depth) {
    size_t n_banned = 0;
    for (size_t i = 0; i < COUNT(SETUPS); i++) {
        setup s = SETUPS[i];
        s.room += s.room < 20 ? ids_of(d->closing).n : 0; /* the same left for the rest */
        n_banned +=
            search_all(rules_of(&s, d), alphabet, n, is_slow() ? depth - 1 : depth);
    }
    assert_true(n_banned > 0);
}

static void test_decode_thinking_all__channels(void **state) {
    (void)state;
    static const int32_t alphabet[] = {CHANNEL, MESSAGE,    START,    PART_END,
                                       ANALYSIS, FINAL,     ANA,      LYSIS_MESSAGE,
                                       LESS_BAR, END_OF_END, A_END_B, END_START,
                                       A,        EOS};
    search_dialect(&CHANNELS, alphabet, COUNT(alphabet), 4);
}

static void test_decode_thinking_all__channels_in_a_header(void **state) {
    (void)state;
    static const int32_t alphabet[] = {CHANNEL, MESSAGE, ANALYSIS, ANA, LYSIS_MESSAGE,
                                       PART_END, A};
    for (int mode = AUTO; mode <= OFF; mode++) {
        size_t budget = mode == ON ? 2 : 0; /* AUTO has to be kept from opening as well */
        const setup s = {(reason_think_mode)mode, budget, 0,    1,    0,
                         40,                      NULL,   false, false};
        rsn_think_rules rules = rules_of(&s, &CHANNELS);
        rules.prompt_in_header = true;
        assert_true(search_all(rules, alphabet, COUNT(alphabet), is_slow() ? 4 : 6) > 0);
    }
}

static void test_decode_thinking_all__wrappers(void **state) {
    (void)state;
    static const int32_t alphabet[] = {OPEN,        CLOSE,          LTS,        THINK, GT,
                                       ANSWER_OPEN, ANSWER_CLOSE,   HALF_ANSWER, LT,
                                       REST_OF_ANSWER, A_ANSWER_B,  NL,         A,  EOS};
    search_dialect(&WRAPPED, alphabet, COUNT(alphabet), 4);
}

static void test_decode_thinking_all__line_before_the_tag(void **state) {
    (void)state;
    static const int32_t alphabet[] = {NL, NLNL, OPEN, NL_OPEN, CLOSE, LT,
                                       LTS, THINK, GT, A, EOS};
    search_dialect(&NEW_LINE, alphabet, COUNT(alphabet), 4);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decode_thinking_all__short_sequences),
        cmocka_unit_test(test_decode_thinking_all__sequences_of_six),
        cmocka_unit_test(test_decode_thinking_all__sequences_of_odd_tokens),
        cmocka_unit_test(test_decode_thinking_all__channels),
        cmocka_unit_test(test_decode_thinking_all__channels_in_a_header),
        cmocka_unit_test(test_decode_thinking_all__wrappers),
        cmocka_unit_test(test_decode_thinking_all__line_before_the_tag),
    };
    return cmocka_run_group_tests_name("decode/thinking_all", tests, NULL, NULL);
}
