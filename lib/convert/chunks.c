/* Owns how a text is cut. Running the chunks is left to those who judge or watch.
 * Invariant: where a chunk begins depends on the text and the size alone, so that figures
 * of two models over one text are about the same tokens. */
#include "convert/chunks.h"

#include <string.h>

#include "base/array.h"
#include "base/fpstate.h"

/* Of a chunk, unless the caller says or a context is shorter. */
enum { DEFAULT_TOKENS = 512 };

reason_status rsn_chunk_tokens(const rsn_model *model, const rsn_model *second,
                               int32_t n_ctx, size_t *size) {
    const rsn_model *shorter =
        second && second->hp.n_ctx < model->hp.n_ctx ? second : model;
    *size = n_ctx ? (size_t)n_ctx : DEFAULT_TOKENS;
    if (*size <= shorter->hp.n_ctx)
        return REASON_OK;
    if (n_ctx)
        return rsn_fail(REASON_ERR_LIMIT, "n_ctx %d, %s was made for %zu", n_ctx,
                        shorter->gguf.path, shorter->hp.n_ctx);
    *size = shorter->hp.n_ctx;
    return REASON_OK;
}

/* Bytes before the first separator; all of them if there is none. */
static size_t measure_document(const char *text, size_t n, const char *separator) {
    size_t n_separator = separator ? strlen(separator) : 0;
    for (size_t at = 0; separator && at + n_separator <= n; at++) {
        const char *next = memchr(text + at, separator[0], n - n_separator + 1 - at);
        if (!next)
            return n;
        at = (size_t)(next - text);
        if (memcmp(next, separator, n_separator) == 0)
            return at;
    }
    return n;
}

/* Tokens of every document, one list behind the other; ends[i] is where document i ends.
 */
static reason_status encode(const rsn_vocab *vocab, const rsn_chunks_setup *setup,
                            rsn_vocab_ids *ids, size_t **ends, size_t *n) {
    uint32_t flags = REASON_TOKENS_BOS_EOS | (setup->special ? REASON_TOKENS_SPECIAL : 0);
    size_t cap = 0, at = 0;
    reason_status status = REASON_OK;
    for (bool more = true; more && status == REASON_OK;) {
        size_t length =
            measure_document(setup->text + at, setup->n_bytes - at, setup->separator);
        status = rsn_vocab_encode(vocab, setup->text + at, length, flags, ids);
        if (status == REASON_OK)
            status = RSN_GROW(ends, &cap, *n + 1);
        if (status == REASON_OK)
            (*ends)[(*n)++] = ids->n;
        at += length;
        more = at < setup->n_bytes;
        at += more ? strlen(setup->separator) : 0;
    }
    return status;
}

/* The chunks of a document; the front of each is overwritten in place. */
static reason_status cut(const rsn_chunks_setup *setup, const rsn_vocab *vocab,
                         int32_t *tokens, size_t n, rsn_chunks *c) {
    size_t size = n < setup->size ? n : setup->size;
    reason_status status = REASON_OK;
    for (size_t at = 0; size >= setup->least && at + size <= n; at += size) {
        if (setup->most > 0 && c->n == setup->most)
            break;
        if ((status = RSN_GROW(&c->items, &c->cap, c->n + 1)) != REASON_OK)
            break;
        if (rsn_vocab_adds_bos(vocab))
            tokens[at] = rsn_vocab_bos(vocab);
        c->items[c->n++] = (rsn_chunk){tokens + at, size};
        c->n_tokens += size;
        c->longest = size > c->longest ? size : c->longest;
    }
    return status;
}

static reason_status cut_all(const rsn_chunks_setup *setup, const rsn_vocab *vocab,
                             const size_t *ends, size_t n, rsn_chunks *c) {
    size_t longest = 0, begin = 0;
    reason_status status = REASON_OK;
    for (size_t i = 0; i < n && status == REASON_OK; begin = ends[i++]) {
        size_t length = ends[i] - begin;
        longest = length > longest ? length : longest;
        status = cut(setup, vocab, c->tokens + begin, length, c);
    }
    if (status == REASON_OK && c->n == 0)
        return rsn_fail(REASON_ERR_INVALID_ARG, "a text of %zu tokens, at least %zu expected",
                        longest, setup->least);
    return status;
}

static reason_status check(const rsn_model *model, const rsn_chunks_setup *setup) {
    if (!model->vocab)
        return rsn_fail(REASON_ERR_UNSUPPORTED, "%s has no tokenizer", model->gguf.path);
    if (setup->separator && setup->separator[0] == '\0')
        return rsn_fail(REASON_ERR_INVALID_ARG, "the separator of documents is empty");
    if (setup->size < setup->least)
        return rsn_fail(REASON_ERR_LIMIT,
                        "chunks of %zu tokens for %s, at least %zu expected", setup->size,
                        model->gguf.path, setup->least);
    return REASON_OK;
}

reason_status rsn_chunks_make(const rsn_model *model, const rsn_chunks_setup *setup,
                              rsn_chunks *chunks) {
    rsn_vocab_ids ids = {0};
    size_t *ends = NULL, n = 0;
    *chunks = (rsn_chunks){0};
    reason_status status = check(model, setup);
    if (status == REASON_OK)
        status = encode(model->vocab, setup, &ids, &ends, &n);
    chunks->tokens = ids.items;
    chunks->n_text = ids.n;
    if (status == REASON_OK)
        status = cut_all(setup, model->vocab, ends, n, chunks);
    rsn_free(ends);
    if (status != REASON_OK)
        rsn_chunks_free(chunks);
    return status;
}

void rsn_chunks_free(rsn_chunks *chunks) {
    rsn_free(chunks->items);
    rsn_free(chunks->tokens);
    *chunks = (rsn_chunks){0};
}

reason_status rsn_watch_begin(const rsn_watch *watch) {
    return rsn_cancelled(watch->cancel)
               ? rsn_fail(REASON_ERR_CANCELLED, "cancelled before it began")
               : REASON_OK;
}

reason_status rsn_watch_report(rsn_watch *watch, size_t n) {
    int stop = 0;
    watch->done += n;
    if (watch->progress && !rsn_cancelled(watch->cancel)) {
        stop = watch->progress(watch->progress_user, watch->stage, watch->done,
                               watch->total);
        rsn_fpstate_again();
    }
    if (stop != 0 || rsn_cancelled(watch->cancel))
        return rsn_fail(REASON_ERR_CANCELLED, "cancelled after %llu of %llu tokens",
                        (unsigned long long)watch->done,
                        (unsigned long long)watch->total);
    return REASON_OK;
}
