/* Any bytes as a session's file, under checksums that hold: it is refused with a sentence
 * and the session is as it was, or it is loaded and two tokens are computed. The first
 * 128 bytes change those of a genuine header, so that few have to be right. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "reason/reason.h"
#include "support/gguf_build.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEADER = 128, CRC = 4, N_KEPT = 3 };

static const int32_t IDS[N_KEPT] = {7, 200, 31};

static void demand(int truth, const char *what) {
    if (truth)
        return;
    (void)fprintf(stderr, "fuzz_state: %s: %s\n", what, reason_last_error());
    abort();
}

static reason_session *open_session(void) {
    const tiny_options o = {.n_layers = 1,
                            .n_embd = 8,
                            .n_heads = 2,
                            .n_heads_kv = 1,
                            .head_dim = 4,
                            .n_ff = 8,
                            .n_ctx = 256};
    reason_session_options options;
    reason_model *model;
    reason_session *session;
    char *path = build_tiny_model("llama", &o);
    demand(reason_model_open(path, NULL, &model) == REASON_OK, "no model");
    gguf_remove(path);
    demand(reason_session_options_init(&options, sizeof options) == REASON_OK, "options");
    options.n_threads = 1;
    demand(reason_session_new(model, &options, &session) == REASON_OK, "no session");
    reason_model_free(model);
    return session;
}

static void put_crc(uint8_t *bytes, size_t n) {
    rsn_crc32c crc;
    rsn_crc32c_begin(&crc);
    rsn_crc32c_add(&crc, bytes, n);
    uint32_t value = rsn_crc32c_value(&crc);
    for (size_t i = 0; i < CRC; i++)
        bytes[n + i] = (uint8_t)(value >> 8 * i);
}

/* The input as a file; its header is that of an empty session where the input is 0. */
static void write_file(int fd, const uint8_t *genuine, const uint8_t *data, size_t size) {
    size_t n = (size > HEADER ? size : HEADER) + CRC;
    uint8_t *bytes = calloc(1, n);
    demand(bytes != NULL, "no memory");
    memcpy(bytes, data, size);
    for (size_t i = 0; i < HEADER; i++)
        bytes[i] ^= genuine[i];
    put_crc(bytes, HEADER - CRC);
    put_crc(bytes, n - CRC);
    demand(ftruncate(fd, 0) == 0 && pwrite(fd, bytes, n, 0) == (ssize_t)n, "no file");
    free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static reason_session *session;
    static uint8_t genuine[HEADER];
    static char path[64];
    static int fd = -1;
    size_t n;
    if (!session) {
        session = open_session();
        char name[] = "/tmp/fuzz_state-XXXXXX";
        int saved = mkstemp(name);
        demand(saved >= 0 && reason_session_save(session, name) == REASON_OK,
               "not saved");
        FILE *file = fopen(name, "rb");
        demand(file && fread(genuine, 1, HEADER, file) == HEADER, "no header");
        (void)fclose(file);
        (void)close(saved);
        (void)unlink(name);
        fd = memfd_create("fuzz", MFD_CLOEXEC);
        (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    }
    demand(reason_session_reset(session) == REASON_OK &&
               reason_session_logits(session, IDS, N_KEPT, NULL) == REASON_OK,
           "no tokens");
    write_file(fd, genuine, data, size);
    reason_status status = reason_session_load(session, path);
    demand(reason_session_length(session, &n) == REASON_OK, "no length");
    if (status) {
        demand(reason_last_error()[0] != '\0', "an error has no sentence");
        demand(n == N_KEPT, "a refused file changed the session");
        return 0;
    }
    status = reason_session_logits(session, IDS, 2, NULL);
    demand(status == REASON_OK || (status == REASON_ERR_CONTEXT_FULL && n > 254),
           "what was loaded does not go on");
    return 0;
}
