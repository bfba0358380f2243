/* Any bytes as the config.json of a folder: refused with a sentence that names a file, or
 * a token is run. The first byte says whose weights lie beside it; there is no tokenizer,
 * which has a target of its own. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "reason/reason.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const WEIGHTS[] = {"llama",          "gemma2",        "phi3-longrope",
                                      "bitnet-offline", "bitnet-online", "qwen2-tokens",
                                      "qwen2-math-process"};

enum { N_WEIGHTS = sizeof WEIGHTS / sizeof *WEIGHTS, MAX_PATH = 1024 };

static char folder[MAX_PATH];

static void demand(int truth, const char *what) {
    if (truth)
        return;
    (void)fprintf(stderr, "fuzz_config: %s: %s\n", what, reason_last_error());
    abort();
}

static void name_file(char *path, const char *name) {
    (void)snprintf(path, MAX_PATH, "%.*s/%s", MAX_PATH - 64, folder, name);
}

static void clean_up(void) {
    char path[MAX_PATH];
    name_file(path, "config.json");
    (void)unlink(path);
    name_file(path, "model.safetensors");
    (void)unlink(path);
    (void)rmdir(folder);
}

static void make_folder(void) {
    const char *where = getenv("TMPDIR");
    (void)snprintf(folder, sizeof folder, "%s/fuzz_config-XXXXXX",
                   where ? where : "/tmp");
    demand(mkdtemp(folder) != NULL && atexit(clean_up) == 0, "no folder");
}

static void put_weights(unsigned which) {
    char path[MAX_PATH], target[MAX_PATH];
    const char *root = getenv("REASON_SRCDIR");
    (void)snprintf(target, sizeof target, "%s/tests/data/hf/%s/model.safetensors",
                   root ? root : ".", WEIGHTS[which % N_WEIGHTS]);
    name_file(path, "model.safetensors");
    (void)unlink(path);
    demand(access(target, R_OK) == 0 && symlink(target, path) == 0, target);
}

static void put_config(const uint8_t *data, size_t size) {
    char path[MAX_PATH];
    name_file(path, "config.json");
    FILE *file = fopen(path, "wb");
    demand(file && fwrite(data, 1, size, file) == size && fclose(file) == 0, path);
}

static void run(reason_model *model) {
    static const int32_t ids[] = {1, 2};
    reason_session_options options;
    reason_session *session;
    demand(reason_session_options_init(&options, sizeof options) == REASON_OK, "options");
    options.n_threads = 1;
    options.n_ctx = 8;
    if (reason_session_new(model, &options, &session) != REASON_OK)
        return;
    demand(reason_session_logits(session, ids, 2, NULL) == REASON_OK, "tokens do not run");
    reason_session_free(session);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    reason_model *model;
    if (size < 1)
        return 0;
    if (folder[0] == '\0')
        make_folder();
    put_weights(data[0]);
    put_config(data + 1, size - 1);
    if (reason_model_open(folder, NULL, &model) == REASON_OK) {
        run(model);
        reason_model_free(model);
    } else {
        demand(strstr(reason_last_error(), folder) != NULL, "no file is named");
    }
    return 0;
}
