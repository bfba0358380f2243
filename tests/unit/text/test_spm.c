/* SentencePiece's BPE against the definition: look for the best pair anew after each
 * merge, in the text itself. */
#include "text/spm.h"

#include <pthread.h>

#include "base/utf8.h"
#include "vocab_fixture.h"

/* ---- the definition ---- */

/* Bytes of a token that is made of text: U+2581 are spaces. */
static size_t unspell(const fixture *f, size_t id, char *out) {
    size_t n = 0;
    for (size_t i = 0; i < f->tokens[id].n; i++) {
        if (strncmp(f->tokens[id].data + i, "\xE2\x96\x81", 3) == 0) {
            out[n++] = ' ';
            i += 2;
        } else {
            out[n++] = f->tokens[id].data[i];
        }
    }
    return n;
}

static int32_t find_token(const fixture *f, const char *s, size_t n) {
    char bytes[256];
    for (size_t i = 0; i < f->src.n_tokens; i++)
        if (f->types[i] == 1 && f->tokens[i].n <= sizeof bytes &&
            !memchr(f->tokens[i].data, ' ', f->tokens[i].n) &&
            unspell(f, i, bytes) == n && memcmp(bytes, s, n) == 0)
            return (int32_t)i;
    return -1;
}

static int32_t find_byte(const fixture *f, char byte) {
    char s[8];
    snprintf(s, sizeof s, "<0x%02X>", (unsigned)(uint8_t)byte);
    for (size_t i = 0; i < f->src.n_tokens; i++)
        if (f->types[i] == 6 && f->tokens[i].n == 6 &&
            memcmp(f->tokens[i].data, s, 6) == 0)
            return (int32_t)i;
    return -1;
}

/* The tokens of a text of at most 256 bytes. */
static size_t encode_slowly(const fixture *f, const char *s, size_t n, int32_t *ids) {
    size_t ends[256], n_parts = 0, n_ids = 0;
    for (size_t at = 0; at < n;) {
        int32_t cp;
        size_t len = rsn_utf8_decode(s + at, n - at, &cp);
        at += cp < 0 ? 1 : len;
        ends[n_parts++] = at;
    }
    for (;;) {
        size_t best = SIZE_MAX;
        float best_score = 0;
        for (size_t i = 0; i + 1 < n_parts; i++) {
            size_t from = i ? ends[i - 1] : 0;
            int32_t id = find_token(f, s + from, ends[i + 1] - from);
            if (id < 0 || (best != SIZE_MAX && f->scores[id] <= best_score)) continue;
            best = i;
            best_score = f->scores[id];
        }
        if (best == SIZE_MAX) break;
        memmove(ends + best, ends + best + 1, (n_parts - best - 1) * sizeof *ends);
        n_parts--;
    }
    bool unknown = false;
    for (size_t i = 0; i < n_parts; i++) {
        size_t from = i ? ends[i - 1] : 0;
        int32_t id = find_token(f, s + from, ends[i] - from);
        bool bytes = id < 0;
        for (size_t k = from; k < ends[i]; k++) bytes = bytes && find_byte(f, s[k]) >= 0;
        if (id >= 0) ids[n_ids++] = id;
        for (size_t k = from; bytes && k < ends[i]; k++)
            ids[n_ids++] = find_byte(f, s[k]);
        if (id < 0 && !bytes && !unknown) ids[n_ids++] = (int32_t)f->src.unk;
        unknown = id < 0 && !bytes;
    }
    return n_ids;
}

/* ---- helpers ---- */

typedef struct machine {
    rsn_tokens tokens;
    rsn_spm spm;
    rsn_spm_scratch scratch;
    rsn_vocab_ids out;
} machine;

static reason_status start(machine *m, const fixture *f) {
    memset(m, 0, sizeof *m);
    reason_status status = rsn_tokens_init(&m->tokens, RSN_SPELLING_PIECE, f->tokens,
                                           f->types, f->src.n_tokens, 99);
    if (status != REASON_OK) return status;
    return rsn_spm_init(&m->spm, &m->tokens, f->scores, NULL, 0, (int32_t)f->src.unk);
}

