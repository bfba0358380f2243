/* What reason_session_memory() says against what is then allocated: the file copied, the
 * context filled, one generation under way. */
#include "api/support.h"

typedef struct peak {
    const test_heap *heap;
    size_t top;
} peak;

static int watch(void *user, const reason_piece *piece) {
    peak *p = user;
    size_t now = atomic_load(&p->heap->n_bytes);
    (void)piece;
    p->top = now > p->top ? now : p->top;
    return 0;
}

/* Fills the context but for 40 tokens, then generates into the rest. */
static size_t use_all(const test_heap *heap, reason_model *model,
                      const reason_session_options *o, size_t n_ctx) {
    reason_session *s;
    reason_request request;
    reason_result *result;
    peak p = {heap, 0};
    int32_t *ids = calloc(n_ctx, sizeof *ids);
    char *text;
    size_t n_bytes;
    assert_non_null(ids);
    for (size_t i = 0; i < n_ctx; i++)
        ids[i] = (int32_t)('a' + i % 7) - '!'; /* letters of the byte alphabet */
    assert_ok(reason_session_new(model, o, &s));
    assert_ok(reason_session_logits(s, ids, n_ctx - 40, NULL));
    assert_ok(reason_detokenize(model, ids, n_ctx - 40, 0, &text, &n_bytes));
    assert_ok(reason_request_init(&request, sizeof request));
    request.text = text;
    request.stream = watch;
    request.stream_user = &p;
    assert_ok(reason_generate(s, &request, &result));
    watch(&p, NULL);
    reason_result_free(result);
    reason_free(text);
    reason_session_free(s);
    free(ids);
    return p.top;
}

static void check_need(reason_load load, reason_kv_type kv, int32_t n_ctx,
                       int32_t n_threads, int32_t n_guess) {
    test_heap heap;
    reason_model *model;
    reason_model_options how;
    reason_session_options o;
    reason_memory need = {.size = sizeof need};
    heap_use(&heap);
    assert_ok(reason_model_options_init(&how, sizeof how));
    how.load = load;
    assert_ok(reason_model_open(shipped_path(), &how, &model));
    assert_ok(reason_session_options_init(&o, sizeof o));
    o.n_ctx = n_ctx;
    o.kv_type = kv;
    o.n_threads = n_threads;
    o.n_guess = n_guess < 0 ? -n_guess : n_guess;
    o.draft = n_guess < 0 ? model : NULL;
    assert_ok(reason_session_memory(model, &o, &need));
    assert_int_equal(need.total_bytes, need.weights_bytes + need.model_bytes +
                                           need.kv_bytes + need.work_bytes);
    size_t used = use_all(&heap, model, &o, (size_t)n_ctx);
    uint64_t heap_need =
        need.total_bytes - (load == REASON_LOAD_MAP ? need.weights_bytes : 0);
    double ratio = (double)used / (double)heap_need;
    print_message("load %d, kv %d, %d positions, %d threads: %zu bytes used, %llu "
                  "predicted (%+.2f%%)\n",
                  (int)load, (int)kv, (int)n_ctx, (int)n_threads, used,
                  (unsigned long long)heap_need, 100 * (ratio - 1));
    /* Of the heap alone, without weights, a few kilobytes are more than 2%. */
    assert_true(used < heap_need + need.total_bytes / 50);
    assert_true(used > heap_need - need.total_bytes / 50);
    reason_model_free(model);
    heap_end(&heap);
}

static void test_api_memory__prediction(void **state) {
    (void)state;
    for (int kv = REASON_KV_F16; kv <= REASON_KV_Q4_0; kv++) {
        check_need(REASON_LOAD_COPY, (reason_kv_type)kv, 512, 1, 0);
        check_need(REASON_LOAD_COPY, (reason_kv_type)kv, 130, 2, 0);
        check_need(REASON_LOAD_MAP, (reason_kv_type)kv, 320, 3, 0);
        check_need(REASON_LOAD_COPY, (reason_kv_type)kv, 320, 2, 7);
        check_need(REASON_LOAD_COPY, (reason_kv_type)kv, 320, 2, -7); /* a draft */
    }
}

static void test_api_memory__arguments(void **state) {
    reason_model *model = open_model(REASON_CPU_AUTO);
    reason_memory need = {.size = sizeof need};
    reason_session_options o;
    (void)state;
    assert_status(reason_session_memory(NULL, NULL, &need), REASON_ERR_INVALID_ARG);
    assert_status(reason_session_memory(model, NULL, NULL), REASON_ERR_INVALID_ARG);
    assert_ok(reason_session_options_init(&o, sizeof o));
    o.n_ctx = 513;
    assert_status(reason_session_memory(model, &o, &need), REASON_ERR_LIMIT);
    assert_int_equal(need.total_bytes, 0);
    o.n_ctx = 512;
    o.memory_limit = 1; /* less than one block of positions */
    assert_status(reason_session_memory(model, &o, &need), REASON_ERR_NO_MEMORY);
    o.memory_limit = 131072; /* one block of 64 positions, 2,048 bytes each */
    assert_ok(reason_session_memory(model, &o, &need));
    assert_int_equal(need.kv_bytes, 131072);
    reason_model_free(model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_api_memory__prediction),
        cmocka_unit_test(test_api_memory__arguments),
    };
    return cmocka_run_group_tests_name("api_memory", tests, NULL, NULL);
}
