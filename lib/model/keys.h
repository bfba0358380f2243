/* Keys of an architecture, "{arch}.{suffix}", and those that are our own: for what no key
 * in use elsewhere says. */
#ifndef REASON_MODEL_KEYS_H
#define REASON_MODEL_KEYS_H

#include <string.h>

#include "base/status.h"

#define RSN_KEY_ACTIVATION_BITS "reason.activation_bits"
#define RSN_KEY_HADAMARD "reason.hadamard"
#define RSN_KEY_HEAD_KIND "reason.head.kind"
#define RSN_KEY_HEAD_ACTIVATION "reason.head.activation"
#define RSN_KEY_HEAD_STEP_TOKEN "reason.head.step_token"
#define RSN_KEY_HEAD_TRANSFORM "reason.head.transform"
#define RSN_KEY_HEAD_ONLY "reason.head.only"

typedef struct rsn_key {
    char text[160];
} rsn_key;

/* UNSUPPORTED for a name of an architecture that is too long. */
static inline reason_status rsn_key_make(rsn_key *key, const char *arch,
                                         const char *suffix) {
    size_t n = strlen(arch), m = strlen(suffix);
    if (n + m + 2 > sizeof key->text)
        return rsn_fail(REASON_ERR_UNSUPPORTED, "architecture name of %zu bytes", n);
    memcpy(key->text, arch, n);
    key->text[n] = '.';
    memcpy(key->text + n + 1, suffix, m + 1);
    return REASON_OK;
}

#endif