static void stop(machine *m) {
    rsn_free(m->out.items);
    rsn_spm_scratch_free(&m->scratch);
    rsn_spm_free(&m->spm);
    rsn_tokens_free(&m->tokens);
}

/* Checks text[1..n), prefixed and not; text[0] is a space. */
static void check_text(machine *m, const fixture *f, const char *text, size_t n) {
    int32_t ids[256];
    for (int prefixed = 0; prefixed < 2; prefixed++) {
        size_t n_ids =
            n == 1 ? 0 : encode_slowly(f, text + !prefixed, n - !prefixed, ids);
        m->out.n = 0;
        assert_int_equal(rsn_spm_encode(&m->spm, text + 1, n - 1, prefixed, &m->scratch,
                                        &m->out),
                         REASON_OK);
        assert_int_equal(m->out.n, n_ids);
        if (n_ids) assert_memory_equal(m->out.items, ids, n_ids * sizeof *ids);
    }
}

/* ---- tests ---- */

static const char *const PARTS[] = {"t",    "h",        "e",    "i",  "n",    "g",
                                    " ",    " ",        "a",    "b",  "r",    "o",
                                    "1",    "\xC3\xA9", "\n",   "x",  "\xFF", "\xE2\x96",
                                    "\xE2\x96\x81", "\xF0\x9F\x99\x82", "<0x41>", "A"};

static void test_text_spm__small_vocabularies(void **state) {
    (void)state;
    for (int bytes = 0; bytes < 2; bytes++) {
        fixture f;
        machine m;
        fixture_pieces(&f, "llama", bytes);
        f.src.unk = 0;
        assert_int_equal(start(&m, &f), REASON_OK);
        assert_true(m.spm.words);
        assert_int_equal(m.spm.fallback.lossless, bytes);
        uint64_t random = 5;
        for (int i = 0; i < 3000; i++) {
            char text[256] = " ";
            size_t n = 1, want = fixture_random(&random) % 40;
            for (size_t k = 0; k < want; k++) {
                size_t which = fixture_random(&random) % (sizeof PARTS / sizeof *PARTS);
                memcpy(text + n, PARTS[which], strlen(PARTS[which]));
                n += strlen(PARTS[which]);
            }
            check_text(&m, &f, text, n);
        }
        stop(&m);
        fixture_free(&f);
    }
}

/* Tokens and scores at random over three letters and a space, many scores equal, some
 * letters no tokens, some tokens going on into a next word. */
static void test_text_spm__random_vocabularies(void **state) {
    (void)state;
    uint64_t random = 7;
    int with_words = 0;
    for (int round = 0; round < 300; round++) {
        fixture f;
        machine m;
        fixture_init(&f, NULL);
        f.src.unk = fixture_scored(&f, "<unk>", 5, 2, 0);
        size_t n_tokens = fixture_random(&random) % 30 + 1;
        bool spaces = fixture_random(&random) % 2;
        for (size_t i = 0; i < n_tokens; i++) {
            char s[64];
            size_t n = 0, length = fixture_random(&random) % 6 + 1;
            for (size_t k = 0; k < length; k++) {
                uint32_t c = fixture_random(&random) % (spaces || k == 0 ? 4 : 3);
                memcpy(s + n, c == 3 ? "\xE2\x96\x81" : &"abc"[c], c == 3 ? 3 : 1);
                n += c == 3 ? 3 : 1;
            }
            fixture_scored(&f, s, n, 1, -(float)(fixture_random(&random) % 8) / 2);
        }
        if (round % 3 == 0) fixture_byte_pieces(&f);
        assert_int_equal(start(&m, &f), REASON_OK);
        with_words += m.spm.words;
        for (int i = 0; i < 40; i++) {
            char text[64] = " ";
            size_t n = fixture_random(&random) % 60 + 1;
            for (size_t k = 1; k < n; k++) text[k] = "abc  "[fixture_random(&random) % 5];
            check_text(&m, &f, text, n);
        }
        stop(&m);
        fixture_free(&f);
    }
    assert_true(with_words > 50 && with_words < 250);
}

