/* Files of sessions. Owns their layout and every check of what is read; that a file
 * appears whole is base/replace.h's matter, what the bytes of keys and values mean is the
 * cache's. Invariant: nothing sizes an allocation before it was compared with the file's
 * size, and a session changes when all of the file was read and its checksum holds. */
#include "decode/state_file.h"

#include <string.h>

#include "base/checked.h"
#include "base/crc32c.h"
#include "base/replace.h"

static const char MAGIC[] = {'R', 'S', 'N', 'S', 'T', 'A', 'T', 'E'};

enum { LAYOUT_VERSION = 1, CRC_BYTES = 4 };

/* Offsets in the header; numbers are u32 but for the model's and the count of tokens. */
enum {
    AT_VERSION = sizeof MAGIC,
    AT_TYPE = 12,
    AT_MODEL = 16,
    AT_TOKENS = 24,
    AT_LAYERS = 32,
    AT_HEADS = 36,
    AT_DIMS = 40,
    AT_VOCAB = 44,
    AT_ROPE = 48,
    AT_ZERO = 52,
    AT_ARCH = 56,
    ARCH_BYTES = 64,
    AT_CRC = 124,
    HEADER_BYTES = 128
};

typedef unsigned char header[HEADER_BYTES];

static void put(unsigned char *at, uint64_t value, size_t n_bytes) {
    for (size_t i = 0; i < n_bytes; i++)
        at[i] = (unsigned char)(value >> 8 * i);
}

static uint64_t get(const unsigned char *at, size_t n_bytes) {
    uint64_t value = 0;
    for (size_t i = 0; i < n_bytes; i++)
        value |= (uint64_t)at[i] << 8 * i;
    return value;
}

static uint32_t get_u32(const unsigned char *at) {
    return (uint32_t)get(at, 4);
}

/* The header that the session's own file has, for so many tokens. */
static void describe(const rsn_session *s, uint64_t n_tokens, header h) {
    const rsn_model *m = s->model;
    memset(h, 0, HEADER_BYTES);
    memcpy(h, MAGIC, sizeof MAGIC);
    put(h + AT_VERSION, LAYOUT_VERSION, 4);
    put(h + AT_TYPE, s->line.kv.type->ggml_id, 4);
    put(h + AT_MODEL, m->fingerprint, 8);
    put(h + AT_TOKENS, n_tokens, 8);
    put(h + AT_LAYERS, m->hp.n_layers, 4);
    put(h + AT_HEADS, m->hp.n_heads_kv, 4);
    put(h + AT_DIMS, m->hp.head_dim, 4);
    put(h + AT_VOCAB, m->hp.n_vocab, 4);
    put(h + AT_ROPE, rsn_model_rope(m, s->line.kv.n_session), 4);
    for (size_t i = 0; i + 1 < ARCH_BYTES && m->arch->name[i]; i++)
        h[AT_ARCH + i] = (unsigned char)m->arch->name[i];
}

/* Bytes of a file of n tokens. */
static bool file_bytes(const rsn_session *s, uint64_t n_tokens, uint64_t *n_bytes) {
    uint64_t row = rsn_kv_position_bytes(&s->model->hp, s->line.kv.type);
    return rsn_mul_u64(n_tokens, sizeof(int32_t) + row, n_bytes) &&
           rsn_add_u64(*n_bytes, HEADER_BYTES + CRC_BYTES, n_bytes);
}

/* Takes or gives n bytes, which stand at their place in memory. */
typedef reason_status (*pass_fn)(void *user, void *bytes, size_t n);

