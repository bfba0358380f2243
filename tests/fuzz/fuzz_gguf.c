/* Any bytes as a model file, mapped and copied: they are refused with a sentence, or they
 * open and then tokenize, render the template and compute two tokens. Both ways of
 * loading must agree. Input that begins with "SPLT", a count of parts and their sizes,
 * all u32, is a model in several files. */
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "reason/reason.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_PARTS = 4, N_TOKENS = 2, MAX_LOGITS = 1 << 20 };

static char folder[64];  /* of the parts */
static char path[128];   /* what is opened */
static bool is_split;    /* whether a part may be named instead of the file */
static reason_i2_s i2_s; /* how weights of this type are read */

static void demand(int truth, const char *what) {
    if (truth)
        return;
    (void)fprintf(stderr, "fuzz_gguf: %s: %s\n", what, reason_last_error());
    abort();
}

/* --- files -------------------------------------------------------------------------- */

static const char *part_path(unsigned i, unsigned n) {
    static char name[128];
    (void)snprintf(name, sizeof name, "%s/m-%05u-of-%05u.gguf", folder, i + 1, n);
    return name;
}

static void remove_all(void) {
    for (unsigned n = 1; n <= MAX_PARTS; n++)
        for (unsigned i = 0; i < n; i++)
            (void)unlink(part_path(i, n));
    (void)rmdir(folder);
}

static void write_file(int fd, const uint8_t *data, size_t size) {
    demand(fd >= 0 && ftruncate(fd, 0) == 0, "a temporary file cannot be emptied");
    demand(pwrite(fd, data, size, 0) == (ssize_t)size,
           "a temporary file cannot be written");
}

/* One file in memory for the whole run, so that an input costs no names. */
static void write_whole(const uint8_t *data, size_t size) {
    static int fd = -1;
    if (fd < 0)
        fd = memfd_create("fuzz", MFD_CLOEXEC);
    write_file(fd, data, size);
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
}

static uint32_t number_at(const uint8_t *data, size_t at) {
    return (uint32_t)data[at] | (uint32_t)data[at + 1] << 8 |
           (uint32_t)data[at + 2] << 16 | (uint32_t)data[at + 3] << 24;
}

