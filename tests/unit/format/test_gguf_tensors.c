/* Tensor entries of GGUF files: shapes, sizes, places and types that cannot be. */
#include "support.h"

/* Case 9. */
static void test_format_gguf_tensors__dimensions(void **state) {
    (void)state;
    static const uint32_t counts[] = {0, 5, 6, 255, 0x7FFFFFFF, 0xFFFFFFFF};
    tiny_model m;
    make_seed(&m);
    for (size_t i = 0; i < m.n_tensors; i += m.n_tensors - 1) {
        size_t at = gguf_find_tensor(&m.file, m.tensors[i].name);
        uint32_t right = m.file.data[at];
        for (size_t j = 0; j < COUNT(counts); j++) {
            gguf_set_number(&m.file, at, counts[j], 4);
            REFUSED(&m.file, REASON_ERR_FORMAT, m.tensors[i].name, number(counts[j]),
                    number(at), "1 to 4");
        }
        gguf_set_number(&m.file, at, right, 4);
    }
    tiny_model_free(&m);
}

/* One tensor with this shape in a file of some data. */
static void make_tensor(gguf_bytes *b, uint32_t n_dims, const uint64_t *ne,
                        uint32_t type) {
    gguf_put_header(b, 3, 1, 0);
    gguf_put_tensor(b, "the.tensor", n_dims, ne, type, 0);
    gguf_pad(b, 32);
    gguf_put_zeros(b, 256);
}

/* Case 10: products of dimensions, of elements and bytes, that wrap. */
static void test_format_gguf_tensors__wrapping_shapes(void **state) {
    (void)state;
    const uint64_t one = 1;
    const uint64_t shapes[][4] = {
        {one << 32, one << 32, 1, 1},
        {one << 62, 1, 1, 1},
        {one << 60, 1, 1, 1},
        {1, one << 62, 1, 1},
        {1, 1, 1, one << 62},
        {one << 16, one << 16, one << 16, one << 16},
        {one << 31, one << 31, 2, 1},
        {one << 31, one << 31, 1, 1},
        {INT64_MAX - 31, 1, 1, 1},
        {one << 32, one << 31, 32, 1},
        {32, one << 58, 1, 1},
        {32, one << 57, 2, 2},
        {4096, 4096, 4096, 4096},
        {one << 62, 4, 1, 1},
        {one << 33, one << 33, one << 33, 32},
    };
    for (size_t i = 0; i < COUNT(shapes); i++)
        for (uint32_t id = 0; id < 40; id++) {
            gguf_bytes b = {0};
            make_tensor(&b, 4, shapes[i], id);
            if (rsn_type_by_ggml(id))
                REFUSED(&b, REASON_ERR_FORMAT, "\"the.tensor\"");
            gguf_free(&b);
        }
}

/* Case 11. */
static void test_format_gguf_tensors__no_size(void **state) {
    (void)state;
    static const uint64_t sizes[] = {0, UINT64_MAX, UINT64_C(1) << 63, UINT64_MAX - 31};
    for (uint32_t d = 0; d < 4; d++)
        for (size_t i = 0; i < COUNT(sizes); i++) {
            gguf_bytes b = {0};
            uint64_t ne[4] = {32, 1, 1, 1};
            ne[d] = sizes[i];
            make_tensor(&b, 4, ne, GGML_Q8_0);
            size_t at = gguf_find_tensor(&b, "the.tensor") + 4 + 8 * d;
            REFUSED(&b, REASON_ERR_FORMAT, "\"the.tensor\"", "dimension", number(d),
                    number(at), "at least 1");
            gguf_free(&b);
        }
}

/* Case 12: a tensor that ends outside of the file, by one byte or by all of the number
 * line. */
static void test_format_gguf_tensors__outside(void **state) {
    (void)state;
    tiny_model m;
    make_seed(&m);
    const tiny_tensor *last = &m.tensors[m.n_tensors - 1];
    const uint64_t offsets[] = {UINT64_MAX - 31, UINT64_C(1) << 63, INT64_MAX - 31,
                                UINT64_C(1) << 32, last->offset + 32};
    size_t at = gguf_find_tensor(&m.file, last->name) + 4 + 8 + 4;
    for (size_t i = 0; i < COUNT(offsets); i++) {
        gguf_set_number(&m.file, at, offsets[i], 8);
        REFUSED(&m.file, REASON_ERR_FORMAT, last->name, number(offsets[i]),
                "outside the file", number(m.file.n));
    }
    gguf_set_number(&m.file, at, last->offset, 8);
    check_opens(&m.file);
    m.file.n--;
    REFUSED(&m.file, REASON_ERR_FORMAT, last->name, "outside the file", number(m.file.n));
    m.file.n++;
    gguf_set_number(&m.file, at, last->offset - 1, 8);
    REFUSED(&m.file, REASON_ERR_FORMAT, last->name, "alignment 32",
            number(last->offset - 1));
    tiny_model_free(&m);
}

