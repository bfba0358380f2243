/* Importance matrices as files: what is in them, that they do not depend on threads, and
 * what is refused without a file being left behind or an old one touched. */
#include "api/support.h"

#include <dirent.h>
#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

#include "convert/importance.h"
#include "format/gguf.h"
#include "model/model.h"
#include "support/gguf_build.h"

static reason_model *shipped;
static char folder[64];
static const char text[] =
    "<|im_start|>user\nWhat is 12 + 30?<|im_end|>\n<|im_start|>assistant\n<think>\n\n"
    "</think>\n\n42<|im_end|>\n%%\n<|im_start|>user\nWhich is larger, 4 or 9?<|im_end|>\n"
    "<|im_start|>assistant\n<think>\n\n</think>\n\n9<|im_end|>\n";

static int set_up(void **state) {
    (void)state;
    (void)snprintf(folder, sizeof folder, "/tmp/imatrix.XXXXXX");
    assert_non_null(mkdtemp(folder));
    shipped = open_model(REASON_CPU_AUTO);
    return 0;
}

static size_t count_files(void) {
    size_t n = 0;
    DIR *entries = opendir(folder);
    for (struct dirent *e; entries && (e = readdir(entries)) != NULL;)
        n += e->d_name[0] != '.';
    if (entries)
        (void)closedir(entries);
    return n;
}

static int tear_down(void **state) {
    (void)state;
    reason_model_free(shipped);
    assert_int_equal(count_files(), 0);
    assert_int_equal(rmdir(folder), 0);
    return 0;
}

/* A path in the folder, good until the fourth next call. */
static const char *path_of(const char *name) {
    static char paths[4][128];
    static size_t at;
    at = (at + 1) % 4;
    (void)snprintf(paths[at], sizeof *paths, "%s/%s", folder, name);
    return paths[at];
}

static reason_imatrix_options options_of(void) {
    reason_imatrix_options o;
    assert_ok(reason_imatrix_options_init(&o, sizeof o));
    o.special = true;
    o.separator = "\n%%\n";
    o.dataset = "two questions";
    o.n_threads = 1;
    return o;
}

static reason_imatrix_result make(reason_model *model, const char *path,
                                  const reason_imatrix_options *o) {
    reason_imatrix_result r = {.size = sizeof r};
    assert_ok(reason_imatrix(model, text, -1, path, o, &r));
    return r;
}

static unsigned char *read_file(const char *path, size_t *n) {
    unsigned char *bytes = malloc(1 << 20);
    FILE *file = fopen(path, "rb");
    assert_true(file && bytes);
    *n = fread(bytes, 1, 1 << 20, file);
    (void)fclose(file);
    return bytes;
}

/* ---- what is in it ---- */

typedef struct opened {
    rsn_gguf g;
    rsn_blob all;
} opened;

static opened open_file(const char *path) {
    opened o;
    rsn_file file;
    assert_ok(rsn_file_open(path, &file));
    assert_ok(rsn_gguf_open(&file, path, false, &o.g));
    assert_ok(rsn_blob_load(&file, 0, (size_t)file.size, false, NULL, &o.all));
    rsn_file_close(&file);
    return o;
}

static void close_file(opened *o) {
    rsn_blob_free(&o->all);
    rsn_gguf_free(&o->g);
}

static const float *floats_of(const opened *o, const char *name, const char *suffix,
                              size_t n) {
    char full[128];
    (void)snprintf(full, sizeof full, "%s.%s", name, suffix);
    const rsn_gguf_tensor *t = rsn_gguf_find_tensor(&o->g, full);
    if (!t)
        fail_msg("%s is not there", full);
    assert_int_equal(t->type->type, RSN_TYPE_F32);
    assert_int_equal(t->ne[0], n);
    assert_int_equal(t->ne[1] * t->ne[2] * t->ne[3], 1);
    return (const float *)(const void *)(o->all.data + t->offset);
}

/* The rows that the first layer's attention reads, from the tensors alone: the norm of the
 * embeddings of every token. */
