/* The thinking controller on all token sequences over a small alphabet: at every point
 * its labels, verdicts and forced tokens are compared with a labeller that looks at the
 * whole text at once, and with the rules of docs/THINKING.md written down a second time.
 */
#include "unit/decode/think_script.h"

/* --- the slow labeller -------------------------------------------------------------- */

/* What whole text says, byte by byte and token by token. */
typedef struct reading {
    char text[MAX_BYTES];
    size_t n;
    size_t owner[MAX_BYTES];
    uint8_t label[MAX_BYTES];
    bool inside[MAX_BYTES + 1]; /* whether position i is in a block */
    uint8_t token[MAX_RUN];     /* labels of tokens */
    size_t begin[MAX_RUN];      /* where tokens begin */
    size_t counts[3];
    size_t n_opened, n_closed;
    char answer[MAX_BYTES];
} reading;

static bool stands_at(const reading *x, size_t at, const char *what, size_t n) {
    return x->n - at >= n && memcmp(x->text + at, what, n) == 0;
}

/* Marks [*at, *at + n). */
static void mark(reading *x, size_t *at, size_t n, reason_label label, bool inside) {
    for (size_t i = 0; i < n; i++) {
        x->label[*at] = (uint8_t)label;
        x->inside[(*at)++] = inside;
    }
}

/* The white space that an empty block would still need. */
static const char *empty_rest(const rsn_think_rules *r, const char *written, size_t n) {
    if (n <= r->empty.n && memcmp(r->empty.data, written, n) == 0)
        return r->empty.data + n;
    return NULL;
}

/* A block, from behind its opening tag to behind its closing tag. */
static void read_block(reading *x, size_t *at, const rsn_think_rules *r,
                       const char *empty, bool must_think) {
    size_t n_empty = empty ? strlen(empty) : 0, end = *at;
    if (empty && !must_think && stands_at(x, *at, empty, n_empty) &&
        stands_at(x, *at + n_empty, r->close.data, r->close.n))
        mark(x, at, n_empty, REASON_LABEL_MARKUP, true);
    for (end = *at; end < x->n && !stands_at(x, end, r->close.data, r->close.n);)
        end++;
    mark(x, at, end - *at, REASON_LABEL_THINK, true);
    if (*at == x->n)
        return;
    mark(x, at, r->close.n, REASON_LABEL_MARKUP, true);
    x->n_closed++;
    for (size_t i = 0; i < r->after_close_n && *at < x->n && strchr(" \n", x->text[*at]);
         i++)
        mark(x, at, 1, REASON_LABEL_MARKUP, false);
}

static void read_bytes(reading *x, const rsn_think_rules *r) {
    size_t at = 0;
    bool on = r->mode == REASON_THINK_ON;
    if (r->prompt_is_open)
        read_block(x, &at, r, empty_rest(r, r->prompt_tail.data, r->prompt_tail.n), on);
    while (at < x->n) {
        if (!stands_at(x, at, r->open.data, r->open.n)) {
            mark(x, &at, 1, REASON_LABEL_ANSWER, false);
            continue;
        }
        bool first = x->n_opened++ == 0 && !r->prompt_is_open;
        size_t lead = first ? r->first_space_n : 0;
        mark(x, &at, r->open.n, REASON_LABEL_MARKUP, false);
        if (lead > x->n - at)
            lead = x->n - at;
        const char *rest = empty_rest(r, x->text + at, lead);
        mark(x, &at, lead, REASON_LABEL_MARKUP, true);
        read_block(x, &at, r, rest ? rest : "\n\n", first && on);
    }
    /* where a token without text would stand at the very end */
    x->inside[x->n] = x->n_opened + r->prompt_is_open > x->n_closed;
}

/* Half of a closing tag that is being forced is no thought. */
static void read_forced_tag(reading *x, const int32_t *ids, const bool *forced,
                            size_t n) {
    while (n > 0 && forced[n - 1] && ids[n - 1] != WAIT && ids[n - 1] != SO &&
           ids[n - 1] != END)
        n--;
    for (size_t i = 0; i < x->n && x->inside[x->n]; i++)
        if (x->owner[i] >= n && x->label[i] == REASON_LABEL_THINK)
            x->label[i] = REASON_LABEL_MARKUP;
}