/* Case 13. */
static void test_format_gguf_tensors__overlap(void **state) {
    (void)state;
    tiny_model m;
    make_seed(&m);
    const tiny_tensor *a = &m.tensors[2], *b = &m.tensors[3]; /* two matrices */
    size_t at = gguf_find_tensor(&m.file, b->name) + 4 + 16 + 4;
    const uint64_t offsets[] = {b->offset - 32, a->offset, a->offset + 32};
    for (size_t i = 0; i < COUNT(offsets); i++) {
        gguf_set_number(&m.file, at, offsets[i], 8);
        REFUSED(&m.file, REASON_ERR_FORMAT, a->name, b->name, "overlap");
    }
    gguf_set_number(&m.file, at, 0, 8);
    REFUSED(&m.file, REASON_ERR_FORMAT, m.tensors[0].name, b->name, "overlap");
    tiny_model_free(&m);
}

static void test_format_gguf_tensors__same_name(void **state) {
    (void)state;
    tiny_model m;
    make_seed(&m);
    size_t at = gguf_find_tensor(&m.file, "blk.0.attn_k.weight");
    m.file.data[at - 8] = 'q'; /* of blk.0.attn_q.weight there is one already */
    REFUSED(&m.file, REASON_ERR_FORMAT, "\"blk.0.attn_q.weight\"", "same name");
    m.file.data[at - 8] = 'k';
    at = gguf_find_value(&m.file, "llama.context_length") - 4;
    gguf_bytes pair = {0};
    gguf_put_u32(&pair, "llama.context_length", 32);
    gguf_insert(&m.file, at - 28, pair.data, pair.n);
    gguf_set_number(&m.file, 16, m.file.data[16] + 1u, 8);
    REFUSED(&m.file, REASON_ERR_FORMAT, "\"llama.context_length\"", "same name");
    gguf_free(&pair);
    tiny_model_free(&m);
}

/* Case 14. */
static void test_format_gguf_tensors__alignment(void **state) {
    (void)state;
    static const uint32_t wrong[] = {0,   1,       2,          3,          4,
                                     7,   9,       12,         24,         33,
                                     100, 1 << 21, 0x80000000, 0x7FFFFFFF, 0xFFFFFFFF};
    tiny_model m;
    const tiny_options o = {.n_layers = 1,
                            .n_embd = 8,
                            .n_heads = 2,
                            .n_heads_kv = 1,
                            .head_dim = 4,
                            .n_ff = 8,
                            .no_tokenizer = true,
                            .alignment = 32};
    tiny_model_make("llama", &o, &m);
    size_t at = gguf_find_value(&m.file, "general.alignment");
    for (size_t i = 0; i < COUNT(wrong); i++) {
        gguf_set_number(&m.file, at, wrong[i], 4);
        REFUSED(&m.file, REASON_ERR_FORMAT, "general.alignment", number(wrong[i]));
    }
    gguf_set_number(&m.file, at, 32, 4);
    check_opens(&m.file);
    static const uint32_t types[] = {GGUF_F32, GGUF_I32};
    for (size_t i = 0; i < COUNT(types); i++) {
        gguf_set_number(&m.file, at - 4, types[i], 4);
        gguf_set_number(&m.file, at, 0x80000000, 4); /* -0, and the least int */
        REFUSED(&m.file, REASON_ERR_FORMAT, "general.alignment");
    }
    gguf_bytes pair = {0};
    gguf_put_string(&pair, "general.alignment", "32");
    gguf_cut(&m.file, at - 29, 33);
    gguf_insert(&m.file, at - 29, pair.data, pair.n);
    REFUSED(&m.file, REASON_ERR_FORMAT, "general.alignment", number(at), "integer");
    gguf_free(&pair);
    tiny_model_free(&m);
}

/* Case 15. */
static void test_format_gguf_tensors__row_and_block(void **state) {
    (void)state;
    size_t n_types = 0;
    for (uint32_t id = 0; id < 40; id++) {
        const rsn_type_info *info = rsn_type_by_ggml(id);
        const uint64_t block = info ? info->block_elems : 1;
        const uint64_t rows[] = {1, block / 2, block - 1, block + 1, 3 * block / 2};
        for (size_t i = 0; block > 1 && i < COUNT(rows); i++) {
            gguf_bytes b = {0};
            const uint64_t ne[2] = {rows[i], block}; /* the elements would fill blocks */
            make_tensor(&b, 2, ne, id);
            REFUSED(&b, REASON_ERR_FORMAT, "\"the.tensor\"", number(rows[i]), info->name,
                    number(block));
            gguf_free(&b);
        }
        n_types += block > 1;
    }
    assert_true(n_types >= 15);
}

/* Numbers of no type that is read: what they may mean is named, and every type that would
 * do. */