static void check_first_layer(const opened *o, size_t n_tokens) {
    const rsn_model *m = shipped;
    const rsn_gguf_tensor *e = rsn_gguf_find_tensor(&m->gguf, "token_embd.weight");
    const unsigned char *rows = rsn_tensor_bytes(&m->gguf, m->blobs, e);
    size_t width = m->hp.n_embd, n, seen = 0;
    size_t row_bytes = rsn_type_row_bytes(e->type, width);
    double *sums = calloc(width, sizeof *sums), *x = calloc(width, sizeof *x);
    float *row = calloc(width, sizeof *row);
    const char *end = strstr(text, "\n%%\n");
    assert_true(sums && row && x && end);
    for (int part = 0; part < 2; part++) {
        const char *from = part ? end + 4 : text;
        int32_t *ids;
        assert_ok(reason_tokenize(m, from, part ? -1 : end - text, REASON_TOKENS_SPECIAL,
                                  &ids, &n));
        seen += n;
        for (size_t t = 0; t < n; t++) {
            double squares = 0;
            rsn_type_decode(e->type, rows + (size_t)ids[t] * row_bytes, row, width);
            for (size_t k = 0; k < width; k++)
                squares += (double)row[k] * (double)row[k];
            for (size_t k = 0; k < width; k++) {
                double scale = sqrt(squares / (double)width + (double)m->hp.rms_eps);
                x[k] = (double)row[k] / scale * (double)m->weights.layers[0].attn_norm[k];
                sums[k] += x[k] * x[k];
            }
        }
        reason_free(ids);
    }
    assert_int_equal(seen, n_tokens);
    static const char *const names[] = {"blk.0.attn_q.weight", "blk.0.attn_k.weight",
                                        "blk.0.attn_v.weight"};
    for (size_t i = 0; i < COUNT(names); i++) {
        const float *found = floats_of(o, names[i], "in_sum2", width);
        for (size_t k = 0; k < width; k++)
            if (!(fabs((double)found[k] - sums[k]) <= 1e-5 * sums[k] + 1e-9))
                fail_msg("%s: column %zu is %.9g, %.9g expected", names[i], k,
                         (double)found[k], sums[k]);
    }
    free(sums);
    free(row);
    free(x);
}

static void test_convert_imatrix__what_is_in_it(void **state) {
    (void)state;
    const char *path = path_of("one.gguf");
    reason_imatrix_options o = options_of();
    reason_imatrix_result r = make(shipped, path, &o);
    opened file = open_file(path);
    rsn_text value = {0};
    const rsn_text *datasets;
    size_t n;
    int64_t number = 0;
    assert_ok(rsn_gguf_string(&file.g, "general.type", &value));
    assert_string_equal(value.data, "imatrix");
    assert_ok(rsn_gguf_strings(&file.g, "imatrix.datasets", &datasets, &n));
    assert_int_equal(n, 1);
    assert_int_equal(datasets[0].n, strlen("two questions"));
    assert_memory_equal(datasets[0].data, "two questions", datasets[0].n);
    assert_ok(rsn_gguf_int(&file.g, "imatrix.chunk_count", 0, 100, &number));
    assert_int_equal(number, 2);
    assert_int_equal(r.n_chunks, 2);
    assert_ok(rsn_gguf_int(&file.g, "imatrix.chunk_size", 0, 1000, &number));
    assert_int_equal(number, r.n_ctx);
    assert_int_equal(r.n_tokens, r.n_text);
    assert_int_equal(file.g.n_tensors, 2 * r.n_tensors);
    assert_int_equal(r.n_tensors, 7 * 4 + 1); /* the output is the embedding */
    for (size_t i = 0; i < shipped->gguf.n_tensors; i++) {
        const rsn_gguf_tensor *t = &shipped->gguf.tensors[i];
        if (t->n_dims != 2)
            continue;
        assert_true(*floats_of(&file, t->name.data, "counts", 1) == (float)r.n_tokens);
        const float *sums = floats_of(&file, t->name.data, "in_sum2", (size_t)t->ne[0]);
        for (size_t k = 0; k < t->ne[0]; k++)
            assert_true(sums[k] >= 0 && isfinite(sums[k]));
    }
    check_first_layer(&file, (size_t)r.n_tokens);
    rsn_importance imp;
    assert_ok(rsn_importance_read(path, &imp)); /* what the quantizer sees */
    assert_int_equal(imp.n_entries, r.n_tensors);
    const rsn_importance_entry *e = rsn_importance_find(&imp, "blk.3.ffn_down.weight", 21);
    assert_non_null(e);
    assert_int_equal(e->n, shipped->hp.n_ff);
    assert_true(e->count[0] == (float)r.n_tokens);
    rsn_importance_free(&imp);
    close_file(&file);
    assert_int_equal(unlink(path), 0);
}

