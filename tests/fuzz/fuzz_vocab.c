/* Any bytes as the lists of a vocabulary: it is refused with a sentence, or it tokenizes
 * the rest of the bytes, which never become special tokens unasked.
 *
 *   model  pre  switches  n_tokens  n_merges  n_charsmap (u16)  6 ids (i8)
 *   per token: length (u8), its bytes, type (i8), score (f32)
 *   per merge: length (u8), its bytes;  charsmap;  text */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text/detokenize.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(int truth, const char *what) {
    if (truth) return;
    (void)fprintf(stderr, "fuzz_vocab: %s: %s\n", what, rsn_last_error());
    abort();
}

typedef struct input {
    const uint8_t *at, *end;
} input;

/* Bytes that are not there are zero. */
static uint8_t take(input *in) {
    return in->at < in->end ? *in->at++ : 0;
}

/* A text of as many bytes as there are, in memory of exactly its size. */
static rsn_text take_text(input *in, size_t n) {
    if (n > (size_t)(in->end - in->at)) n = (size_t)(in->end - in->at);
    char *copy = malloc(n ? n : 1);
    demand(copy != NULL, "no memory");
    memcpy(copy, in->at, n);
    in->at += n;
    return (rsn_text){copy, n};
}

typedef struct lists {
    rsn_text tokens[256], merges[256];
    int32_t types[256];
    float scores[256];
    rsn_text charsmap;
} lists;

static void free_text(rsn_text text) {
    free((char *)(uintptr_t)text.data);
}

static void read_lists(input *in, rsn_vocab_source *src, lists *l) {
    static const char *const models[] = {"gpt2", "llama", "t5", "bert"};
    static const char *const pres[] = {NULL,     "gpt-2",       "llama-bpe",    "qwen35",
                                       "tekken", "deepseek-v3", "deepseek-llm", "nobody"};
    src->model = models[take(in) % 4];
    src->pre = pres[take(in) % 8];
    uint8_t switches = take(in);
    src->add_bos = switches % 3 - 1;
    src->add_eos = switches / 3 % 3 - 1;
    src->space_prefix = switches / 9 % 3 - 1;
    src->remove_spaces = switches / 27 % 2;
    bool with_types = switches < 200;
    src->n_tokens = take(in);
    src->n_merges = take(in);
    size_t n_charsmap = take(in);
    n_charsmap |= (size_t)take(in) << 8;
    int64_t *ids[] = {&src->bos, &src->eos, &src->eot, &src->eom, &src->unk, &src->pad};
    for (size_t i = 0; i < 6; i++) *ids[i] = (int8_t)take(in);
    for (size_t i = 0; i < src->n_tokens; i++) {
        uint8_t score[4];
        l->tokens[i] = take_text(in, take(in));
        l->types[i] = (int8_t)take(in);
        for (size_t k = 0; k < 4; k++) score[k] = take(in);
        memcpy(&l->scores[i], score, 4);
    }
    for (size_t i = 0; i < src->n_merges; i++) l->merges[i] = take_text(in, take(in));
    l->charsmap = take_text(in, n_charsmap);
    src->tokens = l->tokens;
    src->types = with_types ? l->types : NULL;
    src->n_types = with_types ? src->n_tokens : 0;
    src->scores = l->scores;
    src->n_scores = src->n_tokens;
    src->merges = l->merges;
    src->charsmap = (const uint8_t *)l->charsmap.data;
    src->n_charsmap = l->charsmap.n;
}

static void use(const rsn_vocab *v, const char *text, size_t n, uint32_t flags) {
    rsn_vocab_ids ids = {0};
    rsn_str back = {0};
    demand(rsn_vocab_encode(v, text, n, flags, &ids) == REASON_OK, "text is refused");
    for (size_t i = 0; i < ids.n; i++) {
        int32_t id = ids.items[i];
        demand(id >= 0 && (size_t)id < rsn_vocab_size(v), "an id outside");
        demand(flags || !rsn_vocab_is_special(v, id) || id == rsn_vocab_unk(v),
               "plain text became a special token");
    }
    demand(rsn_vocab_decode(v, ids.items, ids.n, flags & REASON_TOKENS_SPECIAL, &back) ==
               REASON_OK,
           "ids do not go back");
    rsn_str_free(&back);
    rsn_free(ids.items);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    input in = {data, data + size};
    rsn_vocab_source src = {0};
    static lists l;
    rsn_vocab *v = NULL;
    read_lists(&in, &src, &l);
    reason_status status = rsn_vocab_new(&src, &v);
    demand((status == REASON_OK) == (v != NULL),
           "a vocabulary without OK or OK without one");
    if (status) demand(rsn_last_error()[0] != '\0', "an error has no sentence");
    rsn_text text = take_text(&in, (size_t)(in.end - in.at));
    for (uint32_t flags = 0; v && flags < 4; flags++) use(v, text.data, text.n, flags);
    for (size_t id = 0; v && id < rsn_vocab_size(v); id++) {
        rsn_text s = l.tokens[id];
        int32_t first = rsn_vocab_find(v, s.data, s.n);
        demand(s.n == 0 || (first >= 0 && (size_t)first <= id), "a token is not found");
    }
    rsn_vocab_free(v);
    for (size_t i = 0; i < src.n_tokens; i++) free_text(l.tokens[i]);
    for (size_t i = 0; i < src.n_merges; i++) free_text(l.merges[i]);
    free_text(l.charsmap);
    free_text(text);
    return 0;
}
