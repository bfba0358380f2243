/* What the tests of the interface share: the shipped model, short ways to the usual
 * calls, and an allocator that counts what is alive and can be told to fail. Everything
 * here uses only what a host of the library has: its header and its shared object. */
#ifndef REASON_TESTS_API_SUPPORT_H
#define REASON_TESTS_API_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <reason/reason.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

/* ---- statuses ---- */

/* The status that is expected, and the sentence of the one that came instead. */
#define assert_status(call, expected)                                                    \
    do {                                                                                 \
        reason_status got_ = (call);                                                     \
        if (got_ != (expected))                                                          \
            fail_msg("%s: %s (%s), %s expected", #call, reason_status_name(got_),        \
                     reason_last_error(), reason_status_name(expected));                 \
    } while (0)
#define assert_ok(call) assert_status(call, REASON_OK)

/* ---- the model ---- */

static inline const char *shipped_path(void) {
    static char path[4096];
    const char *given = getenv("REASON_SHIPPED"), *source = getenv("REASON_SRCDIR");
    if (given)
        return given;
    (void)snprintf(path, sizeof path, "%s/share/reason-tiny.gguf", source ? source : ".");
    return path;
}

static inline reason_model *open_model(reason_cpu cpu) {
    reason_model *model;
    reason_model_options o;
    assert_ok(reason_model_options_init(&o, sizeof o));
    o.cpu = cpu;
    assert_ok(reason_model_open(shipped_path(), &o, &model));
    assert_non_null(model);
    return model;
}

static inline int64_t model_int(const reason_model *model, const char *key) {
    int64_t value;
    assert_ok(reason_model_get_int(model, key, &value));
    return value;
}

static inline const char *model_text(const reason_model *model, const char *key) {
    const char *text;
    assert_ok(reason_model_get_text(model, key, &text, NULL));
    assert_non_null(text);
    return text;
}

static const char *const level_names[] = {"auto",    "generic", "avx2",
                                          "avxvnni", "avx512",  "neon"};

enum { N_LEVELS = sizeof level_names / sizeof *level_names };

/* Whether this machine, and its environment, run this level. */
static inline bool has_level(reason_cpu level) {
    reason_model *model = open_model(level);
    bool has = strcmp(model_text(model, "cpu"), level_names[level]) == 0;
    reason_model_free(model);
    return has;
}

static inline reason_session *open_session(reason_model *model, int32_t n_threads) {
    reason_session *session;
    reason_session_options o;
    assert_ok(reason_session_options_init(&o, sizeof o));
    o.n_threads = n_threads;
    assert_ok(reason_session_new(model, &o, &session));
    assert_non_null(session);
    return session;
}

static inline size_t session_length(reason_session *session) {
    size_t n;
    assert_ok(reason_session_length(session, &n));
    return n;
}

/* ---- text ---- */

/* A question as the shipped model's template writes it, so that tests of other things do
 * not need the template. */
static inline const char *chat(char *out, size_t cap, const char *question) {
    (void)snprintf(out, cap, "<|im_start|>user\n%s<|im_end|>\n<|im_start|>assistant\n",
                   question);
    return out;
}

/* Fills ids[0 .. n) with the tokens of a long line of sums. */
static inline void fill_tokens(const reason_model *model, int32_t *ids, size_t n) {
    char text[4096];
    size_t at = 0, n_ids;
    int32_t *all;
    for (int i = 0; at < sizeof text - 64; i++)
        at += (size_t)snprintf(text + at, sizeof text - at,
                               "What is %d + %d? It is %d.\n", i * 7, i * 13 + 5,
                               i * 20 + 5);
    assert_ok(reason_tokenize(model, text, -1, 0, &all, &n_ids));
    assert_true(n <= n_ids);
    memcpy(ids, all, n * sizeof *ids);
    reason_free(all);
}

/* ---- generation ---- */

typedef struct asking {
    reason_request request;
    reason_sampling sampling;
    reason_thinking thinking;
    char text[512];
} asking;

/* A greedy request for a question; to be changed before it is used. */
static inline void ask_init(asking *a, const char *question, int32_t max_tokens) {
    memset(a, 0, sizeof *a);
    assert_ok(reason_request_init(&a->request, sizeof a->request));
    assert_ok(reason_sampling_init(&a->sampling, sizeof a->sampling));
    assert_ok(reason_thinking_init(&a->thinking, sizeof a->thinking));
    a->sampling.temperature = 0;
    a->request.sampling = &a->sampling;
    a->request.thinking = &a->thinking;
    a->request.text = chat(a->text, sizeof a->text, question);
    a->request.max_tokens = max_tokens;
}

