/* Vocabularies for tests: built token by token, in plain slow code that shares nothing
 * with the library's own. Everything here ends the test program on failure. */
#ifndef REASON_TESTS_VOCAB_FIXTURE_H
#define REASON_TESTS_VOCAB_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "text/vocab.h"

/* ---- random numbers and memory that fails ---- */

static inline uint32_t fixture_random(uint64_t *state) {
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*state >> 33);
}

typedef struct fixture_memory {
    long live;  /* blocks given and not taken back */
    long calls; /* to alloc and resize */
    long fail;  /* the call that fails, from 1; 0: none */
} fixture_memory;

static inline void *fixture_alloc(void *user, size_t n) {
    fixture_memory *m = user;
    if (++m->calls == m->fail) return NULL;
    m->live++;
    return malloc(n);
}

static inline void *fixture_resize(void *user, void *p, size_t n) {
    fixture_memory *m = user;
    if (++m->calls == m->fail) return NULL;
    return realloc(p, n);
}

static inline void fixture_release(void *user, void *p) {
    ((fixture_memory *)user)->live--;
    free(p);
}

static inline void fixture_hook(fixture_memory *m) {
    reason_allocator hooks = {sizeof hooks, fixture_alloc, fixture_resize,
                              fixture_release, m};
    assert_int_equal(rsn_alloc_set(&hooks), REASON_OK);
}

/* ---- sources ---- */

typedef struct fixture {
    rsn_vocab_source src;
    rsn_text *tokens, *merges;
    int32_t *types;
    float *scores;
    size_t tokens_cap, merges_cap;
} fixture;

static inline void fixture_init(fixture *f, const char *pre) {
    memset(f, 0, sizeof *f);
    f->src.model = "gpt2";
    f->src.pre = pre;
    f->src.bos = f->src.eos = f->src.eot = f->src.eom = f->src.unk = f->src.pad = -1;
}

static inline void *fixture_check(void *p) {
    if (!p) abort();
    return p;
}

static inline rsn_text fixture_copy(const char *s, size_t n) {
    char *copy = fixture_check(malloc(n + 1));
    memcpy(copy, s, n);
    return (rsn_text){copy, n};
}

static inline int32_t fixture_token(fixture *f, const char *s, size_t n, int32_t type) {
    if (f->src.n_tokens == f->tokens_cap) {
        f->tokens_cap = f->tokens_cap ? f->tokens_cap * 2 : 512;
        f->tokens = fixture_check(realloc(f->tokens, f->tokens_cap * sizeof *f->tokens));
        f->types = fixture_check(realloc(f->types, f->tokens_cap * sizeof *f->types));
        f->scores = fixture_check(realloc(f->scores, f->tokens_cap * sizeof *f->scores));
    }
    f->scores[f->src.n_tokens] = 0;
    f->tokens[f->src.n_tokens] = fixture_copy(s, n);
    f->types[f->src.n_tokens] = type;
    f->src.tokens = f->tokens;
    f->src.types = f->types;
    f->src.n_types = ++f->src.n_tokens;
    return (int32_t)f->src.n_tokens - 1;
}

static inline int32_t fixture_tokenz(fixture *f, const char *s, int32_t type) {
    return fixture_token(f, s, strlen(s), type);
}

static inline void fixture_merge(fixture *f, const char *s, size_t n) {
    if (f->src.n_merges == f->merges_cap) {
        f->merges_cap = f->merges_cap ? f->merges_cap * 2 : 512;
        f->merges = fixture_check(realloc(f->merges, f->merges_cap * sizeof *f->merges));
    }
    f->merges[f->src.n_merges++] = fixture_copy(s, n);
    f->src.merges = f->merges;
}

static inline void fixture_free(fixture *f) {
    for (size_t i = 0; i < f->src.n_tokens; i++)
        free((char *)(uintptr_t)f->tokens[i].data);
    for (size_t i = 0; i < f->src.n_merges; i++)
        free((char *)(uintptr_t)f->merges[i].data);
    free(f->tokens);
    free(f->types);
    free(f->scores);
    free(f->merges);
    memset(f, 0, sizeof *f);
}

/* ---- the byte alphabet: printable Latin-1 for itself, U+0100 upwards for the rest ----
 */

