/* The tree of prefixes against a list of all token sequences that were kept. What a found
 * timeline's cache holds is read back: its keys are token ids. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "decode/prefixes.h"
#include "support/heap.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { CONTEXT = 400, MOST = 64 };

static const rsn_hparams HP = {.n_layers = 1, .n_heads_kv = 1, .head_dim = 2};

static uint64_t random_state = 1;

static size_t random_below(size_t n) {
    random_state = random_state * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (size_t)(random_state >> 33) % n;
}

static int32_t *key_at(const rsn_kv *kv, size_t position) {
    char *keys = rsn_kv_at(kv, position / RSN_KV_BLOCK, 0, false, 0);
    return (int32_t *)(void *)(keys + position % RSN_KV_BLOCK * 2 * sizeof(float));
}

static void begin(rsn_timeline *line) {
    assert_int_equal(
        rsn_timeline_init(line, &HP, CONTEXT, rsn_type_info_get(RSN_TYPE_F32)),
        REASON_OK);
}

/* What a forward pass would do. */
static void run(rsn_timeline *line, const int32_t *tokens, size_t n) {
    assert_int_equal(rsn_timeline_add(line, tokens, n), REASON_OK);
    assert_int_equal(rsn_timeline_reserve(line, line->n), REASON_OK);
    for (; line->kv.n < line->n; line->kv.n++)
        *key_at(&line->kv, line->kv.n) = line->tokens[line->kv.n];
}

static void expect_tokens(const rsn_timeline *line, const int32_t *tokens, size_t n) {
    assert_int_equal(line->n, n);
    assert_int_equal(line->kv.n, n);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(line->tokens[i], tokens[i]);
        assert_int_equal(*key_at(&line->kv, i), tokens[i]);
    }
}

typedef struct text {
    int32_t tokens[CONTEXT];
    size_t n;
} text;

/* Often a part of one that was there before, with another end. */
static void make_text(text *t, const text *others, size_t n_others) {
    size_t same = 0;
    t->n = 1 + random_below(CONTEXT - 1);
    if (n_others > 0 && random_below(4) > 0) {
        const text *other = &others[random_below(n_others)];
        same = random_below((other->n < t->n ? other->n : t->n) + 1);
        memcpy(t->tokens, other->tokens, same * sizeof *t->tokens);
    }
    for (size_t i = same; i < t->n; i++)
        t->tokens[i] = (int32_t)random_below(2);
}

static size_t longest_match(const text *kept, size_t n_kept, const text *t) {
    size_t best = 0;
    for (size_t k = 0; k < n_kept; k++) {
        size_t i = 0;
        while (i < t->n && i < kept[k].n && kept[k].tokens[i] == t->tokens[i])
            i++;
        best = i > best ? i : best;
    }
    return best;
}

static text kept[MOST];

static void test_decode_prefixes__as_a_list(void **state) {
    (void)state;
    for (int round = 0; round < 40; round++) {
        rsn_prefixes p = {0};
        for (size_t k = 0; k < MOST; k++) {
            text *t = &kept[k];
            rsn_timeline line;
            make_text(t, kept, k);
            size_t wanted = longest_match(kept, k, t);
            assert_int_equal(rsn_prefixes_match(&p, t->tokens, t->n), wanted);
            begin(&line);
            assert_int_equal(rsn_prefixes_find(&p, t->tokens, t->n, &line), REASON_OK);
            expect_tokens(&line, t->tokens, wanted);
            run(&line, t->tokens + wanted, t->n - wanted);
            expect_tokens(&line, t->tokens, t->n);
            /* Sometimes only a part is worth keeping. */
            t->n = random_below(3) > 0 ? t->n : random_below(t->n) + 1;
            assert_int_equal(rsn_prefixes_keep(&p, &line, t->n), REASON_OK);
            rsn_timeline_free(&line);
        }
        for (size_t k = 0; k < MOST; k++) { /* nobody wrote into another's block */
            rsn_timeline line;
            begin(&line);
            assert_int_equal(rsn_prefixes_find(&p, kept[k].tokens, kept[k].n, &line),
                             REASON_OK);
            expect_tokens(&line, kept[k].tokens, kept[k].n);
            rsn_timeline_free(&line);
        }
        rsn_prefixes_free(&p);
        assert_int_equal(p.n, 0);
    }
}

