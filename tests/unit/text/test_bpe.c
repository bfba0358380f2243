/* Merging against the definition: look for the best pair anew after each merge. */
#include "text/bpe.h"

#include <math.h>
#include <pthread.h>

#include "text/detokenize.h"
#include "vocab_fixture.h"

/* ---- the definition ---- */

static int32_t find_token(const fixture *f, const char *s, size_t n) {
    for (size_t i = 0; i < f->src.n_tokens; i++)
        if (f->types[i] == 1 && f->tokens[i].n == n &&
            memcmp(f->tokens[i].data, s, n) == 0)
            return (int32_t)i;
    return -1;
}

/* The first merge whose line is "left right" and whose result is a token; SIZE_MAX. */
static size_t find_merge(const fixture *f, rsn_text left, rsn_text right) {
    for (size_t i = 0; i < f->src.n_merges; i++) {
        rsn_text m = f->merges[i];
        char joined[256];
        if (m.n != left.n + right.n + 1 || m.data[left.n] != ' ') continue;
        if (memcmp(m.data, left.data, left.n) != 0) continue;
        if (memcmp(m.data + left.n + 1, right.data, right.n) != 0) continue;
        memcpy(joined, left.data, left.n);
        memcpy(joined + left.n, right.data, right.n);
        if (find_token(f, joined, left.n + right.n) >= 0) return i;
    }
    return SIZE_MAX;
}

/* The tokens of a piece of at most 64 bytes. */
static size_t merge_slowly(const fixture *f, const char *piece, size_t n, int32_t *ids) {
    char spelling[128];
    rsn_text parts[64];
    size_t at = 0, n_parts = n;
    for (size_t i = 0; i < n; i++) {
        parts[i] = (rsn_text){spelling + at, fixture_spell(piece + i, 1, spelling + at)};
        at += parts[i].n;
    }
    for (;;) {
        size_t best = SIZE_MAX, where = 0;
        for (size_t i = 0; i + 1 < n_parts; i++) {
            size_t rank = find_merge(f, parts[i], parts[i + 1]);
            if (rank < best) {
                best = rank;
                where = i;
            }
        }
        if (best == SIZE_MAX) break;
        parts[where].n += parts[where + 1].n;
        n_parts--;
        memmove(parts + where + 1, parts + where + 2,
                (n_parts - where - 1) * sizeof *parts);
    }
    for (size_t i = 0; i < n_parts; i++)
        ids[i] = find_token(f, parts[i].data, parts[i].n);
    return n_parts;
}

/* ---- helpers ---- */

typedef struct machine {
    rsn_tokens tokens;
    rsn_bpe bpe;
    rsn_merge_scratch scratch;
    rsn_vocab_ids out;
} machine;

static reason_status start(machine *m, const fixture *f, int32_t unk, bool whole) {
    memset(m, 0, sizeof *m);
    reason_status status = rsn_tokens_init(&m->tokens, RSN_SPELLING_LEVEL, f->tokens,
                                           f->types, f->src.n_tokens, 99);
    if (status != REASON_OK) return status;
    return rsn_bpe_init(&m->bpe, &m->tokens, f->merges, f->src.n_merges, unk, whole);
}

static void stop(machine *m) {
    rsn_free(m->out.items);
    rsn_merge_free(&m->scratch);
    rsn_bpe_free(&m->bpe);
    rsn_tokens_free(&m->tokens);
}

static void check_piece(machine *m, const fixture *f, const char *piece, size_t n) {
    int32_t ids[64];
    size_t n_ids = merge_slowly(f, piece, n, ids);
    m->out.n = 0;
    assert_int_equal(rsn_bpe_encode(&m->bpe, piece, n, &m->scratch, &m->out), REASON_OK);
    assert_int_equal(m->out.n, n_ids);
    assert_memory_equal(m->out.items, ids, n_ids * sizeof *ids);
}

/* ---- tests ---- */

