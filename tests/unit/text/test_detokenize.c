/* Ids to bytes, and the gate against a decoder of the whole text. */
#include "text/detokenize.h"

#include "base/utf8.h"
#include "vocab_fixture.h"

static void test_text_detokenize__special_tokens(void **state) {
    (void)state;
    rsn_vocab *v = fixture_small_vocab("qwen2");
    int32_t ids[] = {rsn_vocab_bos(v), rsn_vocab_find(v, "<think>", 7), 'a',
                     rsn_vocab_find(v, "\xC4\xA0the", 5), rsn_vocab_eos(v)};
    rsn_str out = {0};
    rsn_str_addz(&out, "> ");
    assert_int_equal(rsn_vocab_decode(v, ids, 5, 0, &out), REASON_OK);
    assert_string_equal(rsn_str_text(&out), "> <think>a the");
    rsn_str_cut(&out, 0);
    assert_int_equal(rsn_vocab_decode(v, ids, 5, REASON_TOKENS_SPECIAL, &out), REASON_OK);
    assert_string_equal(rsn_str_text(&out), "<|endoftext|><think>a the<|im_end|>");
    rsn_str_cut(&out, 0);
    assert_int_equal(rsn_vocab_decode(v, NULL, 0, 0, &out), REASON_OK);
    assert_int_equal(out.n, 0);
    rsn_str_free(&out);
    rsn_vocab_free(v);
}

/* The one space that encoding adds goes again, others stay. */
static void test_text_detokenize__space_prefix(void **state) {
    (void)state;
    fixture f;
    fixture_pieces(&f, "llama", true);
    for (int adds = 0; adds < 2; adds++) {
        f.src.space_prefix = adds;
        rsn_vocab *v = fixture_new(&f);
        int32_t the = rsn_vocab_find(v, "\xE2\x96\x81the", 6),
                in = rsn_vocab_find(v, "in", 2), space = rsn_vocab_find(v, "<0x20>", 6),
                s = rsn_vocab_find(v, "<s>", 3), think = rsn_vocab_find(v, "<think>", 7);
        const struct {
            int32_t ids[6];
            size_t n;
            uint32_t flags;
            const char *with, *without;
        } cases[] = {
            {{the, the}, 2, 0, "the the", " the the"},
            {{s, the, in}, 3, 0, "thein", " thein"},
            {{s, the, in}, 3, REASON_TOKENS_SPECIAL, "<s>thein", "<s> thein"},
            {{in, the, think, the}, 4, 0, "in the<think>the", "in the<think> the"},
            {{space, the, s, s, space, space}, 6, 0, " the ", "  the  "},
            {{think, in, the}, 3, 0, "<think>in the", "<think>in the"},
        };
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            rsn_str out = {0};
            assert_int_equal(
                rsn_vocab_decode(v, cases[i].ids, cases[i].n, cases[i].flags, &out),
                REASON_OK);
            assert_string_equal(rsn_str_text(&out),
                                adds ? cases[i].with : cases[i].without);
            rsn_str_free(&out);
        }
        rsn_vocab_free(v);
    }
    fixture_free(&f);
}

static void test_text_detokenize__ids_outside(void **state) {
    (void)state;
    rsn_vocab *v = fixture_small_vocab("qwen2");
    int32_t n = (int32_t)rsn_vocab_size(v), bad[] = {-1, n, INT32_MAX, INT32_MIN};
    for (size_t i = 0; i < 4; i++) {
        int32_t ids[] = {'a', 'b', bad[i]};
        rsn_str out = {0};
        rsn_str_addz(&out, "kept");
        assert_int_equal(rsn_vocab_decode(v, ids, 3, 0, &out), REASON_ERR_INVALID_ARG);
        assert_non_null(strstr(rsn_last_error(), "token 2 of 3"));
        assert_string_equal(rsn_str_text(&out), "kept");
        rsn_str_free(&out);
    }
    rsn_vocab_free(v);
}

static void test_text_detokenize__no_memory(void **state) {
    (void)state;
    rsn_vocab *v = fixture_small_vocab("qwen2");
    int32_t ids[100];
    for (int i = 0; i < 100; i++) ids[i] = 'a';
    fixture_memory memory = {.fail = 2};
    fixture_hook(&memory);
    rsn_str out = {0};
    reason_status status = rsn_vocab_decode(v, ids, 100, 0, &out);
    rsn_str_free(&out);
    rsn_alloc_set(NULL);
    assert_int_equal(status, REASON_ERR_NO_MEMORY);
    assert_int_equal(memory.live, 0);
    rsn_vocab_free(v);
}

/* ---- the gate ---- */

