/* Quantizing of files made of bytes: weights that are not finite or very large, rows that
 * fall back, tensors of several matrices, an alignment of its own, a split model. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/gguf.h"
#include "support/gguf_build.h"

enum { ALIGNMENT = 64, N = 3 };

static const struct {
    const char *name;
    uint64_t ne[3];
    const char *to, *reason;
} TENSORS[N] = {
    {"blk.0.attn_q.weight", {256, 3, 1}, "Q4_K", "type"},
    {"blk.0.attn_k.weight", {96, 5, 1}, "Q5_0", "fallback"},
    {"blk.0.ffn_up_exps.weight", {33, 2, 2}, "F16", "fallback"},
};

static float weight(size_t tensor, size_t i) {
    if (tensor == 0 && i == 300) return NAN;
    if (tensor == 0 && i == 301) return INFINITY;
    if (tensor == 1 && i < 32) return (i % 2 ? 1e30f : -1e30f);
    return (float)((i * 7919 + tensor) % 101) / 50.0f - 1.0f;
}

static gguf_bytes build(void) {
    gguf_bytes b = {0};
    uint64_t offset = 0;
    gguf_put_header(&b, 3, N, 2);
    gguf_put_u32(&b, "general.alignment", ALIGNMENT);
    gguf_put_string(&b, "general.name", "made by hand");
    for (size_t t = 0; t < N; t++) {
        uint64_t n = TENSORS[t].ne[0] * TENSORS[t].ne[1] * TENSORS[t].ne[2];
        gguf_put_tensor(&b, TENSORS[t].name, TENSORS[t].ne[2] > 1 ? 3 : 2, TENSORS[t].ne,
                        0, offset);
        offset += (4 * n + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    }
    for (size_t t = 0; t < N; t++) {
        size_t n = (size_t)(TENSORS[t].ne[0] * TENSORS[t].ne[1] * TENSORS[t].ne[2]);
        gguf_pad(&b, ALIGNMENT);
        for (size_t i = 0; i < n; i++) {
            float w = weight(t, i);
            gguf_put(&b, &w, sizeof w);
        }
    }
    return b;
}

static int check(void *user, const reason_quantize_tensor *t) {
    size_t i = (*(size_t *)user)++;
    assert_string_equal(t->name, TENSORS[i].name);
    assert_string_equal(t->from, "F32");
    assert_string_equal(t->to, TENSORS[i].to);
    assert_string_equal(t->reason, TENSORS[i].reason);
    for (int d = 0; d < 3; d++)
        assert_int_equal(t->shape[d], (int64_t)TENSORS[i].ne[d]);
    assert_int_equal(t->n_nan, i == 0 ? 2 : 0);
    if (i == 1) /* the largest half is far below these */
        assert_true(t->max_error > 9e29 && t->rmse > 1e29 && t->relative > 0.9);
    if (i == 2) assert_true(t->relative < 1e-3 && t->max_error < 1e-3);
    return 0;
}

static void test_convert_quantize__odd_files(void **state) {
    (void)state;
    gguf_bytes b = build(), nothing = {0};
    char *in = gguf_save(&b), *out = gguf_save(&nothing);
    size_t seen = 0;
    rsn_file file;
    rsn_gguf g;
    int64_t alignment = 0;
    reason_quantize_options o;
    assert_int_equal(reason_quantize_options_init(&o, sizeof o), REASON_OK);
    o.report = check;
    o.report_user = &seen;
    assert_int_equal(reason_quantize(in, out, &o), REASON_OK);
    assert_int_equal(seen, N);
    assert_int_equal(rsn_file_open(out, &file), REASON_OK);
    assert_int_equal(rsn_gguf_open(&file, out, false, &g), REASON_OK);
    assert_int_equal(rsn_gguf_int(&g, "general.alignment", 1, 1 << 20, &alignment),
                     REASON_OK);
    assert_int_equal(alignment, ALIGNMENT);
    for (size_t i = 0; i < N; i++) {
        assert_string_equal(g.tensors[i].type->name, TENSORS[i].to);
        assert_int_equal(g.tensors[i].offset % ALIGNMENT, 0);
        assert_int_equal(g.tensors[i].ne[2], TENSORS[i].ne[2]);
    }
    rsn_gguf_free(&g);
    rsn_file_close(&file);
    gguf_remove(in);
    gguf_remove(out);
    gguf_free(&b);
}

/* All parts become one file that is no part any more. */
static void test_convert_quantize__split_model(void **state) {
    (void)state;
    tiny_model m;
    static split_model s; /* large */
    char head[96], tail[96];
    gguf_bytes nothing = {0};
    char *out = gguf_save(&nothing);
    reason_model *model;
    int64_t count;
    reason_quantize_options o;
    tiny_model_make("llama", NULL, &m);
    size_t first = m.n_tensors / 2, parts[2] = {first, m.n_tensors - first};
    split_make(&m, parts, 2, &s);
    split_save(&s);
    (void)snprintf(head, sizeof head, "%s", split_path(&s, 0));
    (void)snprintf(tail, sizeof tail, "%s", split_path(&s, 1));
    assert_int_equal(reason_quantize_options_init(&o, sizeof o), REASON_OK);
    o.type = "F16";
    assert_int_equal(reason_quantize(head, out, &o), REASON_OK);
    assert_int_equal(reason_model_open(out, NULL, &model), REASON_OK);
    assert_int_equal(reason_model_get_int(model, "split.count", &count),
                     REASON_ERR_MISMATCH);
    reason_model_free(model);
    assert_int_equal(reason_quantize(head, tail, &o), REASON_ERR_INVALID_ARG);
    split_free(&s);
    tiny_model_free(&m);
    gguf_remove(out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_convert_quantize__odd_files),
        cmocka_unit_test(test_convert_quantize__split_model),
    };
    return cmocka_run_group_tests_name("convert/quantize", tests, NULL, NULL);
}
