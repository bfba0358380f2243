/* Owns the table of pre-tokenizers: their names and the expressions they are made of,
 * whose scanners are in split_words.c and split_runs.c. Invariant: the pieces of a split
 * lie inside those of the split before it, so the innermost one's end where any does. */
#include "text/pretokenize.h"

#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof *(a))
/* Sets of some classes or of some ranges. */
#define CLASSES(kinds) {.classes = (kinds)}
#define RANGES(list) {.ranges = (list), .n_ranges = COUNT(list)}

/* ---- sets ---- */

static const int32_t line_breaks[][2] = {{'\n', '\n'}, {'\r', '\r'}};
static const int32_t ascii_digits[][2] = {{'0', '9'}};
/* [一-龥぀-ゟ゠-ヿ] */
static const int32_t han_and_kana[][2] = {{0x3040, 0x30FF}, {0x4E00, 0x9FA5}};
/* [一-龥ࠀ-一가-퟿] */
static const int32_t east_asian[][2] = {{0x800, 0x9FA5}, {0xAC00, 0xD7FF}};
/* The symbols of ASCII but for the grave accent; and with it. */
static const int32_t signs[][2] = {{'$', '$'}, {'+', '+'}, {'<', '>'},
                                   {'^', '^'}, {'|', '|'}, {'~', '~'}};
static const int32_t all_signs[][2] = {{'$', '$'}, {'+', '+'}, {'<', '>'}, {'^', '^'},
                                       {'`', '`'}, {'|', '|'}, {'~', '~'}};
/* [!-/:-~！-／：-～‘-‟　-。] */
static const int32_t deepseek_signs[][2] = {{0x21, 0x2F},     {0x3A, 0x7E},
                                            {0x2018, 0x201F}, {0x3000, 0x3002},
                                            {0xFF01, 0xFF0F}, {0xFF1A, 0xFF5E}};
/* Letters that have case, as an older Unicode had them. */
static const int32_t deepseek_letters[][2] = {
    {0x41, 0x5A}, {0x61, 0x7A}, {0xB5, 0xB5}, {0xC0, 0xD6}, {0xD8, 0xF6}, {0xF8, 0x1BA},
    {0x1BC, 0x1BF}, {0x1C4, 0x293}, {0x295, 0x2AF}, {0x370, 0x373}, {0x376, 0x376},
    {0x377, 0x377}, {0x37B, 0x37D}, {0x37F, 0x37F}, {0x386, 0x386}, {0x388, 0x38A},
    {0x38C, 0x38C}, {0x38E, 0x3A1}, {0x3A3, 0x3F5}, {0x3F7, 0x481}, {0x48A, 0x52F},
    {0x531, 0x556}, {0x10A0, 0x10C5}, {0x13A0, 0x13F5}, {0x13F8, 0x13FD},
    {0x1C90, 0x1CBA}, {0x1CBD, 0x1CBF}, {0x1D00, 0x1D2B}, {0x1D6B, 0x1D77},
    {0x1D79, 0x1D9A}, {0x1E00, 0x1F15}, {0x1F18, 0x1F1D}, {0x1F20, 0x1F45},
    {0x1F48, 0x1F4D}, {0x1F50, 0x1F57}, {0x1F59, 0x1F59}, {0x1F5B, 0x1F5B},
    {0x1F5D, 0x1F5D}, {0x1F5F, 0x1F7D}, {0x1F80, 0x1FB4}, {0x1FB6, 0x1FBC},
    {0x1FBE, 0x1FBE}, {0x1FC2, 0x1FC4}, {0x1FC6, 0x1FCC}, {0x1FD0, 0x1FD3},
    {0x1FD6, 0x1FDB}, {0x1FE0, 0x1FEC}, {0x1FF2, 0x1FF4}, {0x1FF6, 0x1FFC},
    {0x2102, 0x2102}, {0x2107, 0x2107}, {0x210A, 0x2113}, {0x2115, 0x2115},
    {0x2119, 0x211D}, {0x2124, 0x2124}, {0x2126, 0x2126}, {0x2128, 0x2128},
    {0x212A, 0x212D}, {0x212F, 0x2134}, {0x2139, 0x2139}, {0x213C, 0x213F},
    {0x2145, 0x2149}, {0x214E, 0x214E}, {0x2183, 0x2183}, {0x2184, 0x2184},
    {0x2C00, 0x2C7B}, {0x2C7E, 0x2CE4}, {0x2CEB, 0x2CEE}, {0x2CF2, 0x2CF2},
    {0x2CF3, 0x2CF3}, {0xA640, 0xA66D}, {0xA680, 0xA69B}, {0xA722, 0xA76F},
    {0xA771, 0xA787}, {0xA78B, 0xA78E}, {0xAB70, 0xABBF}, {0xFB00, 0xFB06},
    {0xFB13, 0xFB17}, {0xFF21, 0xFF3A}, {0xFF41, 0xFF5A}, {0x10400, 0x1044F},
    {0x104B0, 0x104D3}, {0x104D8, 0x104FB}, {0x10C80, 0x10CB2}, {0x10CC0, 0x10CF2},
    {0x118A0, 0x118DF}, {0x1E900, 0x1E943},
};

/* ---- expressions ---- */

/* A run of a set; `most` characters make a piece. */
#define RUN(most, ...) \
    {.cut = rsn_split_runs, .set = __VA_ARGS__, .min = 1, .max = (most)}
/* The same with one white space before it or not. */
#define SPACED_RUN(...) \
    {.cut = rsn_split_runs, .set = __VA_ARGS__, .space = true, .min = 1, .max = SIZE_MAX}

static const rsn_split gpt2 = {.cut = rsn_split_gpt2};

