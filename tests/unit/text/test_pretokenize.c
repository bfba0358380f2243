/* The scanners against the regular expressions that define them, run by PCRE2. */
#include "text/pretokenize.h"

#include <pthread.h>
#include <stdio.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/utf8.h"
#include "text/unicode.h"
#include "vocab_fixture.h"

/* What the published expressions have in common. */
#define GPT2                                                                             \
    "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)"
#define SHORT "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
#define SPACES "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
#define LINES(digits)                                                                    \
    SHORT "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}" digits                                 \
          "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|" SPACES
#define HEAD "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]"
#define BODY "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]"
#define CASED(short, digits)                                                             \
    "[^\\r\\n\\p{L}\\p{N}]?" HEAD "*" BODY "+" short "|[^\\r\\n\\p{L}\\p{N}]?" HEAD      \
    "+" BODY "*" short "|\\p{N}" digits "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|" SPACES
#define ASIAN "[\\x{4E00}-\\x{9FA5}\\x{800}-\\x{4E00}\\x{AC00}-\\x{D7FF}]+"
/* Cased letters as the expression of deepseek-llm lists them. */
#define CASED_LETTERS \
    "\\x{41}-\\x{5A}\\x{61}-\\x{7A}\\x{B5}\\x{C0}-\\x{D6}\\x{D8}-\\x{F6}" \
    "\\x{F8}-\\x{1BA}\\x{1BC}-\\x{1BF}\\x{1C4}-\\x{293}\\x{295}-\\x{2AF}" \
    "\\x{370}-\\x{373}\\x{376}\\x{377}\\x{37B}-\\x{37D}\\x{37F}\\x{386}" \
    "\\x{388}-\\x{38A}\\x{38C}\\x{38E}-\\x{3A1}\\x{3A3}-\\x{3F5}\\x{3F7}-\\x{481}" \
    "\\x{48A}-\\x{52F}\\x{531}-\\x{556}\\x{10A0}-\\x{10C5}\\x{13A0}-\\x{13F5}" \
    "\\x{13F8}-\\x{13FD}\\x{1C90}-\\x{1CBA}\\x{1CBD}-\\x{1CBF}\\x{1D00}-\\x{1D2B}" \
    "\\x{1D6B}-\\x{1D77}\\x{1D79}-\\x{1D9A}\\x{1E00}-\\x{1F15}\\x{1F18}-\\x{1F1D}" \
    "\\x{1F20}-\\x{1F45}\\x{1F48}-\\x{1F4D}\\x{1F50}-\\x{1F57}\\x{1F59}\\x{1F5B}" \
    "\\x{1F5D}\\x{1F5F}-\\x{1F7D}\\x{1F80}-\\x{1FB4}\\x{1FB6}-\\x{1FBC}\\x{1FBE}" \
    "\\x{1FC2}-\\x{1FC4}\\x{1FC6}-\\x{1FCC}\\x{1FD0}-\\x{1FD3}\\x{1FD6}-\\x{1FDB}" \
    "\\x{1FE0}-\\x{1FEC}\\x{1FF2}-\\x{1FF4}\\x{1FF6}-\\x{1FFC}\\x{2102}\\x{2107}" \
    "\\x{210A}-\\x{2113}\\x{2115}\\x{2119}-\\x{211D}\\x{2124}\\x{2126}\\x{2128}" \
    "\\x{212A}-\\x{212D}\\x{212F}-\\x{2134}\\x{2139}\\x{213C}-\\x{213F}" \
    "\\x{2145}-\\x{2149}\\x{214E}\\x{2183}\\x{2184}\\x{2C00}-\\x{2C7B}" \
    "\\x{2C7E}-\\x{2CE4}\\x{2CEB}-\\x{2CEE}\\x{2CF2}\\x{2CF3}\\x{A640}-\\x{A66D}" \
    "\\x{A680}-\\x{A69B}\\x{A722}-\\x{A76F}\\x{A771}-\\x{A787}\\x{A78B}-\\x{A78E}" \
    "\\x{AB70}-\\x{ABBF}\\x{FB00}-\\x{FB06}\\x{FB13}-\\x{FB17}\\x{FF21}-\\x{FF3A}" \
    "\\x{FF41}-\\x{FF5A}\\x{10400}-\\x{1044F}\\x{104B0}-\\x{104D3}" \
    "\\x{104D8}-\\x{104FB}\\x{10C80}-\\x{10CB2}\\x{10CC0}-\\x{10CF2}" \
    "\\x{118A0}-\\x{118DF}\\x{1E900}-\\x{1E943}"

