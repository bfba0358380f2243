/* Sessions in files: what is loaded goes on bit for bit, whatever the session it is
 * loaded into; another model's state is refused; so is every file that was cut or
 * changed, with the session as it was. Small models, so that every byte and bit can be
 * tried. */
#include "api/threads.h"
#include "support/gguf_build.h"

#include <dirent.h>
#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HEADER = 128, AT_TOKENS = 24, MOST = 200 };

static char folder[64], path[96];

static int set_up(void **state) {
    (void)state;
    const char *tmp = getenv("TMPDIR");
    (void)snprintf(folder, sizeof folder, "%s/session-XXXXXX", tmp ? tmp : "/tmp");
    if (!mkdtemp(folder))
        return -1;
    (void)snprintf(path, sizeof path, "%s/state", folder);
    return 0;
}

/* Nothing was left beside the one file. */
static int tear_down(void **state) {
    (void)state;
    (void)unlink(path);
    return rmdir(folder);
}

/* --- files -------------------------------------------------------------------------- */

static void read_file(gguf_bytes *b) {
    char part[4096];
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    memset(b, 0, sizeof *b);
    for (size_t n; (n = fread(part, 1, sizeof part, file)) > 0;)
        gguf_put(b, part, n);
    (void)fclose(file);
}

static void write_file(const void *bytes, size_t n) {
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, n, file), n);
    assert_int_equal(fclose(file), 0);
}

/* By its definition. */
static uint32_t crc_of(const uint8_t *bytes, size_t n) {
    uint32_t x = UINT32_MAX;
    for (size_t i = 0; i < n; i++) {
        x ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            x = x >> 1 ^ (x & 1 ? UINT32_C(0x82F63B78) : 0);
    }
    return ~x;
}

/* Makes both checksums those of the bytes, and writes them. */
static void write_sealed(gguf_bytes *b) {
    gguf_set_number(b, HEADER - 4, crc_of(b->data, HEADER - 4), 4);
    gguf_set_number(b, b->n - 4, crc_of(b->data, b->n - 4), 4);
    write_file(b->data, b->n);
}

/* --- models and sessions ------------------------------------------------------------ */

static const tiny_options SMALL = {.n_layers = 1,
                                   .n_embd = 8,
                                   .n_heads = 2,
                                   .n_heads_kv = 1,
                                   .head_dim = 4,
                                   .n_ff = 8,
                                   .n_ctx = 256};

static reason_model *open_tiny(const char *arch, const tiny_options *options) {
    reason_model *model;
    char *file = build_tiny_model(arch, options);
    assert_ok(reason_model_open(file, NULL, &model));
    gguf_remove(file);
    return model;
}

static reason_session *new_session(reason_model *model, int32_t n_ctx,
                                   reason_kv_type type, uint64_t memory_limit) {
    reason_session_options o;
    reason_session *session;
    assert_ok(reason_session_options_init(&o, sizeof o));
    o.n_threads = 1;
    o.n_ctx = n_ctx;
    o.kv_type = type;
    o.memory_limit = memory_limit;
    assert_ok(reason_session_new(model, &o, &session));
    return session;
}

/* Appends n of an endless row of tokens from place `from` on; rows NULL: no logits. */
static void append(reason_session *session, size_t from, size_t n, float *rows) {
    int32_t ids[MOST];
    for (size_t i = 0; i < n; i++)
        ids[i] = (int32_t)((from + i) * 37 % 250);
    if (n > 0)
        assert_ok(reason_session_logits(session, ids, n, rows));
}

/* --- what is loaded goes on --------------------------------------------------------- */

enum { NEXT = 3 };

/* The same length, and the same logits from there on. */
static void expect_same(reason_model *model, reason_session *found,
                        reason_session *wanted) {
    size_t n_vocab = (size_t)model_int(model, "n_vocab"), n = session_length(wanted);
    float *a = malloc(2 * NEXT * n_vocab * sizeof *a), *b = a + NEXT * n_vocab;
    assert_non_null(a);
    assert_int_equal(session_length(found), n);
    append(found, n, NEXT, a);
    append(wanted, n, NEXT, b);
    assert_memory_equal(a, b, NEXT * n_vocab * sizeof *a);
    assert_ok(reason_session_truncate(found, n));
    assert_ok(reason_session_truncate(wanted, n));
    free(a);
}