static void read_tokens(reading *x, const int32_t *ids, const bool *forced, size_t n,
                        const rsn_think_rules *r) {
    x->n = x->n_opened = x->n_closed = 0;
    memset(x->counts, 0, sizeof x->counts);
    for (size_t i = 0; i < n; i++) {
        x->begin[i] = x->n;
        for (const char *c = TEXTS[ids[i]]; *c; c++) {
            x->owner[x->n] = i;
            x->text[x->n++] = *c;
        }
    }
    read_bytes(x, r);
    read_forced_tag(x, ids, forced, n);
    bool seen[MAX_RUN][3] = {{false}};
    for (size_t i = 0; i < x->n; i++)
        seen[x->owner[i]][x->label[i]] = true;
    size_t n_answer = 0;
    for (size_t i = 0; i < x->n; i++)
        if (x->label[i] == REASON_LABEL_ANSWER)
            x->answer[n_answer++] = x->text[i];
    x->answer[n_answer] = '\0';
    for (size_t i = 0; i < n; i++) {
        bool empty = TEXTS[ids[i]][0] == '\0' && ids[i] != EOS;
        x->token[i] = seen[i][REASON_LABEL_THINK] || (empty && x->inside[x->begin[i]])
                          ? REASON_LABEL_THINK
                      : seen[i][REASON_LABEL_ANSWER] ? REASON_LABEL_ANSWER
                                                     : REASON_LABEL_MARKUP;
        x->counts[x->token[i]]++;
    }
}

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

static bool has_tag(const char *text) {
    return strstr(text, "<think>") || strstr(text, "</think>");
}

static bool is_forcing(const run *r) {
    return r->t.queue_n[0] + r->t.queue_n[1] > 0;
}

static size_t tokens_left(const run *r) {
    return r->t.rules.room - r->n;
}

/* Tokens that the answer still has a right to. */
static size_t answer_need(const run *r) {
    size_t has = r->t.counts[REASON_LABEL_ANSWER], wants = r->t.rules.min_answer;
    return wants > has ? wants - has : 0;
}

static size_t reserved_text(const run *r) {
    return r->t.rules.close_text.n <= r->t.rules.budget ? r->t.rules.close_text.n : 0;
}

/* Whether n more tokens of thought fit the budget and the room. */
static bool fits(const run *r, size_t n_think, size_t n) {
    return n_think + n <= r->t.rules.budget &&
           n + r->t.rules.closing.n + answer_need(r) <= tokens_left(r);
}