static void test_text_bpe__small_vocabulary(void **state) {
    (void)state;
    fixture f;
    machine m;
    fixture_small(&f, "qwen2");
    assert_int_equal(start(&m, &f, -1, false), REASON_OK);
    uint64_t random = 1;
    for (int i = 0; i < 3000; i++) {
        char piece[64];
        size_t n = fixture_random(&random) % sizeof piece + 1;
        for (size_t k = 0; k < n; k++)
            piece[k] = "aabthe ing10\xC3\xA9\n!"[fixture_random(&random) % 16];
        check_piece(&m, &f, piece, n);
    }
    stop(&m);
    fixture_free(&f);
}

/* Rules made at random over three letters, in random order: a result may rank before its
 * own parts, so merges make pairs that come before all others. */
static void test_text_bpe__random_rules(void **state) {
    (void)state;
    uint64_t random = 7;
    for (int round = 0; round < 150; round++) {
        fixture f;
        machine m;
        fixture_init(&f, "qwen2");
        fixture_alphabet(&f);
        char made[40][16] = {"a", "b", "c"};
        size_t n_made = 3;
        while (n_made < 28) {
            const char *left = made[fixture_random(&random) % n_made];
            const char *right = made[fixture_random(&random) % n_made];
            size_t n_left = strlen(left), n_right = strlen(right);
            if (n_left + n_right > 8) continue;
            memcpy(made[n_made], left, n_left);
            memcpy(made[n_made] + n_left, right, n_right + 1);
            n_made++;
            fixture_join(&f, left, right);
        }
        for (size_t i = f.src.n_merges; i > 1; i--) {
            size_t j = fixture_random(&random) % i;
            rsn_text swap = f.merges[i - 1];
            f.merges[i - 1] = f.merges[j];
            f.merges[j] = swap;
        }
        assert_int_equal(start(&m, &f, -1, false), REASON_OK);
        for (int i = 0; i < 60; i++) {
            char piece[48];
            size_t n = fixture_random(&random) % sizeof piece + 1;
            for (size_t k = 0; k < n; k++)
                piece[k] = (char)('a' + fixture_random(&random) % 3);
            check_piece(&m, &f, piece, n);
        }
        stop(&m);
        fixture_free(&f);
    }
}

static void test_text_bpe__whole_tokens(void **state) {
    (void)state;
    fixture f;
    machine m;
    fixture_init(&f, NULL);
    fixture_alphabet(&f);
    fixture_join(&f, "a", "b");
    int32_t whole = fixture_tokenz(&f, "xyz", 1); /* no merge makes it */
    fixture_tokenz(&f, "uvw", 3);                 /* not for plain text */
    for (int with = 0; with < 2; with++) {
        assert_int_equal(start(&m, &f, -1, with), REASON_OK);
        assert_int_equal(rsn_bpe_encode(&m.bpe, "xyz", 3, &m.scratch, &m.out), REASON_OK);
        assert_int_equal(m.out.n, with ? 1 : 3);
        assert_int_equal(m.out.items[0], with ? whole : 'x');
        m.out.n = 0;
        assert_int_equal(rsn_bpe_encode(&m.bpe, "uvw", 3, &m.scratch, &m.out), REASON_OK);
        assert_int_equal(m.out.n, 3);
        stop(&m);
    }
    fixture_free(&f);
}

/* Bytes without a token give the unknown token, which never merges, even where it is
 * spelt like a part of a rule. */
static void test_text_bpe__unknown_bytes(void **state) {
    (void)state;
    fixture f;
    machine m;
    fixture_init(&f, NULL);
    for (int b = 0; b < 256; b++) {
        char c = (char)b;
        if (b != 'q') fixture_bytes_token(&f, &c, 1);
    }
    fixture_join(&f, "a", "b");
    assert_int_equal(start(&m, &f, -1, false), REASON_ERR_UNSUPPORTED);
    assert_non_null(strstr(rsn_last_error(), "byte 0x71"));
    stop(&m);
    assert_int_equal(start(&m, &f, 'a', false), REASON_OK);
    assert_int_equal(rsn_bpe_encode(&m.bpe, "qqbab", 5, &m.scratch, &m.out), REASON_OK);
    int32_t expected[] = {'a', 'a', 'b', 255};
    assert_int_equal(m.out.n, 4);
    assert_memory_equal(m.out.items, expected, sizeof expected);
    m.out.n = 0;
    assert_int_equal(rsn_bpe_encode(&m.bpe, "q", 1, &m.scratch, &m.out), REASON_OK);
    assert_int_equal(m.out.items[0], 'a');
    stop(&m);
    fixture_free(&f);
}