/* Keys and values in the file's order: of the first n positions alone. */
static reason_status pass_kv(const rsn_session *s, const rsn_kv *kv, size_t n,
                             pass_fn pass, void *user) {
    reason_status status = REASON_OK;
    size_t row = kv->head_stride / RSN_KV_BLOCK;
    for (size_t i = 0; i < s->model->hp.n_layers * 2 && status == REASON_OK; i++) {
        if (rsn_cancel_is_set(&s->cancel))
            return rsn_fail(REASON_ERR_CANCELLED,
                            "cancelled in layer %zu of keys and values", i / 2);
        for (size_t head = 0; head < kv->n_heads_kv; head++)
            for (size_t at = 0; at < n && status == REASON_OK; at += RSN_KV_BLOCK) {
                size_t part = n - at < RSN_KV_BLOCK ? n - at : RSN_KV_BLOCK;
                void *rows = rsn_kv_at(kv, at / RSN_KV_BLOCK, i / 2, i % 2 == 1, head);
                status = pass(user, rows, part * row);
            }
    }
    return status;
}

/* --- writing ------------------------------------------------------------------------ */

typedef struct writer {
    rsn_replace file;
    rsn_crc32c crc;
} writer;

static reason_status write_some(void *user, void *bytes, size_t n) {
    writer *w = user;
    rsn_crc32c_add(&w->crc, bytes, n);
    return rsn_replace_write(&w->file, bytes, n);
}

/* The checksum of all so far, which is not a part of itself. */
static reason_status write_crc(writer *w) {
    unsigned char crc[CRC_BYTES];
    put(crc, rsn_crc32c_value(&w->crc), sizeof crc);
    return rsn_replace_write(&w->file, crc, sizeof crc);
}

static reason_status write_header(writer *w, const rsn_session *s) {
    header h;
    describe(s, s->line.n, h);
    rsn_crc32c_add(&w->crc, h, AT_CRC);
    put(h + AT_CRC, rsn_crc32c_value(&w->crc), CRC_BYTES);
    rsn_crc32c_add(&w->crc, h + AT_CRC, CRC_BYTES);
    return rsn_replace_write(&w->file, h, sizeof h);
}

static reason_status check_target(const rsn_session *s, const char *path) {
    const rsn_gguf *g = &s->model->gguf;
    for (size_t i = 0; i < g->n_parts; i++)
        if (rsn_same_file(path, g->parts[i].path))
            return rsn_fail(REASON_ERR_INVALID_ARG,
                            "%s is a file of the model that the session runs", path);
    return REASON_OK;
}

/* Positions without a token cannot be told from each other. */
static reason_status check_saved(const rsn_session *s) {
    for (size_t i = 0; i < s->line.n; i++)
        if (s->line.tokens[i] == RSN_NO_TOKEN)
            return rsn_fail(REASON_ERR_UNSUPPORTED,
                            "position %zu was made of a vector, not of a token", i);
    return REASON_OK;
}

reason_status rsn_state_save(const rsn_session *s, const char *path) {
    writer w = {.file.fd = -1};
    uint64_t expected;
    if (!file_bytes(s, s->line.n, &expected))
        return rsn_fail(REASON_ERR_LIMIT, "%zu tokens exceed what a file can hold",
                        s->line.n);
    reason_status status = check_saved(s);
    if (status == REASON_OK)
        status = check_target(s, path);
    if (status == REASON_OK)
        status = rsn_replace_begin(path, expected, &w.file);
    if (status != REASON_OK)
        return status;
    rsn_crc32c_begin(&w.crc);
    status = write_header(&w, s);
    if (status == REASON_OK)
        status = write_some(&w, s->line.tokens, s->line.n * sizeof *s->line.tokens);
    if (status == REASON_OK)
        status = pass_kv(s, &s->line.kv, s->line.n, write_some, &w);
    if (status == REASON_OK)
        status = write_crc(&w);
    if (status == REASON_OK)
        return rsn_replace_commit(&w.file);
    rsn_replace_abandon(&w.file);
    return status;
}

/* --- reading ------------------------------------------------------------------------ */

typedef struct reader {
    rsn_file file;
    uint64_t at;
    rsn_crc32c crc;
} reader;

static reason_status read_some(void *user, void *bytes, size_t n) {
    reader *r = user;
    reason_status status = rsn_file_read(&r->file, r->at, bytes, n);
    if (status == REASON_OK)
        rsn_crc32c_add(&r->crc, bytes, n);
    r->at += n;
    return status;
}