static inline size_t fixture_spell_byte(int byte, char out[2]) {
    int cp = 256;
    for (int b = 0; b <= byte; b++) {
        int printable = (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174;
        if (b == byte && printable) cp = b;
        if (b < byte && !printable) cp++;
    }
    if (cp < 128) {
        out[0] = (char)cp;
        return 1;
    }
    out[0] = (char)(0xC0 | cp >> 6);
    out[1] = (char)(0x80 | (cp & 0x3F));
    return 2;
}

/* The spelling of bytes; out has room for 2n. */
static inline size_t fixture_spell(const char *bytes, size_t n, char *out) {
    static char table[256][2];
    static size_t length[256];
    if (!length[0])
        for (int b = 0; b < 256; b++) length[b] = fixture_spell_byte(b, table[b]);
    size_t made = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned char b = (unsigned char)bytes[i];
        memcpy(out + made, table[b], length[b]);
        made += length[b];
    }
    return made;
}

static inline int32_t fixture_bytes_token(fixture *f, const char *bytes, size_t n) {
    char *spelling = fixture_check(malloc(2 * n + 1));
    int32_t id = fixture_token(f, spelling, fixture_spell(bytes, n, spelling), 1);
    free(spelling);
    return id;
}

static inline void fixture_bytes_merge(fixture *f, const char *left, size_t n_left,
                                       const char *right, size_t n_right) {
    char *line = fixture_check(malloc(2 * (n_left + n_right) + 1));
    size_t n = fixture_spell(left, n_left, line);
    line[n++] = ' ';
    n += fixture_spell(right, n_right, line + n);
    fixture_merge(f, line, n);
    free(line);
}

/* One token per byte, id = byte. */
static inline void fixture_alphabet(fixture *f) {
    for (int b = 0; b < 256; b++) {
        char c = (char)b;
        fixture_bytes_token(f, &c, 1);
    }
}

/* Adds the merge of two byte strings and its result. */
static inline int32_t fixture_join(fixture *f, const char *left, const char *right) {
    char joined[64];
    int n = snprintf(joined, sizeof joined, "%s%s", left, right);
    fixture_bytes_merge(f, left, strlen(left), right, strlen(right));
    return fixture_bytes_token(f, joined, (size_t)n);
}

/* A small vocabulary: the alphabet, a few merges, special tokens behind them. */
static inline void fixture_small(fixture *f, const char *pre) {
    static const char *const joins[][2] = {
        {"t", "h"},           {"th", "e"},  {" ", "the"},     {"i", "n"},
        {"a", "n"},           {"1", "0"},   {"a", "a"},       {"aa", "aa"},
        {" ", " "},           {"  ", "  "}, {"in", "g"},      {"n", "g"},
        {"an", "an"},         {"b", "a"},   {"ba", "b"},      {"a", "b"},
        {"ab", "ab"},         {"\n", "\n"}, {"\xC3", "\xA9"}, {"\xE2", "\x82"},
        {"\xE2\x82", "\xAC"}, {"!", "!"},   {"aaaa", "b"},
    };
    fixture_init(f, pre);
    fixture_alphabet(f);
    for (size_t i = 0; i < sizeof joins / sizeof *joins; i++)
        fixture_join(f, joins[i][0], joins[i][1]);
    f->src.bos = f->src.pad = fixture_tokenz(f, "<|endoftext|>", 3);
    fixture_tokenz(f, "<|im_start|>", 3);
    f->src.eos = fixture_tokenz(f, "<|im_end|>", 3);
    fixture_tokenz(f, "<think>", 4);
    fixture_tokenz(f, "</think>", 4);
}

/* ---- SentencePiece ---- */

/* A token with a score; the source then has scores. */
static inline int32_t fixture_scored(fixture *f, const char *s, size_t n, int32_t type,
                                     float score) {
    int32_t id = fixture_token(f, s, n, type);
    f->scores[id] = score;
    f->src.scores = f->scores;
    f->src.n_scores = f->src.n_tokens;
    return id;
}

static inline int32_t fixture_piece(fixture *f, const char *s, float score) {
    return fixture_scored(f, s, strlen(s), 1, score);
}

