/* Binding weights: each tensor is needed, has one shape, and no other is let pass. */
#include "support.h"

static const char *const ARCHS[] = {"llama",  "qwen2", "qwen3",   "gemma2",
                                    "gemma3", "phi3",  "glm4",    "granite",
                                    "olmo2",  "phi3",  "seed_oss"};
enum { FUSED = 9 }; /* phi3 again, q, k and v in one tensor */

/* A file in which any tensor's name or shape can be changed in place. */
static void make_model(size_t arch, tiny_model *m) {
    const tiny_options o = {.type = GGML_F16,
                            .rope_factors = true,
                            .no_tokenizer = true,
                            .alignment = 4096,
                            .fused = arch == FUSED,
                            .seed = 7};
    tiny_model_make(ARCHS[arch], &o, m);
}

static bool is_optional(const char *name) {
    return strcmp(name, "output.weight") == 0 || strcmp(name, "rope_freqs.weight") == 0;
}

static void test_model_weights__bound(void **state) {
    (void)state;
    for (size_t a = 0; a < COUNT(ARCHS); a++) {
        tiny_model m;
        make_model(a, &m);
        char *path = gguf_save(&m.file);
        reason_model *model;
        check_ok(reason_model_open(path, NULL, &model));
        const rsn_weights *w = &model->weights;
        const rsn_layer *l = &w->layers[1];
        uint64_t n = 0;
        for (size_t i = 0; i < m.n_tensors; i++)
            n += m.tensors[i].ne[0] * m.tensors[i].ne[1];
        assert_int_equal(w->n_parameters, n);
        assert_false(w->tied);
        assert_non_null(w->rope.all);
        assert_true((l->q_bias && l->k_bias && l->v_bias) == (a == 1));
        const tiny_arch *arch = tiny_arch_of(ARCHS[a]);
        assert_true((l->q_norm && l->k_norm) == (arch->qk_norm || arch->wide_qk_norm));
        assert_true((l->attn_norm != NULL) == !arch->no_pre_norm);
        assert_true((l->ffn_norm != NULL) == !arch->no_pre_norm);
        assert_true((l->attn_post_norm && l->ffn_post_norm) == arch->post_norm);
        const struct {
            const char *name;
            const rsn_matrix *matrix;
        } rows[] = {{"blk.1.ffn_down.weight", &l->down},
                    {"token_embd.weight", &w->embedding},
                    {"output.weight", &w->output}};
        for (size_t i = 0; i < COUNT(rows); i++) {
            const tiny_tensor *t = tiny_model_find(&m, rows[i].name);
            const rsn_matrix *matrix = rows[i].matrix;
            assert_int_equal(matrix->cols, t->ne[0]);
            assert_int_equal(matrix->rows, t->ne[1]);
            assert_int_equal(matrix->row_bytes, 2 * t->ne[0]);
            assert_memory_equal(matrix->data, m.file.data + t->at,
                                matrix->rows * matrix->row_bytes);
        }
        reason_model_free(model);
        gguf_remove(path);
        tiny_model_free(&m);
    }
}

/* Vectors of every type come out as the numbers they stand for. */
static void test_model_weights__vectors(void **state) {
    (void)state;
    static const uint32_t types[] = {GGML_F32, GGML_F16, GGML_BF16, GGML_Q8_0};
    for (size_t i = 0; i < COUNT(types); i++) {
        tiny_model m;
        const tiny_options o = {.vector_type = types[i], .seed = i};
        tiny_model_make("qwen2", &o, &m);
        char *path = gguf_save(&m.file);
        reason_model *model;
        check_ok(reason_model_open(path, NULL, &model));
        double *bias = tiny_model_weights(&m, "blk.1.attn_k.bias");
        double *norm = tiny_model_weights(&m, "output_norm.weight");
        for (size_t j = 0; j < 32; j++)
            assert_true((double)model->weights.layers[1].k_bias[j] == bias[j]);
        for (size_t j = 0; j < 64; j++)
            assert_true(fabs((double)model->weights.output_norm[j] - norm[j]) <= 1e-7);
        free(bias);
        free(norm);
        reason_model_free(model);
        gguf_remove(path);
        tiny_model_free(&m);
    }
}

