/* The unigram model against the definition: every cut of a normalized text tried. */
#include "text/unigram.h"

#include <math.h>
#include <pthread.h>

#include "base/utf8.h"
#include "charsmap_fixture.h"

typedef struct machine {
    rsn_tokens tokens;
    rsn_unigram model;
    rsn_unigram_scratch scratch;
    rsn_vocab_ids out;
} machine;

static reason_status start(machine *m, const fixture *f, const uint8_t *charsmap,
                           size_t n_charsmap, bool collapse) {
    memset(m, 0, sizeof *m);
    reason_status status = rsn_tokens_init(&m->tokens, RSN_SPELLING_PIECE, f->tokens,
                                           f->types, f->src.n_tokens, 99);
    if (status != REASON_OK) return status;
    const rsn_unigram_source src = {&m->tokens, f->scores,   f->types,
                                    charsmap,   n_charsmap, (int32_t)f->src.unk,
                                    collapse};
    return rsn_unigram_init(&m->model, &src);
}

static void stop(machine *m) {
    rsn_free(m->out.items);
    rsn_unigram_scratch_free(&m->scratch);
    rsn_unigram_free(&m->model);
    rsn_tokens_free(&m->tokens);
}

static void encode(machine *m, const char *s, size_t n, bool prefixed) {
    m->out.n = 0;
    assert_int_equal(rsn_unigram_encode(&m->model, s, n, prefixed, &m->scratch, &m->out),
                     REASON_OK);
}

/* ---- the definition ---- */

/* Whether an earlier token is spelt the same; the first counts. */
static bool is_repeated(const fixture *f, int32_t id) {
    for (int32_t i = 0; i < id; i++)
        if (f->tokens[i].n == f->tokens[id].n &&
            memcmp(f->tokens[i].data, f->tokens[id].data, f->tokens[i].n) == 0)
            return true;
    return false;
}

/* The best sum over all cuts of s[at..n), by trying every token at every place; best[]
 * remembers what is known. */
static double best_sum(const machine *m, const fixture *f, const char *s, size_t n,
                       size_t at, double unknown, double *best) {
    if (at == n) return 0;
    if (!isnan(best[at])) return best[at];
    int32_t cp;
    size_t len = rsn_utf8_decode(s + at, n - at, &cp);
    if (cp < 0) len = 1;
    double most = -HUGE_VAL;
    bool alone = false;
    for (int32_t id = 0; id < (int32_t)f->src.n_tokens; id++) {
        rsn_text t = rsn_tokens_get(&m->tokens, id);
        if (f->types[id] != 1 || t.n == 0 || t.n > n - at ||
            memcmp(t.data, s + at, t.n) != 0)
            continue;
        if (is_repeated(f, id)) continue;
        alone = alone || t.n == len;
        double sum = (double)f->scores[id] +
                     best_sum(m, f, s, n, at + t.n, unknown, best);
        if (sum > most) most = sum;
    }
    if (!alone) {
        double sum = unknown + best_sum(m, f, s, n, at + len, unknown, best);
        if (sum > most) most = sum;
    }
    return best[at] = most;
}

/* Checks that what was encoded is a cut of this normalized text, and a best one. */
static void check_best(const machine *m, const fixture *f, const char *s, size_t n) {
    double least = HUGE_VAL, best[512], sum = 0;
    for (size_t i = 0; i < f->src.n_tokens; i++)
        if (f->types[i] == 1 && (double)f->scores[i] < least)
            least = (double)f->scores[i];
    for (size_t i = 0; i < n; i++) best[i] = NAN;
    double most = best_sum(m, f, s, n, 0, least - 10, best);
    size_t at = 0;
    for (size_t i = 0; i < m->out.n;) {
        int32_t id = m->out.items[i];
        rsn_text t = rsn_tokens_get(&m->tokens, id);
        if (f->types[id] == 1) {
            assert_true(t.n <= n - at && memcmp(t.data, s + at, t.n) == 0);
            sum += (double)f->scores[id];
            at += t.n;
            i++;
            continue;
        }
        assert_int_equal(f->types[id], 6); /* an unknown character as bytes */
        int32_t cp;
        size_t len = rsn_utf8_decode(s + at, n - at, &cp);
        if (cp < 0) len = 1;
        for (size_t k = 0; k < len; k++, i++, at++)
            assert_int_equal(m->out.items[i], m->tokens.byte_token[(uint8_t)s[at]]);
        sum += least - 10;
    }
    assert_int_equal(at, n);
    assert_true(fabs(sum - most) < 1e-9);
}

