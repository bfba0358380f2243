/* Size-checked structs. Every struct of the header is of its first release, so its whole
 * size is also the least a host may pass; a later field moves only `full`. */
#include "api/options.h"

#include <string.h>

#include "model/kvcache.h"

reason_status rsn_fail_null(const char *argument) {
    return rsn_fail(REASON_ERR_INVALID_ARG, "%s is NULL", argument);
}

reason_status rsn_check_length(int64_t n_bytes) {
    return n_bytes < -1 ? rsn_fail(REASON_ERR_INVALID_ARG,
                                   "n_bytes %lld, -1 or more expected",
                                   (long long)n_bytes)
                        : REASON_OK;
}

reason_status rsn_check_chunks(int32_t n_ctx, int32_t least, int32_t n_chunks) {
    if (n_ctx != 0 && n_ctx < least)
        return rsn_fail(REASON_ERR_INVALID_ARG, "n_ctx %d, 0 or at least %d expected",
                        n_ctx, least);
    if (n_chunks < 0)
        return rsn_fail(REASON_ERR_INVALID_ARG, "n_chunks %d, 0 or more expected",
                        n_chunks);
    return REASON_OK;
}

reason_status rsn_check_kv_type(reason_kv_type type) {
    return rsn_kv_type(type) ? REASON_OK
                             : rsn_fail(REASON_ERR_INVALID_ARG,
                                        "kv_type %d is none of its enum", (int)type);
}

static reason_status check_size(const void *p, size_t size, size_t full,
                                const char *name) {
    if (!p)
        return rsn_fail_null(name);
    if (size < full)
        return rsn_fail(REASON_ERR_INVALID_ARG,
                        "size of %s is %zu, at least %zu expected", name, size, full);
    return REASON_OK;
}

reason_status rsn_options_init(void *out, size_t size, const void *defaults, size_t full,
                               const char *name) {
    reason_status status = check_size(out, size, full, name);
    if (status != REASON_OK)
        return status;
    memset(out, 0, size);
    memcpy(out, defaults, full);
    memcpy(out, &size, sizeof size);
    return REASON_OK;
}

reason_status rsn_options_read(const void *from, void *to, size_t full,
                               const char *name) {
    size_t size;
    if (!from)
        return REASON_OK;
    memcpy(&size, from, sizeof size);
    reason_status status = check_size(from, size, full, name);
    if (status != REASON_OK)
        return status;
    for (size_t i = full; i < size; i++)
        if (((const unsigned char *)from)[i] != 0)
            return rsn_fail(
                REASON_ERR_INVALID_ARG,
                "%s has a field set at byte %zu that this version does not know", name,
                i);
    memcpy(to, from, full);
    return REASON_OK;
}

reason_status rsn_options_write(void *out, const void *from, size_t full,
                                const char *name) {
    size_t size = 0;
    if (out)
        memcpy(&size, out, sizeof size);
    reason_status status = check_size(out, size, full, name);
    if (status != REASON_OK)
        return status;
    memcpy((char *)out + sizeof size, (const char *)from + sizeof size,
           full - sizeof size);
    return REASON_OK;
}