/* Each expression is applied to the pieces of the one before it. */
static const struct {
    const char *name, *patterns[RSN_PRETOKENIZE_SPLITS];
} DEFINITIONS[] = {
    {"gpt-2", {GPT2 "|\\s+"}},
    {"llama-bpe", {LINES("{1,3}")}},
    {"dbrx", {LINES("{1,3}")}},
    {"qwen2", {"'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}|"
               " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|" SPACES}},
    {"bailingmoe", {"'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}+|\\p{N}|"
                    " ?[^\\s\\p{L}\\p{N}]++[\\r\\n]*|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+"}},
    {"qwen35", {SHORT "|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|\\p{N}|"
                      " ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*|" SPACES}},
    {"seed-coder", {SHORT "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1}|"
                          " ?[^\\s\\p{L}\\p{N}\\r\\n]+|" SPACES}},
    {"minicpm5", {"\\p{N}{1,3}", LINES("+")}},
    {"tekken", {CASED("", "")}},
    {"gpt-4o", {CASED(SHORT "?", "{1,3}")}},
    {"deepseek-v3",
     {"\\p{N}{1,3}", "[\\x{4E00}-\\x{9FA5}\\x{3040}-\\x{309F}\\x{30A0}-\\x{30FF}]+",
      "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|"
      "[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r\\n]*|" SPACES}},
    {"deepseek-llm",
     {"[\\r\\n]", "\\s?[" CASED_LETTERS "]+",
      "\\s?[!-/:-~\\x{FF01}-\\x{FF0F}\\x{FF1A}-\\x{FF5E}\\x{2018}-\\x{201F}"
      "\\x{3000}-\\x{3002}]+",
      "\\s+\\z", ASIAN, "\\p{N}+"}},
    {"deepseek-coder", {"[\\r\\n]", "\\s?\\p{L}+", "\\s?\\p{P}+", ASIAN, "\\p{N}"}},
    {"falcon", {"[\\p{P}\\$\\+<=>\\^~\\|`]+", GPT2, "[0-9][0-9][0-9]"}},
    {"smollm", {"\\p{N}", GPT2}},
    {"default", {"[\\p{P}\\$\\+<=>\\^~\\|]+", GPT2, "\\p{N}+", "[0-9][0-9][0-9]"}},
};
enum { N_DEFINITIONS = sizeof DEFINITIONS / sizeof *DEFINITIONS };

typedef struct definition {
    const rsn_pretokenizer *scanner;
    pcre2_code *codes[RSN_PRETOKENIZE_SPLITS];
    int n_codes;
    pcre2_match_data *data;
} definition;

static definition load_definition(int i) {
    int error;
    PCRE2_SIZE offset;
    definition d = {.scanner = rsn_pretokenizer_find(DEFINITIONS[i].name)};
    assert_non_null(d.scanner);
    for (; d.n_codes < RSN_PRETOKENIZE_SPLITS; d.n_codes++) {
        const char *pattern = DEFINITIONS[i].patterns[d.n_codes];
        if (!pattern) break;
        pcre2_code *code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED,
                                         PCRE2_UTF | PCRE2_UCP, &error, &offset, NULL);
        assert_non_null(code);
        pcre2_jit_compile(code, PCRE2_JIT_COMPLETE); /* slower without, not different */
        d.codes[d.n_codes] = code;
    }
    d.data = pcre2_match_data_create(4, NULL);
    assert_non_null(d.data);
    return d;
}

static void free_definition(definition *d) {
    pcre2_match_data_free(d->data);
    for (int i = 0; i < d->n_codes; i++) pcre2_code_free(d->codes[i]);
}

/* PCRE2 takes valid text only: each byte that is none becomes U+FFFD, which is a symbol.
 * at[] says for each byte of the copy where it comes from. */
static size_t make_valid(const char *s, size_t n, char *copy, size_t *at) {
    size_t made = 0;
    for (size_t i = 0; i < n;) {
        int32_t cp;
        size_t len = rsn_utf8_decode(s + i, n - i, &cp);
        const char *from = cp < 0 ? "\xEF\xBF\xBD" : s + i;
        size_t n_from = cp < 0 ? 3 : len;
        if (cp < 0) len = 1;
        for (size_t k = 0; k < n_from; k++) {
            copy[made] = from[k];
            at[made++] = i;
        }
        i += len;
    }
    at[made] = n;
    return made;
}