/* Words, numbers of so many digits, symbols with what follows them on the way to the next
 * line, white space. */
#define LINES(digits, made_of, behind)                                              \
    {.cut = rsn_split_lines,                                                        \
     .letters = (made_of),                                                          \
     .max_digits = (digits),                                                        \
     .tail = (behind)}
static const rsn_split lines1 = LINES(1, RSN_UNICODE_LETTER, "\r\n");
static const rsn_split lines3 = LINES(3, RSN_UNICODE_LETTER, "\r\n");
static const rsn_split lines_any = LINES(SIZE_MAX, RSN_UNICODE_LETTER, "\r\n");
static const rsn_split lines_marks =
    LINES(1, RSN_UNICODE_LETTER | RSN_UNICODE_MARK, "\r\n");
static const rsn_split lines_bare = LINES(1, RSN_UNICODE_LETTER, "");

static const rsn_split cased1 = {
    .cut = rsn_split_cased, .max_digits = 1, .tail = "\r\n/"};
static const rsn_split cased3 = {
    .cut = rsn_split_cased, .max_digits = 3, .tail = "\r\n/", .contractions = true};

static const rsn_split deepseek3 = {.cut = rsn_split_deepseek3};

static const rsn_split digit = RUN(1, CLASSES(RSN_UNICODE_NUMBER));
static const rsn_split digits3 = RUN(3, CLASSES(RSN_UNICODE_NUMBER));
static const rsn_split digits = RUN(SIZE_MAX, CLASSES(RSN_UNICODE_NUMBER));
static const rsn_split thousands = {
    .cut = rsn_split_runs, .set = RANGES(ascii_digits), .min = 3, .max = 3};
static const rsn_split punctuation =
    RUN(SIZE_MAX, {RSN_UNICODE_PUNCTUATION, signs, COUNT(signs)});
static const rsn_split all_punctuation =
    RUN(SIZE_MAX, {RSN_UNICODE_PUNCTUATION, all_signs, COUNT(all_signs)});
static const rsn_split line_break = RUN(1, RANGES(line_breaks));
static const rsn_split han_kana = RUN(SIZE_MAX, RANGES(han_and_kana));
static const rsn_split asian = RUN(SIZE_MAX, RANGES(east_asian));
static const rsn_split spaced_letters = SPACED_RUN(CLASSES(RSN_UNICODE_LETTER));
static const rsn_split spaced_punctuation = SPACED_RUN(CLASSES(RSN_UNICODE_PUNCTUATION));
static const rsn_split llm_letters = SPACED_RUN(RANGES(deepseek_letters));
static const rsn_split llm_signs = SPACED_RUN(RANGES(deepseek_signs));
static const rsn_split trailing = {.cut = rsn_split_trailing};

/* ---- the table ---- */

/* "default" is what engines do where a file names no pre-tokenizer; find() relies on its
 * being the first. */
static const rsn_pretokenizer pretokenizers[] = {
    {"default", {&punctuation, &gpt2, &digits, &thousands}, false, false},
    {"gpt-2 phi-2 olmo mpt jais trillion granite-docling exaone4 gigachat a.x-4.0 mellum "
     "modern-bert jina-es jina-de jina-v2-es jina-v2-de",
     {&gpt2}, false, false},
    {"llama-bpe llama3 llama-v3 falcon3 falcon-h1 pixtral midm-2.0 lfm2 jina-v5-nano",
     {&lines3}, true, true},
    {"dbrx smaug-bpe glm4 chatglm-bpe", {&lines3}, false, false},
    {"qwen2 deepseek-r1-qwen kormo f2llmv2 megrez stablelm2 hunyuan solar-open grok-2 "
     "bailingmoe bailingmoe2 llada-moe",
     {&lines1}, false, false},
    {"qwen35", {&lines_marks}, false, false},
    {"seed-coder", {&lines_bare}, false, false},
    {"minicpm5", {&digits3, &lines_any}, true, false},
    {"tekken", {&cased1}, true, true},
    {"gpt-4o llama4 kanana2 talkie minimax-m2", {&cased3}, false, false},
    {"deepseek-v3 deepseek-r1 hunyuan-dense joyai-llm hy_v4",
     {&digits3, &han_kana, &deepseek3}, false, false},
    {"deepseek-llm",
     {&line_break, &llm_letters, &llm_signs, &trailing, &asian, &digits}, false, false},
    {"deepseek-coder",
     {&line_break, &spaced_letters, &spaced_punctuation, &asian, &digit}, false, false},
    {"falcon", {&all_punctuation, &gpt2, &thousands}, false, false},
    {"smollm starcoder refact command-r codeshell exaone minerva-7b mellum2",
     {&digit, &gpt2}, false, false},
};

const rsn_pretokenizer *rsn_pretokenizer_find(const char *name) {
    size_t n = name ? strlen(name) : 0;
    if (n == 0) return &pretokenizers[0];
    for (size_t i = 0; i < COUNT(pretokenizers); i++) {
        const char *list = pretokenizers[i].names;
        while (*list) {
            size_t len = strcspn(list, " ");
            if (len == n && memcmp(list, name, n) == 0) return &pretokenizers[i];
            list += len + (list[len] == ' ');
        }
    }
    return NULL;
}

size_t rsn_pretokenize(const rsn_pretokenizer *p, const char *s, size_t n, size_t at,
                       rsn_pretokens *state) {
    for (size_t i = 0; i < RSN_PRETOKENIZE_SPLITS && p->splits[i]; i++) {
        const rsn_split *sp = p->splits[i];
        if (state->end[i] <= at) state->end[i] = sp->cut(sp, s, n, at);
        n = state->end[i];
    }
    return n;
}