static void check_round(reason_model *model, reason_session *from, reason_session *to) {
    assert_ok(reason_session_save(from, path));
    assert_ok(reason_session_load(to, path));
    expect_same(model, to, from);
}

static void test_api_session_file__goes_on_bit_for_bit(void **state) {
    (void)state;
    static const size_t lengths[] = {0, 1, 63, 64, 65, 130};
    const tiny_options o = {.head_dim = 32};
    reason_model *model = open_tiny("qwen3", &o);
    for (int type = REASON_KV_F16; type <= REASON_KV_Q4_0; type++)
        for (size_t i = 0; i < COUNT(lengths); i++) {
            reason_kv_type kv = (reason_kv_type)type;
            reason_session *from = new_session(model, 140, kv, 0), *fork;
            reason_session *equal = new_session(model, 140, kv, 0),
                           *larger = new_session(model, 0, kv, 0),
                           *limited = new_session(model, 0, kv, 1 << 18);
            append(larger, 5, 10, NULL); /* is replaced */
            append(from, 0, lengths[i], NULL);
            check_round(model, from, equal);
            check_round(model, from, larger);
            check_round(model, from, limited);
            assert_ok(reason_session_fork(from, &fork));
            append(fork, 7, 1, NULL);
            check_round(model, fork, equal);
            expect_same(model, larger, from);
            if (lengths[i] > 1) {
                assert_ok(reason_session_truncate(from, lengths[i] - 1));
                check_round(model, from, larger);
            }
            reason_session_free(fork);
            reason_session_free(limited);
            reason_session_free(larger);
            reason_session_free(equal);
            reason_session_free(from);
        }
    reason_model_free(model);
}

/* Loading takes nothing from the forks of what was there. */
static void test_api_session_file__forks_keep_theirs(void **state) {
    (void)state;
    reason_model *model = open_tiny("llama", &SMALL);
    reason_session *one = new_session(model, 0, REASON_KV_F16, 0), *fork, *again;
    append(one, 0, 70, NULL);
    assert_ok(reason_session_fork(one, &fork));
    assert_ok(reason_session_fork(one, &again));
    append(one, 70, 20, NULL);
    assert_ok(reason_session_save(one, path));
    assert_ok(reason_session_load(fork, path));
    expect_same(model, fork, one);
    append(fork, 90, 5, NULL);
    append(again, 70, 20, NULL);
    expect_same(model, again, one);
    reason_session_free(again);
    reason_session_free(fork);
    reason_session_free(one);
    reason_model_free(model);
}

/* Saved on plain C, loaded on every other instruction set, with text behind it. */
static void test_api_session_file__on_every_level(void **state) {
    (void)state;
    asking a;
    reason_result *wanted, *found;
    reason_model *plain = open_model(REASON_CPU_GENERIC);
    reason_session *from = open_session(plain, 1);
    ask_init(&a, "What is 67 * 75?", 60);
    assert_ok(reason_generate(from, &a.request, &wanted));
    assert_ok(reason_session_save(from, path));
    append(from, 0, 20, NULL);
    for (int level = REASON_CPU_GENERIC; level < N_LEVELS; level++) {
        if (!has_level((reason_cpu)level))
            continue;
        reason_model *model = open_model((reason_cpu)level);
        reason_session *to = open_session(model, 2);
        reason_usage u = {.size = sizeof u};
        assert_ok(reason_session_load(to, path));
        assert_ok(reason_generate(to, &a.request, &found));
        assert_string_equal(reason_result_answer(found, NULL),
                            reason_result_answer(wanted, NULL));
        assert_ok(reason_result_usage(found, &u));
        assert_int_equal(u.cached_tokens, u.prompt_tokens - 1);
        reason_result_free(found);
        assert_ok(reason_session_load(to, path));
        append(to, 0, 20, NULL);
        expect_same(model, to, from);
        reason_session_free(to);
        reason_model_free(model);
    }
    reason_result_free(wanted);
    reason_session_free(from);
    reason_model_free(plain);
}

/* --- damage ------------------------------------------------------------------------- */

