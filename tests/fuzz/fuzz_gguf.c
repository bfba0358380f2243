/* Any bytes as a model file, mapped and copied: they are refused with a sentence, or they
 * open and then tokenize and compute one token. Both ways of loading must agree. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "reason/reason.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char path[] = "/tmp/reason-fuzz-XXXXXX";

static void remove_file(void) {
    (void)unlink(path);
}

static void demand(int truth, const char *what) {
    if (truth)
        return;
    (void)fprintf(stderr, "fuzz_gguf: %s: %s\n", what, reason_last_error());
    abort();
}

/* One file for the whole run, so that an input costs no names. */
static void write_input(const uint8_t *data, size_t size) {
    static int fd = -1;
    if (fd < 0) {
        fd = mkstemp(path);
        demand(fd >= 0 && atexit(remove_file) == 0, "no temporary file");
    }
    demand(ftruncate(fd, 0) == 0, "the temporary file cannot be emptied");
    demand(pwrite(fd, data, size, 0) == (ssize_t)size,
           "the temporary file cannot be written");
}

static void use_text(const reason_model *model) {
    static const char text[] = "Wait the <think>\n12 a</think>\xff";
    int32_t *ids = NULL;
    size_t n = 0, n_bytes = 0;
    char *back = NULL;
    if (reason_tokenize(model, text, -1, REASON_TOKENS_SPECIAL | REASON_TOKENS_BOS_EOS,
                        &ids, &n))
        return;
    demand(reason_detokenize(model, ids, n, REASON_TOKENS_SPECIAL, &back, &n_bytes) ==
               REASON_OK,
           "tokens do not go back");
    reason_free(ids);
    reason_free(back);
}

/* Logits of one token, [n_vocab], or NULL if the file has no network. */
static float *use_network(reason_model *model, size_t *n_vocab) {
    reason_session *session;
    reason_session_options options;
    int64_t size = 0, computes = 0;
    const int32_t token = 0;
    demand(!reason_model_get_int(model, "n_vocab", &size), "no n_vocab");
    demand(!reason_model_get_int(model, "has_weights", &computes), "no has_weights");
    if (!computes)
        return NULL;
    demand(!reason_session_options_init(&options, sizeof options), "no options");
    options.n_threads = 1;
    options.n_ctx = 1;
    options.n_chunk = 1;
    demand(!reason_session_new(model, &options, &session), "no session");
    *n_vocab = (size_t)size;
    float *logits = malloc(*n_vocab * sizeof *logits);
    demand(logits != NULL, "no memory");
    demand(!reason_session_logits(session, &token, 1, logits), "no logits");
    reason_session_free(session);
    return logits;
}

static reason_status open_as(reason_load load, float **logits, size_t *n_vocab) {
    reason_model *model = NULL;
    reason_model_options options;
    demand(!reason_model_options_init(&options, sizeof options), "no options");
    options.load = load;
    reason_status status = reason_model_open(path, &options, &model);
    demand((status == REASON_OK) == (model != NULL),
           "a model without OK or OK without one");
    if (status == REASON_OK) {
        use_text(model);
        *logits = use_network(model, n_vocab);
    } else {
        demand(strncmp(reason_last_error(), path, strlen(path)) == 0,
               "the file is not named");
    }
    reason_model_free(model);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    float *mapped = NULL, *copied = NULL;
    size_t n_mapped = 0, n_copied = 0;
    write_input(data, size);
    reason_status status = open_as(REASON_LOAD_MAP, &mapped, &n_mapped);
    demand(open_as(REASON_LOAD_COPY, &copied, &n_copied) == status,
           "copied is not as mapped");
    demand(n_mapped == n_copied && !mapped == !copied, "copied is not as mapped");
    demand(n_mapped == 0 || memcmp(mapped, copied, n_mapped * sizeof *mapped) == 0,
           "logits differ between mapped and copied");
    free(mapped);
    free(copied);
    return 0;
}