/* Each tensor in turn has another name: it is missing, or, where it may be, unknown. */
static void test_model_weights__missing(void **state) {
    (void)state;
    for (size_t a = 0; a < COUNT(ARCHS); a++) {
        tiny_model m;
        make_model(a, &m);
        for (size_t i = 0; i < m.n_tensors; i++) {
            const char *name = m.tensors[i].name;
            size_t last = gguf_find_tensor(&m.file, name) - 1;
            char changed[48], missing[64];
            uint8_t right = m.file.data[last];
            (void)snprintf(missing, sizeof missing, "tensor %s is missing", name);
            if (strstr(name, "attn_qkv")) /* then its parts are needed */
                (void)snprintf(missing, sizeof missing, "attn_q.weight is missing");
            (void)snprintf(changed, sizeof changed, "%.*s!", (int)strlen(name) - 1, name);
            m.file.data[last] = '!';
            if (is_optional(name))
                REFUSED(&m.file, REASON_ERR_UNSUPPORTED, changed);
            else
                REFUSED(&m.file, REASON_ERR_FORMAT, missing);
            m.file.data[last] = right;
        }
        check_opens(&m.file);
        tiny_model_free(&m);
    }
}

/* Each tensor in turn has half its last dimension, then its dimensions the other way
 * round. */
static void test_model_weights__shapes(void **state) {
    (void)state;
    for (size_t a = 0; a < COUNT(ARCHS); a++) {
        tiny_model m;
        make_model(a, &m);
        for (size_t i = 0; i < m.n_tensors; i++) {
            const tiny_tensor *t = &m.tensors[i];
            bool vector = t->ne[1] == 1;
            size_t at = gguf_find_tensor(&m.file, t->name) + 4,
                   last = at + (vector ? 0 : 8);
            uint64_t length = t->ne[vector ? 0 : 1];
            gguf_set_number(&m.file, last, length / 2, 8);
            REFUSED(&m.file, REASON_ERR_FORMAT, t->name, number(length / 2),
                    number(length), "expected");
            gguf_set_number(&m.file, last, length, 8);
            if (vector || t->ne[0] == t->ne[1])
                continue;
            gguf_set_number(&m.file, at, t->ne[1], 8);
            gguf_set_number(&m.file, at + 8, t->ne[0], 8);
            REFUSED(&m.file, REASON_ERR_FORMAT, t->name, "expected");
            gguf_set_number(&m.file, at, t->ne[0], 8);
            gguf_set_number(&m.file, at + 8, t->ne[1], 8);
        }
        check_opens(&m.file);
        tiny_model_free(&m);
    }
}

/* A third dimension of 1 is no harm; one of 2 is, even with data for it. */
static void test_model_weights__third_dimension(void **state) {
    (void)state;
    static const uint64_t thirds[] = {1, 2};
    for (size_t i = 0; i < COUNT(thirds); i++) {
        tiny_model m;
        make_model(0, &m);
        const tiny_tensor *last = &m.tensors[m.n_tensors - 1];
        const uint8_t third[8] = {(uint8_t)thirds[i]};
        assert_string_equal(last->name, "output.weight");
        size_t at = gguf_find_tensor(&m.file, last->name);
        gguf_cut(&m.file, m.tensors[0].at - 8, 8); /* padding makes room */
        gguf_set_number(&m.file, at, 3, 4);
        gguf_insert(&m.file, at + 20, third, 8);
        gguf_put_zeros(&m.file, m.file.n - last->at);
        if (thirds[i] == 1)
            check_opens(&m.file);
        else
            REFUSED(&m.file, REASON_ERR_FORMAT, last->name, "[64, 273, 2, 1]",
                    "[64, 273, 1, 1]");
        tiny_model_free(&m);
    }
}

/* What another architecture has is not ignored. */
static void test_model_weights__foreign(void **state) {
    (void)state;
    tiny_model m;
    tiny_options o = {.biases = true};
    tiny_model_make("qwen3", &o, &m);
    REFUSED(&m.file, REASON_ERR_UNSUPPORTED, "blk.0.attn_q.bias");
    tiny_model_free(&m);
    tiny_model_make("llama", &o, &m);
    check_opens(&m.file);
    tiny_model_free(&m);
    o.biases = false;
    tiny_model_make("qwen3", &o, &m);
    memcpy(m.file.data + gguf_find_value(&m.file, "general.architecture") + 8, "qwen2",
           5);
    for (size_t at = 0; at + 6 < m.file.n; at++) /* and every key that begins with it */
        if (memcmp(m.file.data + at, "qwen3.", 6) == 0)
            m.file.data[at + 4] = '2';
    REFUSED(&m.file, REASON_ERR_FORMAT, "blk.0.attn_q.bias is missing");
    tiny_model_free(&m);
}

/* More layers than the file has, up to the limit, and fewer. */
static void test_model_weights__layers(void **state) {
    (void)state;
    tiny_model m;
    make_model(0, &m);
    size_t at = gguf_find_value(&m.file, "llama.block_count");
    gguf_set_number(&m.file, at, 3, 4);
    REFUSED(&m.file, REASON_ERR_FORMAT, "blk.2.attn_norm.weight is missing");
    gguf_set_number(&m.file, at, 4096, 4);
    REFUSED(&m.file, REASON_ERR_FORMAT, "4096 layers", number(m.n_tensors));
    gguf_set_number(&m.file, at, 1, 4);
    REFUSED(&m.file, REASON_ERR_UNSUPPORTED, "blk.1.");
    tiny_model_free(&m);
}