static void expect_refused(reason_session *session, reason_status status,
                           const char *words) {
    size_t n = session_length(session);
    assert_status(reason_session_load(session, path), status);
    if (!strstr(reason_last_error(), path) || !strstr(reason_last_error(), words))
        fail_msg("\"%s\" and the path are not in: %s", words, reason_last_error());
    assert_int_equal(session_length(session), n);
}

/* Every beginning of the file, every bit of it in turn, and a byte too many. */
static void test_api_session_file__every_byte_and_bit(void **state) {
    (void)state;
    static const size_t lengths[] = {0, 3, 70};
    reason_model *model = open_tiny("llama", &SMALL);
    for (size_t k = 0; k < COUNT(lengths); k++) {
        reason_session *session = new_session(model, 0, REASON_KV_F16, 0), *kept;
        gguf_bytes b;
        append(session, 0, lengths[k], NULL);
        assert_ok(reason_session_save(session, path));
        read_file(&b);
        assert_int_equal(b.n, HEADER + lengths[k] * (4 + 2 * 4 * 2) + 4);
        append(session, 0, 9, NULL); /* so that loading would be seen */
        assert_ok(reason_session_fork(session, &kept));
        for (size_t n = 0; n < b.n; n++) {
            write_file(b.data, n);
            expect_refused(session, REASON_ERR_FORMAT, "");
        }
        for (size_t i = 0; i < b.n * 8; i++) {
            b.data[i / 8] ^= (uint8_t)(1 << i % 8);
            write_file(b.data, b.n);
            expect_refused(session, REASON_ERR_FORMAT, "");
            b.data[i / 8] ^= (uint8_t)(1 << i % 8);
        }
        gguf_put(&b, "", 1);
        write_file(b.data, b.n);
        expect_refused(session, REASON_ERR_FORMAT, "bytes long");
        expect_same(model, session, kept);
        write_file(b.data, b.n - 1);
        assert_ok(reason_session_load(session, path));
        assert_int_equal(session_length(session), lengths[k]);
        gguf_free(&b);
        reason_session_free(kept);
        reason_session_free(session);
    }
    reason_model_free(model);
}

/* Numbers that lie under checksums that hold. None of them is believed: little memory is
 * taken. */
static void test_api_session_file__numbers_that_lie(void **state) {
    (void)state;
    static const struct {
        size_t at, n_bytes;
        uint64_t value;
        reason_status status;
        const char *said;
    } rows[] = {
        {0, 1, 'X', REASON_ERR_FORMAT, "no file of a session"},
        {8, 4, 0, REASON_ERR_UNSUPPORTED, "version 0"},
        {8, 4, 2, REASON_ERR_UNSUPPORTED, "version 2"},
        {12, 4, 99, REASON_ERR_MISMATCH, "the type of keys and values"},
        {16, 8, 1, REASON_ERR_MISMATCH, "fingerprint"},
        {AT_TOKENS, 8, 4, REASON_ERR_FORMAT, "tokens of offset 24"},
        {AT_TOKENS, 8, 2, REASON_ERR_FORMAT, "tokens of offset 24"},
        {AT_TOKENS, 8, UINT64_C(1) << 40, REASON_ERR_FORMAT, "1099511627776 tokens"},
        {AT_TOKENS, 8, UINT64_C(1) << 62, REASON_ERR_FORMAT, "impossible"},
        {AT_TOKENS, 8, UINT64_MAX, REASON_ERR_FORMAT, "impossible"},
        {32, 4, UINT32_MAX, REASON_ERR_MISMATCH, "layers at offset 32 is 4294967295"},
        {36, 4, 0, REASON_ERR_MISMATCH, "heads"},
        {40, 4, 8, REASON_ERR_MISMATCH, "size of a head"},
        {44, 4, 1, REASON_ERR_MISMATCH, "vocabulary"},
        {48, 4, 7, REASON_ERR_MISMATCH, "RoPE"},
        {52, 4, 1, REASON_ERR_FORMAT, "not all 0"},
        {56, 1, 'L', REASON_ERR_MISMATCH, "Llama"},
        {119, 1, 'x', REASON_ERR_MISMATCH, "architecture"},
        {123, 1, 1, REASON_ERR_FORMAT, "not all 0"},
        {HEADER, 4, TINY_N_TOKENS, REASON_ERR_FORMAT, "token 0 at offset 128"},
        {HEADER + 8, 4, UINT32_MAX, REASON_ERR_FORMAT, "token 2 at offset 136 is -1"},
    };
    reason_model *model = open_tiny("llama", &SMALL);
    reason_session *session = new_session(model, 0, REASON_KV_F16, 0);
    append(session, 0, 3, NULL);
    assert_ok(reason_session_save(session, path));
    gguf_bytes b;
    read_file(&b);
    for (size_t i = 0; i < COUNT(rows); i++) {
        gguf_bytes changed = {0};
        test_heap heap;
        gguf_put(&changed, b.data, b.n);
        gguf_set_number(&changed, rows[i].at, rows[i].value, rows[i].n_bytes);
        write_sealed(&changed);
        heap_use(&heap);
        expect_refused(session, rows[i].status, rows[i].said);
        assert_true(atomic_load(&heap.peak) < 1 << 20);
        heap_end(&heap);
        gguf_free(&changed);
    }
    write_sealed(&b);
    assert_ok(reason_session_load(session, path));
    gguf_free(&b);
    reason_session_free(session);
    reason_model_free(model);
}