static void show(const char *s, size_t n) {
    for (size_t i = 0; i < n; i++) print_error("%02X ", (unsigned char)s[i]);
    print_error("\n");
}

/* Marks in cut[] where the pieces of copy[from..to) end, by expression `which` and those
 * behind it. */
static void cut_by_definition(const definition *d, int which, const char *copy,
                              size_t from, size_t to, char *cut) {
    if (which == d->n_codes) {
        cut[to] = 1;
        return;
    }
    PCRE2_SIZE *ends = pcre2_get_ovector_pointer(d->data);
    for (size_t pos = 0, n = to - from; pos < n;) {
        int found = pcre2_match(d->codes[which], (PCRE2_SPTR)(copy + from), n, pos,
                                PCRE2_NO_UTF_CHECK, d->data, NULL);
        assert_true(found > 0 || found == PCRE2_ERROR_NOMATCH);
        size_t begin = found > 0 ? ends[0] : n, end = found > 0 ? ends[1] : n;
        assert_true(begin >= pos && end >= begin);
        if (begin > pos)
            cut_by_definition(d, which + 1, copy, from + pos, from + begin, cut);
        if (end > begin)
            cut_by_definition(d, which + 1, copy, from + begin, from + end, cut);
        pos = end;
    }
}

/* Cuts s[0..n) both ways; copy, at and cut are buffers of 3n + 1. */
static void compare(const definition *d, const char *s, size_t n, char *copy, size_t *at,
                    char *cut) {
    size_t n_copy = make_valid(s, n, copy, at), ours = 0;
    rsn_pretokens state = {{0}};
    memset(cut, 0, n_copy + 1);
    cut_by_definition(d, 0, copy, 0, n_copy, cut);
    for (size_t pos = 1; pos <= n_copy; pos++) {
        if (!cut[pos]) continue;
        size_t end = rsn_pretokenize(d->scanner, s, n, ours, &state);
        if (end != at[pos]) {
            show(s, n);
            fail_msg("%s: the piece at %zu ends at %zu, PCRE2 says %zu",
                     d->scanner->names, ours, end, at[pos]);
        }
        ours = end;
    }
    assert_int_equal(ours, n);
}

static const char *const PARTS[] = {
    "a", "b", "s", "S", "t", "T", "m", "d", "D", "r", "e", "R", "E", "v", "V", "l", "L",
    "z", "'", "'s", "'S", "'re", "'LL", "'Ve", "'\xC5\xBF", "\xC5\xBF", "'\xE2\x84\xAA",
    "\xE2\x80\x99", "0", "7", "12", "\xD9\xA3", "\xC2\xBD", "\xE2\x85\xA7",
    "\xE0\xA5\xAA", "\xF0\x9D\x9F\x8E", " ", " ", " ", "  ", "   ", "\t", "\n", "\n",
    "\r", "\r\n", "\n\n", "\x0B", "\x0C", "\x1C", "\xC2\x85", "\xC2\xA0",
    "\xE2\x80\xA8", "\xE2\x80\xA9", "\xE3\x80\x80", "\xE2\x80\x83", "\xE1\x9A\x80",
    "\xE2\x80\x8B", "\xE2\x80\x8D", "\xEF\xBB\xBF", "\xC2\xAD", ".", ",", "!", "?", "-",
    "_", "(", "$", "+", "=", "<|", "|>", "/", "\"", "``", "\xE4\xB8\xAD",
    "\xE6\x96\x87", "\xE3\x81\x82", "\xED\x95\x9C", "\xE3\x80\x82", "\xD0\xB6",
    "\xC3\xA9", "e\xCC\x81", "\xCC\x88", "\xE0\xA4\xBE", "\xCA\xB0", "\xC7\x85",
    "\xDF\xB1", "\xF0\x9F\x99\x82", "\xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x94\xAC",
    "\xE2\x82\xAC", "\xF0\x90\x8D\x88", "\xF0\xA0\x80\x80", "\xEE\x80\x80", "\x7F",
    "\x01", "A", "B", "Z", "aB", "Ab", "CC", "^", "~", "`", "|", "<", ">", "*", "#",
    "\n/", "/\n", "99", "123", "4567", "\xCC\x81", "\xE0\xA5\x8D", "\xC3\x89",
    "\xD0\x96", "\xE1\x8E\xA0", "\xEA\xAD\xB0", "\xE1\x82\xA0", "\xE1\x83\x90",
    "\xF0\x90\x90\x80", "\xEF\xBC\x81", "\xEF\xBC\xA1", "\xEF\xBD\x81",
    "\xE2\x80\x98", "\xE2\x80\x9F", "\xE3\x80\x81", "\xE3\x82\xA2", "\xE3\x80\xBF",
    "\xE9\xBE\xA5", "\xE9\xBE\xA6", "\xE2\xB8\xAE", "\xE0\xA0\x80", "\xE2\x84\xA2",
    "\xC2\xA7", "\xD9\xB0", "\xE2\x83\xA3",
};
enum { N_PARTS = sizeof PARTS / sizeof *PARTS };

