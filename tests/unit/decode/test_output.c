/* Output text: stop texts, whole characters and labels, however the bytes are cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/utf8.h"
#include "decode/output.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static uint64_t random_next(uint64_t *state) {
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *state >> 33;
}

/* An output and all that its callback was given. */
typedef struct sink {
    rsn_output o;
    rsn_str thinking, answer;
    rsn_str streamed[3]; /* by label */
    char order[512];     /* T, A or M for each piece */
    size_t n_pieces, refuse_at;
} sink;

static int on_piece(void *user, const reason_piece *piece) {
    sink *s = user;
    size_t bad;
    assert_true(piece->n_bytes > 0 && piece->text[piece->n_bytes] == '\0');
    assert_true(rsn_utf8_valid(piece->text, piece->n_bytes, &bad));
    rsn_str_add(&s->streamed[piece->label], piece->text, piece->n_bytes);
    assert_true(s->n_pieces + 1 < sizeof s->order);
    s->order[s->n_pieces++] = "TAM"[piece->label];
    s->order[s->n_pieces] = '\0';
    return s->n_pieces == s->refuse_at;
}

static void begin(sink *s, const char *const *stops, size_t n_stops) {
    memset(s, 0, sizeof *s);
    s->o = (rsn_output){.thinking = &s->thinking,
                        .answer = &s->answer,
                        .stops = stops,
                        .n_stops = n_stops,
                        .stream = on_piece,
                        .stream_user = s};
}

/* With what the driver does behind both. */
static void put(rsn_output *o, reason_label label, const char *text, size_t n) {
    rsn_output_add(o, label, text, n);
    rsn_output_flush(o);
}

static void end(rsn_output *o) {
    rsn_output_finish(o);
    rsn_output_flush(o);
}

static void add(sink *s, reason_label label, const char *text) {
    put(&s->o, label, text, strlen(text));
}

static void add_answer(sink *s, const char *text) {
    add(s, REASON_LABEL_ANSWER, text);
}

/* Ends the output: pieces joined by label are the texts, and these are as expected. */
static void expect(sink *s, const char *thinking, const char *answer) {
    end(&s->o);
    assert_int_equal(rsn_output_status(&s->o), REASON_OK);
    assert_string_equal(rsn_str_text(&s->thinking), thinking);
    assert_string_equal(rsn_str_text(&s->answer), answer);
    if (s->refuse_at == 0) {
        assert_string_equal(rsn_str_text(&s->streamed[REASON_LABEL_THINK]), thinking);
        assert_string_equal(rsn_str_text(&s->streamed[REASON_LABEL_ANSWER]), answer);
    }
    for (int i = 0; i < 3; i++)
        rsn_str_free(&s->streamed[i]);
    rsn_str_free(&s->thinking);
    rsn_str_free(&s->answer);
    rsn_output_free(&s->o);
}

/* Text is kept until the driver has time for callbacks; pieces stay apart. */
static void test_decode_output__waits_for_the_flush(void **state) {
    (void)state;
    sink s;
    begin(&s, NULL, 0);
    rsn_output_add(&s.o, REASON_LABEL_THINK, "one ", 4);
    rsn_output_add(&s.o, REASON_LABEL_THINK, "two", 3);
    rsn_output_add(&s.o, REASON_LABEL_ANSWER, "three", 5);
    assert_string_equal(s.order, "");
    assert_string_equal(rsn_str_text(&s.thinking), "one two");
    rsn_output_flush(&s.o);
    assert_string_equal(s.order, "TTA");
    rsn_output_flush(&s.o);
    assert_string_equal(s.order, "TTA");
    expect(&s, "one two", "three");
}

/* --- labels ------------------------------------------------------------------------- */

static void test_decode_output__labels_go_where_they_belong(void **state) {
    (void)state;
    sink s;
    begin(&s, NULL, 0);
    add(&s, REASON_LABEL_MARKUP, "<think>");
    add(&s, REASON_LABEL_THINK, "one ");
    add(&s, REASON_LABEL_THINK, "two");
    add(&s, REASON_LABEL_MARKUP, "</think>\n\n");
    add(&s, REASON_LABEL_ANSWER, "three");
    add(&s, REASON_LABEL_ANSWER, "");
    assert_string_equal(s.order, "MTTMA");
    assert_string_equal(rsn_str_text(&s.streamed[REASON_LABEL_MARKUP]),
                        "<think></think>\n\n");
    expect(&s, "one two", "three");
}