/* The checksum that stands here is that of all before it. */
static reason_status read_crc(reader *r, const char *what) {
    unsigned char bytes[CRC_BYTES];
    uint64_t at = r->at;
    uint32_t wanted = rsn_crc32c_value(&r->crc);
    reason_status status = read_some(r, bytes, sizeof bytes);
    if (status == REASON_OK && get_u32(bytes) != wanted)
        status = rsn_fail(REASON_ERR_FORMAT,
                          "damaged: the checksum at offset %llu is 0x%08x, that of %s is "
                          "0x%08x",
                          (unsigned long long)at, get_u32(bytes), what, wanted);
    return status;
}

static reason_status read_header(reader *r, header h) {
    if (r->file.size < HEADER_BYTES + CRC_BYTES)
        return rsn_fail(REASON_ERR_FORMAT,
                        "too short: %llu bytes, a session of no tokens has %d",
                        (unsigned long long)r->file.size, HEADER_BYTES + CRC_BYTES);
    reason_status status = read_some(r, h, AT_CRC);
    if (status != REASON_OK)
        return status;
    if (memcmp(h, MAGIC, sizeof MAGIC) != 0)
        return rsn_fail(REASON_ERR_FORMAT,
                        "no file of a session: it begins with %s, \"RSNSTATE\" expected",
                        rsn_quote((const char *)h, sizeof MAGIC).text);
    status = read_crc(r, "the header");
    if (status == REASON_OK && get_u32(h + AT_VERSION) != LAYOUT_VERSION)
        status = rsn_fail(REASON_ERR_UNSUPPORTED, "version %u at offset %d, %d expected",
                          get_u32(h + AT_VERSION), AT_VERSION,
                          LAYOUT_VERSION);
    return status;
}

static const char *rope_name(uint32_t table) {
    return table == RSN_ROPE_LONG ? "those of long contexts" : "those of short contexts";
}

/* Whether the state is one of this model in a session like this. */
static reason_status check_match(const header h, const header own) {
    static const struct {
        size_t at;
        const char *what;
        const char *(*name)(uint32_t value); /* NULL: the number says enough */
    } FIELDS[] = {{AT_LAYERS, "the number of layers", NULL},
                  {AT_HEADS, "the number of heads with keys and values", NULL},
                  {AT_DIMS, "the size of a head", NULL},
                  {AT_VOCAB, "the size of the vocabulary", NULL},
                  {AT_TYPE, "the type of keys and values", rsn_type_ggml_name},
                  {AT_ROPE, "the RoPE factors", rope_name}};
    const char *arch = (const char *)h + AT_ARCH;
    if (memcmp(arch, own + AT_ARCH, ARCH_BYTES) != 0)
        return rsn_fail(REASON_ERR_MISMATCH,
                        "the architecture at offset %d is %s, the model's is \"%s\"",
                        AT_ARCH, rsn_quote(arch, strnlen(arch, ARCH_BYTES)).text,
                        (const char *)own + AT_ARCH);
    for (size_t i = 0; i < sizeof FIELDS / sizeof *FIELDS; i++) {
        uint32_t found = get_u32(h + FIELDS[i].at), wanted = get_u32(own + FIELDS[i].at);
        if (found != wanted && FIELDS[i].name)
            return rsn_fail(REASON_ERR_MISMATCH,
                            "%s: %s at offset %zu, the session has %s", FIELDS[i].what,
                            FIELDS[i].name(found), FIELDS[i].at,
                            FIELDS[i].name(wanted));
        if (found != wanted)
            return rsn_fail(REASON_ERR_MISMATCH,
                            "%s at offset %zu is %u, the model's is %u", FIELDS[i].what,
                            FIELDS[i].at, found, wanted);
    }
    if (get(h + AT_MODEL, 8) != get(own + AT_MODEL, 8))
        return rsn_fail(REASON_ERR_MISMATCH,
                        "saved with other weights: the model's fingerprint at offset %d "
                        "is 0x%016llx, this model's is 0x%016llx",
                        AT_MODEL, (unsigned long long)get(h + AT_MODEL, 8),
                        (unsigned long long)get(own + AT_MODEL, 8));
    return REASON_OK;
}