static const char *const INVALID[] = {"\xFF",    "\xC0",         "\x80",
                                      "\xBF",    "\xE2\x82",     "\xF0\x9F\x99",
                                      "\xC3",    "\xED\xA0\x80", "\xF4\x90\x80\x80",
                                      "\xE0\x80"};
enum { N_INVALID = sizeof INVALID / sizeof *INVALID };

/* Appends something random. Characters from anywhere are left out if one of the libraries
 * does not have them yet, or as U+180E (see test_unicode.c). */
static size_t add_random(uint64_t *random, bool invalid, pcre2_code *assigned,
                         pcre2_match_data *data, char *to) {
    uint32_t choice = fixture_random(random) % 100;
    if (invalid && choice < 15) {
        const char *s = INVALID[fixture_random(random) % N_INVALID];
        memcpy(to, s, strlen(s));
        return strlen(s);
    }
    if (choice < 80) {
        const char *s = PARTS[fixture_random(random) % N_PARTS];
        memcpy(to, s, strlen(s));
        return strlen(s);
    }
    if (choice < 90) {
        to[0] = (char)(fixture_random(random) % 128);
        return 1;
    }
    for (;;) {
        uint32_t range = fixture_random(random) % 2 ? 0x3100 : 0x20000;
        int32_t cp = (int32_t)(fixture_random(random) % range);
        size_t n = rsn_utf8_encode(cp, to);
        if (n == 0 || cp == 0x180E) continue;
        /* \p{Cn} of PCRE2 and OTHER of utf8proc agree in class, so only the newer letters
         * and numbers of utf8proc have to go. */
        bool known =
            pcre2_match(assigned, (PCRE2_SPTR)to, n, 0, PCRE2_ANCHORED, data, NULL) > 0;
        if (known || rsn_unicode_class(cp) == RSN_UNICODE_REST) return n;
    }
}

static void compare_random(int which, bool invalid, size_t n_total, uint64_t seed) {
    enum { MAX = 8192 };
    definition d = load_definition(which);
    int error;
    PCRE2_SIZE offset;
    pcre2_code *assigned = pcre2_compile((PCRE2_SPTR) "[^\\p{Cn}]", PCRE2_ZERO_TERMINATED,
                                         PCRE2_UTF | PCRE2_UCP, &error, &offset, NULL);
    pcre2_match_data *data = pcre2_match_data_create(1, NULL);
    char *text = fixture_check(malloc(MAX + 64)),
         *copy = fixture_check(malloc(3 * MAX + 256));
    char *cut = fixture_check(malloc(3 * MAX + 256));
    size_t *at = fixture_check(malloc((3 * MAX + 256) * sizeof *at)), done = 0;
    while (done < n_total) {
        /* Mostly short texts: their ends, where look-ahead matters, are then many. */
        size_t want =
            fixture_random(&seed) % 8 ? fixture_random(&seed) % 64 + 1 : MAX / 2;
        size_t n = 0, characters = 0;
        while (characters < want && n < MAX) {
            n += add_random(&seed, invalid, assigned, data, text + n);
            characters++;
        }
        char *exact = fixture_check(malloc(n)); /* so that a read beyond is seen */
        memcpy(exact, text, n);
        compare(&d, exact, n, copy, at, cut);
        free(exact);
        done += characters;
    }
    free(text);
    free(copy);
    free(cut);
    free(at);
    pcre2_match_data_free(data);
    pcre2_code_free(assigned);
    free_definition(&d);
}

