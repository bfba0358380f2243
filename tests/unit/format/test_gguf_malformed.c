/* A corpus of broken files, made from six sound ones: cut at every byte of the header and
 * around every tensor's end, every byte and every integer of the header set to values
 * that hurt, every array given every other item type, every tensor every type, every name
 * set to another's. Each file is judged by a slow second reader: the library must refuse
 * what that refuses, and read from the rest what that reads, in bounded memory. */
#include "support.h"

#include <sys/mman.h>

#include "reason/reason.h"
#include "support/gguf_reference.h"

typedef struct corpus {
    const char *name;
    gguf_bytes b;  /* what the file holds, with the change */
    int fd;        /* the file, in memory */
    char path[32]; /* which name it has */
    size_t step, n_seen; /* every step-th file is tried */
    size_t n_files, n_refused, n_opened;
    gguf_reference ref;
} corpus;

/* --- one file ----------------------------------------------------------------------- */

static void check_text(rsn_text found, const char *data, size_t n) {
    assert_int_equal(found.n, n);
    if (n > 0)
        assert_memory_equal(found.data, data, n);
}

static void check_array(const corpus *c, const rsn_gguf_pair *p, const ref_pair *wanted) {
    const char *at = (const char *)c->b.data + wanted->items;
    size_t width = reference_width(wanted->item);
    assert_int_equal(p->item, wanted->item);
    assert_int_equal(p->n, wanted->n);
    if (wanted->item != GGUF_STRING && p->n > 0)
        assert_memory_equal(p->as.items, at, width * p->n);
    for (uint64_t i = 0; wanted->item == GGUF_STRING && i < p->n; i++) {
        size_t n = (size_t)reference_number((const uint8_t *)at, 0, 8);
        check_text(p->as.texts[i], at + 8, n);
        at += 8 + n;
    }
}

static int64_t extend(uint64_t raw, size_t width, uint32_t type) {
    bool has_sign = type == GGUF_I8 || type == GGUF_I16 || type == GGUF_I32;
    if (has_sign && raw >> (8 * width - 1))
        raw |= UINT64_MAX << 8 * width;
    return (int64_t)raw;
}

static double decode_float(uint64_t raw, uint32_t type) {
    uint32_t low = (uint32_t)raw;
    float single;
    double value;
    memcpy(&single, &low, sizeof single);
    memcpy(&value, &raw, sizeof value);
    return type == GGUF_F32 ? (double)single : value;
}

static void check_float(double found, double wanted) {
    if (wanted == wanted) /* else both are NaN */
        assert_memory_equal(&found, &wanted, sizeof found);
    else
        assert_true(found != found);
}

static void check_pair(const corpus *c, const rsn_gguf_pair *p, const ref_pair *wanted) {
    size_t width = reference_width(wanted->type);
    uint64_t raw = reference_number(c->b.data, wanted->at, width);
    check_text(p->key, wanted->key.data, wanted->key.n);
    assert_int_equal(p->key.data[p->key.n], '\0');
    assert_int_equal(p->type, wanted->type);
    assert_int_equal(p->offset, wanted->at);
    if (p->type == RSN_GGUF_ARRAY)
        check_array(c, p, wanted);
    else if (p->type == RSN_GGUF_STRING)
        check_text(p->as.text, (const char *)c->b.data + wanted->at + 8, wanted->n);
    else if (p->type == RSN_GGUF_F32 || p->type == RSN_GGUF_F64)
        check_float(p->as.f, decode_float(raw, wanted->type));
    else
        assert_int_equal(p->as.i, extend(raw, width, wanted->type));
}

static void check_tensor(const rsn_gguf_tensor *t, const ref_tensor *wanted) {
    check_text(t->name, wanted->name.data, wanted->name.n);
    assert_int_equal(t->n_dims, wanted->n_dims);
    assert_memory_equal(t->ne, wanted->ne, sizeof t->ne);
    assert_int_equal(t->type->ggml_id, wanted->type);
    assert_int_equal(t->offset, wanted->offset);
    assert_int_equal(t->n_bytes, wanted->n_bytes);
    assert_int_equal(t->part, 0);
}

