/* An importance matrix as a GGUF file, in the layout of the field. */
#ifndef REASON_CONVERT_IMATRIX_FILE_H
#define REASON_CONVERT_IMATRIX_FILE_H

#include "convert/collect.h"

/* Writes those matrices that were multiplied. `dataset` names the text, NULL: nothing
 * does. The file appears whole or not at all; IO with its name, NO_MEMORY. */
reason_status rsn_imatrix_write(const char *path, const rsn_collected *c,
                                const char *dataset);

#endif