static void test_convert_imatrix__bytes_do_not_depend_on_threads(void **state) {
    (void)state;
    const char *path = path_of("bits.gguf");
    reason_model *generic = open_model(REASON_CPU_GENERIC);
    reason_imatrix_options o = options_of();
    size_t n, n_again;
    (void)make(shipped, path, &o);
    unsigned char *expected = read_file(path, &n);
    for (int32_t threads = 1; threads <= 4; threads++) {
        o.n_threads = threads;
        (void)make(threads == 4 ? generic : shipped, path, &o);
        unsigned char *bytes = read_file(path, &n_again);
        assert_int_equal(n_again, n);
        assert_memory_equal(bytes, expected, n);
        free(bytes);
    }
    free(expected);
    reason_model_free(generic);
    assert_int_equal(unlink(path), 0);
}

static void test_convert_imatrix__result_may_be_null(void **state) {
    (void)state;
    const char *path = path_of("null.gguf");
    assert_ok(reason_imatrix(shipped, text, -1, path, NULL, NULL));
    opened file = open_file(path);
    const rsn_text *datasets = NULL;
    size_t n = 0;
    assert_ok(rsn_gguf_strings(&file.g, "imatrix.datasets", &datasets, &n));
    assert_int_equal(n, 0);
    close_file(&file);
    assert_int_equal(unlink(path), 0);
}

/* ---- what is refused ---- */

static void refuse(reason_model *model, const char *what, const char *path,
                   const reason_imatrix_options *o, reason_status status,
                   const char *words) {
    reason_imatrix_result r;
    memset(&r, 1, sizeof r);
    r.size = sizeof r;
    assert_status(reason_imatrix(model, what, -1, path, o, &r), status);
    if (!strstr(reason_last_error(), words))
        fail_msg("\"%s\" does not say \"%s\"", reason_last_error(), words);
    assert_true(r.n_tokens == 0 && r.n_tensors == 0 && r.n_text == 0);
}

static void test_convert_imatrix__arguments(void **state) {
    (void)state;
    const char *path = path_of("refused.gguf");
    reason_imatrix_options o = options_of();
    refuse(shipped, "", path, &o, REASON_ERR_INVALID_ARG, "0 tokens, at least 2 expected");
    refuse(shipped, "1", path, &o, REASON_ERR_INVALID_ARG, "1 tokens");
    o.separator = "";
    refuse(shipped, text, path, &o, REASON_ERR_INVALID_ARG, "separator");
    o.separator = NULL;
    o.n_ctx = 1;
    refuse(shipped, text, path, &o, REASON_ERR_INVALID_ARG, "n_ctx 1");
    o.n_ctx = -1;
    refuse(shipped, text, path, &o, REASON_ERR_INVALID_ARG, "n_ctx -1");
    o.n_ctx = 513;
    refuse(shipped, text, path, &o, REASON_ERR_LIMIT, "n_ctx 513");
    o.n_ctx = 0;
    o.n_chunks = -1;
    refuse(shipped, text, path, &o, REASON_ERR_INVALID_ARG, "n_chunks -1");
    o.n_chunks = 0;
    o.n_threads = -1;
    refuse(shipped, text, path, &o, REASON_ERR_INVALID_ARG, "-1");
    assert_int_equal(count_files(), 0);
}

static void test_convert_imatrix__models(void **state) {
    (void)state;
    const char *path = path_of("refused.gguf");
    reason_imatrix_options o = options_of();
    tiny_options t = {.no_weights = true};
    tiny_model m;
    reason_model *other;
    char *of = build_tiny_model("qwen3", &t);
    assert_ok(reason_model_open(of, NULL, &other));
    gguf_remove(of);
    refuse(other, text, path, &o, REASON_ERR_MISMATCH, "no weights");
    reason_model_free(other);
    t = (tiny_options){.no_tokenizer = true, .n_vocab = TINY_N_TOKENS};
    of = build_tiny_model("qwen3", &t);
    assert_ok(reason_model_open(of, NULL, &other));
    gguf_remove(of);
    refuse(other, text, path, &o, REASON_ERR_UNSUPPORTED, "no tokenizer");
    reason_model_free(other);
    t = (tiny_options){0};
    tiny_model_make("qwen3", &t, &m);
    const float large = 1e38f; /* whose square no float holds */
    memcpy(m.file.data + tiny_model_find(&m, "blk.1.attn_norm.weight")->at, &large,
           sizeof large);
    of = gguf_save(&m.file);
    assert_ok(reason_model_open(of, NULL, &other));
    gguf_remove(of);
    refuse(other, text, path, &o, REASON_ERR_FORMAT, "is not finite");
    reason_model_free(other);
    tiny_model_free(&m);
    assert_int_equal(count_files(), 0);
}