static void check_plan(const corpus *c, const rsn_gguf *g) {
    assert_int_equal(g->version, c->ref.version);
    assert_int_equal(g->n_pairs, c->ref.n_pairs);
    assert_int_equal(g->n_tensors, c->ref.n_tensors);
    assert_int_equal(g->parts[0].data_start, c->ref.data_start);
    assert_int_equal(g->parts[0].data_end, c->ref.data_end);
    for (size_t i = 0; i < g->n_pairs; i++)
        check_pair(c, &g->pairs[i], &c->ref.pairs[i]);
    for (size_t i = 0; i < g->n_tensors; i++)
        check_tensor(&g->tensors[i], &c->ref.tensors[i]);
}

static bool is_allowed(unsigned wrong, reason_status status) {
    return (status == REASON_ERR_FORMAT && (wrong & REF_FORMAT)) ||
           (status == REASON_ERR_UNSUPPORTED && (wrong & REF_UNSUPPORTED)) ||
           (status == REASON_ERR_LIMIT && (wrong & REF_LIMIT)) ||
           (status == REASON_OK && wrong == 0);
}

/* The same entries through the public calls. */
static void check_values(const corpus *c, const reason_model *model) {
    assert_int_equal(reason_model_n_keys(model), c->ref.n_pairs);
    for (size_t i = 0; i < c->ref.n_pairs; i++) {
        const ref_pair *p = &c->ref.pairs[i];
        const char *key = reason_model_key(model, i), *text;
        size_t width = reference_width(p->type), n;
        uint64_t raw = reference_number(c->b.data, p->at, width);
        int64_t whole;
        double value;
        check_text((rsn_text){key, strlen(key)}, p->key.data, p->key.n);
        bool is_float = p->type == GGUF_F32 || p->type == GGUF_F64;
        if (p->type == GGUF_STRING) {
            assert_int_equal(reason_model_get_text(model, key, &text, &n), REASON_OK);
            check_text((rsn_text){text, n}, (const char *)c->b.data + p->at + 8, p->n);
        } else if (is_float) {
            assert_int_equal(reason_model_get_float(model, key, &value), REASON_OK);
            check_float(value, decode_float(raw, p->type));
        } else if (p->type != GGUF_ARRAY) {
            assert_int_equal(reason_model_get_int(model, key, &whole), REASON_OK);
            assert_int_equal(whole, extend(raw, width, p->type));
        }
    }
}

/* Opens it as a model: what has no sound header is refused in the same way, what has one
 * may be refused for what it means. */
static void check_model(corpus *c, reason_status header) {
    counted_heap heap;
    reason_model *model = NULL;
    heap_begin(&heap, 0, false);
    reason_status status = reason_model_open(c->path, NULL, &model);
    assert_true(heap.peak <= ((size_t)16 << 20) + 2 * c->b.n);
    if (header != REASON_OK)
        assert_int_equal(status, header);
    else
        assert_true(status == REASON_OK || status == REASON_ERR_FORMAT ||
                    status == REASON_ERR_UNSUPPORTED || status == REASON_ERR_LIMIT);
    if (status == REASON_OK)
        check_values(c, model);
    else
        assert_int_equal(strncmp(rsn_last_error(), c->path, strlen(c->path)), 0);
    reason_model_free(model);
    heap_end();
    assert_int_equal(heap.alive, 0);
    c->n_opened += status == REASON_OK;
}

static void check_file(corpus *c) {
    rsn_gguf g;
    counted_heap heap;
    reference_read(c->b.data, c->b.n, &c->ref);
    int next = dup(c->fd); /* the first handle that is free */
    assert_true(next >= 0 && close(next) == 0);
    reason_status status = open_path(c->path, &g, &heap);
    if (!is_allowed(c->ref.wrong, status))
        fail_msg("%s where the second reader has %u: %s", rsn_status_name(status),
                 c->ref.wrong, rsn_last_error());
    if (status == REASON_OK)
        check_plan(c, &g);
    else
        assert_true(strlen(rsn_last_error()) > strlen(c->path) + 10);
    close_it(&g, &heap);
    check_model(c, status);
    assert_int_equal(dup(c->fd), next);
    assert_int_equal(close(next), 0);
    c->n_files++;
    c->n_refused += status != REASON_OK;
}

/* --- changes ------------------------------------------------------------------------ */

static void write_range(const corpus *c, size_t at, size_t n) {
    ssize_t done = pwrite(c->fd, c->b.data + at, n, (off_t)at);
    assert_int_equal(done, n);
}

static bool is_next(corpus *c) {
    return c->n_seen++ % c->step == 0;
}

