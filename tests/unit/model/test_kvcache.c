/* The cache of keys and values: layout, room, forks that share blocks until one side
 * writes. */
#include "support.h"

#include "kernels/attention.h"
#include "model/kvcache.h"

static rsn_hparams make_sizes(size_t n_layers, size_t n_heads_kv, size_t head_dim) {
    return (rsn_hparams){.n_layers = n_layers,
                         .n_heads = n_heads_kv,
                         .n_heads_kv = n_heads_kv,
                         .head_dim = head_dim,
                         .n_rot = head_dim};
}

/* Every head of every layer has bytes of its own, and together they are the block. */
static void check_layout(reason_kv_type kind, size_t dim, size_t row_bytes) {
    const rsn_hparams hp = make_sizes(3, 5, dim);
    const rsn_type_info *type = rsn_kv_type(kind);
    rsn_kv kv;
    size_t at = 0;
    check_ok(rsn_kv_init(&kv, &hp, 1000, type));
    assert_int_equal(rsn_kv_bytes(&kv), 0);
    check_ok(rsn_kv_reserve(&kv, 65));
    assert_int_equal(kv.n, 0);
    assert_int_equal(kv.n_blocks, 2);
    assert_int_equal(rsn_kv_position_bytes(&hp, type), 3 * 2 * 5 * row_bytes);
    assert_int_equal(kv.block_bytes, 64 * 3 * 2 * 5 * row_bytes);
    assert_int_equal(rsn_kv_bytes(&kv), 2 * kv.block_bytes);
    const char *first = rsn_kv_at(&kv, 1, 0, false, 0);
    assert_int_equal((uintptr_t)first % 64, 0);
    for (size_t layer = 0; layer < 3; layer++)
        for (int value = 0; value < 2; value++)
            for (size_t head = 0; head < 5; head++, at += 64 * row_bytes)
                assert_ptr_equal(rsn_kv_at(&kv, 1, layer, value, head), first + at);
    assert_int_equal(at, kv.block_bytes);
    rsn_kv_free(&kv);
}

static void test_model_kvcache__layout(void **state) {
    (void)state;
    check_layout(REASON_KV_F32, 7, 28);
    check_layout(REASON_KV_F16, 7, 14);
    check_layout(REASON_KV_Q8_0, 64, 68);
    check_layout(REASON_KV_Q4_0, 96, 54);
}

static void test_model_kvcache__types(void **state) {
    (void)state;
    rsn_kv kv;
    const rsn_hparams hp = make_sizes(1, 1, 48);
    assert_null(rsn_kv_type((reason_kv_type)-1));
    assert_null(rsn_kv_type((reason_kv_type)4));
    assert_int_equal(rsn_kv_init(&kv, &hp, 10, rsn_kv_type(REASON_KV_Q4_0)),
                     REASON_ERR_MISMATCH);
    check_said((const char *const[]){"Q4_0", "48", "32", NULL});
    for (int kind = REASON_KV_F16; kind <= REASON_KV_Q4_0; kind++)
        assert_true(rsn_attention_takes(rsn_kv_type((reason_kv_type)kind)->type));
}

static void test_model_kvcache__room(void **state) {
    (void)state;
    const rsn_hparams hp = make_sizes(1, 1, 2);
    rsn_kv kv;
    check_ok(rsn_kv_init(&kv, &hp, 130, rsn_kv_type(REASON_KV_F16)));
    static const size_t sizes[] = {0, 1, 64, 65, 64, 128, 129, 130};
    static const size_t blocks[] = {0, 1, 1, 2, 2, 2, 3, 3};
    for (size_t i = 0; i < COUNT(sizes); i++) {
        check_ok(rsn_kv_reserve(&kv, sizes[i]));
        assert_int_equal(kv.n_blocks, blocks[i]);
    }
    assert_int_equal(rsn_kv_reserve(&kv, 131), REASON_ERR_CONTEXT_FULL);
    check_said((const char *const[]){"131", "130", NULL});
    assert_int_equal(rsn_kv_reserve(&kv, SIZE_MAX), REASON_ERR_CONTEXT_FULL);
    assert_int_equal(kv.n_blocks, 3);
    rsn_kv_free(&kv);
    assert_int_equal(rsn_kv_bytes(&kv), 0);
}