static void keep_new(rsn_prefixes *p, int32_t first, size_t n) {
    int32_t tokens[CONTEXT];
    rsn_timeline line;
    for (size_t i = 0; i < n; i++)
        tokens[i] = first;
    begin(&line);
    assert_int_equal(rsn_prefixes_find(p, tokens, n, &line), REASON_OK);
    run(&line, tokens + line.n, n - line.n);
    assert_int_equal(rsn_prefixes_keep(p, &line, n), REASON_OK);
    rsn_timeline_free(&line);
}

static size_t match_of(const rsn_prefixes *p, int32_t token) {
    int32_t tokens[CONTEXT];
    for (size_t i = 0; i < CONTEXT; i++)
        tokens[i] = token;
    return rsn_prefixes_match(p, tokens, CONTEXT);
}

static void test_decode_prefixes__the_oldest_leaf_goes_first(void **state) {
    (void)state;
    rsn_prefixes p = {0};
    keep_new(&p, 1, 150);
    keep_new(&p, 2, 70);
    keep_new(&p, 3, 60);
    assert_int_equal(p.n, 3 + 2 + 1);
    keep_new(&p, 1, 64); /* used again: its first block, which has others behind it */
    assert_true(rsn_prefixes_drop(&p));
    assert_int_equal(match_of(&p, 1), 128);
    assert_true(rsn_prefixes_drop(&p));
    assert_int_equal(match_of(&p, 1), 64);
    assert_true(rsn_prefixes_drop(&p));
    assert_int_equal(match_of(&p, 2), 64);
    assert_true(rsn_prefixes_drop(&p));
    assert_int_equal(match_of(&p, 2), 0);
    assert_true(rsn_prefixes_drop(&p));
    assert_int_equal(match_of(&p, 3), 0);
    assert_int_equal(match_of(&p, 1), 64);
    assert_true(rsn_prefixes_drop(&p));
    assert_false(rsn_prefixes_drop(&p));
    assert_int_equal(p.n, 0);
}

static void test_decode_prefixes__what_is_in_use_stays(void **state) {
    (void)state;
    rsn_prefixes p = {0};
    rsn_timeline line;
    int32_t tokens[100];
    for (size_t i = 0; i < COUNT(tokens); i++)
        tokens[i] = 7;
    keep_new(&p, 7, 100);
    begin(&line);
    assert_int_equal(rsn_prefixes_find(&p, tokens, COUNT(tokens), &line), REASON_OK);
    assert_int_equal(rsn_kv_n_own(&line.kv), 0);
    assert_int_equal(rsn_kv_missing(&line.kv, 101), 1); /* a copy to write into */
    assert_int_equal(rsn_kv_missing(&line.kv, 129), 2);
    assert_false(rsn_prefixes_drop(&p));
    run(&line, tokens, 1);
    assert_int_equal(rsn_kv_n_own(&line.kv), 1);
    assert_int_equal(rsn_kv_missing(&line.kv, 128), 0);
    assert_true(rsn_prefixes_drop(&p)); /* it went on in its own copy */
    assert_false(rsn_prefixes_drop(&p));
    rsn_timeline_free(&line);
    assert_true(rsn_prefixes_drop(&p));
}

static void test_decode_prefixes__every_allocation_may_fail(void **state) {
    (void)state;
    int32_t tokens[200] = {0};
    counted_heap heap;
    reason_status status = REASON_ERR_NO_MEMORY;
    size_t fail_at = 1;
    for (; status == REASON_ERR_NO_MEMORY; fail_at++) {
        rsn_prefixes p = {0};
        rsn_timeline line, found;
        heap_begin(&heap, 0, false);
        begin(&line);
        begin(&found);
        run(&line, tokens, COUNT(tokens));
        heap.fail_at = heap.n_calls + fail_at;
        status = rsn_prefixes_keep(&p, &line, line.n);
        if (status == REASON_OK)
            status = rsn_prefixes_find(&p, tokens, COUNT(tokens), &found);
        assert_int_equal(found.kv.n, status == REASON_OK ? 200 : 0);
        rsn_timeline_free(&line);
        rsn_timeline_free(&found);
        rsn_prefixes_free(&p);
        assert_int_equal(heap.alive, 0);
        heap_end();
    }
    assert_int_equal(status, REASON_OK);
    assert_true(fail_at > 5);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decode_prefixes__as_a_list),
        cmocka_unit_test(test_decode_prefixes__the_oldest_leaf_goes_first),
        cmocka_unit_test(test_decode_prefixes__what_is_in_use_stays),
        cmocka_unit_test(test_decode_prefixes__every_allocation_may_fail),
    };
    return cmocka_run_group_tests_name("decode_prefixes", tests, NULL, NULL);
}
