/* The thinking controller, driven with scripts of texts: every rule of docs/THINKING.md
 * has a case of its name. All short sequences are tried in test_thinking_all.c. */
#include "unit/decode/think_script.h"

/* --- steps of a script -------------------------------------------------------------- */

/* Pushes every token that must come now; returns how many. */
static size_t push_forced(run *r) {
    size_t n = 0;
    for (int32_t id; r->n < r->t.rules.room && rsn_think_forced(&r->t, &id); n++)
        push(r, id, true);
    return n;
}

/* Expects the forced tokens `ids` now, and no more. */
static void expect_forced(run *r, rsn_ids ids) {
    size_t from = r->n;
    assert_int_equal(push_forced(r), ids.n);
    assert_memory_equal(r->ids + from, ids.items, ids.n * sizeof *ids.items);
}

/* The model draws these, one by one, and each is taken. */
static void accept(run *r, rsn_ids ids) {
    for (size_t i = 0; i < ids.n; i++) {
        expect_forced(r, (rsn_ids){0});
        assert_int_equal(judge(r, ids.items[i]), RSN_ACCEPT);
        push(r, ids.items[i], false);
    }
}

static void expect_verdict(run *r, int32_t id, rsn_verdict verdict) {
    expect_forced(r, (rsn_ids){0});
    assert_int_equal(judge(r, id), verdict);
}

/* Ends the run: labels as a string of T, A and M. */
static void expect_labels(run *r, const char *labels) {
    char found[MAX_RUN + 1] = "";
    rsn_think_finish(&r->t);
    assert_int_equal(r->t.n_decided, r->n);
    for (size_t i = 0; i < r->n; i++)
        found[i] = "TAM"[rsn_think_label(&r->t, i)];
    assert_string_equal(found, labels);
    rsn_think_free(&r->t);
}

static void expect_text(const run *r, reason_label label, const char *text) {
    char found[MAX_BYTES] = "";
    size_t n = 0;
    for (size_t i = 0; i < r->n_text; i++)
        if (r->labels[i] == label)
            found[n++] = r->text[i];
    assert_string_equal(found, text);
}

/* --- modes -------------------------------------------------------------------------- */

static void test_decode_thinking__auto_forces_nothing(void **state) {
    (void)state;
    rsn_think_rules rules = plain_rules(REASON_THINK_AUTO, 50);
    run r;
    start(&r, &rules);
    accept(&r, IDS(A, A, B));
    expect_verdict(&r, EOS, RSN_END);
    push(&r, EOS, false);
    expect_text(&r, REASON_LABEL_ANSWER, "aab");
    expect_labels(&r, "AAAM");
}

static void test_decode_thinking__auto_block(void **state) {
    (void)state;
    rsn_think_rules rules = plain_rules(REASON_THINK_AUTO, 50);
    run r;
    start(&r, &rules);
    accept(&r, IDS(OPEN, NL, A, NL, CLOSE, NLNL, B));
    expect_text(&r, REASON_LABEL_THINK, "\na\n");
    expect_text(&r, REASON_LABEL_ANSWER, "b");
    expect_labels(&r, "MTTTMMA");
}

static void test_decode_thinking__on_forces_opener_and_its_space(void **state) {
    (void)state;
    rsn_think_rules rules = plain_rules(REASON_THINK_ON, 50);
    run r;
    start(&r, &rules);
    expect_forced(&r, IDS(OPEN, NL));
    accept(&r, IDS(A, CLOSE, NLNL, B));
    expect_text(&r, REASON_LABEL_THINK, "a");
    expect_labels(&r, "MMTMMA");
}

static void test_decode_thinking__on_forbids_close_until_one_think(void **state) {
    (void)state;
    rsn_think_rules rules = plain_rules(REASON_THINK_ON, 50);
    run r;
    start(&r, &rules);
    expect_forced(&r, IDS(OPEN, NL));
    expect_verdict(&r, CLOSE, RSN_BAN);
    accept(&r, IDS(LTS, THINK));
    expect_verdict(&r, GT, RSN_BAN); /* the same in three parts */
    accept(&r, IDS(A, CLOSE));
    expect_text(&r, REASON_LABEL_THINK, "</thinka");
    expect_labels(&r, "MMTTTM");
}

static void test_decode_thinking__on_has_no_empty_block(void **state) {
    (void)state;
    rsn_think_rules rules = plain_rules(REASON_THINK_ON, 1);
    run r;
    start(&r, &rules);
    expect_forced(&r, IDS(OPEN, NL));
    accept(&r, IDS(NL)); /* would be an empty block's, and is all there is room for */
    expect_forced(&r, IDS(CLOSE, NLNL));
    expect_text(&r, REASON_LABEL_THINK, "\n");
    expect_labels(&r, "MMTMM");
}