/* Keys and values may be anything: calls end, whatever comes out. */
static void test_api_session_file__any_keys_and_values(void **state) {
    (void)state;
    const tiny_options o = {.head_dim = 32};
    reason_model *model = open_tiny("qwen3", &o);
    for (int type = REASON_KV_F16; type <= REASON_KV_Q4_0; type++)
        for (int fill = 0; fill < 3; fill++) {
            reason_session *session = new_session(model, 0, (reason_kv_type)type, 0);
            reason_result *result;
            asking a;
            gguf_bytes b;
            append(session, 0, 70, NULL);
            assert_ok(reason_session_save(session, path));
            read_file(&b);
            for (size_t i = HEADER + 70 * 4; i < b.n - 4; i++)
                b.data[i] = fill == 0 ? 0xFF : fill == 1 ? 0x7C : (uint8_t)(i * 151 >> 3);
            write_sealed(&b);
            assert_ok(reason_session_load(session, path));
            append(session, 70, 5, NULL);
            ask_init(&a, "a", 20);
            a.sampling.temperature = fill == 1 ? 0 : 0.9f;
            reason_status status = reason_generate(session, &a.request, &result);
            assert_true(status == REASON_OK);
            reason_result_free(result);
            gguf_free(&b);
            reason_session_free(session);
        }
    reason_model_free(model);
}

/* --- other models, other sessions --------------------------------------------------- */

static void test_api_session_file__other_models(void **state) {
    (void)state;
    static const struct {
        const char *arch;
        tiny_options o;
        const char *said;
    } rows[] = {
        {"qwen3", {0}, NULL},
        {"qwen3", {.chat_template = "{{ messages }}"}, NULL},
        {"qwen3", {.seed = 5}, "fingerprint"},
        {"qwen3", {.rope_base = 500}, "fingerprint"},
        {"qwen3", {.n_ctx = 512}, "fingerprint"},
        {"qwen3", {.n_ff = 128}, "fingerprint"},
        {"qwen3", {.type = GGML_F16}, "fingerprint"},
        {"qwen3",
         {.n_layers = 3},
         "the number of layers at offset 32 is 2, the model's is 3"},
        {"qwen3", {.n_heads_kv = 4}, "heads"},
        {"qwen3", {.head_dim = 32}, "the size of a head"},
        {"qwen3", {.n_vocab = TINY_N_TOKENS + 1}, "vocabulary"},
        {"llama",
         {0},
         "the architecture at offset 56 is \"qwen3\", the model's is \"llama\""},
    };
    reason_model *model = open_tiny("qwen3", NULL);
    reason_session *from = new_session(model, 0, REASON_KV_F16, 0);
    append(from, 0, 20, NULL);
    assert_ok(reason_session_save(from, path));
    for (size_t i = 0; i < COUNT(rows); i++) {
        reason_model *other = open_tiny(rows[i].arch, &rows[i].o);
        reason_session *to = new_session(other, 0, REASON_KV_F16, 0);
        append(to, 3, 5, NULL);
        if (rows[i].said)
            expect_refused(to, REASON_ERR_MISMATCH, rows[i].said);
        else
            assert_ok(reason_session_load(to, path));
        reason_session_free(to);
        reason_model_free(other);
    }
    reason_session *to = new_session(model, 0, REASON_KV_F32, 0);
    expect_refused(to, REASON_ERR_MISMATCH,
                   "the type of keys and values: F16 at offset 12, the session has F32");
    reason_session_free(to);
    reason_session_free(from);
    reason_model_free(model);
}

