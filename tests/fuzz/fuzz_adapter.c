/* Any bytes as an adapter of a small model: they are refused with a sentence that names
 * the file, or they open, and the model with them computes two tokens; with the scale 0 as
 * if they were not there. Input that begins with "PEFT", a u32 size and so many bytes of
 * adapter_config.json is a folder, the rest adapter_model.safetensors; all else is a GGUF
 * file. The model is tests/data/hf/llama below REASON_SRCDIR. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "reason/reason.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { N_TOKENS = 2, N_VOCAB = 304 };

static char folder[64];
static reason_model *model;
static float plain[N_TOKENS * N_VOCAB];

static void demand(int truth, const char *what) {
    if (truth)
        return;
    (void)fprintf(stderr, "fuzz_adapter: %s: %s\n", what, reason_last_error());
    abort();
}

/* --- files -------------------------------------------------------------------------- */

static const char *path_of(const char *name) {
    static char paths[2][128];
    static unsigned at;
    at = (at + 1) % 2;
    (void)snprintf(paths[at], sizeof *paths, "%s/%s", folder, name);
    return paths[at];
}

static void write_file(const char *path, const uint8_t *data, size_t size) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    demand(fd >= 0 && write(fd, data, size) == (ssize_t)size && close(fd) == 0,
           "a temporary file cannot be written");
}

/* What is to be opened. */
static const char *write_input(const uint8_t *data, size_t size) {
    size_t n = size < 8 ? 0
                        : (size_t)data[4] | (size_t)data[5] << 8 | (size_t)data[6] << 16 |
                              (size_t)data[7] << 24;
    if (size < 8 || memcmp(data, "PEFT", 4) != 0 || n > size - 8) {
        write_file(path_of("gguf"), data, size);
        return path_of("gguf");
    }
    write_file(path_of("adapter_config.json"), data + 8, n);
    write_file(path_of("adapter_model.safetensors"), data + 8 + n, size - 8 - n);
    return folder;
}

/* --- the model ---------------------------------------------------------------------- */

static void run(reason_model *with, float *logits) {
    static const int32_t tokens[N_TOKENS] = {0, N_VOCAB - 1};
    reason_session *session;
    reason_session_options o;
    demand(!reason_session_options_init(&o, sizeof o), "no options");
    o.n_threads = 1;
    o.n_ctx = N_TOKENS;
    demand(!reason_session_new(with, &o, &session), "no session");
    demand(!reason_session_logits(session, tokens, N_TOKENS, logits), "no logits");
    reason_session_free(session);
}

static void clean_up(void) {
    reason_model_free(model);
    (void)unlink(path_of("gguf"));
    (void)unlink(path_of("adapter_config.json"));
    (void)unlink(path_of("adapter_model.safetensors"));
    (void)rmdir(folder);
}

static void begin(void) {
    char path[4096];
    const char *source = getenv("REASON_SRCDIR");
    const char *where = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    (void)snprintf(path, sizeof path, "%s/tests/data/hf/llama", source ? source : ".");
    demand(!reason_model_open(path, NULL, &model), "no model");
    (void)snprintf(folder, sizeof folder, "%s/reason-fuzz-XXXXXX", where);
    demand(mkdtemp(folder) && atexit(clean_up) == 0, "no temporary folder");
    run(model, plain);
}

static void run_with(reason_adapter *adapter, float scale, float *logits) {
    reason_derive_options o;
    reason_model *derived;
    demand(!reason_derive_options_init(&o, sizeof o), "no options");
    o.adapters = &adapter;
    o.adapter_scales = &scale;
    o.n_adapters = 1;
    demand(!reason_model_derive(model, &o, &derived), "an adapter that cannot be used");
    run(derived, logits);
    reason_model_free(derived);
}

/* --- the target --------------------------------------------------------------------- */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static float logits[N_TOKENS * N_VOCAB];
    reason_adapter *adapter = NULL;
    if (!model)
        begin();
    reason_status status = reason_adapter_open(model, write_input(data, size), &adapter);
    demand((status == REASON_OK) == (adapter != NULL), "OK without one, or one without");
    if (status != REASON_OK) {
        demand(strncmp(reason_last_error(), folder, strlen(folder)) == 0,
               "the file is not named");
        return 0;
    }
    run_with(adapter, 1, logits);
    run_with(adapter, 0, logits);
    demand(memcmp(logits, plain, sizeof plain) == 0, "the scale 0 changes something");
    reason_adapter_free(adapter);
    return 0;
}
