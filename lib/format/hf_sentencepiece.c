/* Owns tokenizer.model, SentencePiece's own file: pieces with scores and types, how it
 * was trained, how it normalizes. Invariant: a field that changes what tokenizing gives
 * is read or refused. */
#include <math.h>
#include <string.h>

#include "format/hf_draft.h"
#include "format/hf_protobuf.h"

#define SPACE "\xE2\x96\x81" /* U+2581 */

enum { TRAINED_UNIGRAM = 1, TRAINED_BPE = 2 };

typedef struct spec {
    rsn_hf_draft *d;
    uint64_t model_type;
    bool suffix;            /* white space goes behind words */
    bool prefix, collapse, escape;
    rsn_text charsmap;
} spec;

typedef reason_status (*take_fn)(spec *s, const rsn_protobuf *p,
                                 const rsn_protobuf_field *field);

/* A field of a message: its number, its wire type and who takes it. */
typedef struct row {
    uint32_t number;
    uint8_t wire;
    take_fn take;
} row;

static reason_status walk(spec *s, rsn_protobuf p, const row *rows, size_t n) {
    rsn_protobuf_field field;
    bool more = true;
    reason_status status = REASON_OK;
    while (status == REASON_OK && more) {
        status = rsn_protobuf_next(&p, &field, &more);
        for (size_t i = 0; i < n && more && status == REASON_OK; i++) {
            if (rows[i].number != field.number)
                continue;
            if (rows[i].wire != field.wire)
                return rsn_fail(REASON_ERR_FORMAT,
                                "protobuf: byte %zu: field %u has wire type %u; needed "
                                "is %u",
                                p.at, (unsigned)field.number, (unsigned)field.wire,
                                (unsigned)rows[i].wire);
            status = rows[i].take(s, &p, &field);
        }
    }
    return status;
}
#define WALK(s, p, rows) walk(s, p, rows, sizeof(rows) / sizeof *(rows))

/* ---- a piece ---- */

static rsn_hf_entry *last(spec *s) {
    return &s->d->vocabulary.items[s->d->vocabulary.n - 1];
}

static reason_status take_text(spec *s, const rsn_protobuf *p,
                               const rsn_protobuf_field *field) {
    (void)p;
    return rsn_hf_copy(s->d, field->bytes.data, field->bytes.n, &last(s)->text);
}

static reason_status take_score(spec *s, const rsn_protobuf *p,
                                const rsn_protobuf_field *field) {
    float score = rsn_protobuf_float(field);
    if (!isfinite(score))
        return rsn_fail(REASON_ERR_FORMAT, "protobuf: byte %zu: score %g of piece %zu",
                        p->at, (double)score, s->d->vocabulary.n - 1);
    last(s)->score = score;
    return REASON_OK;
}

static reason_status take_type(spec *s, const rsn_protobuf *p,
                               const rsn_protobuf_field *field) {
    if (field->value < RSN_HF_NORMAL || field->value > RSN_HF_BYTE)
        return rsn_fail(REASON_ERR_FORMAT,
                        "protobuf: byte %zu: type %llu of piece %zu; allowed are 1 to 6",
                        p->at, (unsigned long long)field->value, s->d->vocabulary.n - 1);
    last(s)->type = (uint8_t)field->value;
    return REASON_OK;
}

static reason_status take_piece(spec *s, const rsn_protobuf *p,
                                const rsn_protobuf_field *field) {
    static const row rows[] = {{1, 2, take_text}, {2, 5, take_score}, {3, 0, take_type}};
    const rsn_hf_entry entry = {.text = {"", 0},
                                .id = (int32_t)s->d->vocabulary.n,
                                .type = RSN_HF_NORMAL};
    reason_status status = rsn_hf_add_entry(s->d, &s->d->vocabulary, &entry);
    return status ? status : WALK(s, rsn_protobuf_within(p, field), rows);
}

/* ---- how it was trained ---- */

static reason_status take_model_type(spec *s, const rsn_protobuf *p,
                                     const rsn_protobuf_field *field) {
    (void)p;
    s->model_type = field->value;
    return REASON_OK;
}

static reason_status take_suffix(spec *s, const rsn_protobuf *p,
                                 const rsn_protobuf_field *field) {
    (void)p;
    s->suffix = field->value != 0;
    return REASON_OK;
}

static reason_status take_byte_fallback(spec *s, const rsn_protobuf *p,
                                        const rsn_protobuf_field *field) {
    (void)p;
    s->d->byte_fallback = field->value != 0;
    return REASON_OK;
}

/* -1, as 64 bits, for a token that is not there. */
#define TAKE_ID(name, role)                                                             \
    static reason_status take_##name(spec *s, const rsn_protobuf *p,                    \
                                     const rsn_protobuf_field *field) {                 \
        (void)p;                                                                        \
        s->d->role_ids[role] = field->value <= INT32_MAX ? (int64_t)field->value : -1;  \
        return REASON_OK;                                                               \
    }
TAKE_ID(unk, RSN_HF_UNK)
TAKE_ID(bos, RSN_HF_BOS)
TAKE_ID(eos, RSN_HF_EOS)
TAKE_ID(pad, RSN_HF_PAD)