/* The number of tokens is what the file has bytes for, and fits the session. */
static reason_status check_tokens(const rsn_session *s, const reader *r, const header h,
                                  size_t *n) {
    uint64_t n_tokens = get(h + AT_TOKENS, 8), wanted;
    if (get(h + AT_ZERO, AT_ARCH - AT_ZERO) != 0 ||
        get(h + AT_ARCH + ARCH_BYTES, AT_CRC - AT_ARCH - ARCH_BYTES) != 0)
        return rsn_fail(REASON_ERR_FORMAT, "the bytes at offsets %d and %d are not all 0",
                        AT_ZERO, AT_ARCH + ARCH_BYTES);
    if (!file_bytes(s, n_tokens, &wanted))
        return rsn_fail(REASON_ERR_FORMAT,
                        "the number of tokens at offset %d is %llu, impossible for %llu "
                        "bytes",
                        AT_TOKENS, (unsigned long long)n_tokens,
                        (unsigned long long)r->file.size);
    if (wanted != r->file.size)
        return rsn_fail(REASON_ERR_FORMAT,
                        "%llu bytes long, %llu expected for the %llu tokens of offset %d",
                        (unsigned long long)r->file.size, (unsigned long long)wanted,
                        (unsigned long long)n_tokens, AT_TOKENS);
    if (n_tokens > s->setup.n_ctx)
        return rsn_fail(REASON_ERR_CONTEXT_FULL,
                        "%llu tokens do not fit the session's context of %zu",
                        (unsigned long long)n_tokens, s->setup.n_ctx);
    *n = (size_t)n_tokens;
    return REASON_OK;
}

static reason_status read_tokens(reader *r, const rsn_session *s, int32_t *tokens,
                                 size_t n) {
    size_t n_vocab = s->model->hp.n_vocab;
    reason_status status = read_some(r, tokens, n * sizeof *tokens);
    for (size_t i = 0; i < n && status == REASON_OK; i++)
        if (tokens[i] < 0 || (size_t)tokens[i] >= n_vocab)
            status = rsn_fail(REASON_ERR_FORMAT,
                              "token %zu at offset %zu is %d, 0 to %zu expected", i,
                              HEADER_BYTES + i * sizeof *tokens, tokens[i], n_vocab - 1);
    return status;
}

/* A timeline with all that the file holds; on failure it is empty. */
static reason_status read_line(reader *r, const rsn_session *s, rsn_timeline *line) {
    header h, own;
    size_t n = 0;
    *line = (rsn_timeline){0};
    rsn_crc32c_begin(&r->crc);
    describe(s, 0, own);
    reason_status status = read_header(r, h);
    if (status == REASON_OK)
        status = check_match(h, own);
    if (status == REASON_OK)
        status = check_tokens(s, r, h, &n);
    if (status == REASON_OK)
        status = rsn_timeline_init(line, &s->model->hp, s->setup.n_ctx, s->line.kv.type);
    if (status == REASON_OK)
        status = rsn_timeline_reserve(line, n);
    if (status == REASON_OK)
        status = read_tokens(r, s, line->tokens, n);
    if (status == REASON_OK)
        status = pass_kv(s, &line->kv, n, read_some, r);
    if (status == REASON_OK)
        status = read_crc(r, "all before it");
    line->n = line->kv.n = n;
    if (status != REASON_OK)
        rsn_timeline_free(line);
    return status;
}

reason_status rsn_state_load(rsn_session *s, const char *path) {
    reader r = {.at = 0};
    rsn_timeline line;
    reason_status status = rsn_file_open(path, &r.file);
    if (status != REASON_OK)
        return status;
    status = read_line(&r, s, &line);
    rsn_file_close(&r.file);
    if (status == REASON_ERR_NO_MEMORY)
        return status;
    if (status != REASON_OK)
        return rsn_fail_within(status, path);
    rsn_timeline_free(&s->line);
    s->line = line;
    return REASON_OK;
}