/* A session's size decides the factors, and with them every key. */
static void test_api_session_file__long_rope(void **state) {
    (void)state;
    const tiny_options o = {.long_factors = true, .n_ctx_orig = 64};
    reason_model *model = open_tiny("phi3", &o);
    reason_session *small = new_session(model, 60, REASON_KV_F16, 0),
                   *small2 = new_session(model, 64, REASON_KV_F16, 0),
                   *large = new_session(model, 65, REASON_KV_F16, 0),
                   *large2 = new_session(model, 200, REASON_KV_F16, 0);
    append(small, 0, 20, NULL);
    append(large, 0, 20, NULL);
    check_round(model, small, small2);
    expect_refused(large, REASON_ERR_MISMATCH, "RoPE factors");
    check_round(model, large, large2);
    expect_refused(small, REASON_ERR_MISMATCH, "RoPE factors");
    reason_session_free(large2);
    reason_session_free(large);
    reason_session_free(small2);
    reason_session_free(small);
    reason_model_free(model);
}

static void test_api_session_file__too_long(void **state) {
    (void)state;
    reason_model *model = open_tiny("llama", &SMALL);
    reason_session *from = new_session(model, 0, REASON_KV_F16, 0),
                   *fits = new_session(model, 70, REASON_KV_F16, 0),
                   *to = new_session(model, 69, REASON_KV_F16, 0),
                   *limited = new_session(model, 0, REASON_KV_F16, 64 * 16 + 5);
    append(from, 0, 70, NULL);
    assert_ok(reason_session_save(from, path));
    assert_ok(reason_session_load(fits, path));
    assert_int_equal(session_length(fits), 70);
    expect_refused(to, REASON_ERR_CONTEXT_FULL,
                   "70 tokens do not fit the session's context of 69");
    expect_refused(limited, REASON_ERR_CONTEXT_FULL, "context of 64");
    reason_session_free(limited);
    reason_session_free(to);
    reason_session_free(fits);
    reason_session_free(from);
    reason_model_free(model);
}

/* --- calls -------------------------------------------------------------------------- */

static void test_api_session_file__what_is_refused(void **state) {
    (void)state;
    char *file = build_tiny_model("llama", &SMALL), no_folder[128];
    reason_model *model;
    assert_ok(reason_model_open(file, NULL, &model));
    reason_session *session = new_session(model, 0, REASON_KV_F16, 0);
    append(session, 0, 5, NULL);
    assert_status(reason_session_save(NULL, path), REASON_ERR_INVALID_ARG);
    assert_status(reason_session_save(session, NULL), REASON_ERR_INVALID_ARG);
    assert_status(reason_session_load(NULL, path), REASON_ERR_INVALID_ARG);
    assert_status(reason_session_load(session, NULL), REASON_ERR_INVALID_ARG);
    assert_status(reason_session_save(session, file), REASON_ERR_INVALID_ARG);
    (void)snprintf(no_folder, sizeof no_folder, "%s/none/state", folder);
    assert_status(reason_session_save(session, no_folder), REASON_ERR_IO);
    assert_status(reason_session_save(session, folder), REASON_ERR_IO);
    assert_status(reason_session_load(session, no_folder), REASON_ERR_IO);
    assert_status(reason_session_load(session, folder), REASON_ERR_IO);
    assert_status(reason_session_load(session, "/dev/null"), REASON_ERR_IO);
    assert_status(reason_session_save(session, "/dev/full"), REASON_ERR_IO);
    assert_status(reason_session_load(session, file), REASON_ERR_FORMAT);
    assert_non_null(strstr(reason_last_error(), "begins with \"GGUF"));
    assert_int_equal(session_length(session), 5);
    reason_session_free(session);
    reason_model_free(model);
    gguf_remove(file);
}