/* What docs/THINKING.md says about drawing `id` here. */
static rsn_verdict expected_verdict(const run *r, int32_t id) {
    static reading now, next;
    const rsn_think_rules *rules = &r->t.rules;
    int32_t ids[MAX_RUN];
    memcpy(ids, r->ids, r->n * sizeof *ids);
    ids[r->n] = id;
    bool forced[MAX_RUN];
    memcpy(forced, r->forced, r->n * sizeof *forced);
    forced[r->n] = false;
    read_tokens(&now, ids, forced, r->n, rules);
    read_tokens(&next, ids, forced, r->n + 1, rules);
    bool on = rules->mode == REASON_THINK_ON, inside = now.inside[now.n];
    size_t thought = now.counts[REASON_LABEL_THINK],
           will = next.counts[REASON_LABEL_THINK];
    size_t opens = next.n_opened - now.n_opened, closes = next.n_closed - now.n_closed;
    bool waits = rules->wait.n > 0 && fits(r, thought, rules->wait.n + reserved_text(r));
    if (id == EOS && !inside)
        return RSN_END;
    if (id == EOS && on && thought == 0)
        return RSN_BAN;
    if (id == EOS && thought < rules->min_tokens && waits)
        return RSN_REPLACE;
    if (id == EOS)
        return on ? RSN_REPLACE : RSN_END;
    bool may_open = rules->mode != REASON_THINK_OFF && thought < rules->budget &&
                    2 + rules->closing.n + answer_need(r) <= tokens_left(r);
    if (has_tag(next.answer) || opens > 1 || (opens == 1 && (closes > 0 || !may_open)) ||
        (closes > 0 && on && will == 0))
        return RSN_BAN;
    if (closes > 0 && will < rules->min_tokens && waits)
        return RSN_REPLACE;
    bool goes_on = inside && next.inside[next.n];
    if (will > rules->budget || (goes_on && !fits(r, thought, 1 + reserved_text(r))))
        return RSN_REPLACE;
    return RSN_ACCEPT;
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
    assert_false(has_tag(x->answer));
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
    bool spent = !fits(r, thought, 1 + reserved_text(r));
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
        read_tokens(&x, r->ids, r->forced, r->n, &s->rules);
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

/* The budget of a model with this much room, as rules.c lowers it. */
static void lower_budget(rsn_think_rules *r) {
    size_t taken =
        r->closing.n + r->min_answer + (r->prompt_is_open ? 0 : COUNT(OPENING));
    size_t most = r->room > taken ? r->room - taken : 0;
    r->budget = r->budget < most ? r->budget : most;
}

static void search_all(rsn_think_rules rules, const int32_t *alphabet, size_t n_alphabet,
                       size_t depth) {
    search s = {rules, alphabet, n_alphabet, depth, 0, 0, 0};
    lower_budget(&s.rules);
    run *r = malloc(sizeof *r);
    assert_non_null(r);
    start(r, &s.rules);
    explore(&s, r, depth);
    rsn_think_free(&r->t);
    free(r);
    assert_true(s.n_seen > depth && s.n_banned > 0);
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

/* One rule set of a search; the rest is plain_rules(). */
typedef struct setup {
    reason_think_mode mode;
    size_t budget, min_tokens, min_answer, grace, room;
    const char *tail; /* NULL: the prompt has no open block */
    bool close_text, split;
} setup;

static rsn_think_rules rules_of(const setup *s) {
    rsn_think_rules r = plain_rules(s->mode, s->budget);
    r.min_tokens = s->min_tokens;
    r.min_answer = s->min_answer;
    r.grace = s->grace;
    r.room = s->room;
    r.wait = (rsn_ids){WAITING, s->min_tokens > 0};
    if (s->close_text)
        r.close_text = (rsn_ids){CLOSE_TEXT, COUNT(CLOSE_TEXT)};
    if (s->split)
        r.closing = (rsn_ids){SPLIT_CLOSING, COUNT(SPLIT_CLOSING)};
    if (s->tail) {
        r.prompt_is_open = true;
        r.prompt_tail = (rsn_text){s->tail, strlen(s->tail)};
        r.first_space_n = 0;
        r.first = s->mode == REASON_THINK_OFF ? r.closing : (rsn_ids){0};
    }
    return r;
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
        search_all(rules_of(&SETUPS[i]), ALPHABET, COUNT(ALPHABET), is_slow() ? 3 : 4);
}

static void test_decode_thinking_all__sequences_of_six(void **state) {
    (void)state;
    static const size_t chosen[] = {0, 1, 3, 15};
    for (size_t i = 0; i < COUNT(chosen); i++)
        search_all(rules_of(&SETUPS[chosen[i]]), ALPHABET, COUNT(ALPHABET),
                   is_slow() ? 3 : 6);
}

static void test_decode_thinking_all__sequences_of_odd_tokens(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(SETUPS); i++)
        search_all(rules_of(&SETUPS[i]), WIDE, COUNT(WIDE), is_slow() ? 2 : 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decode_thinking_all__short_sequences),
        cmocka_unit_test(test_decode_thinking_all__sequences_of_six),
        cmocka_unit_test(test_decode_thinking_all__sequences_of_odd_tokens),
    };
    return cmocka_run_group_tests_name("decode/thinking_all", tests, NULL, NULL);
}