/* The file with one number changed; afterwards it is as before. */
static void try_number(corpus *c, size_t at, size_t width, uint64_t value) {
    uint64_t before = reference_number(c->b.data, at, width);
    uint64_t mask = width < 8 ? ((uint64_t)1 << 8 * width) - 1 : UINT64_MAX;
    if ((value & mask) == before || !is_next(c))
        return;
    gguf_set_number(&c->b, at, value, width);
    write_range(c, at, width);
    check_file(c);
    gguf_set_number(&c->b, at, before, width);
    write_range(c, at, width);
}

static void cut_header(corpus *c, size_t header) {
    size_t whole = c->b.n;
    for (size_t n = 0; n < header; n++) {
        if (!is_next(c))
            continue;
        c->b.n = n;
        assert_int_equal(ftruncate(c->fd, (off_t)n), 0);
        check_file(c);
        c->b.n = whole;
        write_range(c, n, whole - n);
    }
}

static void set_bytes(corpus *c, size_t header) {
    static const uint8_t values[] = {0x00, 0x01, 0x02, 0x7F, 0x80, 0xFF};
    for (size_t at = 0; at < header; at++)
        for (size_t i = 0; i < COUNT(values); i++)
            try_number(c, at, 1, values[i]);
}

static const uint64_t EDGES[] = {0,
                                 1,
                                 1 << 7,
                                 (1 << 8) - 1,
                                 1 << 15,
                                 (1 << 16) - 1,
                                 UINT64_C(1) << 31,
                                 (UINT64_C(1) << 31) - 1,
                                 (UINT64_C(1) << 32) - 1,
                                 (UINT64_C(1) << 63) - 1,
                                 UINT64_C(1) << 63,
                                 UINT64_MAX};

/* The fields are those of the sound file; reading the broken ones overwrites the list. */
static void set_fields(corpus *c) {
    reference_read(c->b.data, c->b.n, &c->ref);
    size_t n = c->ref.n_fields, n_types = c->ref.n_item_types;
    ref_field *fields = calloc(n, sizeof *fields);
    size_t *types = calloc(n_types + 1, sizeof *types);
    assert_true(fields && types);
    memcpy(fields, c->ref.fields, n * sizeof *fields);
    memcpy(types, c->ref.item_types, n_types * sizeof *types);
    for (size_t f = 0; f < n; f++)
        for (size_t i = 0; i < COUNT(EDGES); i++)
            try_number(c, fields[f].at, fields[f].width, EDGES[i]);
    for (size_t t = 0; t < n_types; t++)
        for (uint32_t item = 0; item <= GGUF_F64; item++)
            try_number(c, types[t], 4, item);
    free(fields);
    free(types);
}

/* Every type number for every tensor: the twelve values above hit few block types. */
static void set_types(corpus *c) {
    reference_read(c->b.data, c->b.n, &c->ref);
    size_t n = c->ref.n_tensors;
    size_t *places = calloc(n + 1, sizeof *places);
    assert_non_null(places);
    for (size_t i = 0; i < n; i++) {
        const ref_tensor *t = &c->ref.tensors[i];
        size_t name = (size_t)(t->name.data - (const char *)c->b.data);
        places[i] = name + t->name.n + 4 + 8 * (size_t)t->n_dims;
    }
    for (size_t i = 0; i < n; i++)
        for (uint32_t id = 0; id < 42; id++)
            try_number(c, places[i], 4, id);
    free(places);
}

/* The name of each entry or tensor over that of the next one as long as it. */
static void repeat_names(corpus *c) {
    reference_read(c->b.data, c->b.n, &c->ref);
    size_t n_pairs = c->ref.n_pairs, n = n_pairs + c->ref.n_tensors;
    ref_text *names = calloc(n + 1, sizeof *names);
    assert_non_null(names);
    for (size_t i = 0; i < n; i++)
        names[i] = i < n_pairs ? c->ref.pairs[i].key : c->ref.tensors[i - n_pairs].name;
    for (size_t i = 0; i < n; i++)
        for (size_t j = i + 1; j < n; j++) {
            size_t at = (size_t)(names[j].data - (const char *)c->b.data);
            char before[256];
            if (names[i].n != names[j].n || names[i].n > sizeof before || !is_next(c))
                continue;
            memcpy(before, names[j].data, names[j].n);
            memcpy(c->b.data + at, names[i].data, names[i].n);
            write_range(c, at, names[i].n);
            check_file(c);
            memcpy(c->b.data + at, before, names[i].n);
            write_range(c, at, names[i].n);
        }
    free(names);
}