/* One replacement for each maximal invalid part of the whole. */
static void decode_whole(const char *s, size_t n, rsn_str *out) {
    for (size_t at = 0; at < n;) {
        int32_t cp;
        size_t len = rsn_utf8_decode(s + at, n - at, &cp);
        if (cp < 0) {
            rsn_str_addz(out, "\xEF\xBF\xBD");
        } else {
            rsn_str_add(out, s + at, len);
        }
        at += len;
    }
}

/* Feeds s[0..n), cut where the bits of `cuts` say (byte i ends a part if bit i % 32 is
 * set). */
static void check_gate(const char *s, size_t n, uint32_t cuts) {
    rsn_utf8_gate gate = {0};
    rsn_str whole = {0}, out = {0};
    size_t from = 0;
    decode_whole(s, n, &whole);
    for (size_t i = 0; i < n; i++) {
        if (i + 1 < n && !(cuts >> i % 32 & 1)) continue;
        char *part =
            fixture_check(malloc(i + 1 - from)); /* so that a read beyond is seen */
        memcpy(part, s + from, i + 1 - from);
        rsn_utf8_gate_feed(&gate, part, i + 1 - from, &out);
        free(part);
        from = i + 1;
        /* Only an incomplete end is held back, and all of the rest is there. */
        assert_true(rsn_utf8_valid(rsn_str_text(&out), out.n, NULL));
        assert_int_equal(gate.n_held, rsn_utf8_open_tail(s, from));
        rsn_str so_far = {0};
        decode_whole(s, from - gate.n_held, &so_far);
        assert_int_equal(out.n, so_far.n);
        rsn_str_free(&so_far);
    }
    rsn_utf8_gate_finish(&gate, &out);
    assert_int_equal(gate.n_held, 0);
    assert_int_equal(out.n, whole.n);
    assert_memory_equal(rsn_str_text(&out), rsn_str_text(&whole), whole.n);
    rsn_str_free(&whole);
    rsn_str_free(&out);
}

static void test_text_detokenize__gate_takes_every_cut(void **state) {
    (void)state;
    static const char *const texts[] = {
        "", "a", "\xC3\xA9", "a\xE2\x82\xAC", "\xF0\x9F\x99\x82!", "\xF0\x9F\x99",
        "\xE2\x82\x61", "\xF0\x9F\xE2\x82\xAC", "\xED\xA0\x80", "\xC0\xAF",
        "\xF4\x90\x80\x80", "\xE0\x80\x80", "\xC3\xC3\xC3\xA9",
        "\xF0\x9F\x99\xF0\x9F\x99\x82", "\xFF\xFE", "\x80\x80", "\xE2\x82\xE2",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        size_t n = strlen(texts[i]);
        for (uint32_t cuts = 0; cuts < 1u << n; cuts++) check_gate(texts[i], n, cuts);
    }
}

/* All texts of up to four of the bytes that begin, continue and break characters. */
static void test_text_detokenize__gate_takes_every_start(void **state) {
    (void)state;
    static const char bytes[] = {'a',    '\0',   '\x80', '\x8F', '\x90', '\x9F',
                                 '\xA0', '\xBF', '\xC1', '\xC2', '\xE0', '\xE1',
                                 '\xED', '\xF0', '\xF1', '\xF4', '\xF5'};
    enum { N = sizeof bytes };
    for (size_t length = 1, count = N; length <= 4; length++, count *= N) {
        for (size_t index = 0; index < count; index++) {
            char s[4];
            size_t rest = index;
            for (size_t k = 0; k < length; k++, rest /= N) s[k] = bytes[rest % N];
            check_gate(s, length, 0xFFFFFFFFu);
            check_gate(s, length, (uint32_t)index);
        }
    }
}

static void test_text_detokenize__gate_takes_random_text(void **state) {
    (void)state;
    uint64_t random = 17;
    for (int i = 0; i < 20000; i++) {
        char s[64];
        size_t n = 0;
        while (n < 56) {
            uint32_t kind = fixture_random(&random) % 4;
            if (kind < 3) {
                static const uint32_t below[] = {0x80, 0x800, 0x110000};
                n += rsn_utf8_encode((int32_t)(fixture_random(&random) % below[kind]),
                                     s + n);
            } else {
                s[n++] = (char)fixture_random(&random);
            }
        }
        check_gate(s, n, fixture_random(&random) & fixture_random(&random));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_detokenize__special_tokens),
        cmocka_unit_test(test_text_detokenize__space_prefix),
        cmocka_unit_test(test_text_detokenize__ids_outside),
        cmocka_unit_test(test_text_detokenize__no_memory),
        cmocka_unit_test(test_text_detokenize__gate_takes_every_cut),
        cmocka_unit_test(test_text_detokenize__gate_takes_every_start),
        cmocka_unit_test(test_text_detokenize__gate_takes_random_text),
    };
    return cmocka_run_group_tests_name("text_detokenize", tests, NULL, NULL);
}