static void test_text_unigram__random_vocabularies(void **state) {
    (void)state;
    uint64_t random = 7;
    for (int round = 0; round < 200; round++) {
        fixture f;
        machine m;
        fixture_init(&f, NULL);
        fixture_byte_pieces(&f);
        size_t n_tokens = fixture_random(&random) % 30 + 1;
        bool spaces = fixture_random(&random) % 2;
        for (size_t i = 0; i < n_tokens; i++) {
            char s[64];
            size_t n = 0, length = fixture_random(&random) % 5 + 1;
            for (size_t k = 0; k < length; k++) {
                uint32_t c = fixture_random(&random) % (spaces || k == 0 ? 5 : 4);
                const char *part[] = {"a", "b", "c", "\xC3\xA9", "\xE2\x96\x81"};
                memcpy(s + n, part[c], strlen(part[c]));
                n += strlen(part[c]);
            }
            fixture_scored(&f, s, n, 1, -(float)(fixture_random(&random) % 64) / 4);
        }
        assert_int_equal(start(&m, &f, NULL, 0, false), REASON_OK);
        for (int i = 0; i < 40; i++) {
            char text[200];
            size_t n = 0, want = fixture_random(&random) % 40 + 1;
            while (want--) {
                const char *part[] = {"a", "b", "c", " ", "\xC3\xA9", "x", "\xFF"};
                uint32_t c = fixture_random(&random) % 7;
                memcpy(text + n, part[c], strlen(part[c]));
                n += strlen(part[c]);
            }
            encode(&m, text, n, false);
            check_best(&m, &f, text, n);
        }
        stop(&m);
        fixture_free(&f);
    }
}

/* Checks the ids of a text, given as their spellings. */
static void check_ids(machine *m, const char *text, bool prefixed,
                      const char *const *expected, size_t n) {
    encode(m, text, strlen(text), prefixed);
    assert_int_equal(m->out.n, n);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(m->out.items[i],
                         rsn_tokens_find_spelling(&m->tokens, expected[i],
                                                  strlen(expected[i])));
}
#define CHECK(m, text, prefixed, ...)                                     \
    check_ids(m, text, prefixed, (const char *const[]){__VA_ARGS__},      \
              sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))
#define SP "\xE2\x96\x81"

static void test_text_unigram__unknown_and_ties(void **state) {
    (void)state;
    fixture f;
    machine m;
    fixture_init(&f, NULL);
    f.src.unk = fixture_scored(&f, "<unk>", 5, 2, 0);
    fixture_piece(&f, "a", -1);
    fixture_piece(&f, "aa", -2);
    fixture_piece(&f, "aaa", -2.5f);
    fixture_piece(&f, SP "b", -1);
    fixture_scored(&f, "c", 1, 5, 0); /* unused */
    fixture_scored(&f, "d", 1, 4, 0); /* user-defined: not for plain text */
    fixture_piece(&f, "\xEF\xBF\xBD", -1);
    assert_int_equal(start(&m, &f, NULL, 0, false), REASON_OK);
    assert_true(m.model.unknown < -12.4 && m.model.unknown > -12.6);
    CHECK(&m, "xyaz", false, "<unk>", "a", "<unk>"); /* in a row they are one */
    CHECK(&m, "x b", false, "<unk>", SP "b");
    CHECK(&m, "cda", false, "<unk>", "a");
    CHECK(&m, "aa", false, "aa"); /* as good as a, a: the longer last token */
    CHECK(&m, "aaaa", false, "a", "aaa");
    CHECK(&m, "a b", true, "<unk>", "a", SP "b"); /* no token is a space */
    CHECK(&m, "b", true, SP "b");
    CHECK(&m, "a\xFF", false, "a", "\xEF\xBF\xBD");
    encode(&m, "", 0, true);
    assert_int_equal(m.out.n, 0);
    stop(&m);
    fixture_free(&f);
}