static inline uint64_t add_bytes(uint64_t sum, const void *p, size_t n) {
    const unsigned char *bytes = p;
    for (size_t i = 0; i < n; i++)
        sum = (sum ^ bytes[i]) * UINT64_C(0x100000001B3);
    return sum;
}

/* Copies the ids of a result, at most `cap`; returns how many. */
static inline size_t result_ids(const reason_result *result, int32_t *ids, size_t cap) {
    size_t n = reason_result_n_tokens(result);
    for (size_t i = 0; i < n && i < cap; i++) {
        reason_token token = {.size = sizeof token};
        if (reason_result_token(result, i, &token) != REASON_OK)
            return 0;
        ids[i] = token.id;
    }
    return n < cap ? n : cap;
}

/* ---- memory ---- */

/* Every block carries its size in front. Counts are atomic: threads of the library
 * allocate. */
typedef struct test_heap {
    atomic_size_t n_calls;  /* allocations and resizes so far */
    atomic_size_t n_blocks; /* not released */
    atomic_size_t n_bytes;  /* in them */
    atomic_size_t peak;     /* the most that n_bytes was */
    size_t fail_at;         /* this call fails; 0: none */
    bool for_ever;          /* and so do all after it */
} test_heap;

enum { HEAP_HEADER = 16 };

static inline bool heap_refuses(test_heap *heap) {
    size_t call = atomic_fetch_add(&heap->n_calls, 1) + 1;
    return heap->fail_at &&
           (call == heap->fail_at || (heap->for_ever && call > heap->fail_at));
}

static inline void heap_take(test_heap *heap, size_t n_bytes) {
    size_t now = atomic_fetch_add(&heap->n_bytes, n_bytes) + n_bytes;
    size_t peak = atomic_load(&heap->peak);
    while (now > peak && !atomic_compare_exchange_weak(&heap->peak, &peak, now)) {
    }
}

static inline void *heap_alloc(void *user, size_t n_bytes) {
    test_heap *heap = user;
    char *p = heap_refuses(heap) ? NULL : malloc(HEAP_HEADER + n_bytes);
    if (!p)
        return NULL;
    memcpy(p, &n_bytes, sizeof n_bytes);
    atomic_fetch_add(&heap->n_blocks, 1);
    heap_take(heap, n_bytes);
    return p + HEAP_HEADER;
}

static inline size_t heap_size(const void *p) {
    size_t n_bytes;
    memcpy(&n_bytes, (const char *)p - HEAP_HEADER, sizeof n_bytes);
    return n_bytes;
}

static inline void *heap_resize(void *user, void *p, size_t n_bytes) {
    test_heap *heap = user;
    size_t before = heap_size(p);
    char *moved = heap_refuses(heap)
                      ? NULL
                      : realloc((char *)p - HEAP_HEADER, HEAP_HEADER + n_bytes);
    if (!moved)
        return NULL;
    memcpy(moved, &n_bytes, sizeof n_bytes);
    heap_take(heap, n_bytes); /* both were there while it was copied */
    atomic_fetch_sub(&heap->n_bytes, before);
    return moved + HEAP_HEADER;
}

static inline void heap_release(void *user, void *p) {
    test_heap *heap = user;
    atomic_fetch_sub(&heap->n_blocks, 1);
    atomic_fetch_sub(&heap->n_bytes, heap_size(p));
    free((char *)p - HEAP_HEADER);
}

/* Everything the library allocates from here on comes from `heap`. */
static inline void heap_use(test_heap *heap) {
    reason_allocator hooks = {sizeof hooks, heap_alloc, heap_resize, heap_release, heap};
    memset(heap, 0, sizeof *heap);
    assert_ok(reason_set_allocator(&hooks));
}

/* Ends heap_use(); nothing may be left. */
static inline void heap_end(test_heap *heap) {
    assert_ok(reason_set_allocator(NULL));
    assert_int_equal(atomic_load(&heap->n_blocks), 0);
    assert_int_equal(atomic_load(&heap->n_bytes), 0);
}

#endif
