/* The public function that writes a model as a Hugging Face folder. */
#include <string.h>
#include <strings.h>

#include "api/options.h"
#include "convert/export.h"

static const reason_export_options DEFAULTS = {.size = sizeof DEFAULTS};

reason_status reason_export_options_init(reason_export_options *options, size_t size) {
    return rsn_options_init(options, size, &DEFAULTS, sizeof DEFAULTS, "options");
}

static reason_status find_dtype(const char *name, const rsn_st_dtype **dtype) {
    static const char *const NAMES[] = {"F32", "F16", "BF16"};
    *dtype = NULL;
    for (size_t i = 0; name && i < sizeof NAMES / sizeof *NAMES; i++)
        if (strcasecmp(name, NAMES[i]) == 0)
            *dtype = rsn_st_dtype_find((rsn_text){NAMES[i], strlen(NAMES[i])});
    if (!name || *dtype)
        return REASON_OK;
    return rsn_fail(REASON_ERR_INVALID_ARG,
                    "type %s is none that folders are written in; F32, F16 and BF16 are",
                    rsn_quote(name, strlen(name)).text);
}

reason_status reason_export(const char *in, const char *out,
                            const reason_export_options *options) {
    reason_export_options o = DEFAULTS;
    rsn_export e = {.in = in, .out = out};
    if (!in || !out)
        return rsn_fail_null("in or out");
    reason_status status = rsn_options_read(options, &o, sizeof o, "options");
    if (status == REASON_OK)
        status = find_dtype(o.type, &e.dtype);
    if (status != REASON_OK)
        return status;
    rsn_cancel cancel = {.token = o.cancel};
    e.cancel = &cancel;
    e.progress = o.progress;
    e.progress_user = o.progress_user;
    return rsn_export_run(&e);
}
