/* What the tests of hostile input share: opening files made of bytes through the public
 * calls, with everything checked that must hold whatever is in them. */
#ifndef REASON_TESTS_API_HOSTILE_H
#define REASON_TESTS_API_HOSTILE_H

#include <dirent.h>
#include <time.h>

#include "api/support.h"
#include "support/gguf_build.h"

/* A set of statuses. */
#define STATUS(name) (1u << -REASON_ERR_##name)

static inline size_t count_entries(const char *folder) {
    size_t n = 0;
    DIR *entries = opendir(folder);
    while (entries && readdir(entries))
        n++;
    if (entries)
        (void)closedir(entries);
    return n;
}

/* Text of a number, good until the eighth next call. */
static inline const char *number(uint64_t n) {
    static char text[8][24];
    static size_t at;
    at = (at + 1) % 8;
    (void)snprintf(text[at], sizeof *text, "%llu", (unsigned long long)n);
    return text[at];
}

/* Time is only judged where nothing else runs: REASON_TIMED=1. */
static inline void check_time(clock_t start, double most_s, const char *what) {
    double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
    if (getenv("REASON_TIMED") && !SANITIZED && seconds > most_s)
        fail_msg("%s took %.3f s of CPU, %.3f allowed", what, seconds, most_s);
}

/* The sound file that has to open after every refusal. */
static inline void make_seed(tiny_model *m) {
    const tiny_options o = {.n_layers = 1,
                            .n_embd = 8,
                            .n_heads = 2,
                            .n_heads_kv = 1,
                            .head_dim = 4,
                            .n_ff = 8,
                            .n_ctx = 64};
    tiny_model_make("llama", &o, m);
}

/* Opens it and computes; what comes out must always be the same. */
static inline void check_still_works(void) {
    static float first[2 * TINY_N_TOKENS], again[2 * TINY_N_TOKENS];
    static bool known;
    static const int32_t ids[2] = {7, 200};
    reason_model *model;
    tiny_model m;
    make_seed(&m);
    char *path = gguf_save(&m.file);
    assert_ok(reason_model_open(path, NULL, &model));
    reason_session *session = open_session(model, 1);
    assert_ok(reason_session_logits(session, ids, 2, again));
    if (known)
        assert_memory_equal(first, again, sizeof first);
    memcpy(first, again, sizeof first);
    known = true;
    reason_session_free(session);
    reason_model_free(model);
    gguf_remove(path);
    tiny_model_free(&m);
}

/* Opens a file: bounded memory and time, nothing left behind, a sentence that begins with
 * the file's name. *model is NULL unless OK. */
static inline reason_status open_hostile(const char *path, size_t n_file,
                                         reason_load load) {
    test_heap heap;
    reason_model_options o;
    reason_model *model = (reason_model *)(void *)&heap;
    size_t n_handles = count_entries("/proc/self/fd");
    size_t n_threads = count_entries("/proc/self/task");
    assert_ok(reason_model_options_init(&o, sizeof o));
    o.load = load;
    heap_use(&heap);
    clock_t start = clock();
    reason_status status = reason_model_open(path, &o, &model);
    check_time(start, 0.05, path);
    assert_true(heap.peak <= ((size_t)16 << 20) + 2 * n_file);
    assert_true(heap.peak <= ((size_t)1 << 20) + 16 * n_file);
    assert_true((model != NULL) == (status == REASON_OK));
    if (status != REASON_OK)
        assert_int_equal(strncmp(reason_last_error(), path, strlen(path)), 0);
    reason_model_free(model);
    heap_end(&heap);
    assert_int_equal(count_entries("/proc/self/fd"), n_handles);
    assert_int_equal(count_entries("/proc/self/task"), n_threads);
    return status;
}

static inline void check_refused(const gguf_bytes *b, unsigned allowed,
                                 const char *const *words) {
    char *path = gguf_save(b);
    for (int load = REASON_LOAD_MAP; load <= REASON_LOAD_COPY; load++) {
        reason_status status = open_hostile(path, b->n, (reason_load)load);
        if (status == REASON_OK || !(allowed & 1u << -status))
            fail_msg("%s: %s", reason_status_name(status), reason_last_error());
        for (const char *const *word = words; *word; word++)
            if (!strstr(reason_last_error(), *word))
                fail_msg("\"%s\" is not in: %s", *word, reason_last_error());
    }
    gguf_remove(path);
    check_still_works();
}

/* REFUSED(&bytes, STATUS(FORMAT), "word", ...): the words must be in the sentence. */
#define REFUSED(b, allowed, ...) \
    check_refused(b, allowed, (const char *const[]){__VA_ARGS__, NULL})

static inline void check_opens(const gguf_bytes *b) {
    char *path = gguf_save(b);
    if (open_hostile(path, b->n, REASON_LOAD_MAP) != REASON_OK)
        fail_msg("%s", reason_last_error());
    gguf_remove(path);
}

#endif