/* Writes parts; false if these bytes are no such input. */
static bool write_parts(const uint8_t *data, size_t size) {
    if (size < 8 || memcmp(data, "SPLT", 4) != 0)
        return false;
    uint32_t n = number_at(data, 4);
    if (n < 1 || n > MAX_PARTS || size < 8 + 4 * (size_t)n)
        return false;
    if (!folder[0]) {
        const char *where = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
        (void)snprintf(folder, sizeof folder, "%s/reason-fuzz-XXXXXX", where);
        demand(mkdtemp(folder) && atexit(remove_all) == 0, "no temporary folder");
    }
    size_t at = 8 + 4 * (size_t)n;
    for (uint32_t i = 0; i < n; i++) {
        size_t n_part = number_at(data, 8 + 4 * (size_t)i);
        n_part = n_part < size - at ? n_part : size - at;
        int fd = open(part_path(i, n), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        write_file(fd, data + at, n_part);
        demand(close(fd) == 0, "a temporary file cannot be closed");
        at += n_part;
    }
    (void)snprintf(path, sizeof path, "%s", part_path(0, n));
    return true;
}

/* --- what is done with a model ------------------------------------------------------ */

static void use_text(const reason_model *model) {
    static const char text[] = "Wait the <think>\n12 a</think>\xff<0x41>\xe2\x96\x81x";
    int32_t *ids = NULL;
    size_t n = 0, n_bytes = 0;
    char *back = NULL;
    if (reason_tokenize(model, text, -1, REASON_TOKENS_SPECIAL | REASON_TOKENS_BOS_EOS,
                        &ids, &n))
        return;
    demand(!reason_detokenize(model, ids, n, REASON_TOKENS_SPECIAL, &back, &n_bytes),
           "tokens do not go back");
    reason_free(ids);
    reason_free(back);
}

static void use_template(const reason_model *model) {
    reason_template_request r;
    char *text = NULL;
    size_t n = 0;
    demand(!reason_template_request_init(&r, sizeof r), "no request");
    r.messages_json = "[{\"role\": \"user\", \"content\": \"2 + 3\"}]";
    r.now = "2026-01-02T03:04:05";
    reason_status status = reason_template_render(model, &r, &text, &n);
    demand((status == REASON_OK) == (text != NULL), "text without OK or OK without it");
    reason_free(text);
}

static void use_values(const reason_model *model) {
    for (size_t i = 0; i < reason_model_n_keys(model); i++) {
        const char *key = reason_model_key(model, i), *text;
        int64_t whole;
        double value;
        demand(key != NULL, "an entry without a key");
        (void)reason_model_get_int(model, key, &whole);
        (void)reason_model_get_float(model, key, &value);
        (void)reason_model_get_text(model, key, &text, NULL);
    }
}

/* Logits of the tokens, [N_TOKENS][n_vocab], or NULL if there is no network. */
static float *use_network(reason_model *model, size_t *n_vocab) {
    reason_session *session;
    reason_session_options options;
    int64_t size = 0, computes = 0;
    demand(!reason_model_get_int(model, "n_vocab", &size), "no n_vocab");
    demand(!reason_model_get_int(model, "has_weights", &computes), "no has_weights");
    if (!computes || size > MAX_LOGITS)
        return NULL;
    const int32_t tokens[N_TOKENS] = {0, (int32_t)size - 1};
    demand(!reason_session_options_init(&options, sizeof options), "no options");
    options.n_threads = 1;
    options.n_ctx = N_TOKENS;
    options.n_chunk = 1;
    if (reason_session_new(model, &options, &session))
        return NULL; /* a context of one token */
    *n_vocab = (size_t)size;
    float *logits = malloc(N_TOKENS * *n_vocab * sizeof *logits);
    demand(logits != NULL, "no memory");
    demand(!reason_session_logits(session, tokens, N_TOKENS, logits), "no logits");
    reason_session_free(session);
    return logits;
}

static reason_status open_as(reason_load load, float **logits, size_t *n_vocab) {
    reason_model *model = NULL;
    reason_model_options options;
    demand(!reason_model_options_init(&options, sizeof options), "no options");
    options.load = load;
    options.i2_s = i2_s;
    reason_status status = reason_model_open(path, &options, &model);
    demand((status == REASON_OK) == (model != NULL),
           "a model without OK or OK without one");
    if (status == REASON_OK) {
        use_text(model);
        use_template(model);
        use_values(model);
        *logits = use_network(model, n_vocab);
    } else {
        const char *named = is_split ? folder : path;
        demand(strncmp(reason_last_error(), named, strlen(named)) == 0,
               "the file is not named");
    }
    reason_model_free(model);
    return status;
}

/* --- the target --------------------------------------------------------------------- */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    float *mapped = NULL, *copied = NULL;
    size_t n_mapped = 0, n_copied = 0;
    i2_s = size % 8 == 1 ? REASON_I2_S_B : REASON_I2_S_A;
    is_split = write_parts(data, size);
    if (!is_split)
        write_whole(data, size);
    reason_status status = open_as(REASON_LOAD_MAP, &mapped, &n_mapped);
    if (status == REASON_OK || size % 4 == 0) { /* a refusal is the same code for both */
        demand(open_as(REASON_LOAD_COPY, &copied, &n_copied) == status,
               "copied is not as mapped");
        demand(n_mapped == n_copied && !mapped == !copied, "copied is not as mapped");
        demand(n_mapped == 0 ||
                   memcmp(mapped, copied, N_TOKENS * n_mapped * sizeof *mapped) == 0,
               "logits differ between mapped and copied");
    }
    free(mapped);
    free(copied);
    return 0;
}