static inline void fixture_byte_pieces(fixture *f) {
    for (int b = 0; b < 256; b++) {
        char s[8];
        snprintf(s, sizeof s, "<0x%02X>", (unsigned)b);
        fixture_scored(f, s, 6, 6, 0);
    }
}

/* Unknown, begin and end of text, byte tokens, some words; U+2581 is a space. */
static inline void fixture_pieces(fixture *f, const char *model, bool bytes) {
#define SP "\xE2\x96\x81"
    static const char *const pieces[] = {
        SP "t", "he",  SP "the", "in", "er", SP "a", "an", "on", SP SP, SP SP SP SP,
        "th",   "ing", SP "b",   "ab", "aa", SP,     "t",  "h",  "e",   "i",
        "n",    "r",   "a",      "b",  "o",  "g",    ".",  "\n", "1",   "\xC3\xA9"};
#undef SP
    fixture_init(f, NULL);
    f->src.model = model;
    f->src.space_prefix = -1;
    f->src.add_bos = f->src.add_eos = -1;
    fixture_scored(f, "<unk>", 5, 2, 0);
    fixture_scored(f, "<s>", 3, 3, 0);
    fixture_scored(f, "</s>", 4, 3, 0);
    if (bytes) fixture_byte_pieces(f);
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++)
        fixture_piece(f, pieces[i], -1 - (float)i / 8);
    fixture_scored(f, "<think>", 7, 4, 0);
    fixture_scored(f, "</think>", 8, 3, 0);
}

static inline rsn_vocab *fixture_new(const fixture *f) {
    rsn_vocab *v = NULL;
    reason_status status = rsn_vocab_new(&f->src, &v);
    if (status != REASON_OK) print_error("%s\n", rsn_last_error());
    assert_int_equal(status, REASON_OK);
    assert_non_null(v);
    return v;
}

static inline rsn_vocab *fixture_small_vocab(const char *pre) {
    fixture f;
    fixture_small(&f, pre);
    rsn_vocab *v = fixture_new(&f);
    fixture_free(&f);
    return v;
}

/* ---- a published rank file (base64 token, rank), where REASON_GOLDEN says ---- */

typedef struct fixture_ranks {
    rsn_text *tokens; /* bytes; index = rank */
    size_t n;
    size_t *left; /* bytes of the left part of a token's one merge; 0: it has none */
    uint32_t *slots; /* rank + 1 by hash of the bytes */
    size_t mask;
} fixture_ranks;

/* The contents of REASON_GOLDEN/name, NULL if there is none. */
static inline char *fixture_golden(const char *name, size_t *n) {
    const char *folder = getenv("REASON_GOLDEN");
    char path[4096];
    if (!folder) return NULL;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    if (!file) return NULL;
    char *text = NULL;
    *n = 0;
    for (size_t got = 1; got;) {
        text = fixture_check(realloc(text, *n + 65536 + 1));
        got = fread(text + *n, 1, 65536, file);
        *n += got;
    }
    fclose(file);
    text[*n] = '\0';
    return text;
}

static inline size_t fixture_base64(const char *s, size_t n, char *out) {
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint32_t bits = 0;
    unsigned held = 0;
    size_t made = 0;
    for (size_t i = 0; i < n && s[i] != '='; i++) {
        const char *at = strchr(digits, s[i]);
        if (!at) abort();
        bits = bits << 6 | (uint32_t)(at - digits);
        held += 6;
        if (held < 8) continue;
        held -= 8;
        out[made++] = (char)(bits >> held & 0xFF);
    }
    return made;
}

/* The slot of these bytes, or the empty one where they would be. */
static inline uint32_t *fixture_rank_slot(const fixture_ranks *r, const char *s,
                                          size_t n) {
    uint64_t hash = 1469598103934665603u;
    for (size_t i = 0; i < n; i++) hash = (hash ^ (unsigned char)s[i]) * 1099511628211u;
    size_t at = (size_t)(hash ^ hash >> 29) & r->mask;
    for (; r->slots[at]; at = (at + 1) & r->mask) {
        rsn_text t = r->tokens[r->slots[at] - 1];
        if (t.n == n && memcmp(t.data, s, n) == 0) break;
    }
    return &r->slots[at];
}