/* Cut around the end of each tensor, down to the last byte of the file. */
static void cut_data(corpus *c) {
    reference_read(c->b.data, c->b.n, &c->ref);
    size_t whole = c->b.n, n = c->ref.n_tensors;
    uint64_t *ends = calloc(n + 1, sizeof *ends);
    assert_non_null(ends);
    for (size_t i = 0; i < n; i++)
        ends[i] = c->ref.tensors[i].offset + c->ref.tensors[i].n_bytes;
    for (size_t i = 0; i < n; i++)
        for (uint64_t left = ends[i] - 1; left <= ends[i] + 1 && left < whole; left++) {
            if (!is_next(c))
                continue;
            c->b.n = (size_t)left;
            assert_int_equal(ftruncate(c->fd, (off_t)left), 0);
            check_file(c);
            c->b.n = whole;
            write_range(c, (size_t)left, whole - (size_t)left);
        }
    free(ends);
}

/* Takes over the bytes. */
static void break_file(const char *name, gguf_bytes *seed) {
    corpus c = {.name = name, .b = *seed, .step = getenv("REASON_SLOW") ? 61 : 1};
    c.fd = memfd_create("malformed", 0);
    assert_true(c.fd >= 0);
    (void)snprintf(c.path, sizeof c.path, "/proc/self/fd/%d", c.fd);
    write_range(&c, 0, c.b.n);
    reference_read(c.b.data, c.b.n, &c.ref);
    assert_int_equal(c.ref.wrong, 0);
    check_file(&c);
    size_t header = c.ref.header_end;
    cut_header(&c, header);
    set_bytes(&c, header);
    set_fields(&c);
    set_types(&c);
    repeat_names(&c);
    cut_data(&c);
    check_file(&c); /* everything was put back */
    assert_int_equal(c.ref.wrong, 0);
    print_message("%s: header of %zu bytes, %zu files: %zu headers refused, %zu read; "
                  "%zu opened as a model\n",
                  name, header, c.n_files, c.n_refused, c.n_files - c.n_refused,
                  c.n_opened);
    assert_true(c.n_files >= (c.step == 1 ? 1000 : 16));
    assert_true(c.n_refused > c.n_files / 4 && c.n_refused < c.n_files);
    assert_int_equal(close(c.fd), 0);
    reference_free(&c.ref);
    gguf_free(seed);
}

/* --- the six ------------------------------------------------------------------------ */

enum { TINY = 8 };

static const tiny_options SMALL = {.n_layers = 1,
                                   .n_embd = TINY,
                                   .n_heads = 2,
                                   .n_heads_kv = 1,
                                   .head_dim = 4,
                                   .n_ff = TINY,
                                   .n_ctx = 32};

static void test_format_gguf_malformed__llama(void **state) {
    (void)state;
    tiny_model m;
    tiny_options o = SMALL;
    o.type = GGML_F16;
    o.n_vocab = 8;
    o.no_tokenizer = o.rope_factors = o.biases = true;
    o.alignment = 64;
    tiny_model_make("llama", &o, &m);
    break_file("llama, f16, biases, rope factors", &m.file);
}

static void test_format_gguf_malformed__qwen3(void **state) {
    (void)state;
    tiny_model m;
    tiny_options o = SMALL;
    o.tied = true;
    o.chat_template = "{% for m in messages %}{{ m.content }}{% endfor %}<think>\n";
    tiny_model_make("qwen3", &o, &m);
    break_file("qwen3, vocabulary, merges, template", &m.file);
}