static void test_decode_thinking__on_end_of_text_needs_one_think(void **state) {
    (void)state;
    rsn_think_rules rules = plain_rules(REASON_THINK_ON, 50);
    run r;
    start(&r, &rules);
    expect_forced(&r, IDS(OPEN, NL));
    expect_verdict(&r, EOS, RSN_BAN);
    accept(&r, IDS(A));
    expect_verdict(&r, EOS, RSN_REPLACE);
    expect_forced(&r, IDS(CLOSE, NLNL));
    assert_int_equal(r.t.closed_by, RSN_CLOSE_NONE);
    expect_labels(&r, "MMTMM");
}

static void test_decode_thinking__on_open_prompt_needs_one_think(void **state) {
    (void)state;
    rsn_think_rules rules = plain_rules(REASON_THINK_ON, 50);
    rules.first = (rsn_ids){0};
    rules.first_space_n = 0;
    rules.prompt_is_open = true;
    rules.prompt_tail = (rsn_text){"\n", 1};
    run r;
    start(&r, &rules);
    expect_verdict(&r, CLOSE, RSN_BAN);
    expect_verdict(&r, EOS, RSN_BAN);
    accept(&r, IDS(NL, CLOSE, A));
    expect_labels(&r, "TMA");
}

/* A thought without text is one: blocks after it may be empty. */
static void test_decode_thinking__on_silent_thought_is_one(void **state) {
    (void)state;
    rsn_think_rules rules = plain_rules(REASON_THINK_ON, 50);
    run r;
    start(&r, &rules);
    expect_forced(&r, IDS(OPEN, NL));
    accept(&r, IDS(CONTROL, CLOSE, OPEN, NLNL, CLOSE, A));
    expect_labels(&r, "MMTMMMMA");
}

static void test_decode_thinking__off_is_an_empty_block(void **state) {
    (void)state;
    rsn_think_rules rules = plain_rules(REASON_THINK_OFF, 0);
    run r;
    start(&r, &rules);
    expect_forced(&r, IDS(OPEN, NLNL, CLOSE, NLNL));
    accept(&r, IDS(A));
    expect_verdict(&r, OPEN, RSN_BAN);
    expect_verdict(&r, CLOSE, RSN_BAN);
    accept(&r, IDS(LT, THINK));
    expect_verdict(&r, GT, RSN_BAN);
    expect_text(&r, REASON_LABEL_ANSWER, "a");
    expect_labels(&r, "MMMMAAA");
}

static void test_decode_thinking__off_closes_an_open_prompt(void **state) {
    (void)state;
    rsn_think_rules rules = plain_rules(REASON_THINK_OFF, 0);
    rules.first = IDS(NL, CLOSE, NLNL);
    rules.prompt_is_open = true;
    rules.prompt_tail = (rsn_text){"\n", 1};
    run r;
    start(&r, &rules);
    expect_forced(&r, IDS(NL, CLOSE, NLNL));
    accept(&r, IDS(A));
    expect_labels(&r, "MMMA");
}

/* --- what counts -------------------------------------------------------------------- */