static void test_decode_output__without_a_callback(void **state) {
    (void)state;
    sink s;
    begin(&s, NULL, 0);
    s.o.stream = NULL;
    add(&s, REASON_LABEL_THINK, "a");
    add_answer(&s, "b");
    end(&s.o);
    assert_string_equal(s.thinking.data, "a");
    assert_string_equal(s.answer.data, "b");
    assert_int_equal(s.n_pieces, 0);
    rsn_str_free(&s.thinking);
    rsn_str_free(&s.answer);
    rsn_output_free(&s.o);
}

static void test_decode_output__refusal_is_noted_and_final(void **state) {
    (void)state;
    sink s;
    begin(&s, NULL, 0);
    s.refuse_at = 2;
    add_answer(&s, "a");
    assert_false(s.o.refused);
    add_answer(&s, "b");
    assert_true(s.o.refused);
    add_answer(&s, "c");
    assert_int_equal(s.n_pieces, 2); /* it is not asked again */
    expect(&s, "", "abc");
}

/* --- characters --------------------------------------------------------------------- */

static void test_decode_output__characters_stay_whole(void **state) {
    (void)state;
    static const char text[] = "a\u00e9\u20ac\U0001F600z";
    for (size_t cut = 1; cut < sizeof text; cut++) {
        sink s;
        begin(&s, NULL, 0);
        for (size_t at = 0; at < sizeof text - 1; at += cut) {
            size_t n = sizeof text - 1 - at < cut ? sizeof text - 1 - at : cut;
            put(&s.o, REASON_LABEL_ANSWER, text + at, n);
        }
        expect(&s, "", text);
    }
}

static void test_decode_output__half_a_character_at_a_tag(void **state) {
    (void)state;
    sink s;
    begin(&s, NULL, 0);
    add(&s, REASON_LABEL_THINK, "x\xE2\x82");
    assert_string_equal(rsn_str_text(&s.thinking), "x");
    add(&s, REASON_LABEL_MARKUP, "</think>");
    add(&s, REASON_LABEL_ANSWER, "\xAC y\xC3");
    assert_string_equal(s.order, "TTMA");
    expect(&s, "x\uFFFD", "\uFFFD y\uFFFD");
}

static void test_decode_output__bytes_that_are_no_text(void **state) {
    (void)state;
    sink s;
    begin(&s, NULL, 0);
    put(&s.o, REASON_LABEL_ANSWER, "a\xFF\0\xC0\x80", 5);
    end(&s.o);
    assert_int_equal(s.answer.n, 1 + 3 + 1 + 3 + 3);
    assert_memory_equal(s.answer.data, "a\uFFFD\0\uFFFD\uFFFD", 11);
    assert_memory_equal(s.streamed[REASON_LABEL_ANSWER].data, s.answer.data, 11);
    rsn_str_free(&s.streamed[REASON_LABEL_ANSWER]);
    rsn_str_free(&s.answer);
    rsn_output_free(&s.o);
}

/* --- stop texts --------------------------------------------------------------------- */

static void test_decode_output__stop_ends_the_answer_before_it(void **state) {
    (void)state;
    static const char *const stops[] = {"END"};
    sink s;
    begin(&s, stops, 1);
    add_answer(&s, "one END two");
    assert_true(s.o.stopped);
    add_answer(&s, "three");
    expect(&s, "", "one ");
}

static void test_decode_output__stop_across_pieces(void **state) {
    (void)state;
    static const char *const stops[] = {"\n\nQ:"};
    sink s;
    begin(&s, stops, 1);
    add_answer(&s, "a\n");
    assert_string_equal(s.answer.data, "a"); /* what may begin it is held back */
    add_answer(&s, "b\n\n");
    add_answer(&s, "Q");
    assert_false(s.o.stopped);
    assert_string_equal(s.answer.data, "a\nb");
    add_answer(&s, ":");
    assert_true(s.o.stopped);
    expect(&s, "", "a\nb");
}