static int save_too(void *user, const reason_piece *piece) {
    (void)piece;
    reason_session *session = user;
    return reason_session_save(session, path) == REASON_ERR_BUSY &&
                   reason_session_load(session, path) == REASON_ERR_BUSY
               ? 0
               : 1;
}

static void test_api_session_file__not_inside_a_call(void **state) {
    (void)state;
    reason_model *model = open_model(REASON_CPU_AUTO);
    reason_session *session = open_session(model, 1);
    reason_result *result;
    asking a;
    ask_init(&a, "What is 3 + 4?", 20);
    a.request.stream = save_too;
    a.request.stream_user = session;
    assert_ok(reason_generate(session, &a.request, &result));
    assert_true(reason_result_finish(result) != REASON_FINISH_CANCELLED);
    reason_result_free(result);
    reason_session_free(session);
    reason_model_free(model);
}

/* Another file in the old one's place, not in the old one: whoever dies while he writes
 * leaves that as it is. Its mode is kept. */
static void test_api_session_file__replaces_whole(void **state) {
    (void)state;
    reason_model *model = open_tiny("llama", &SMALL);
    reason_session *session = new_session(model, 0, REASON_KV_F16, 0);
    struct stat info;
    append(session, 0, 5, NULL);
    write_file("something else", 14);
    assert_int_equal(chmod(path, 0600), 0);
    ino_t before = stat(path, &info) == 0 ? info.st_ino : 0;
    assert_ok(reason_session_save(session, path));
    assert_int_equal(stat(path, &info), 0);
    assert_true(info.st_ino != before);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_ok(reason_session_load(session, path));
    reason_session_free(session);
    reason_model_free(model);
}

/* --- memory ------------------------------------------------------------------------- */

/* Each allocation refused in turn: the session is as it was, the file too, nothing is
 * left. */
static void test_api_session_file__every_allocation_may_fail(void **state) {
    (void)state;
    size_t n_failed = 0;
    bool refused = true;
    for (size_t fail_at = 1; refused; fail_at++) {
        test_heap heap;
        heap_use(&heap);
        reason_model *model = open_tiny("llama", &SMALL);
        reason_session *session = new_session(model, 0, REASON_KV_F16, 0),
                       *other = new_session(model, 0, REASON_KV_F16, 0);
        append(session, 0, 130, NULL);
        append(other, 9, 4, NULL);
        assert_ok(reason_session_save(other, path));
        atomic_store(&heap.n_calls, 0);
        heap.fail_at = fail_at;
        reason_status saved = reason_session_save(session, path);
        reason_status loaded = reason_session_load(other, path);
        heap.fail_at = 0;
        refused = atomic_load(&heap.n_calls) >= fail_at;
        assert_true(saved == REASON_OK || saved == REASON_ERR_NO_MEMORY);
        assert_true(loaded == REASON_OK || loaded == REASON_ERR_NO_MEMORY);
        bool failed = saved != REASON_OK || loaded != REASON_OK;
        assert_true(refused || !failed);
        n_failed += failed;
        assert_int_equal(session_length(other), failed ? 4 : 130);
        assert_ok(reason_session_load(other, path));
        assert_int_equal(session_length(other), saved == REASON_OK ? 130 : 4);
        reason_session_free(other);
        reason_session_free(session);
        reason_model_free(model);
        heap_end(&heap);
    }
    assert_true(n_failed >= 10);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_api_session_file__goes_on_bit_for_bit),
        cmocka_unit_test(test_api_session_file__forks_keep_theirs),
        cmocka_unit_test(test_api_session_file__on_every_level),
        cmocka_unit_test(test_api_session_file__every_byte_and_bit),
        cmocka_unit_test(test_api_session_file__numbers_that_lie),
        cmocka_unit_test(test_api_session_file__any_keys_and_values),
        cmocka_unit_test(test_api_session_file__other_models),
        cmocka_unit_test(test_api_session_file__long_rope),
        cmocka_unit_test(test_api_session_file__too_long),
        cmocka_unit_test(test_api_session_file__what_is_refused),
        cmocka_unit_test(test_api_session_file__not_inside_a_call),
        cmocka_unit_test(test_api_session_file__replaces_whole),
        cmocka_unit_test(test_api_session_file__every_allocation_may_fail),
    };
    return cmocka_run_group_tests_name("api_session_file", tests, set_up, tear_down);
}
