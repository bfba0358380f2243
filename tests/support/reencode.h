/* Re-encodes the matrices of a GGUF model to one block type with the scalar encoders. */
#ifndef REASON_TESTS_SUPPORT_REENCODE_H
#define REASON_TESTS_SUPPORT_REENCODE_H

#include "quant/types.h"
#include "reason/reason.h"

typedef struct reencode_report {
    size_t n_encoded; /* matrices that have the type now */
    size_t n_kept;    /* matrices that could not have it and are F16 */
    double bits;      /* a weight of all matrices */
    uint64_t n_bytes; /* of the new file */
} reencode_report;

/* The type of this name, NULL if there is none that files can have. */
const rsn_type_info *reencode_type(const char *name);

/* Writes `out`: metadata as in `in` but for general.file_type, vectors as they are, and
 * matrices in the type. Those whose rows are no whole number of blocks, and for I2_S
 * those that are not ternary, become F16. */
reason_status reencode_model(const char *in, const char *out, const rsn_type_info *type,
                             reencode_report *report);

#endif
