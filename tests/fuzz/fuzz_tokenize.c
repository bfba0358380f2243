/* Any bytes as text for fixed vocabularies of each kind: ids lie inside the vocabulary,
 * the bytes come back from them, and the cost stays in proportion.
 *
 *   vocabulary (u8)  flags (u8)  text */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text/detokenize.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(int truth, const char *what) {
    if (truth) return;
    (void)fprintf(stderr, "fuzz_tokenize: %s: %s\n", what, rsn_last_error());
    abort();
}

enum { MAX_TOKENS = 400 };

typedef struct builder {
    char spelling[MAX_TOKENS][16];
    rsn_text tokens[MAX_TOKENS];
    int32_t types[MAX_TOKENS];
    float scores[MAX_TOKENS];
    rsn_vocab_source src;
} builder;

static void add(builder *b, const char *spelling, int32_t type) {
    size_t i = b->src.n_tokens++;
    demand(i < MAX_TOKENS && strlen(spelling) < sizeof b->spelling[i], "no room");
    memcpy(b->spelling[i], spelling, strlen(spelling) + 1);
    b->tokens[i] = (rsn_text){b->spelling[i], strlen(spelling)};
    b->types[i] = type;
    b->scores[i] = -(float)(i % 32) / 4;
    b->src.n_types = b->src.n_scores = b->src.n_tokens;
}

static void begin(builder *b, const char *model, const char *pre) {
    memset(b, 0, sizeof *b);
    b->src = (rsn_vocab_source){.model = model, .pre = pre, .tokens = b->tokens};
    b->src.types = b->types;
    b->src.scores = b->scores;
    b->src.bos = b->src.eos = b->src.eot = b->src.eom = b->src.unk = b->src.pad = -1;
    b->src.add_bos = b->src.add_eos = b->src.space_prefix = -1;
}

static rsn_vocab *finish(builder *b) {
    rsn_vocab *v = NULL;
    add(b, "<|im_end|>", 3);
    add(b, "<think>", 4);
    add(b, "</think>", 3);
    demand(rsn_vocab_new(&b->src, &v) == REASON_OK, "no vocabulary");
    return v;
}

/* The byte alphabet (printable Latin-1 for itself, U+0100 upwards for the rest) and some
 * merges. */
static rsn_vocab *make_level(const char *pre) {
    static builder b;
    static const char *const merged[] = {
        "th", "the", "\xC4\xA0t",        "\xC4\xA0the", "aa", "aaaa",
        "in", "ing", "\xC4\x8A\xC4\x8A", "10",          "100"};
    static const char *const merges[] = {
        "t h",   "th e", "\xC4\xA0 t", "\xC4\xA0t he",      "\xC4\xA0 the", "a a",
        "aa aa", "i n",  "in g",       "\xC4\x8A \xC4\x8A", "1 0",          "10 0"};
    static rsn_text rules[sizeof merges / sizeof *merges];
    begin(&b, "gpt2", pre);
    for (int byte = 0, rest = 256; byte < 256; byte++) {
        int printable = (byte >= 33 && byte <= 126) || (byte >= 161 && byte != 173);
        int cp = printable ? byte : rest++;
        char s[3] = {(char)(cp < 128 ? cp : 0xC0 | cp >> 6), 0, 0};
        if (cp >= 128) s[1] = (char)(0x80 | (cp & 0x3F));
        add(&b, s, 1);
    }
    for (size_t i = 0; i < sizeof merged / sizeof *merged; i++) add(&b, merged[i], 1);
    b.src.n_merges = sizeof merges / sizeof *merges;
    for (size_t i = 0; i < b.src.n_merges; i++)
        rules[i] = (rsn_text){merges[i], strlen(merges[i])};
    b.src.merges = rules;
    return finish(&b);
}

static rsn_vocab *make_pieces(const char *model, bool bytes, bool space, bool collapse) {
    static builder b;
#define SP "\xE2\x96\x81"
    static const char *const pieces[] = {
        SP,       SP "t",    SP "the", SP SP,     SP SP SP SP, "t",        "h",
        "e",      "he",      "in",     "ing",     "i",         "n",        "g",
        "a",      "aa",      "aaa",    "aaaaaaa", "us",        "usus",     "u",
        "s",      "\n",      "\n\n",   "1",       "10",        "\xC3\xA9", "\xE4\xB8\xAD",
        "<think", "a" SP "b"};
#undef SP
    begin(&b, model, NULL);
    add(&b, "<unk>", 2);
    add(&b, "<s>", 3);
    add(&b, "</s>", 3);
    for (int byte = 0; bytes && byte < 256; byte++) {
        char s[8];
        (void)snprintf(s, sizeof s, "<0x%02X>", (unsigned)byte);
        add(&b, s, 6);
    }
    /* The last one keeps texts from being cut into words: in some vocabularies only. */
    size_t n = sizeof pieces / sizeof *pieces - (space != collapse);
    for (size_t i = 0; i < n; i++) add(&b, pieces[i], 1);
    b.src.space_prefix = space;
    b.src.remove_spaces = collapse;
    return finish(&b);
}

/* The vocabularies, the lossy ones last. */
enum { N_LOSSLESS = 12, N_VOCABULARIES = 15 };
static rsn_vocab *vocabularies[N_VOCABULARIES];

static void make_vocabularies(void) {
    static const char *const pres[] = {"default", "gpt-2",       "llama-bpe",
                                       "qwen35",  "gpt-4o",      "deepseek-v3",
                                       "falcon",  "deepseek-llm"};
    size_t n = 0;
    for (; n < 8; n++) vocabularies[n] = make_level(pres[n]);
    vocabularies[n++] = make_pieces("llama", true, true, false);
    vocabularies[n++] = make_pieces("llama", true, false, false);
    vocabularies[n++] = make_pieces("t5", true, true, false);
    vocabularies[n++] = make_pieces("t5", true, false, false);
    vocabularies[n++] = make_pieces("llama", false, true, false);
    vocabularies[n++] = make_pieces("t5", false, true, true);
    vocabularies[n++] = make_pieces("t5", true, true, true);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (!vocabularies[0]) make_vocabularies();
    size_t which = size > 0 ? data[0] % N_VOCABULARIES : 0;
    uint32_t flags = size > 1 && data[1] % 2 ? REASON_TOKENS_SPECIAL : 0;
    const rsn_vocab *v = vocabularies[which];
    size_t n = size > 2 ? size - 2 : 0;
    char *text = malloc(n ? n : 1);
    demand(text != NULL, "no memory");
    if (n) memcpy(text, data + 2, n);
    rsn_vocab_ids ids = {0};
    rsn_str back = {0};
    demand(rsn_vocab_encode(v, text, n, flags, &ids) == REASON_OK, "text is refused");
    demand(ids.steps <= 100 * ((uint64_t)n + 1), "too many steps");
    for (size_t i = 0; i < ids.n; i++)
        demand(ids.items[i] >= 0 && (size_t)ids.items[i] < rsn_vocab_size(v),
               "an id outside");
    demand(rsn_vocab_decode(v, ids.items, ids.n, flags, &back) == REASON_OK,
           "ids do not go back");
    demand(which >= N_LOSSLESS ||
               (back.n == n && memcmp(rsn_str_text(&back), text, n) == 0),
           "the text does not come back");
    rsn_str_free(&back);
    rsn_free(ids.items);
    free(text);
    return 0;
}