/* A file that cannot be written is an IO error with its name; the old one stays. */
static void test_convert_imatrix__unwritable(void **state) {
    (void)state;
    reason_imatrix_options o = options_of();
    refuse(shipped, text, path_of("no-such-folder/x.gguf"), &o, REASON_ERR_IO,
           "no-such-folder");
    refuse(shipped, text, folder, &o, REASON_ERR_IO, folder);
    assert_int_equal(count_files(), 0);
    const char *path = path_of("old.gguf");
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    (void)fputs("old", file);
    (void)fclose(file);
    o.n_ctx = 513;
    refuse(shipped, text, path, &o, REASON_ERR_LIMIT, "n_ctx");
    size_t n;
    unsigned char *bytes = read_file(path, &n);
    assert_int_equal(n, 3);
    free(bytes);
    o.n_ctx = 0;
    (void)make(shipped, path, &o); /* replaced */
    bytes = read_file(path, &n);
    assert_true(n > 1000);
    free(bytes);
    assert_int_equal(count_files(), 1);
    assert_int_equal(unlink(path), 0);
}

typedef struct stopper {
    uint64_t n_calls, at, last;
    reason_cancel_token *token;
} stopper;

static int count_calls(void *user, const char *stage, uint64_t done, uint64_t total) {
    stopper *s = user;
    assert_string_equal(stage, "imatrix");
    assert_true(done >= s->last && done <= total);
    s->last = done;
    if (++s->n_calls != s->at)
        return 0;
    if (!s->token)
        return 1;
    reason_cancel_token_set(s->token);
    return 0;
}

static void test_convert_imatrix__cancel(void **state) {
    (void)state;
    const char *path = path_of("cancelled.gguf");
    stopper s = {0};
    reason_cancel_token *token;
    reason_imatrix_options o = options_of();
    o.n_ctx = 12;
    o.progress = count_calls;
    o.progress_user = &s;
    assert_ok(reason_cancel_token_new(&token));
    reason_imatrix_result r = make(shipped, path, &o);
    uint64_t n_calls = s.n_calls;
    assert_int_equal(s.last, r.n_tokens);
    assert_int_equal(n_calls, r.n_chunks + 1);
    assert_int_equal(unlink(path), 0);
    for (int way = 0; way < 2; way++)
        for (uint64_t at = 1; at <= n_calls; at++) {
            s = (stopper){.at = at, .token = way ? token : NULL};
            o.cancel = token;
            refuse(shipped, text, path, &o, REASON_ERR_CANCELLED, "cancelled");
            reason_cancel_token_reset(token);
        }
    reason_cancel_token_set(token);
    refuse(shipped, text, path, &o, REASON_ERR_CANCELLED, "cancelled");
    reason_cancel_token_free(token);
    assert_int_equal(count_files(), 0);
}

static void test_convert_imatrix__memory_refused(void **state) {
    (void)state;
    test_heap heap;
    const char *path = path_of("memory.gguf");
    reason_imatrix_options o = options_of();
    heap_use(&heap);
    for (size_t at = 1;; at++) {
        atomic_store(&heap.n_calls, 0);
        heap.fail_at = at;
        reason_status status = reason_imatrix(shipped, text, -1, path, &o, NULL);
        assert_int_equal(atomic_load(&heap.n_blocks), 0);
        if (atomic_load(&heap.n_calls) < at) {
            assert_int_equal(status, REASON_OK);
            break;
        }
        /* The folder's own sync is done without where there is no memory. */
        if (status != REASON_OK)
            assert_int_equal(status, REASON_ERR_NO_MEMORY);
        assert_int_equal(count_files(), status == REASON_OK);
        (void)unlink(path);
    }
    heap.fail_at = 0;
    heap_end(&heap);
    assert_int_equal(unlink(path), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_convert_imatrix__what_is_in_it),
        cmocka_unit_test(test_convert_imatrix__bytes_do_not_depend_on_threads),
        cmocka_unit_test(test_convert_imatrix__result_may_be_null),
        cmocka_unit_test(test_convert_imatrix__arguments),
        cmocka_unit_test(test_convert_imatrix__models),
        cmocka_unit_test(test_convert_imatrix__unwritable),
        cmocka_unit_test(test_convert_imatrix__cancel),
        cmocka_unit_test(test_convert_imatrix__memory_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
