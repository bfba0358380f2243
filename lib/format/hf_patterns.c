/* Owns which published patterns have which name (tokenizer.ggml.pre), both ways. What
 * cuts texts by name is the text room's. Invariant: of rows with the same patterns no two
 * have the same `whole_tokens`, and the first name of a row is what its patterns become.
 */
#include <string.h>

#include "format/hf_draft.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

#define SHORT "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
#define SPACES "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
#define GPT2                                                                             \
    "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"
#define LINES(short, digits)                                                             \
    short "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}" digits                                 \
          "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|" SPACES
#define HEAD "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]"
#define BODY "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]"
#define CASED(short, digits)                                                             \
    "[^\\r\\n\\p{L}\\p{N}]?" HEAD "*" BODY "+" short "|[^\\r\\n\\p{L}\\p{N}]?" HEAD      \
    "+" BODY "*" short "|\\p{N}" digits "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|" SPACES
/* U+4E00 to U+9FA5, and beside them U+3040 to U+309F, U+30A0 to U+30FF. */
#define HAN "\xE4\xB8\x80-\xE9\xBE\xA5"
#define KANA "\xE3\x81\x80-\xE3\x82\x9F\xE3\x82\xA0-\xE3\x83\xBF"
/* U+0800 to U+4E00, U+AC00 to U+D7FF. */
#define ASIAN                                                                            \
    "[" HAN "\xE0\xA0\x80-\xE4\xB8\x80\xEA\xB0\x80-\xED\x9F\xBF]+"
#define DEEPSEEK3                                                                        \
    "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|"                             \
    "[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r\\n]*|" SPACES

/* Line breaks in patterns are written as escapes. */
static const struct row {
    const char *names; /* apart by one space */
    bool whole_tokens; /* what the name means for pieces that are tokens */
    const char *patterns[RSN_HF_MAX_PATTERNS];
} ROWS[] = {
    {"gpt-2 phi-2 olmo mpt jais trillion granite-docling exaone4 gigachat a.x-4.0 mellum "
     "modern-bert jina-es jina-de jina-v2-es jina-v2-de",
     false, {GPT2}},
    {"llama-bpe llama3 llama-v3 falcon3 falcon-h1 pixtral midm-2.0 lfm2 jina-v5-nano",
     true, {LINES(SHORT, "{1,3}")}},
    {"dbrx smaug-bpe glm4 chatglm-bpe", false, {LINES(SHORT, "{1,3}")}},
    {"qwen2 deepseek-r1-qwen kormo f2llmv2 megrez stablelm2 hunyuan solar-open grok-2 "
     "bailingmoe bailingmoe2 llada-moe",
     false, {LINES(SHORT, "")}},
    {"qwen2", false, {LINES("'(?i:[sdmt]|ll|ve|re)", "")}},
    {"qwen35", false,
     {SHORT "|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|\\p{N}|"
            " ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*|" SPACES}},
    {"seed-coder", false,
     {SHORT "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1}| ?[^\\s\\p{L}\\p{N}\\r\\n]+|"
            SPACES}},
    {"minicpm5", true, {"\\p{N}{1,3}", LINES(SHORT, "+")}},
    {"tekken", true, {CASED("", "")}},
    {"gpt-4o llama4 kanana2 talkie minimax-m2", false, {CASED(SHORT "?", "{1,3}")}},
    {"deepseek-v3 deepseek-r1 hunyuan-dense joyai-llm hy_v4", false,
     {"\\p{N}{1,3}", "[" HAN KANA "]+", DEEPSEEK3}},
    {"deepseek-coder", false,
     {"[\\r\\n]", "\\s?\\p{L}+", "\\s?\\p{P}+", ASIAN, "\\p{N}"}},
    {"falcon", false, {"[\\p{P}\\$\\+<=>\\^~\\|`]+", GPT2, "[0-9][0-9][0-9]"}},
    {"default", false,
     {"[\\p{P}\\$\\+<=>\\^~\\|]+", GPT2, "\\p{N}+", "[0-9][0-9][0-9]"}},
    {"smollm starcoder refact command-r codeshell exaone minerva-7b mellum2", false,
     {"\\p{N}", GPT2}},
};

/* Whether a pattern is that of a row, in which line breaks are escapes. */
static bool same_pattern(rsn_text found, const char *row) {
    size_t at = 0;
    for (; at < found.n && *row; at++) {
        char c = found.data[at];
        char escape = c == '\n' ? 'n' : c == '\r' ? 'r' : '\0';
        if (escape) {
            if (row[0] != '\\' || row[1] != escape)
                return false;
            row += 2;
        } else if (c != *row++) {
            return false;
        }
    }
    return at == found.n && !*row;
}

static bool same_patterns(const rsn_text *patterns, size_t n, const struct row *row) {
    for (size_t i = 0; i < n; i++)
        if (!row->patterns[i] || !same_pattern(patterns[i], row->patterns[i]))
            return false;
    return n == RSN_HF_MAX_PATTERNS || !row->patterns[n];
}

rsn_text rsn_hf_pattern_name(const rsn_text *patterns, size_t n, bool whole_tokens,
                             bool *named_whole) {
    const struct row *found = NULL;
    for (size_t i = 0; i < COUNT(ROWS); i++)
        if (same_patterns(patterns, n, &ROWS[i]) &&
            (!found || (found->whole_tokens != whole_tokens &&
                        ROWS[i].whole_tokens == whole_tokens)))
            found = &ROWS[i];
    if (!found)
        return (rsn_text){"", 0};
    *named_whole = found->whole_tokens;
    return (rsn_text){found->names, strcspn(found->names, " ")};
}

size_t rsn_hf_pattern_find(rsn_text name, const char **patterns, bool *whole_tokens) {
    for (size_t i = 0; i < COUNT(ROWS); i++) {
        for (const char *at = ROWS[i].names; *at;) {
            size_t n = strcspn(at, " ");
            if (n == name.n && memcmp(at, name.data, n) == 0) {
                size_t n_patterns = 0;
                for (; n_patterns < RSN_HF_MAX_PATTERNS && ROWS[i].patterns[n_patterns];)
                    patterns[n_patterns] = ROWS[i].patterns[n_patterns], n_patterns++;
                *whole_tokens = ROWS[i].whole_tokens;
                return n_patterns;
            }
            at += n + (at[n] == ' ');
        }
    }
    return 0;
}