static reason_status take_trainer(spec *s, const rsn_protobuf *p,
                                  const rsn_protobuf_field *field) {
    static const row rows[] = {
        {3, 0, take_model_type}, {24, 0, take_suffix}, {35, 0, take_byte_fallback},
        {40, 0, take_unk},       {41, 0, take_bos},    {42, 0, take_eos},
        {43, 0, take_pad},
    };
    return WALK(s, rsn_protobuf_within(p, field), rows);
}

/* ---- how it normalizes ---- */

static reason_status take_charsmap(spec *s, const rsn_protobuf *p,
                                   const rsn_protobuf_field *field) {
    (void)p;
    s->charsmap = field->bytes;
    return REASON_OK;
}

#define TAKE_SWITCH(name)                                                               \
    static reason_status take_##name(spec *s, const rsn_protobuf *p,                    \
                                     const rsn_protobuf_field *field) {                 \
        (void)p;                                                                        \
        s->name = field->value != 0;                                                    \
        return REASON_OK;                                                               \
    }
TAKE_SWITCH(prefix)
TAKE_SWITCH(collapse)
TAKE_SWITCH(escape)

static reason_status take_normalizer(spec *s, const rsn_protobuf *p,
                                     const rsn_protobuf_field *field) {
    static const row rows[] = {{2, 2, take_charsmap},
                               {3, 0, take_prefix},
                               {4, 0, take_collapse},
                               {5, 0, take_escape}};
    return WALK(s, rsn_protobuf_within(p, field), rows);
}

/* ---- the file ---- */

static reason_status refuse(const char *what) {
    return rsn_fail(REASON_ERR_UNSUPPORTED, "%s", what);
}

/* User-defined pieces are looked for in text, where spaces are spaces. */
static reason_status spell_users(rsn_hf_draft *d) {
    reason_status status = REASON_OK;
    for (size_t i = 0; i < d->vocabulary.n && status == REASON_OK; i++) {
        rsn_hf_entry *e = &d->vocabulary.items[i];
        if (e->type != RSN_HF_USER || e->text.n == 0)
            continue;
        rsn_text from = e->text;
        status = rsn_hf_copy(d, from.data, from.n, &e->text);
        char *to = status ? NULL : d->room - from.n;
        size_t n = 0;
        for (size_t at = 0; at < from.n && to; n++) {
            bool space = from.n - at >= sizeof SPACE - 1 &&
                         memcmp(from.data + at, SPACE, sizeof SPACE - 1) == 0;
            to[n] = space ? ' ' : from.data[at];
            at += space ? 3 : 1;
        }
        e->text.n = n;
    }
    return status;
}

static reason_status apply(spec *s) {
    rsn_hf_draft *d = s->d;
    bool bpe = s->model_type == TRAINED_BPE;
    if (!bpe && s->model_type != TRAINED_UNIGRAM)
        return rsn_fail(REASON_ERR_UNSUPPORTED,
                        "model type %llu; supported are 1 (unigram) and 2 (BPE)",
                        (unsigned long long)s->model_type);
    if (s->suffix || !s->escape)
        return refuse("white space behind words, or not escaped, is not supported");
    if (bpe && (s->charsmap.n || s->collapse))
        return refuse("a BPE model that normalizes its text is not supported");
    if (d->vocabulary.n == 0)
        return rsn_fail(REASON_ERR_FORMAT, "no pieces");
    d->by_family = true;
    d->model = bpe ? RSN_HF_SCORED : RSN_HF_UNIGRAM;
    d->prefix = s->prefix;
    d->collapse = s->collapse;
    d->unk_id = d->role_ids[RSN_HF_UNK];
    reason_status status = spell_users(d);
    if (status != REASON_OK || s->charsmap.n == 0)
        return status;
    char *copy = rsn_arena_alloc(d->arena, s->charsmap.n);
    if (!copy)
        return REASON_ERR_NO_MEMORY;
    memcpy(copy, s->charsmap.data, s->charsmap.n);
    d->charsmap = (rsn_text){copy, s->charsmap.n};
    return REASON_OK;
}

reason_status rsn_hf_read_sentencepiece(rsn_hf_draft *d, const char *folder,
                                        bool *found) {
    static const char name[] = "tokenizer.model";
    static const row rows[] = {
        {1, 2, take_piece}, {2, 2, take_trainer}, {3, 2, take_normalizer}};
    rsn_blob blob;
    reason_status status = rsn_hf_has(folder, name, found);
    if (status == REASON_OK && *found)
        status = rsn_hf_load(folder, name, &blob);
    if (!*found || status != REASON_OK)
        return status;
    /* What SentencePiece takes a field for that is not there. */
    spec s = {.d = d,
              .model_type = TRAINED_UNIGRAM,
              .prefix = true,
              .collapse = true,
              .escape = true};
    d->role_ids[RSN_HF_UNK] = 0;
    d->role_ids[RSN_HF_BOS] = 1;
    d->role_ids[RSN_HF_EOS] = 2;
    status = WALK(&s, ((rsn_protobuf){blob.data, 0, blob.size}), rows);
    if (status == REASON_OK)
        status = apply(&s);
    rsn_blob_free(&blob);
    return status && status != REASON_ERR_NO_MEMORY ? rsn_fail_within(status, name)
                                                    : status;
}