static void test_text_bpe__rules_that_do_nothing(void **state) {
    (void)state;
    fixture f;
    machine m;
    fixture_init(&f, NULL);
    fixture_alphabet(&f);
    fixture_merge(&f, "x y", 3);               /* result is no token */
    fixture_merge(&f, "mn op", 5);             /* the result is one, the parts are not */
    fixture_merge(&f, "no such", 7);           /* parts are no tokens */
    fixture_merge(&f, "\xE2\x96\x81 a", 5);    /* not of the byte alphabet */
    fixture_merge(&f, "a b", 3);
    fixture_merge(&f, "a b", 3);               /* again */
    fixture_merge(&f, "u v", 3);               /* result is a control token */
    fixture_merge(&f, "c d", 3);               /* result is user-defined */
    int32_t ab = fixture_tokenz(&f, "ab", 1);
    fixture_tokenz(&f, "mnop", 1);
    fixture_tokenz(&f, "uv", 3);
    fixture_tokenz(&f, "cd", 4);
    fixture_tokenz(&f, "\xE2\x96\x81" "a", 1);
    assert_int_equal(start(&m, &f, -1, true), REASON_OK);
    assert_int_equal(m.bpe.rules.n, 1);
    assert_int_equal(rsn_bpe_encode(&m.bpe, "xyabuvcd", 8, &m.scratch, &m.out),
                     REASON_OK);
    int32_t expected[] = {'x', 'y', ab, 'u', 'v', 'c', 'd'};
    assert_int_equal(m.out.n, 7);
    assert_memory_equal(m.out.items, expected, sizeof expected);
    stop(&m);
    fixture_free(&f);
}

static void test_text_bpe__malformed_rules(void **state) {
    (void)state;
    static const char *const bad[] = {"", " ", "ab", "a ", " b", "a b c", "a  b", "a b "};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        fixture f;
        machine m;
        fixture_init(&f, NULL);
        fixture_alphabet(&f);
        fixture_merge(&f, "a b", 3);
        fixture_merge(&f, bad[i], strlen(bad[i]));
        assert_int_equal(start(&m, &f, -1, false), REASON_ERR_FORMAT);
        assert_non_null(strstr(rsn_last_error(), "tokenizer.ggml.merges[1]"));
        stop(&m);
        fixture_free(&f);
    }
    char *big = fixture_check(malloc(2 * RSN_TOKENS_MAX_BYTES + 2));
    memset(big, 'x', 2 * RSN_TOKENS_MAX_BYTES + 2);
    for (size_t extra = 0; extra < 2; extra++) {
        fixture f;
        machine m;
        big[RSN_TOKENS_MAX_BYTES] = ' ';
        fixture_init(&f, NULL);
        fixture_alphabet(&f);
        fixture_merge(&f, big, 2 * RSN_TOKENS_MAX_BYTES + 1 + extra);
        assert_int_equal(start(&m, &f, -1, false), extra ? REASON_ERR_LIMIT : REASON_OK);
        stop(&m);
        fixture_free(&f);
    }
    free(big);
    fixture f;
    machine m;
    fixture_init(&f, NULL);
    fixture_alphabet(&f);
    f.src.n_merges = RSN_RULES_MAX + 1; /* refused before any is read */
    assert_int_equal(start(&m, &f, -1, false), REASON_ERR_LIMIT);
    stop(&m);
    f.src.n_merges = 0;
    fixture_free(&f);
}

/* ---- long runs ---- */

typedef struct run {
    const rsn_vocab *v;
    char letter;
    size_t n;
    uint64_t steps;
    bool same;
} run;

static void *encode_run(void *arg) {
    run *r = arg;
    char *text = fixture_check(malloc(r->n));
    memset(text, r->letter, r->n);
    rsn_vocab_ids ids = {0};
    rsn_str back = {0};
    if (rsn_vocab_encode(r->v, text, r->n, REASON_TOKENS_SPECIAL, &ids) == REASON_OK &&
        rsn_vocab_decode(r->v, ids.items, ids.n, 0, &back) == REASON_OK)
        r->same = back.n == r->n && memcmp(back.data, text, r->n) == 0;
    r->steps = ids.steps;
    rsn_free(ids.items);
    rsn_str_free(&back);
    free(text);
    return NULL;
}

