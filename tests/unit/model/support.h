/* What the tests of this folder share: opening files made of bytes, with everything
 * checked that must hold whatever is in them. */
#ifndef REASON_TESTS_MODEL_SUPPORT_H
#define REASON_TESTS_MODEL_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/model.h"
#include "opening.h"
#include "support/gguf_build.h"
#include "support/heap.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static inline void check_said(const char *const *words) {
    for (; *words; words++)
        if (!strstr(reason_last_error(), *words))
            fail_msg("\"%s\" is not in: %s", *words, reason_last_error());
}

/* Text of a number, good until the fourth next call. */
static inline const char *number(uint64_t n) {
    static char text[4][24];
    static size_t at;
    at = (at + 1) % 4;
    (void)snprintf(text[at], sizeof *text, "%llu", (unsigned long long)n);
    return text[at];
}

static inline reason_status open_as(const char *path, reason_load load,
                                    reason_model **model) {
    reason_model_options options;
    check_ok(reason_model_options_init(&options, sizeof options));
    options.load = load;
    return reason_model_open(path, &options, model);
}

/* One token through the network, if there is one: whatever opens must run. */
static inline void run_token(reason_model *model) {
    reason_session *session;
    reason_session_options options;
    const int32_t token = 0;
    check_ok(reason_session_options_init(&options, sizeof options));
    options.n_threads = 1;
    options.n_ctx = 1;
    options.n_chunk = 1;
    if (!model->arch)
        return;
    check_ok(reason_session_new(model, &options, &session));
    float *logits = calloc(model->hp.n_vocab, sizeof *logits);
    assert_non_null(logits);
    check_ok(reason_session_logits(session, &token, 1,
                                   model->hp.head.only ? NULL : logits));
    free(logits);
    reason_session_free(session);
}

/* Opens the file: peak memory is bounded by its size, and a failure leaves no block, no
 * handle and a sentence with the file's name. */
static inline reason_status try_path(const char *path, size_t n_file, reason_load load) {
    counted_heap heap;
    reason_model *model = (reason_model *)(void *)&heap;
    heap_begin(&heap, 0, false);
    reason_status status = open_as(path, load, &model);
    assert_true(heap.peak <= ((size_t)16 << 20) + 2 * n_file);
    if (status == REASON_OK) {
        run_token(model);
    } else {
        assert_null(model);
        assert_int_equal(strncmp(reason_last_error(), path, strlen(path)), 0);
    }
    reason_model_free(model);
    heap_end();
    assert_int_equal(heap.alive, 0);
    return status;
}

static inline reason_status try_bytes(const gguf_bytes *b) {
    char *path = gguf_save(b);
    reason_status status = try_path(path, b->n, REASON_LOAD_MAP);
    assert_int_equal(try_path(path, b->n, REASON_LOAD_COPY), status);
    gguf_remove(path);
    return status;
}

static inline void check_opens(const gguf_bytes *b) {
    check_ok(try_bytes(b));
}

static inline void check_refused(const gguf_bytes *b, reason_status wanted,
                                 const char *const *words) {
    reason_status status = try_bytes(b);
    if (status != wanted)
        fail_msg("%s instead of %s: %s", reason_status_name(status),
                 reason_status_name(wanted), reason_last_error());
    check_said(words);
}

/* REFUSED(&bytes, status, "word", ...): the words must be in the sentence. */
#define REFUSED(b, status, ...) \
    check_refused(b, status, (const char *const[]){__VA_ARGS__, NULL})

#endif