static void test_text_pretokenize__random_text(void **state) {
    (void)state;
    for (int i = 0; i < N_DEFINITIONS; i++)
        compare_random(i, false, 700000, 11 + (uint64_t)i);
}

static void test_text_pretokenize__random_text_with_invalid_bytes(void **state) {
    (void)state;
    for (int i = 0; i < N_DEFINITIONS; i++)
        compare_random(i, true, 300000, 23 + (uint64_t)i);
}

/* Every text of up to four of these: all turns that the expressions can take. */
static void test_text_pretokenize__all_short_texts(void **state) {
    (void)state;
    static const char *const symbols[] = {
        "a", "s", "L", "'", "1", " ", "\n", "\r", ".", "/", "$", "\xC5\xBF",
        "\xE3\x80\x80", "\xCC\x81", "\xE4\xB8\xAD", "\x01", "\xFF"};
    enum { N = sizeof symbols / sizeof *symbols, DEPTH = 4 };
    char copy[64], cut[64];
    size_t at[64];
    for (int i = 0; i < N_DEFINITIONS; i++) {
        definition d = load_definition(i);
        for (size_t length = 1, count = N; length <= DEPTH; length++, count *= N) {
            for (size_t index = 0; index < count; index++) {
                char text[4 * DEPTH];
                size_t n = 0, rest = index;
                for (size_t k = 0; k < length; k++, rest /= N) {
                    const char *s = symbols[rest % N];
                    memcpy(text + n, s, strlen(s));
                    n += strlen(s);
                }
                compare(&d, text, n, copy, at, cut);
            }
        }
        free_definition(&d);
    }
}

static void check_pieces(const char *name, const char *text, const char *expected) {
    const rsn_pretokenizer *p = rsn_pretokenizer_find(name);
    assert_non_null(p);
    char joined[256];
    size_t made = 0, n = strlen(text);
    rsn_pretokens state = {{0}};
    for (size_t at = 0; at < n;) {
        size_t end = rsn_pretokenize(p, text, n, at, &state);
        assert_true(end > at && end <= n);
        if (at) joined[made++] = '^';
        memcpy(joined + made, text + at, end - at);
        made += end - at;
        at = end;
    }
    joined[made] = '\0';
    assert_string_equal(joined, expected);
}

static void test_text_pretokenize__by_hand(void **state) {
    (void)state;
    check_pieces("gpt-2", "I'll say 'S 2024  times!\n\n x",
                 "I^'ll^ say^ '^S^ 2024^ ^ times^!^\n\n^ x");
    check_pieces("llama-bpe", "I'LL say 2024  times!\n\n x",
                 "I^'LL^ say^ ^202^4^ ^ times^!\n\n^ x");
    check_pieces("qwen2", "I'll say 24\t(x)\n \n  y",
                 "I^'ll^ say^ ^2^4^\t^(x^)\n^ \n^ ^ y");
    check_pieces("gpt-4o", "HelloWORLDs it's 1234 a/\n/b",
                 "Hello^WORLDs^ it's^ ^123^4^ a^/\n/^b");
    check_pieces("tekken", "don't 12", "don^'t^ ^1^2");
    check_pieces("deepseek-v3", "x=\\frac12 \xE4\xB8\xAD\xE6\x96\x87!",
                 "x^=\\^frac^12^ ^\xE4\xB8\xAD\xE6\x96\x87^!");
    check_pieces("falcon", " 12345, $x", " ^123^45^,^ ^$^x");
    check_pieces("default", " 12345 ab", " ^123^45^ ab");
    check_pieces("smollm", "a 12\tb", "a^ ^1^2^\t^b");
    check_pieces("deepseek-llm", "a\n\n b  ", "a^\n^\n^ b^  ");
    check_pieces("llama-bpe", "'\xC5\xBF" "a", "'\xC5\xBF^a");
    check_pieces("gpt-2", "'\xC5\xBF" "a", "'^\xC5\xBF" "a");
    check_pieces("qwen2", "a \xFF\xFE" "b", "a^ \xFF\xFE^b");
    check_pieces("qwen2", "\xFF" "b\xFF", "\xFF" "b^\xFF");
}