/* The rank of these bytes, UINT32_MAX if they have none. */
static inline uint32_t fixture_rank(const fixture_ranks *r, const char *s, size_t n) {
    return *fixture_rank_slot(r, s, n) - 1;
}

static inline bool fixture_load_ranks(fixture_ranks *r, const char *name) {
    size_t n_text;
    char *text = fixture_golden(name, &n_text);
    if (!text) return false;
    size_t lines = 0;
    for (size_t i = 0; i < n_text; i++) lines += text[i] == '\n';
    r->tokens = fixture_check(calloc(lines + 1, sizeof *r->tokens));
    r->mask = 1;
    while (r->mask < lines * 2) r->mask = r->mask * 2 + 1;
    r->slots = fixture_check(calloc(r->mask + 1, sizeof *r->slots));
    char *bytes = fixture_check(malloc(n_text));
    for (char *line = text; *line;) {
        size_t n_line = strcspn(line, "\n"), n_code = strcspn(line, " ");
        size_t n = fixture_base64(line, n_code, bytes);
        if (strtoul(line + n_code, NULL, 10) != r->n) abort();
        r->tokens[r->n++] = fixture_copy(bytes, n);
        *fixture_rank_slot(r, bytes, n) = (uint32_t)r->n;
        line += n_line + (line[n_line] == '\n');
    }
    free(bytes);
    free(text);
    return true;
}

static inline void fixture_free_ranks(fixture_ranks *r) {
    for (size_t i = 0; i < r->n; i++) free((char *)(uintptr_t)r->tokens[i].data);
    free(r->tokens);
    free(r->left);
    free(r->slots);
}

/* Merges s[0..n) by ranks, those below `limit`, until `stop` parts are left or nothing
 * merges: the definition, with the pair looked for anew each time. A token may come from
 * any two parts, or with `one_way` only from those of r->left. ends[] gets where the
 * parts end; returns their number. */
static inline size_t fixture_rank_merge(const fixture_ranks *r, const char *s, size_t n,
                                        uint32_t limit, size_t stop, bool one_way,
                                        size_t *ends) {
    for (size_t i = 0; i < n; i++) ends[i] = i + 1;
    while (n > stop) {
        uint32_t best = limit;
        size_t at = 0;
        for (size_t i = 0; i + 1 < n; i++) {
            size_t begin = i ? ends[i - 1] : 0;
            uint32_t rank = fixture_rank(r, s + begin, ends[i + 1] - begin);
            if (one_way && rank < best && r->left[rank] != ends[i] - begin) continue;
            if (rank < best) {
                best = rank;
                at = i;
            }
        }
        if (best == limit) break;
        memmove(ends + at, ends + at + 1, (n - at - 1) * sizeof *ends);
        n--;
    }
    return n;
}

/* The vocabulary of a rank file: a token's merge is the last of those that make it out of
 * its bytes by lower ranks. The special tokens are those of Llama 3. */
static inline void fixture_from_ranks(fixture *f, fixture_ranks *r, const char *pre) {
    fixture_init(f, pre);
    r->left = fixture_check(calloc(r->n, sizeof *r->left));
    size_t *ends = fixture_check(malloc(65536 * sizeof *ends));
    for (size_t i = 0; i < r->n; i++) {
        rsn_text t = r->tokens[i];
        fixture_bytes_token(f, t.data, t.n);
        if (t.n < 2) continue;
        if (fixture_rank_merge(r, t.data, t.n, (uint32_t)i, 2, false, ends) != 2)
            continue;
        r->left[i] = ends[0];
        fixture_bytes_merge(f, t.data, ends[0], t.data + ends[0], t.n - ends[0]);
    }
    free(ends);
    f->src.bos = fixture_tokenz(f, "<|begin_of_text|>", 3);
    fixture_tokenz(f, "<|end_of_text|>", 3);
    f->src.eos = f->src.eot = fixture_tokenz(f, "<|eot_id|>", 3);
    fixture_tokenz(f, "<|start_header_id|>", 3);
    fixture_tokenz(f, "<|end_header_id|>", 3);
    f->src.add_bos = true;
}

#endif