static uint64_t count_steps(const rsn_vocab *v, char letter, size_t n) {
    run r = {v, letter, n, 0, false};
    pthread_attr_t attr;
    pthread_t thread;
    assert_int_equal(pthread_attr_init(&attr), 0);
    assert_int_equal(pthread_attr_setstacksize(&attr, 256 * 1024), 0);
    assert_int_equal(pthread_create(&thread, &attr, encode_run, &r), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    pthread_attr_destroy(&attr);
    assert_true(r.same);
    return r.steps;
}

/* A run of one letter is one piece. n log n and no more: ten times the letters may cost
 * 10 log(10 n) / log(n) times the steps. The thread's stack is 256 KiB. */
static void test_text_bpe__long_runs(void **state) {
    (void)state;
    rsn_vocab *v = fixture_small_vocab("llama-bpe");
    static const char letters[] = {'a', ' ', '\n', '!', 'x'};
    double mib = 1048576, allowed = 10 * log(10 * mib) / log(mib);
    for (size_t i = 0; i < sizeof letters; i++) {
        uint64_t one = count_steps(v, letters[i], (size_t)1 << 20);
        uint64_t ten = count_steps(v, letters[i], (size_t)10 << 20);
        print_message(
            "runs of 0x%02X: %llu steps for 1 MiB, %llu for 10 MiB, ratio %.2f\n",
            (unsigned)letters[i], (unsigned long long)one, (unsigned long long)ten,
            (double)ten / (double)one);
        assert_true(one >= 1 << 20);
        assert_true((double)ten <= allowed * (double)one);
    }
    rsn_vocab_free(v);
}

/* ---- a published vocabulary ---- */

static void test_text_bpe__a_published_vocabulary(void **state) {
    (void)state;
    fixture_ranks r = {0};
    if (!fixture_load_ranks(&r, "llama3.tiktoken")) skip();
    fixture f;
    machine m;
    fixture_from_ranks(&f, &r, "llama-bpe");
    assert_int_equal(start(&m, &f, -1, false), REASON_OK);
    uint64_t random = 3;
    for (int i = 0; i < 20000; i++) {
        char piece[512];
        size_t ends[512], n = 0, parts = fixture_random(&random) % 5 + 1;
        for (size_t k = 0; k < parts; k++) {
            rsn_text t = r.tokens[fixture_random(&random) % (i % 2 ? r.n : 3000)];
            size_t from = t.n > 40 ? t.n - 40 : fixture_random(&random) % t.n;
            memcpy(piece + n, t.data + from, t.n - from);
            n += t.n - from;
        }
        size_t n_ids = fixture_rank_merge(&r, piece, n, UINT32_MAX, 1, true, ends);
        m.out.n = 0;
        assert_int_equal(rsn_bpe_encode(&m.bpe, piece, n, &m.scratch, &m.out), REASON_OK);
        assert_int_equal(m.out.n, n_ids);
        for (size_t k = 0; k < n_ids; k++) {
            size_t begin = k ? ends[k - 1] : 0;
            assert_int_equal(m.out.items[k],
                             fixture_rank(&r, piece + begin, ends[k] - begin));
        }
    }
    stop(&m);
    fixture_free(&f);
    fixture_free_ranks(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_bpe__small_vocabulary),
        cmocka_unit_test(test_text_bpe__random_rules),
        cmocka_unit_test(test_text_bpe__whole_tokens),
        cmocka_unit_test(test_text_bpe__unknown_bytes),
        cmocka_unit_test(test_text_bpe__rules_that_do_nothing),
        cmocka_unit_test(test_text_bpe__malformed_rules),
        cmocka_unit_test(test_text_bpe__long_runs),
        cmocka_unit_test(test_text_bpe__a_published_vocabulary),
    };
    return cmocka_run_group_tests_name("text_bpe", tests, NULL, NULL);
}