static void test_text_pretokenize__names(void **state) {
    (void)state;
    static const char *const same[][2] = {{"gpt-2", "olmo"},
                                          {"gpt-2", "exaone4"},
                                          {"llama-bpe", "llama3"},
                                          {"llama-bpe", "llama-v3"},
                                          {"llama-bpe", "lfm2"},
                                          {"dbrx", "chatglm-bpe"},
                                          {"dbrx", "smaug-bpe"},
                                          {"dbrx", "glm4"},
                                          {"qwen2", "deepseek-r1-qwen"},
                                          {"qwen2", "stablelm2"},
                                          {"qwen2", "llada-moe"},
                                          {"gpt-4o", "llama4"},
                                          {"gpt-4o", "minimax-m2"},
                                          {"smollm", "starcoder"},
                                          {"smollm", "refact"},
                                          {"smollm", "command-r"},
                                          {"smollm", "mellum2"},
                                          {"deepseek-v3", "deepseek-r1"},
                                          {"default", ""},
                                          {"deepseek-v3", "hy_v4"}};
    static const char *const unknown[] = {"llama",           "qwen", "qwen2 ", "gpt-2 x",
                                          "llama3 llama-v3", " ",    "gpt2",   "kimi-k2",
                                          "defaul",          "default "};
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        assert_non_null(rsn_pretokenizer_find(same[i][0]));
        assert_ptr_equal(rsn_pretokenizer_find(same[i][0]),
                         rsn_pretokenizer_find(same[i][1]));
    }
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
        assert_null(rsn_pretokenizer_find(unknown[i]));
    assert_ptr_equal(rsn_pretokenizer_find(NULL), rsn_pretokenizer_find("default"));
    /* Rows that differ in what is done with a piece, not in the pieces. */
    assert_true(rsn_pretokenizer_find("llama-bpe")->whole_tokens);
    assert_true(rsn_pretokenizer_find("llama-bpe")->adds_bos);
    assert_false(rsn_pretokenizer_find("dbrx")->whole_tokens);
    assert_true(rsn_pretokenizer_find("tekken")->whole_tokens);
    assert_false(rsn_pretokenizer_find("gpt-4o")->whole_tokens);
    assert_false(rsn_pretokenizer_find("default")->adds_bos);
}

/* Texts whose pieces are found by looking far ahead: were any of them looked at again
 * from each piece, 1 MiB would take hours. The thread's stack is 256 KiB. */
static void *cut_hostile(void *result) {
    static const char *const unit[] = {
        "a",  " ", "\n",           " \n",  "\n ",      "1",  ".",    ".\n",
        " a", "'", "\xE3\x80\x80", "\xFF", "\xE2\x82", "'s", "   \r"};
    enum { SIZE = 1 << 20 };
    char *text = fixture_check(malloc(SIZE));
    for (size_t u = 0; u < sizeof unit / sizeof *unit; u++) {
        size_t n_unit = strlen(unit[u]);
        for (size_t i = 0; i < SIZE; i++) text[i] = unit[u][i % n_unit];
        text[SIZE - 1] = 'x';
        for (int i = 0; i < N_DEFINITIONS; i++) {
            const rsn_pretokenizer *p = rsn_pretokenizer_find(DEFINITIONS[i].name);
            size_t at = 0;
            rsn_pretokens state = {{0}};
            while (at < SIZE) at = rsn_pretokenize(p, text, SIZE, at, &state);
            if (at != SIZE) *(bool *)result = false;
        }
    }
    free(text);
    return NULL;
}

static void test_text_pretokenize__long_texts_on_a_small_stack(void **state) {
    (void)state;
    pthread_attr_t attr;
    pthread_t thread;
    bool right = true;
    assert_int_equal(pthread_attr_init(&attr), 0);
    assert_int_equal(pthread_attr_setstacksize(&attr, 256 * 1024), 0);
    assert_int_equal(pthread_create(&thread, &attr, cut_hostile, &right), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    pthread_attr_destroy(&attr);
    assert_true(right);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_pretokenize__by_hand),
        cmocka_unit_test(test_text_pretokenize__names),
        cmocka_unit_test(test_text_pretokenize__all_short_texts),
        cmocka_unit_test(test_text_pretokenize__random_text),
        cmocka_unit_test(test_text_pretokenize__random_text_with_invalid_bytes),
        cmocka_unit_test(test_text_pretokenize__long_texts_on_a_small_stack),
    };
    return cmocka_run_group_tests_name("text_pretokenize", tests, NULL, NULL);
}
