/* Models and ids that SentencePiece made (tests/data/make_sentencepiece.py): the ids of
 * every text are the same. */
#include <inttypes.h>

#include "text/detokenize.h"
#include "vocab_fixture.h"

/* The bytes of hexadecimal digits, in place of them; "-" stands for none. */
static rsn_text read_hex(char *s) {
    size_t n = s[0] == '-' ? 0 : strlen(s) / 2;
    for (size_t i = 0; i < n; i++) {
        char digits[3] = {s[2 * i], s[2 * i + 1], 0}, *end;
        s[i] = (char)strtoul(digits, &end, 16);
        assert_ptr_equal(end, digits + 2);
    }
    return (rsn_text){s, n};
}

static void read_token(fixture *f, char *spelling, char *rest) {
    uint32_t bits = (uint32_t)strtoul(rest + 2, NULL, 16);
    float score;
    memcpy(&score, &bits, sizeof score);
    rsn_text s = read_hex(spelling);
    fixture_scored(f, s.data, s.n, rest[0] - '0', score);
}

static void check_text(const rsn_vocab *v, rsn_text text, char *rest, bool exact) {
    rsn_vocab_ids ids = {0};
    rsn_str back = {0};
    assert_int_equal(rsn_vocab_encode(v, text.data, text.n, 0, &ids), REASON_OK);
    size_t i = 0;
    for (char *at = rest; *at && *at != '\n'; i++) {
        long id = strtol(at, &at, 10);
        assert_true(i < ids.n);
        if (ids.items[i] != id)
            fail_msg("\"%.*s\": id %zu is %d, SentencePiece's %ld", (int)text.n,
                     text.data, i, ids.items[i], id);
    }
    assert_int_equal(i, ids.n);
    assert_int_equal(rsn_vocab_decode(v, ids.items, ids.n, 0, &back), REASON_OK);
    if (exact) {
        assert_int_equal(back.n, text.n);
        assert_memory_equal(rsn_str_text(&back), text.data, text.n);
    }
    rsn_str_free(&back);
    rsn_free(ids.items);
}

static void test_text_sentencepiece__ids(void **state) {
    (void)state;
    char path[4096], *line = fixture_check(malloc(1 << 16)), *kept = NULL;
    const char *root = getenv("REASON_SRCDIR");
    snprintf(path, sizeof path, "%s/tests/data/sentencepiece.txt", root ? root : ".");
    FILE *file = fopen(path, "rb");
    if (!file) fail_msg("%s cannot be read", path);
    fixture f;
    rsn_vocab *v = NULL;
    int n_texts = 0, n_vocabularies = 0;
    fixture_init(&f, NULL);
    while (fgets(line, 1 << 16, file)) {
        line[strcspn(line, "\n")] = '\0';
        char *value = line + strcspn(line, " ") + 1, *rest = value + strcspn(value, " ");
        if (*rest) *rest++ = '\0';
        if (strncmp(line, "vocabulary ", 11) == 0) {
            rsn_vocab_free(v);
            v = NULL;
            fixture_free(&f);
            free(kept);
            kept = NULL;
            fixture_init(&f, NULL);
            f.src.model = strcmp(value, "llama") == 0 ? "llama" : "t5";
            f.src.space_prefix = rest[0] == '1';
            f.src.remove_spaces = rest[2] == '1';
            n_vocabularies++;
        } else if (strncmp(line, "charsmap ", 9) == 0) {
            kept = fixture_check(malloc(strlen(value) + 1));
            memcpy(kept, value, strlen(value) + 1);
            f.src.charsmap = (const uint8_t *)kept;
            f.src.n_charsmap = read_hex(kept).n;
        } else if (strncmp(line, "token ", 6) == 0) {
            read_token(&f, value, rest);
        } else if (strncmp(line, "text ", 5) == 0) {
            if (!v) v = fixture_new(&f);
            check_text(v, read_hex(value), rest, !f.src.charsmap);
            n_texts++;
        }
    }
    assert_int_equal(n_vocabularies, 3);
    assert_int_equal(n_texts, 3 * 72);
    rsn_vocab_free(v);
    fixture_free(&f);
    free(kept);
    free(line);
    fclose(file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_sentencepiece__ids),
    };
    return cmocka_run_group_tests_name("text_sentencepiece", tests, NULL, NULL);
}