static void test_decode_thinking__empty_block_is_markup(void **state) {
    (void)state;
    static const struct {
        int32_t ids[7];
        size_t n;
        const char *labels;
    } cases[] = {
        {{OPEN, NLNL, CLOSE, NLNL, A}, 5, "MMMMA"},
        {{OPEN, NL, NL, CLOSE, NL, NL, A}, 7, "MMMMMMA"},
        {{OPEN, CLOSE, NLNL, A}, 4, "MMMA"},
        {{OPEN, NLNL, LTS, THINK, GT, A}, 6, "MMMMMA"},
        {{OPEN, NL, CLOSE, A}, 4, "MTMA"}, /* not the template's */
        {{OPEN, NL, NLNL, CLOSE, A}, 5, "MTTMA"},
        {{OPEN, NLNL, A, CLOSE, A}, 5, "MTTMA"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        rsn_think_rules rules = plain_rules(REASON_THINK_AUTO, 20);
        run r;
        start(&r, &rules);
        accept(&r, (rsn_ids){cases[i].ids, cases[i].n});
        expect_labels(&r, cases[i].labels);
    }
}

static void test_decode_thinking__empty_block_after_forced_space(void **state) {
    (void)state;
    static const struct {
        const char *tail;
        int32_t ids[7];
        size_t n;
        const char *labels;
    } cases[] = {
        {"", {NLNL, CLOSE, A}, 3, "MMA"},
        {"\n", {NL, CLOSE, A}, 3, "MMA"},
        {"\n", {NLNL, CLOSE, A}, 3, "TMA"},
        {"\n\n", {CLOSE, A}, 2, "MA"},
        {"\n\n", {NL, CLOSE, A}, 3, "TMA"},
        {"so far", {NLNL, CLOSE, A}, 3, "TMA"}, /* not empty at all */
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        rsn_think_rules rules = plain_rules(REASON_THINK_AUTO, 20);
        rules.prompt_is_open = true;
        rules.prompt_tail = (rsn_text){cases[i].tail, strlen(cases[i].tail)};
        run r;
        start(&r, &rules);
        accept(&r, (rsn_ids){cases[i].ids, cases[i].n});
        expect_labels(&r, cases[i].labels);
    }
}

static void test_decode_thinking__every_block_counts(void **state) {
    (void)state;
    rsn_think_rules rules = plain_rules(REASON_THINK_AUTO, 3);
    run r;
    start(&r, &rules);
    accept(&r, IDS(OPEN, A, A, CLOSE, NLNL, B, OPEN, A));
    expect_forced(&r, IDS(CLOSE, NLNL));
    assert_int_equal(r.t.closed_by, RSN_CLOSE_BUDGET);
    expect_verdict(&r, OPEN, RSN_BAN); /* nothing is left for a third one */
    accept(&r, IDS(B));
    assert_int_equal(rsn_think_count(&r.t), 3);
    expect_labels(&r, "MTTMMAMTMMA");
}

static void test_decode_thinking__open_prompt_counts_at_once(void **state) {
    (void)state;
    rsn_think_rules rules = plain_rules(REASON_THINK_AUTO, 2);
    rules.prompt_is_open = true;
    rules.prompt_tail = (rsn_text){"\n", 1};
    run r;
    start(&r, &rules);
    assert_true(rsn_think_in_block(&r.t));
    accept(&r, IDS(A, B));
    expect_forced(&r, IDS(CLOSE, NLNL));
    expect_labels(&r, "TTMM");
}

static void test_decode_thinking__budget_zero_never_opens(void **state) {
    (void)state;
    rsn_think_rules rules = plain_rules(REASON_THINK_AUTO, 0);
    run r;
    start(&r, &rules);
    expect_verdict(&r, OPEN, RSN_BAN);
    expect_verdict(&r, OPEN_A_CLOSE, RSN_BAN);
    accept(&r, IDS(A, LT, THINK));
    expect_verdict(&r, GT, RSN_BAN);
    expect_labels(&r, "AAA");
}

static void test_decode_thinking__budget_zero_beats_on(void **state) {
    (void)state; /* rules.c makes OFF of it; the controller would keep to the budget
                    anyway */
    rsn_think_rules rules = plain_rules(REASON_THINK_ON, 0);
    run r;
    start(&r, &rules);
    expect_forced(&r, IDS(OPEN, NL, CLOSE, NLNL));
    accept(&r, IDS(A));
    expect_labels(&r, "MMMMA");
}

static void test_decode_thinking__budget_is_not_exceeded_by_one_token(void **state) {
    (void)state;
    for (size_t budget = 1; budget <= 3; budget++) {
        rsn_think_rules rules = plain_rules(REASON_THINK_AUTO, budget);
        run r;
        start(&r, &rules);
        accept(&r, IDS(OPEN));
        for (size_t i = 1; i < budget; i++)
            accept(&r, IDS(A));
        accept(&r, IDS(A_CLOSE_B)); /* the last thought, the tag and an answer at once */
        expect_verdict(&r, OPEN, RSN_BAN);
        assert_int_equal(r.t.counts[REASON_LABEL_THINK], budget);
        expect_text(&r, REASON_LABEL_ANSWER, "b");
        rsn_think_free(&r.t);
    }
}

static void test_decode_thinking__held_space_may_not_hide_a_thought(void **state) {
    (void)state; /* the space may be an empty block's; a thought behind it makes both
                    THINK */
    static const int32_t drawn[] = {A, A_CLOSE_B, NLNL, LTS};
    for (size_t i = 0; i < COUNT(drawn); i++) {
        rsn_think_rules rules = plain_rules(REASON_THINK_AUTO, 1);
        run r;
        start(&r, &rules);
        accept(&r, IDS(OPEN, NL));
        expect_verdict(&r, drawn[i], RSN_REPLACE);
        expect_forced(&r, IDS(CLOSE, NLNL));
        expect_labels(&r, "MTMM");
    }
}

static void test_decode_thinking__tokens_without_text_count_in_a_block(void **state) {
    (void)state;
    rsn_think_rules rules = plain_rules(REASON_THINK_AUTO, 3);
    run r;
    start(&r, &rules);
    accept(&r, IDS(CONTROL, OPEN, CONTROL, CONTROL, CONTROL));
    expect_forced(&r, IDS(CLOSE, NLNL));
    accept(&r, IDS(CONTROL, A));
    expect_labels(&r, "MMTTTMMMA");
}

static void test_decode_thinking__token_of_thought_and_answer_is_think(void **state) {
    (void)state;
    rsn_think_rules rules = plain_rules(REASON_THINK_AUTO, 1);
    run r;
    start(&r, &rules);
    accept(&r, IDS(OPEN, A_CLOSE_B));
    expect_text(&r, REASON_LABEL_THINK, "a");
    expect_text(&r, REASON_LABEL_ANSWER, "b");
    expect_labels(&r, "MT");
}

static void test_decode_thinking__held_answer_does_not_hide_a_thought(void **state) {
    (void)state; /* the first token is THINK, and its end may still begin a tag */
    rsn_think_rules rules = plain_rules(REASON_THINK_AUTO, 1);
    run r;
    start(&r, &rules);
    accept(&r, IDS(OPEN, A_CLOSE_LT));
    expect_verdict(&r, THINK_GT_A, RSN_BAN);
    accept(&r, IDS(A));
    expect_labels(&r, "MTA");
}

/* --- tags in parts ------------------------------------------------------------------ */

static void test_decode_thinking__tags_split_over_tokens(void **state) {
    (void)state;
    rsn_think_rules rules = plain_rules(REASON_THINK_AUTO, 50);
    run r;
    start(&r, &rules);
    accept(&r, IDS(LT, THINK, GT, A, LTS, THINK, GT, NL, NL, B));
    expect_text(&r, REASON_LABEL_THINK, "a");
    expect_text(&r, REASON_LABEL_ANSWER, "b");
    expect_labels(&r, "MMMTMMMMMA");
}

static void test_decode_thinking__tags_with_text_around(void **state) {
    (void)state;
    rsn_think_rules rules = plain_rules(REASON_THINK_AUTO, 50);
    run r;
    start(&r, &rules);
    accept(&r, IDS(X_LT, THINK_GT_A, A_CLOSE_B, A_OPEN_A, CLOSE_THIN, KGT_X));
    expect_text(&r, REASON_LABEL_ANSWER, "xbax");
    expect_text(&r, REASON_LABEL_THINK, "aaa");
    expect_labels(&r, "ATTTMA");
}

static void test_decode_thinking__half_a_tag_is_text(void **state) {
    (void)state;
    rsn_think_rules rules = plain_rules(REASON_THINK_AUTO, 50);
    run r;
    start(&r, &rules);
    accept(&r, IDS(LT, THINK, A, OPEN, LTS, THINK, A, CLOSE, LT));
    expect_labels(&r, "AAAMTTTMA");
    expect_text(&r, REASON_LABEL_ANSWER, "<thinka<");
    expect_text(&r, REASON_LABEL_THINK, "</thinka");
}

static void test_decode_thinking__held_text_at_the_end(void **state) {
    (void)state;
    rsn_think_rules rules = plain_rules(REASON_THINK_AUTO, 50);
    run r;
    start(&r, &rules);
    accept(&r, IDS(A, OPEN, NLNL)); /* might have been an empty block */
    expect_text(&r, REASON_LABEL_THINK, "");
    expect_labels(&r, "AMT");
}

static void test_decode_thinking__no_tag_in_answer(void **state) {
    (void)state;
    rsn_think_rules rules = plain_rules(REASON_THINK_AUTO, 50);
    run r;
    start(&r, &rules);
    expect_verdict(&r, CLOSE, RSN_BAN);
    accept(&r, IDS(LTS, THINK));
    expect_verdict(&r, GT, RSN_BAN);
    expect_verdict(&r, KGT_X, RSN_ACCEPT); /* "</thinkk>x" */
    accept(&r, IDS(A, CLOSE_THIN));
    expect_verdict(&r, KGT_X, RSN_BAN);
    accept(&r, IDS(A));
    expect_text(&r, REASON_LABEL_ANSWER, "</thinka</thina");
    expect_labels(&r, "AAAAA");
}

static void test_decode_thinking__no_tag_in_answer_across_a_block(void **state) {
    (void)state;
    rsn_think_rules rules = plain_rules(REASON_THINK_AUTO, 50);
    run r;
    start(&r, &rules);
    accept(&r, IDS(LTS, THIN, OPEN, A, CLOSE));
    expect_verdict(&r, KGT_X, RSN_BAN); /* "</thin" + "k>x" */
    accept(&r, IDS(A, OPEN_THIN, OPEN, A, CLOSE, NLNL));
    expect_verdict(&r, KGT_X, RSN_BAN); /* "<thin" + "k>x" */
    accept(&r, IDS(A));
    expect_text(&r, REASON_LABEL_ANSWER, "</thina<thina");
    expect_labels(&r, "AAMTMAAMTMMA");
}

static void test_decode_thinking__no_tag_in_answer_across_many_blocks(void **state) {
    (void)state;
    rsn_think_rules rules = plain_rules(REASON_THINK_AUTO, 50);
    run r;
    start(&r, &rules);
    accept(&r, IDS(LT, OPEN, A, CLOSE, THIN, OPEN, A, CLOSE));
    expect_verdict(&r, KGT_X, RSN_BAN); /* "<" + "thin" + "k>x" */
    expect_labels(&r, "AMTMAMTM");
}

static void test_decode_thinking__one_tag_a_token(void **state) {
    (void)state;
    rsn_think_rules rules = plain_rules(REASON_THINK_AUTO, 50);
    run r;
    start(&r, &rules);
    expect_verdict(&r, OPEN_OPEN, RSN_BAN);
    expect_verdict(&r, OPEN_A_CLOSE, RSN_BAN);
    accept(&r, IDS(OPEN, A));
    expect_verdict(&r, CLOSE_OPEN, RSN_BAN);
    expect_labels(&r, "MT");
}

static void test_decode_thinking__model_without_tags(void **state) {
    (void)state;
    rsn_think_rules rules = {.room = 20};
    run r;
    start(&r, &rules);
    accept(&r, IDS(OPEN, A, CLOSE, LT));
    expect_verdict(&r, EOS, RSN_END);
    expect_text(&r, REASON_LABEL_ANSWER, "<think>a</think><");
    expect_labels(&r, "AAAA");
}

/* --- how blocks close --------------------------------------------------------------- */

static void test_decode_thinking__budget_closes(void **state) {
    (void)state;
    for (size_t budget = 1; budget < 20; budget++) {
        rsn_think_rules rules = plain_rules(REASON_THINK_ON, budget);
        run r;
        start(&r, &rules);
        expect_forced(&r, IDS(OPEN, NL));
        for (size_t i = 0; i < budget; i++)
            accept(&r, IDS(A));
        expect_forced(&r, IDS(CLOSE, NLNL));
        assert_int_equal(r.t.counts[REASON_LABEL_THINK], budget);
        assert_int_equal(r.t.closed_by, RSN_CLOSE_BUDGET);
        rsn_think_free(&r.t);
    }
}

static void test_decode_thinking__closer_of_several_tokens(void **state) {
    (void)state;
    rsn_think_rules rules = plain_rules(REASON_THINK_AUTO, 3);
    rules.closing = (rsn_ids){SPLIT_CLOSING, COUNT(SPLIT_CLOSING)};
    run r;
    start(&r, &rules);
    accept(&r,
           IDS(OPEN, A, A, LTS)); /* the model begins a tag itself with its last token */
    expect_forced(&r, IDS(LTS, THINK, GT, NL, NL));
    accept(&r, IDS(B));
    expect_text(&r, REASON_LABEL_THINK, "aa</");
    expect_labels(&r, "MTTTMMMMMA");
}

static void test_decode_thinking__half_a_forced_closer_is_no_thought(void **state) {
    (void)state; /* a cancel may come between its tokens */
    rsn_think_rules rules = plain_rules(REASON_THINK_AUTO, 2);
    rules.closing = (rsn_ids){SPLIT_CLOSING, COUNT(SPLIT_CLOSING)};
    run r;
    start(&r, &rules);
    accept(&r, IDS(OPEN, A, LTS));
    for (int i = 0; i < 2; i++) {
        int32_t id = -1;
        assert_true(rsn_think_forced(&r.t, &id));
        push(&r, id, true);
    }
    expect_labels(&r, "MTTMM");
    expect_text(&r, REASON_LABEL_THINK, "a</");
    expect_text(&r, REASON_LABEL_MARKUP, "<think></think");
}

static void test_decode_thinking__closer_respelt_by_the_model(void **state) {
    (void)state;
    rsn_think_rules rules = plain_rules(REASON_THINK_AUTO, 20);
    rules.closing = (rsn_ids){SPLIT_CLOSING, COUNT(SPLIT_CLOSING)};
    run r;
    start(&r, &rules);
    accept(&r, IDS(OPEN, A, CLOSE_THIN, KGT_X));
    expect_labels(&r, "MTMA");
}

static void test_decode_thinking__close_text_is_think(void **state) {
    (void)state;
    rsn_think_rules rules = plain_rules(REASON_THINK_AUTO, 5);
    rules.close_text = (rsn_ids){CLOSE_TEXT, COUNT(CLOSE_TEXT)};
    run r;
    start(&r, &rules);
    accept(&r, IDS(OPEN, A, A, A)); /* room for the text's two is kept */
    expect_forced(&r, IDS(SO, END, CLOSE, NLNL));
    expect_text(&r, REASON_LABEL_THINK, "aaaSodone");
    expect_labels(&r, "MTTTTTMM");
}

static void test_decode_thinking__close_text_dropped_if_it_cannot_fit(void **state) {
    (void)state;
    rsn_think_rules rules = plain_rules(REASON_THINK_AUTO, 1);
    rules.close_text = (rsn_ids){CLOSE_TEXT, COUNT(CLOSE_TEXT)};
    run r;
    start(&r, &rules);
    accept(&r, IDS(OPEN, A));
    expect_forced(&r, IDS(CLOSE, NLNL));
    expect_labels(&r, "MTMM");
}

static void test_decode_thinking__close_text_not_written_twice_over_budget(void **state) {
    (void)state;
    rsn_think_rules rules = plain_rules(REASON_THINK_AUTO, 4);
    rules.close_text = (rsn_ids){CLOSE_TEXT, COUNT(CLOSE_TEXT)};
    run r;
    start(&r, &rules);
    accept(&r, IDS(OPEN, A, CLOSE, NLNL, B, OPEN, A));
    expect_forced(&r, IDS(SO, END, CLOSE, NLNL));
    assert_int_equal(r.t.counts[REASON_LABEL_THINK], 4);
    expect_labels(&r, "MTMMAMTTTMM");
}

static void test_decode_thinking__close_text_only_where_the_budget_closes(void **state) {
    (void)state;
    rsn_think_rules rules = plain_rules(REASON_THINK_ON, 20);
    rules.close_text = (rsn_ids){CLOSE_TEXT, COUNT(CLOSE_TEXT)};
    run r;
    start(&r, &rules);
    expect_forced(&r, IDS(OPEN, NL));
    accept(&r, IDS(A));
    expect_verdict(&r, EOS, RSN_REPLACE);
    expect_forced(&r, IDS(CLOSE, NLNL));
    expect_labels(&r, "MMTMM");
}

static void test_decode_thinking__grace_closes_at_a_sentence_end(void **state) {
    (void)state;
    rsn_think_rules rules = plain_rules(REASON_THINK_AUTO, 6);
    rules.grace = 3;
    run r;
    start(&r, &rules);
    accept(&r, IDS(OPEN, A, DOT, A)); /* the first sentence ends too early */
    expect_verdict(&r, DOT, RSN_ACCEPT);
    rsn_think_free(&r.t);
    start(&r, &rules);
    accept(&r, IDS(OPEN, A, A, DOT));
    expect_forced(&r, IDS(CLOSE, NLNL));
    assert_int_equal(r.t.closed_by, RSN_CLOSE_BUDGET);
    expect_labels(&r, "MTTTMM");
}

static void test_decode_thinking__grace_waits_for_a_tag_that_began(void **state) {
    (void)state;
    rsn_think_rules rules = plain_rules(REASON_THINK_AUTO, 8);
    rules.grace = 6;
    run r;
    start(&r, &rules);
    accept(&r, IDS(OPEN, DOT, LTS, THINK, GT, A)); /* the model closes it by itself */
    assert_int_equal(r.t.closed_by, RSN_CLOSE_NONE);
    expect_labels(&r, "MTMMMA");
    start(&r, &rules);
    accept(&r, IDS(OPEN, A, A));
    accept(&r, IDS(SENTENCE, A)); /* "no. " does not end with a sentence's end */
    expect_labels(&r, "MTTTT");
}

static void test_decode_thinking__grace_zero_is_none(void **state) {
    (void)state;
    rsn_think_rules rules = plain_rules(REASON_THINK_AUTO, 4);
    run r;
    start(&r, &rules);
    accept(&r, IDS(OPEN, DOT, DOT, DOT, DOT));
    expect_forced(&r, IDS(CLOSE, NLNL));
    expect_labels(&r, "MTTTTMM");
}

static void test_decode_thinking__budget_close_is_remembered(void **state) {
    (void)state; /* a later end of text in another block does not hide it */
    rsn_think_rules rules = plain_rules(REASON_THINK_ON, 8);
    rules.grace = 7;
    run r;
    start(&r, &rules);
    expect_forced(&r, IDS(OPEN, NL));
    accept(&r, IDS(DOT));
    expect_forced(&r, IDS(CLOSE, NLNL));
    accept(&r, IDS(A, OPEN, A));
    expect_verdict(&r, EOS, RSN_REPLACE);
    expect_forced(&r, IDS(CLOSE, NLNL));
    assert_int_equal(r.t.closed_by, RSN_CLOSE_BUDGET);
    expect_labels(&r, "MMTMMAMTMM");
}

/* --- early closes and ends ---------------------------------------------------------- */

static void test_decode_thinking__min_tokens_waits(void **state) {
    (void)state;
    rsn_think_rules rules = plain_rules(REASON_THINK_AUTO, 20);
    rules.min_tokens = 4;
    rules.wait = (rsn_ids){WAITING, 1};
    run r;
    start(&r, &rules);
    accept(&r, IDS(OPEN, A));
    expect_verdict(&r, CLOSE, RSN_REPLACE);
    expect_forced(&r, IDS(WAIT));
    accept(&r, IDS(A));
    expect_verdict(&r, A_CLOSE_B, RSN_ACCEPT); /* with its thought it is the fourth */
    expect_verdict(&r, CLOSE, RSN_REPLACE);
    expect_forced(&r, IDS(WAIT));
    accept(&r, IDS(CLOSE, B));
    expect_text(&r, REASON_LABEL_THINK, "aWaitaWait");
    expect_labels(&r, "MTTTTMA");
}

static void test_decode_thinking__min_tokens_counts_thought_not_tags(void **state) {
    (void)state; /* the tag's own parts do not make a close late enough */
    rsn_think_rules rules = plain_rules(REASON_THINK_AUTO, 20);
    rules.min_tokens = 3;
    rules.wait = (rsn_ids){WAITING, 1};
    run r;
    start(&r, &rules);
    accept(&r, IDS(OPEN, A, LTS, THINK));
    expect_verdict(&r, GT, RSN_REPLACE);
    expect_forced(&r, IDS(WAIT));
    accept(&r, IDS(CLOSE));
    expect_labels(&r, "MTTTTM");
}

static void test_decode_thinking__min_tokens_within_the_budget(void **state) {
    (void)state;
    rsn_think_rules rules = plain_rules(REASON_THINK_AUTO, 3);
    rules.min_tokens = 50;
    rules.wait = (rsn_ids){WAITING, 1};
    run r;
    start(&r, &rules);
    accept(&r, IDS(OPEN));
    for (int i = 0; i < 3; i++) {
        expect_verdict(&r, CLOSE, RSN_REPLACE);
        push_forced(&r);
    }
    expect_labels(&r, "MTTTMM"); /* three waits, then the budget */
}

static void test_decode_thinking__min_tokens_without_wait_text(void **state) {
    (void)state;
    rsn_think_rules rules = plain_rules(REASON_THINK_AUTO, 20);
    rules.min_tokens = 5;
    run r;
    start(&r, &rules);
    accept(&r, IDS(OPEN, A, CLOSE));
    expect_labels(&r, "MTM");
}

static void test_decode_thinking__end_of_text_in_a_block(void **state) {
    (void)state;
    rsn_think_rules rules = plain_rules(REASON_THINK_AUTO, 20);
    run r;
    start(&r, &rules);
    accept(&r, IDS(OPEN, A));
    expect_verdict(&r, EOS, RSN_END); /* AUTO: as the model decides */
    push(&r, EOS, false);
    expect_labels(&r, "MTM");

    rules.min_tokens = 3; /* an early end is an early close */
    rules.wait = (rsn_ids){WAITING, 1};
    start(&r, &rules);
    accept(&r, IDS(OPEN, A));
    expect_verdict(&r, EOS, RSN_REPLACE);
    expect_forced(&r, IDS(WAIT));
    accept(&r, IDS(A));
    expect_verdict(&r, EOS, RSN_END);
    expect_labels(&r, "MTTT");
}

/* --- room --------------------------------------------------------------------------- */

static void test_decode_thinking__min_answer_is_kept(void **state) {
    (void)state;
    for (size_t min_answer = 0; min_answer <= 5; min_answer++) {
        rsn_think_rules rules = plain_rules(REASON_THINK_AUTO, 50);
        rules.room = 12;
        rules.min_answer = min_answer;
        run r;
        start(&r, &rules);
        accept(&r, IDS(OPEN));
        while (push_forced(&r) == 0)
            accept(&r, IDS(A));
        assert_int_equal(r.n, 12 - min_answer);
        assert_int_equal(r.t.closed_by, RSN_CLOSE_BUDGET);
        assert_int_equal(r.t.counts[REASON_LABEL_THINK], 12 - min_answer - 3);
        rsn_think_free(&r.t);
    }
}

static void
test_decode_thinking__answer_before_a_block_counts_for_min_answer(void **state) {
    (void)state;
    rsn_think_rules rules = plain_rules(REASON_THINK_AUTO, 50);
    rules.room = 10;
    rules.min_answer = 4;
    run r;
    start(&r, &rules);
    accept(&r, IDS(A, A, A, OPEN));
    while (push_forced(&r) == 0)
        accept(&r, IDS(A));
    assert_int_equal(10 - r.n, 1);
    rsn_think_free(&r.t);
}

static void test_decode_thinking__opener_needs_room(void **state) {
    (void)state; /* tag, one thought, closing tag with its space, answer */
    rsn_think_rules rules = plain_rules(REASON_THINK_AUTO, 50);
    rules.min_answer = 2;
    rules.room = 1 + 1 + 2 + 2;
    run r;
    start(&r, &rules);
    accept(&r, IDS(OPEN, A));
    expect_forced(&r, IDS(CLOSE, NLNL));
    rsn_think_free(&r.t);
    rules.room--;
    start(&r, &rules);
    expect_verdict(&r, OPEN, RSN_BAN);
    accept(&r, IDS(A, A));
    expect_verdict(&r, OPEN, RSN_BAN); /* three left, and the answer has had its two */
    rsn_think_free(&r.t);
}

/* --- memory ------------------------------------------------------------------------- */

static size_t n_calls, fail_at;

static void *count_alloc(void *user, size_t n) {
    (void)user;
    return ++n_calls == fail_at ? NULL : malloc(n);
}

static void *count_resize(void *user, void *p, size_t n) {
    (void)user;
    return ++n_calls == fail_at ? NULL : realloc(p, n);
}

static void count_release(void *user, void *p) {
    (void)user;
    free(p);
}

/* The whole of a generation; NO_MEMORY where an allocation failed. */
static reason_status run_script(run *r, const rsn_think_rules *rules) {
    static const int32_t script[] = {LT, THINK, GT, A, A, LTS, THINK, GT, NL, B, LT};
    memset(r, 0, sizeof *r);
    reason_status status = rsn_think_init(&r->t, rules, on_span, r);
    for (size_t i = 0; i < COUNT(script) && status == REASON_OK; i++) {
        int32_t id = script[i];
        rsn_verdict verdict = RSN_ACCEPT;
        if (!rsn_think_forced(&r->t, &id))
            verdict = rsn_think_judge(&r->t, text_of(id), false, &status);
        if (status == REASON_OK && verdict == RSN_ACCEPT)
            status = rsn_think_push(&r->t, text_of(id), false);
    }
    rsn_think_free(&r->t);
    return status;
}

static void test_decode_thinking__every_allocation_may_fail(void **state) {
    (void)state;
    reason_allocator hooks = {sizeof hooks, count_alloc, count_resize, count_release,
                              NULL};
    rsn_think_rules rules = plain_rules(REASON_THINK_AUTO, 50);
    static run r;
    assert_int_equal(rsn_alloc_set(&hooks), REASON_OK);
    n_calls = fail_at = 0;
    assert_int_equal(run_script(&r, &rules), REASON_OK);
    size_t total = n_calls;
    assert_true(total > 0);
    for (size_t i = 1; i <= total; i++) {
        n_calls = 0;
        fail_at = i;
        assert_int_equal(run_script(&r, &rules), REASON_ERR_NO_MEMORY);
    }
    assert_int_equal(rsn_alloc_set(NULL), REASON_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decode_thinking__auto_forces_nothing),
        cmocka_unit_test(test_decode_thinking__auto_block),
        cmocka_unit_test(test_decode_thinking__on_forces_opener_and_its_space),
        cmocka_unit_test(test_decode_thinking__on_forbids_close_until_one_think),
        cmocka_unit_test(test_decode_thinking__on_has_no_empty_block),
        cmocka_unit_test(test_decode_thinking__on_end_of_text_needs_one_think),
        cmocka_unit_test(test_decode_thinking__on_open_prompt_needs_one_think),
        cmocka_unit_test(test_decode_thinking__on_silent_thought_is_one),
        cmocka_unit_test(test_decode_thinking__off_is_an_empty_block),
        cmocka_unit_test(test_decode_thinking__off_closes_an_open_prompt),
        cmocka_unit_test(test_decode_thinking__empty_block_is_markup),
        cmocka_unit_test(test_decode_thinking__empty_block_after_forced_space),
        cmocka_unit_test(test_decode_thinking__every_block_counts),
        cmocka_unit_test(test_decode_thinking__open_prompt_counts_at_once),
        cmocka_unit_test(test_decode_thinking__budget_zero_never_opens),
        cmocka_unit_test(test_decode_thinking__budget_zero_beats_on),
        cmocka_unit_test(test_decode_thinking__budget_is_not_exceeded_by_one_token),
        cmocka_unit_test(test_decode_thinking__held_space_may_not_hide_a_thought),
        cmocka_unit_test(test_decode_thinking__tokens_without_text_count_in_a_block),
        cmocka_unit_test(test_decode_thinking__token_of_thought_and_answer_is_think),
        cmocka_unit_test(test_decode_thinking__held_answer_does_not_hide_a_thought),
        cmocka_unit_test(test_decode_thinking__tags_split_over_tokens),
        cmocka_unit_test(test_decode_thinking__tags_with_text_around),
        cmocka_unit_test(test_decode_thinking__half_a_tag_is_text),
        cmocka_unit_test(test_decode_thinking__held_text_at_the_end),
        cmocka_unit_test(test_decode_thinking__no_tag_in_answer),
        cmocka_unit_test(test_decode_thinking__no_tag_in_answer_across_a_block),
        cmocka_unit_test(test_decode_thinking__no_tag_in_answer_across_many_blocks),
        cmocka_unit_test(test_decode_thinking__one_tag_a_token),
        cmocka_unit_test(test_decode_thinking__model_without_tags),
        cmocka_unit_test(test_decode_thinking__budget_closes),
        cmocka_unit_test(test_decode_thinking__closer_of_several_tokens),
        cmocka_unit_test(test_decode_thinking__half_a_forced_closer_is_no_thought),
        cmocka_unit_test(test_decode_thinking__closer_respelt_by_the_model),
        cmocka_unit_test(test_decode_thinking__close_text_is_think),
        cmocka_unit_test(test_decode_thinking__close_text_dropped_if_it_cannot_fit),
        cmocka_unit_test(test_decode_thinking__close_text_not_written_twice_over_budget),
        cmocka_unit_test(test_decode_thinking__close_text_only_where_the_budget_closes),
        cmocka_unit_test(test_decode_thinking__grace_closes_at_a_sentence_end),
        cmocka_unit_test(test_decode_thinking__grace_waits_for_a_tag_that_began),
        cmocka_unit_test(test_decode_thinking__grace_zero_is_none),
        cmocka_unit_test(test_decode_thinking__budget_close_is_remembered),
        cmocka_unit_test(test_decode_thinking__min_tokens_waits),
        cmocka_unit_test(test_decode_thinking__min_tokens_counts_thought_not_tags),
        cmocka_unit_test(test_decode_thinking__min_tokens_within_the_budget),
        cmocka_unit_test(test_decode_thinking__min_tokens_without_wait_text),
        cmocka_unit_test(test_decode_thinking__end_of_text_in_a_block),
        cmocka_unit_test(test_decode_thinking__min_answer_is_kept),
        cmocka_unit_test(
            test_decode_thinking__answer_before_a_block_counts_for_min_answer),
        cmocka_unit_test(test_decode_thinking__opener_needs_room),
        cmocka_unit_test(test_decode_thinking__every_allocation_may_fail),
    };
    return cmocka_run_group_tests_name("decode/thinking", tests, NULL, NULL);
}