/* With the lists of a SentencePiece vocabulary. */
static void test_format_gguf_malformed__bitnet(void **state) {
    (void)state;
    static const char *const tokens[] = {"<unk>",  "<s>",      "</s>",
                                         "<0x41>", "\u2581a", "b"};
    static const int32_t types[] = {2, 3, 3, 6, 1, 1};
    tiny_model m;
    gguf_bytes pairs = {0};
    tiny_options o = SMALL;
    gguf_put_string(&pairs, "tokenizer.ggml.model", "llama");
    gguf_put_array(&pairs, "tokenizer.ggml.tokens", GGUF_STRING, COUNT(tokens));
    for (size_t i = 0; i < COUNT(tokens); i++)
        gguf_put_text(&pairs, tokens[i]);
    gguf_put_array(&pairs, "tokenizer.ggml.token_type", GGUF_I32, COUNT(types));
    for (size_t i = 0; i < COUNT(types); i++)
        gguf_put_number(&pairs, (uint64_t)types[i], 4);
    gguf_put_array(&pairs, "tokenizer.ggml.scores", GGUF_F32, COUNT(tokens));
    for (size_t i = 0; i < COUNT(tokens); i++)
        gguf_put_number(&pairs, 0xC0000000, 4);
    gguf_put_u32(&pairs, "tokenizer.ggml.bos_token_id", 1);
    gguf_put_u32(&pairs, "tokenizer.ggml.unknown_token_id", 0);
    o.no_tokenizer = true;
    o.n_vocab = COUNT(tokens);
    o.pairs = &pairs;
    o.n_pairs = 6;
    o.version = 2;
    o.act_bits = 4;
    o.hadamard = true;
    tiny_model_make("bitnet", &o, &m);
    gguf_free(&pairs);
    break_file("bitnet, scores, keys of our own", &m.file);
}

static void put_scalars(gguf_bytes *b) {
    static const struct {
        const char *key;
        uint32_t type;
        uint64_t value;
    } rows[] = {{"u8", GGUF_U8, 200},
                {"i8", GGUF_I8, 0xF0},
                {"u16", GGUF_U16, 40000},
                {"i16", GGUF_I16, 0x8001},
                {"u32", GGUF_U32, 0x80000001},
                {"i32", GGUF_I32, 0xFFFFFFFE},
                {"f32", GGUF_F32, 0x3FC00000},
                {"bool", GGUF_BOOL, 1},
                {"u64", GGUF_U64, UINT64_C(0x0123456789ABCDEF)},
                {"i64", GGUF_I64, UINT64_MAX - 7},
                {"f64", GGUF_F64, UINT64_C(0x400921FB54442D18)}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        gguf_put_key(b, rows[i].key, rows[i].type);
        gguf_put_number(b, rows[i].value, reference_width(rows[i].type));
    }
}

/* Each type alone and in an array. */
static void test_format_gguf_malformed__values(void **state) {
    (void)state;
    gguf_bytes b = {0};
    char key[32];
    gguf_put_header(&b, 3, 0, 2 + 11 + 13);
    gguf_put_string(&b, "general.architecture", "none");
    gguf_put_string(&b, "empty", "");
    put_scalars(&b);
    for (uint32_t item = 0; item <= GGUF_F64; item++) {
        uint32_t type = item == GGUF_ARRAY ? GGUF_U8 : item; /* once an empty one */
        uint64_t n = item == GGUF_ARRAY ? 0 : 3;
        (void)snprintf(key, sizeof key, "array.%u", (unsigned)item);
        gguf_put_array(&b, key, type, n);
        for (uint64_t i = 0; i < n; i++) {
            if (type == GGUF_STRING)
                gguf_put_text(&b, i == 1 ? "" : "text");
            else
                gguf_put_number(&b, i * 77, reference_width(type));
        }
    }
    break_file("metadata of all types", &b);
}

static void test_format_gguf_malformed__vocabulary(void **state) {
    (void)state;
    tiny_model m;
    const tiny_options o = {.no_weights = true};
    tiny_model_make("qwen2", &o, &m);
    break_file("vocabulary alone", &m.file);
}

/* The second of three parts, opened by itself. */
static void test_format_gguf_malformed__part(void **state) {
    (void)state;
    tiny_model m;
    split_model s;
    tiny_model_make("qwen3", &SMALL, &m);
    const size_t n_tensors[] = {2, m.n_tensors - 3, 1};
    split_make(&m, n_tensors, 3, &s);
    gguf_bytes part = s.parts[1];
    s.parts[1] = (gguf_bytes){NULL, 0, 0};
    split_free(&s);
    tiny_model_free(&m);
    break_file("one part of a split model", &part);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_format_gguf_malformed__llama),
        cmocka_unit_test(test_format_gguf_malformed__qwen3),
        cmocka_unit_test(test_format_gguf_malformed__bitnet),
        cmocka_unit_test(test_format_gguf_malformed__values),
        cmocka_unit_test(test_format_gguf_malformed__vocabulary),
        cmocka_unit_test(test_format_gguf_malformed__part),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