static void test_decode_output__held_text_comes_at_the_end(void **state) {
    (void)state;
    static const char *const stops[] = {"STOP"};
    sink s;
    begin(&s, stops, 1);
    add_answer(&s, "STSTO");
    assert_string_equal(s.answer.data, "ST");
    expect(&s, "", "STSTO");
}

static void test_decode_output__stop_that_overlaps_itself(void **state) {
    (void)state;
    static const char *const stops[] = {"aab"};
    sink s;
    begin(&s, stops, 1);
    for (int i = 0; i < 5; i++)
        add_answer(&s, "a");
    add_answer(&s, "b");
    assert_true(s.o.stopped);
    expect(&s, "", "aaa");
}

static void test_decode_output__stop_that_ends_first_counts(void **state) {
    (void)state; /* however the text is cut: "cd" is complete before "bcdX" can be */
    static const char *const stops[] = {"bcdX", "cd"};
    for (size_t cut = 1; cut <= 5; cut++) {
        sink s;
        begin(&s, stops, 2);
        put(&s.o, REASON_LABEL_ANSWER, "abcdX", cut);
        put(&s.o, REASON_LABEL_ANSWER, &"abcdX"[cut], 5 - cut);
        assert_true(s.o.stopped);
        expect(&s, "", "ab");
    }
    static const char *const same[] = {"cd", "abcd", "bcd"};
    sink s;
    begin(&s, same, 3);
    add_answer(&s, "xabcd");
    expect(&s, "", "x");
}

static void test_decode_output__stops_are_for_the_answer(void **state) {
    (void)state;
    static const char *const stops[] = {"END"};
    sink s;
    begin(&s, stops, 1);
    add(&s, REASON_LABEL_THINK, "END of it");
    add(&s, REASON_LABEL_MARKUP, "END");
    assert_false(s.o.stopped);
    expect(&s, "END of it", "");
}

static void test_decode_output__stop_across_a_block(void **state) {
    (void)state; /* the answer is one text, with or without a block in it */
    static const char *const stops[] = {"END"};
    sink s;
    begin(&s, stops, 1);
    add_answer(&s, "a E");
    add(&s, REASON_LABEL_MARKUP, "<think>");
    add(&s, REASON_LABEL_THINK, "hm");
    add(&s, REASON_LABEL_MARKUP, "</think>");
    add_answer(&s, "ND b");
    assert_true(s.o.stopped);
    expect(&s, "hm", "a ");
}

static void test_decode_output__stop_inside_a_character(void **state) {
    (void)state; /* a stop text is bytes; what is cut stays valid */
    static const char *const stops[] = {"\xA9"};
    sink s;
    begin(&s, stops, 1);
    add_answer(&s, "caf\u00e9 au lait");
    assert_true(s.o.stopped);
    expect(&s, "", "caf\uFFFD");
}

/* The slow way: after each byte, does the text end with a stop? */
static size_t slow_stop(const char *text, size_t n, const char *const *stops,
                        size_t n_stops) {
    for (size_t end = 1; end <= n; end++) {
        size_t longest = 0;
        for (size_t i = 0; i < n_stops; i++) {
            size_t k = strlen(stops[i]);
            if (k <= end && memcmp(text + end - k, stops[i], k) == 0 && k > longest)
                longest = k;
        }
        if (longest > 0)
            return end - longest;
    }
    return n;
}