static void test_model_kvcache__fork_shares(void **state) {
    (void)state;
    const rsn_hparams hp = make_sizes(1, 1, 4);
    static const struct {
        size_t n, copied; /* positions held; blocks that one more position costs a fork */
    } cases[] = {{0, 0}, {1, 1}, {63, 1}, {64, 0}, {65, 1}, {128, 0}, {200, 1}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        counted_heap heap;
        rsn_kv kv, fork;
        size_t n = cases[i].n, n_blocks = (n + 63) / 64;
        heap_begin(&heap, 0, false);
        check_ok(rsn_kv_init(&kv, &hp, 1000, rsn_kv_type(REASON_KV_F32)));
        check_ok(rsn_kv_reserve(&kv, n + 300)); /* more than is held: not shared */
        kv.n = n;
        check_ok(rsn_kv_fork(&kv, &fork));
        assert_int_equal(fork.n, n);
        assert_int_equal(fork.n_blocks, n_blocks);
        assert_int_equal(rsn_kv_bytes(&fork), n_blocks * kv.block_bytes);
        for (size_t b = 0; b < n_blocks; b++)
            assert_ptr_equal(rsn_kv_at(&fork, b, 0, true, 0),
                             rsn_kv_at(&kv, b, 0, true, 0));
        check_ok(rsn_kv_reserve(&fork, n + 1));
        size_t differ = 0;
        for (size_t b = 0; b < n_blocks; b++)
            differ += rsn_kv_at(&fork, b, 0, true, 0) != rsn_kv_at(&kv, b, 0, true, 0);
        assert_int_equal(differ, cases[i].copied);
        /* The last owner of a block needs no copy any more. */
        const void *last = n ? rsn_kv_at(&kv, n_blocks - 1, 0, false, 0) : NULL;
        rsn_kv_free(&fork);
        check_ok(rsn_kv_reserve(&kv, n + 1));
        if (n)
            assert_ptr_equal(rsn_kv_at(&kv, n_blocks - 1, 0, false, 0), last);
        rsn_kv_free(&kv);
        heap_end();
        assert_int_equal(heap.alive, 0);
    }
}

/* Cut back below what a fork shares: every block from there on has to be copied. */
static void test_model_kvcache__truncated_fork(void **state) {
    (void)state;
    const rsn_hparams hp = make_sizes(1, 1, 4);
    rsn_kv kv, fork;
    check_ok(rsn_kv_init(&kv, &hp, 1000, rsn_kv_type(REASON_KV_F32)));
    check_ok(rsn_kv_reserve(&kv, 300));
    kv.n = 300;
    check_ok(rsn_kv_fork(&kv, &fork));
    kv.n = 100;
    check_ok(rsn_kv_reserve(&kv, 260));
    for (size_t b = 0; b < 5; b++) {
        bool shared = rsn_kv_at(&kv, b, 0, false, 0) == rsn_kv_at(&fork, b, 0, false, 0);
        assert_int_equal(shared, b == 0);
    }
    rsn_kv_free(&kv);
    rsn_kv_free(&fork);
}

/* --- random lives of several caches against plain arrays ---------------------------- */

enum { MOST_KV = 6, MOST_POSITIONS = 400, N_STEPS = 3000 };

typedef struct timeline {
    bool live;
    rsn_kv kv;
    float wanted[MOST_POSITIONS];
} timeline;

static uint64_t draw(uint64_t *seed) {
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *seed >> 33;
}

static float *slot(const rsn_kv *kv, size_t position, bool value) {
    float *head = rsn_kv_at(kv, position / 64, value ? 1 : 0, value, value ? 1 : 0);
    return head + position % 64 * 3 + (value ? 2 : 0);
}

static void append(timeline *t, size_t n, float *next) {
    size_t end = t->kv.n + n;
    if (end > MOST_POSITIONS) {
        assert_int_equal(rsn_kv_reserve(&t->kv, end), REASON_ERR_CONTEXT_FULL);
        return;
    }
    check_ok(rsn_kv_reserve(&t->kv, end));
    for (; t->kv.n < end; t->kv.n++) {
        t->wanted[t->kv.n] = *next;
        *slot(&t->kv, t->kv.n, false) = *next;
        *slot(&t->kv, t->kv.n, true) = -*next;
        ++*next;
    }
}

static void check_all(const timeline *all) {
    for (size_t i = 0; i < MOST_KV; i++)
        for (size_t p = 0; all[i].live && p < all[i].kv.n; p++) {
            assert_true(*slot(&all[i].kv, p, false) == all[i].wanted[p]);
            assert_true(*slot(&all[i].kv, p, true) == -all[i].wanted[p]);
        }
}

static void fork_into(const timeline *from, timeline *to) {
    if (to->live)
        rsn_kv_free(&to->kv);
    to->live = true;
    check_ok(rsn_kv_fork(&from->kv, &to->kv));
    memcpy(to->wanted, from->wanted, sizeof to->wanted);
}

