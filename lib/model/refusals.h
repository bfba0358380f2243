/* Models that this library does not run, told by name before anything else about the file
 * is judged. */
#ifndef REASON_MODEL_REFUSALS_H
#define REASON_MODEL_REFUSALS_H

#include "format/gguf.h"

/* UNSUPPORTED with the kind of model and what told it, if the architecture, a key or a
 * tensor says that no row of arch_table.c could run the file. */
reason_status rsn_refuse_file(const rsn_gguf *g, rsn_text arch);

#endif