/* Where the parts of one tensor lie. */
static void test_model_weights__fused(void **state) {
    (void)state;
    tiny_model m;
    make_model(FUSED, &m);
    char *path = gguf_save(&m.file);
    reason_model *model;
    check_ok(reason_model_open(path, NULL, &model));
    const rsn_layer *l = &model->weights.layers[1];
    const uint8_t *qkv = m.file.data + tiny_model_find(&m, "blk.1.attn_qkv.weight")->at;
    const uint8_t *up = m.file.data + tiny_model_find(&m, "blk.1.ffn_up.weight")->at;
    const struct {
        const rsn_matrix *matrix;
        size_t rows;
        const uint8_t *bytes;
    } parts[] = {{&l->q, 64, qkv},
                 {&l->k, 32, qkv + 64 * 128},
                 {&l->v, 32, qkv + 96 * 128},
                 {&l->gate, 96, up},
                 {&l->up, 96, up + 96 * 128}};
    for (size_t i = 0; i < COUNT(parts); i++) {
        assert_int_equal(parts[i].matrix->rows, parts[i].rows);
        assert_int_equal(parts[i].matrix->cols, 64);
        assert_true(parts[i].matrix->scale == 1);
        assert_memory_equal(parts[i].matrix->data, parts[i].bytes, parts[i].rows * 128);
    }
    reason_model_free(model);
    gguf_remove(path);
    tiny_model_free(&m);
}

/* One of the parts beside the fused tensor, and a fused one where there is none. */
static void test_model_weights__fused_twice(void **state) {
    (void)state;
    static const char *const names[] = {"blk.1.attn_q.weight", "blk.1.attn_v.weight"};
    for (size_t i = 0; i < COUNT(names); i++) {
        tiny_model m;
        make_model(FUSED, &m);
        /* The output, which may be missing, takes another name of any length. */
        size_t end = gguf_find_tensor(&m.file, "output.weight");
        size_t at = end - strlen("output.weight");
        size_t longer = strlen(names[i]) - strlen("output.weight");
        gguf_cut(&m.file, m.tensors[0].at - longer, longer); /* padding makes room */
        gguf_insert(&m.file, end, names[i], longer);
        memcpy(m.file.data + at, names[i], strlen(names[i]));
        gguf_set_number(&m.file, at - 8, strlen(names[i]), 8);
        REFUSED(&m.file, REASON_ERR_UNSUPPORTED, names[i]);
        tiny_model_free(&m);
    }
    tiny_model m;
    const tiny_options o = {.fused = true};
    tiny_model_make("qwen3", &o, &m);
    REFUSED(&m.file, REASON_ERR_FORMAT, "blk.0.attn_q.weight is missing");
    tiny_model_free(&m);
}

static void test_model_weights__tied(void **state) {
    (void)state;
    const tiny_options o = {.tied = true};
    char *path = build_tiny_model("llama", &o);
    reason_model *model;
    check_ok(reason_model_open(path, NULL, &model));
    assert_true(model->weights.tied);
    assert_ptr_equal(model->weights.output.data, model->weights.embedding.data);
    assert_null(model->weights.rope.all);
    reason_model_free(model);
    gguf_remove(path);
}

static void test_model_weights__rope_factors(void **state) {
    (void)state;
    static const float wrong[] = {0, -1, NAN, -INFINITY};
    tiny_model m;
    make_model(0, &m);
    const tiny_tensor *t = tiny_model_find(&m, "rope_freqs.weight");
    for (size_t i = 0; i < COUNT(wrong); i++) {
        uint32_t bits;
        memcpy(&bits, &wrong[i], sizeof bits);
        gguf_set_number(&m.file, t->at + 4 * 5, bits, 4);
        REFUSED(&m.file, REASON_ERR_FORMAT, "rope_freqs.weight", "at 5");
    }
    tiny_model_free(&m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model_weights__bound),
        cmocka_unit_test(test_model_weights__vectors),
        cmocka_unit_test(test_model_weights__missing),
        cmocka_unit_test(test_model_weights__shapes),
        cmocka_unit_test(test_model_weights__third_dimension),
        cmocka_unit_test(test_model_weights__foreign),
        cmocka_unit_test(test_model_weights__layers),
        cmocka_unit_test(test_model_weights__fused),
        cmocka_unit_test(test_model_weights__fused_twice),
        cmocka_unit_test(test_model_weights__tied),
        cmocka_unit_test(test_model_weights__rope_factors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