static void test_text_unigram__normalizing(void **state) {
    (void)state;
    size_t n;
    uint8_t *table = charsmap_make(CHARSMAP_RULES, N_CHARSMAP_RULES, &n);
    static const char *const pieces[] = {SP, "a", "f", "i", "fi", "x", "y", "z",
                                         "\xC3\xA1", SP "a", SP "y"};
    fixture f;
    machine m;
    fixture_init(&f, NULL);
    fixture_byte_pieces(&f);
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++)
        fixture_piece(&f, pieces[i], -1);
    assert_int_equal(start(&m, &f, table, n, true), REASON_OK);
    CHECK(&m, "\xEF\xAC\x81", false, "fi");
    CHECK(&m, "a\xCC\x81" "A", true, SP, "\xC3\xA1", "a");
    CHECK(&m, "  a \t a\xC2\xA0 ", true, SP "a", SP "a");
    CHECK(&m, "\xE3\x80\x80x\xE3\x80\x80", true, SP, "x"); /* two spaces of one */
    CHECK(&m, "\xEF\xB7\xBA", false, "x", SP "y", SP, "z");
    CHECK(&m, "\x01" "a\x01", false, "a");
    CHECK(&m, "a\x01 \x01 a", false, "a", SP "a");
    CHECK(&m, "a\xFF", false, "a", "<0xFF>");
    static const char *const nothing[] = {"", " ", " \t\xC2\xA0", "\x01", " \x01 "};
    for (size_t i = 0; i < sizeof nothing / sizeof *nothing; i++) {
        encode(&m, nothing[i], strlen(nothing[i]), true);
        assert_int_equal(m.out.n, 0);
    }
    stop(&m);
    assert_int_equal(start(&m, &f, table, n, false), REASON_OK);
    CHECK(&m, "  a ", true, SP, SP, SP "a", SP);
    CHECK(&m, " ", true, SP, SP);
    CHECK(&m, "\x01", true, SP);
    stop(&m);
    table[0] ^= 1;
    assert_int_equal(start(&m, &f, table, n, false), REASON_ERR_FORMAT);
    stop(&m);
    free(table);
    fixture_free(&f);
}

/* ---- cost ---- */

typedef struct cost {
    const char *unit;
    size_t n;
    uint64_t steps;
    bool right;
} cost;

static void *measure(void *arg) {
    cost *c = arg;
    fixture f;
    machine m;
    fixture_pieces(&f, "t5", true);
    char s[64];
    for (size_t n = 2; n <= 32; n++) {
        for (size_t i = 0; i < n; i++) s[i] = c->unit[i % strlen(c->unit)];
        fixture_scored(&f, s, n, 1, -3 - (float)n / 8);
    }
    c->right = start(&m, &f, NULL, 0, false) == REASON_OK;
    char *text = fixture_check(malloc(c->n));
    for (size_t i = 0; i < c->n; i++) text[i] = c->unit[i % strlen(c->unit)];
    c->right = c->right && rsn_unigram_encode(&m.model, text, c->n, false, &m.scratch,
                                              &m.out) == REASON_OK;
    size_t at = 0;
    for (size_t i = 0; i < m.out.n && c->right; i++) {
        rsn_text t = rsn_tokens_get(&m.tokens, m.out.items[i]);
        c->right = t.n <= c->n - at && memcmp(text + at, t.data, t.n) == 0;
        at += t.n;
    }
    c->right = c->right && at == c->n;
    c->steps = m.out.steps;
    free(text);
    stop(&m);
    fixture_free(&f);
    return NULL;
}

static void test_text_unigram__long_texts_on_a_small_stack(void **state) {
    (void)state;
    static const char *const units[] = {"us", "a", "\n", "ab ", "\xFF", "the "};
    pthread_attr_t attr;
    assert_int_equal(pthread_attr_init(&attr), 0);
    assert_int_equal(pthread_attr_setstacksize(&attr, 256 * 1024), 0);
    for (size_t u = 0; u < sizeof units / sizeof *units; u++) {
        uint64_t steps[2];
        for (int large = 0; large < 2; large++) {
            cost c = {units[u], (size_t)128 << 10 << 3 * large, 0, false};
            pthread_t thread;
            assert_int_equal(pthread_create(&thread, &attr, measure, &c), 0);
            assert_int_equal(pthread_join(thread, NULL), 0);
            assert_true(c.right);
            steps[large] = c.steps;
        }
        assert_true(steps[1] <= 8 * steps[0] + 10000);
        assert_true(steps[1] < (uint64_t)40 << 20);
    }
    pthread_attr_destroy(&attr);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_unigram__random_vocabularies),
        cmocka_unit_test(test_text_unigram__unknown_and_ties),
        cmocka_unit_test(test_text_unigram__normalizing),
        cmocka_unit_test(test_text_unigram__long_texts_on_a_small_stack),
    };
    return cmocka_run_group_tests_name("text_unigram", tests, NULL, NULL);
}
