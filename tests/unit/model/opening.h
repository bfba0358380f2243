/* What the tests share that open models and look at their weights. */
#ifndef REASON_TESTS_UNIT_MODEL_OPENING_H
#define REASON_TESTS_UNIT_MODEL_OPENING_H

#include "reason/reason.h"

static inline void check_ok(reason_status status) {
    if (status != REASON_OK)
        fail_msg("%s", reason_last_error());
}

/* A model whose weights lie as in the file: plain C packs nothing. */
static inline reason_model *open_unpacked(const char *path) {
    reason_model_options options;
    reason_model *model;
    check_ok(reason_model_options_init(&options, sizeof options));
    options.cpu = REASON_CPU_GENERIC;
    check_ok(reason_model_open(path, &options, &model));
    return model;
}

#endif
