/* Structs that grow: how a struct from a host of another version is read. */
#ifndef REASON_API_OPTIONS_H
#define REASON_API_OPTIONS_H

#include "base/status.h"

/* Fills out[0 .. size) with the first bytes of `defaults` ([full] bytes) and zeros behind
 * them, and sets its size field. INVALID_ARG: NULL, or a size below `full`'s first
 * release. */
reason_status rsn_options_init(void *out, size_t size, const void *defaults, size_t full,
                               const char *name);
/* Copies a host's struct over `to`, which holds the defaults; NULL keeps them.
 * INVALID_ARG: a size that is 0 or too small, or fields set that this version does not
 * know. */
reason_status rsn_options_read(const void *from, void *to, size_t full, const char *name);
/* Copies a struct out to a host that set its size field; the rest of it is left alone. */
reason_status rsn_options_write(void *out, const void *from, size_t full,
                                const char *name);

/* INVALID_ARG that names the argument. */
reason_status rsn_fail_null(const char *argument);
/* INVALID_ARG unless it is a length of text: 0 or more, or -1. */
reason_status rsn_check_length(int64_t n_bytes);
/* INVALID_ARG unless chunks of n_ctx tokens, at least `least` or 0 for the default, and so
 * many of them, can be. */
reason_status rsn_check_chunks(int32_t n_ctx, int32_t least, int32_t n_chunks);
reason_status rsn_check_kv_type(reason_kv_type type);

/* api_session.c: MISMATCH for a model that is a vocabulary alone. */
reason_status rsn_check_weights(const reason_model *model);
/* api_text.c: every message is there, of a known size, with role and content. */
reason_status rsn_messages_check(const reason_message *const *messages, size_t n);

#endif