/* Negative, positive and zero scores of either sign order as numbers do. */
static void test_text_spm__scores(void **state) {
    (void)state;
    static const float scores[] = {3e38f, 7,      1e-40f, 0,     -0.0f,
                                   -1e-40f, -1, -2.5f,  -1e30f, -3e38f};
    enum { N = sizeof scores / sizeof *scores };
    fixture f;
    machine m;
    fixture_init(&f, NULL);
    f.src.unk = fixture_scored(&f, "<unk>", 5, 2, 0);
    for (int i = 0; i < N; i++) fixture_piece(&f, "x", scores[i]);
    assert_int_equal(start(&m, &f), REASON_OK);
    for (int i = 1; i < N; i++) {
        if (i == 4) {
            assert_int_equal(m.spm.rank[1 + i], m.spm.rank[i]); /* 0 and -0 */
        } else {
            assert_true(m.spm.rank[1 + i] > m.spm.rank[i]);
        }
        assert_true(m.spm.rank[1 + i] != RSN_MERGE_NONE);
    }
    stop(&m);
    fixture_free(&f);
}

static void test_text_spm__bytes_that_nothing_stands_for(void **state) {
    (void)state;
    fixture f;
    machine m;
    fixture_pieces(&f, "llama", false);
    f.src.unk = -1;
    assert_int_equal(start(&m, &f), REASON_ERR_UNSUPPORTED);
    assert_non_null(strstr(rsn_last_error(), "<0x00>"));
    stop(&m);
    fixture_free(&f);
    fixture_pieces(&f, "llama", true);
    f.src.unk = -1;
    assert_int_equal(start(&m, &f), REASON_OK);
    check_text(&m, &f, " zebra", 6);
    stop(&m);
    fixture_free(&f);
}

/* ---- cost ---- */

typedef struct cost {
    const char *unit;
    size_t n;
    uint64_t steps;
    bool right;
} cost;

/* A vocabulary whose tokens double, and one that only ever grow by a letter. */
static void *measure(void *arg) {
    cost *c = arg;
    fixture f;
    machine m;
    fixture_pieces(&f, "llama", true);
    char s[256];
    for (size_t n = 2; n <= 64; n *= 2) {
        for (size_t i = 0; i < n; i++) s[i] = c->unit[i % strlen(c->unit)];
        fixture_scored(&f, s, n, 1, (float)n);
    }
    memset(s, 'q', sizeof s);
    for (size_t n = 1; n <= 256; n++) fixture_scored(&f, s, n, 1, (float)n);
    c->right = start(&m, &f) == REASON_OK;
    char *text = fixture_check(malloc(c->n));
    for (size_t i = 0; i < c->n; i++) text[i] = c->unit[i % strlen(c->unit)];
    c->right = c->right &&
               rsn_spm_encode(&m.spm, text, c->n, false, &m.scratch, &m.out) == REASON_OK;
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

/* Eight times the text costs little more than eight times the steps, on 256 KiB of stack.
 */
static void test_text_spm__long_texts_on_a_small_stack(void **state) {
    (void)state;
    static const char *const units[] = {"us", "a", "q", "\n", " ", "ab ", "\xFF", "the "};
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
        print_message("unit %zu, 1 MiB: %.1f steps a byte, %.2f times those of 128 KiB\n",
                      u, (double)steps[1] / (1 << 20),
                      (double)steps[1] / (double)steps[0]);
        assert_true(steps[1] < 10 * steps[0]);
        assert_true(steps[1] < (uint64_t)100 << 20);
    }
    pthread_attr_destroy(&attr);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_spm__small_vocabularies),
        cmocka_unit_test(test_text_spm__random_vocabularies),
        cmocka_unit_test(test_text_spm__scores),
        cmocka_unit_test(test_text_spm__bytes_that_nothing_stands_for),
        cmocka_unit_test(test_text_spm__long_texts_on_a_small_stack),
    };
    return cmocka_run_group_tests_name("text_spm", tests, NULL, NULL);
}