static void test_decode_output__random_cuts(void **state) {
    (void)state;
    static const char *const words[] = {"a", "ab",     "ba", "bb",  "aba", "abba",
                                        "b", "\u00e9", "c",  "bab", "aab", "cc"};
    uint64_t seed = 5;
    size_t n_stopped = 0;
    for (int run = 0; run < 20000; run++) {
        const char *stops[3];
        char text[64] = "";
        size_t n_stops = 1 + random_next(&seed) % 3, n, at = 0;
        for (size_t i = 0; i < n_stops; i++)
            stops[i] = words[4 + random_next(&seed) % 8];
        for (size_t i = 0; i < 1 + random_next(&seed) % 12; i++)
            strcat(text, words[random_next(&seed) % COUNT(words)]);
        n = strlen(text);
        size_t expected = slow_stop(text, n, stops, n_stops);
        sink s;
        begin(&s, stops, n_stops);
        while (at < n) {
            size_t step = 1 + random_next(&seed) % 5;
            step = step < n - at ? step : n - at;
            put(&s.o, REASON_LABEL_ANSWER, text + at, step);
            at += step;
        }
        assert_int_equal(s.o.stopped, expected < n);
        n_stopped += s.o.stopped;
        text[expected] = '\0';
        expect(&s, "", text);
    }
    assert_in_range(n_stopped, 5000, 19000);
}

/* --- memory ------------------------------------------------------------------------- */

static size_t n_calls, fail_at;

static void *failing_alloc(void *user, size_t n) {
    (void)user;
    return ++n_calls >= fail_at ? NULL : malloc(n);
}

static void *failing_resize(void *user, void *p, size_t n) {
    (void)user;
    return ++n_calls >= fail_at ? NULL : realloc(p, n);
}

static void failing_release(void *user, void *p) {
    (void)user;
    free(p);
}

static int take_any(void *user, const reason_piece *piece) {
    (void)user;
    assert_int_equal(strlen(piece->text), piece->n_bytes);
    return 0;
}

static void test_decode_output__lost_text_is_no_memory(void **state) {
    (void)state;
    static const char *const stops[] = {"END"};
    reason_allocator hooks = {sizeof hooks, failing_alloc, failing_resize,
                              failing_release, NULL};
    reason_status status = REASON_ERR_NO_MEMORY;
    assert_int_equal(rsn_alloc_set(&hooks), REASON_OK);
    for (fail_at = 1; status == REASON_ERR_NO_MEMORY; fail_at++) {
        rsn_str thinking = {0}, answer = {0};
        rsn_output o = {.thinking = &thinking,
                        .answer = &answer,
                        .stops = stops,
                        .n_stops = 1,
                        .stream = take_any};
        n_calls = 0;
        put(&o, REASON_LABEL_THINK, "a rather long thought", 21);
        put(&o, REASON_LABEL_ANSWER, "a rather long answer EN", 23);
        end(&o);
        status = rsn_output_status(&o);
        if (status == REASON_OK)
            assert_string_equal(answer.data, "a rather long answer EN");
        rsn_str_free(&thinking);
        rsn_str_free(&answer);
        rsn_output_free(&o);
    }
    assert_int_equal(status, REASON_OK);
    assert_true(fail_at > 3);
    assert_int_equal(rsn_alloc_set(NULL), REASON_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decode_output__waits_for_the_flush),
        cmocka_unit_test(test_decode_output__labels_go_where_they_belong),
        cmocka_unit_test(test_decode_output__without_a_callback),
        cmocka_unit_test(test_decode_output__refusal_is_noted_and_final),
        cmocka_unit_test(test_decode_output__characters_stay_whole),
        cmocka_unit_test(test_decode_output__half_a_character_at_a_tag),
        cmocka_unit_test(test_decode_output__bytes_that_are_no_text),
        cmocka_unit_test(test_decode_output__stop_ends_the_answer_before_it),
        cmocka_unit_test(test_decode_output__stop_across_pieces),
        cmocka_unit_test(test_decode_output__held_text_comes_at_the_end),
        cmocka_unit_test(test_decode_output__stop_that_overlaps_itself),
        cmocka_unit_test(test_decode_output__stop_that_ends_first_counts),
        cmocka_unit_test(test_decode_output__stops_are_for_the_answer),
        cmocka_unit_test(test_decode_output__stop_across_a_block),
        cmocka_unit_test(test_decode_output__stop_inside_a_character),
        cmocka_unit_test(test_decode_output__random_cuts),
        cmocka_unit_test(test_decode_output__lost_text_is_no_memory),
    };
    return cmocka_run_group_tests_name("decode/output", tests, NULL, NULL);
}