static void test_model_kvcache__random(void **state) {
    (void)state;
    static timeline all[MOST_KV];
    const rsn_hparams hp = make_sizes(2, 2, 3);
    counted_heap heap;
    uint64_t seed = 1;
    float next = 1;
    heap_begin(&heap, 0, false);
    check_ok(rsn_kv_init(&all[0].kv, &hp, MOST_POSITIONS, rsn_kv_type(REASON_KV_F32)));
    all[0].live = true;
    for (size_t step = 0; step < N_STEPS; step++) {
        timeline *t = &all[draw(&seed) % MOST_KV], *other = &all[draw(&seed) % MOST_KV];
        uint64_t what = draw(&seed) % 8;
        if (t->live && what < 4)
            append(t, draw(&seed) % (what == 0 ? 150 : 10), &next);
        else if (t->live && what == 4)
            t->kv.n = draw(&seed) % (t->kv.n + 1);
        else if (t->live && what == 5 && t != &all[0]) {
            rsn_kv_free(&t->kv);
            t->live = false;
        } else if (t->live && t != other)
            fork_into(t, other);
        check_all(all);
    }
    for (size_t i = 0; i < MOST_KV; i++)
        if (all[i].live)
            rsn_kv_free(&all[i].kv);
    heap_end();
    assert_int_equal(heap.alive, 0);
}

/* --- without memory ----------------------------------------------------------------- */

/* Each allocation fails in turn; the caches stay as usable as they were. */
static void test_model_kvcache__alloc_fails(void **state) {
    (void)state;
    const rsn_hparams hp = make_sizes(1, 1, 4);
    int n_refused = 0;
    for (size_t fail_at = 1;; fail_at++) {
        counted_heap heap;
        rsn_kv kv, fork;
        heap_begin(&heap, fail_at, false);
        check_ok(rsn_kv_init(&kv, &hp, 1000, rsn_kv_type(REASON_KV_F16)));
        reason_status first = rsn_kv_reserve(&kv, 100), forked = REASON_OK,
                      second = REASON_OK;
        if (first != REASON_OK)
            check_ok(rsn_kv_reserve(&kv, 100));
        kv.n = 100;
        memset(rsn_kv_at(&kv, 1, 0, false, 0), 7, kv.block_bytes);
        if ((forked = rsn_kv_fork(&kv, &fork)) != REASON_OK)
            check_ok(rsn_kv_fork(&kv, &fork));
        kv.n = 10;
        if ((second = rsn_kv_reserve(&kv, 200)) != REASON_OK)
            check_ok(rsn_kv_reserve(&kv, 200));
        assert_int_equal(*(unsigned char *)rsn_kv_at(&fork, 1, 0, false, 0), 7);
        int refused = (first != REASON_OK) + (forked != REASON_OK) +
                      (second != REASON_OK);
        rsn_kv_free(&kv);
        rsn_kv_free(&fork);
        heap_end();
        assert_int_equal(heap.alive, 0);
        assert_int_equal(refused, heap.n_calls >= fail_at ? 1 : 0);
        n_refused += refused;
        if (heap.n_calls < fail_at)
            break;
    }
    assert_true(n_refused >= 10);
}

static void test_model_kvcache__too_large(void **state) {
    (void)state;
    const rsn_hparams hp = make_sizes(4096, 1 << 14, 1 << 14);
    rsn_kv kv;
    counted_heap heap;
    heap_begin(&heap, 0, false);
    heap.largest = (size_t)1 << 30;
    /* The bytes of 64 positions fit 63 bits, but no machine. */
    check_ok(rsn_kv_init(&kv, &hp, 64, rsn_kv_type(REASON_KV_F32)));
    assert_int_equal(rsn_kv_reserve(&kv, 1), REASON_ERR_NO_MEMORY);
    assert_int_equal(kv.n_blocks, 0);
    rsn_kv_free(&kv);
    heap_end();
    assert_int_equal(heap.alive, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model_kvcache__layout),
        cmocka_unit_test(test_model_kvcache__types),
        cmocka_unit_test(test_model_kvcache__room),
        cmocka_unit_test(test_model_kvcache__fork_shares),
        cmocka_unit_test(test_model_kvcache__truncated_fork),
        cmocka_unit_test(test_model_kvcache__random),
        cmocka_unit_test(test_model_kvcache__alloc_fails),
        cmocka_unit_test(test_model_kvcache__too_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