static void test_format_gguf_tensors__tensor_types(void **state) {
    (void)state;
    static const struct {
        uint32_t id;
        const char *name;
    } types[] = {
        {4, "type id 4, Q4_2 (removed), at offset"},
        {5, "type id 5, Q4_3 (removed)"},
        {9, "type id 9, Q8_1"},
        {15, "type id 15, Q8_K"},
        {16, "type id 16, IQ2_XXS"},
        {19, "type id 19, IQ1_S"},
        {24, "type id 24, I8"},
        {28, "type id 28, F64"},
        {29, "type id 29, IQ1_M"},
        {31, "type id 31, Q4_0_4_4 (removed)"},
        {32, "type id 32, Q4_0_4_8 (removed)"},
        {33, "type id 33, Q4_0_8_8 (removed)"},
        {37, "type id 37, I8_S or IQ4_NL_4_8 (removed)"},
        {38, "type id 38, TL1 or IQ4_NL_8_8 (removed)"},
        {39, "type id 39, TL2 or MXFP4"},
        {40, "unknown type id 40"},
        {41, "unknown type id 41"},
        {255, "unknown type id 255"},
        {0x80000000, "unknown type id 2147483648"},
        {0xFFFFFFFF, "unknown type id 4294967295"},
    };
    for (size_t i = 0; i < COUNT(types); i++) {
        gguf_bytes b = {0};
        const uint64_t ne[2] = {250, 3};
        make_tensor(&b, 2, ne, types[i].id);
        REFUSED(&b, REASON_ERR_UNSUPPORTED, "\"the.tensor\"", types[i].name, "F32, F16, ",
                "Q8_0", "I2_S");
        assert_null(strstr(rsn_last_error(), "layout B")); /* no file can ask for that */
        gguf_free(&b);
    }
}

/* Every number below 64: read, or refused under a name of its own. */
static void test_format_gguf_tensors__all_types(void **state) {
    (void)state;
    for (uint32_t id = 0; id < 64; id++) {
        gguf_bytes b = {0};
        const uint64_t ne[2] = {256, 1};
        gguf_put_header(&b, 3, 1, 0);
        gguf_put_tensor(&b, "the.tensor", 2, ne, id, 0);
        gguf_pad(&b, 32);
        gguf_put_zeros(&b, 1024);
        if (rsn_type_by_ggml(id))
            check_opens(&b);
        else
            REFUSED(&b, REASON_ERR_UNSUPPORTED, number(id), "type id");
        gguf_free(&b);
    }
}

/* What lies behind the rows of a tensor is part of it. */
static void test_format_gguf_tensors__tail(void **state) {
    (void)state;
    for (size_t missing = 0; missing < 2; missing++) {
        gguf_bytes b = {0};
        const uint64_t ne[2] = {128, 3};
        gguf_put_header(&b, 3, 1, 0);
        gguf_put_tensor(&b, "the.tensor", 2, ne, 36, 0);
        gguf_pad(&b, 32);
        gguf_put_zeros(&b, 3 * 32 + 32 - missing);
        if (missing)
            REFUSED(&b, REASON_ERR_FORMAT, "\"the.tensor\" of 128 bytes", "outside");
        else
            check_opens(&b);
        gguf_free(&b);
    }
}

static void test_format_gguf_tensors__tensor_names(void **state) {
    (void)state;
    static const uint64_t lengths[] = {UINT64_MAX, INT64_MAX, UINT64_C(1) << 32};
    tiny_model m;
    make_seed(&m);
    size_t at = gguf_find_tensor(&m.file, "token_embd.weight") - 17;
    m.file.data[at + 3] = '\0';
    REFUSED(&m.file, REASON_ERR_FORMAT, "name", "NUL");
    for (size_t i = 0; i < COUNT(lengths); i++) {
        gguf_set_number(&m.file, at - 8, lengths[i], 8);
        REFUSED(&m.file, REASON_ERR_FORMAT, "name", number(at - 8), number(lengths[i]));
    }
    gguf_set_number(&m.file, at - 8, 0, 8);
    REFUSED(&m.file, REASON_ERR_FORMAT, "name", "empty");
    tiny_model_free(&m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_format_gguf_tensors__dimensions),
        cmocka_unit_test(test_format_gguf_tensors__wrapping_shapes),
        cmocka_unit_test(test_format_gguf_tensors__no_size),
        cmocka_unit_test(test_format_gguf_tensors__outside),
        cmocka_unit_test(test_format_gguf_tensors__overlap),
        cmocka_unit_test(test_format_gguf_tensors__same_name),
        cmocka_unit_test(test_format_gguf_tensors__alignment),
        cmocka_unit_test(test_format_gguf_tensors__row_and_block),
        cmocka_unit_test(test_format_gguf_tensors__tensor_types),
        cmocka_unit_test(test_format_gguf_tensors__all_types),
        cmocka_unit_test(test_format_gguf_tensors__tail),
        cmocka_unit_test(test_format_gguf_tensors__tensor_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
