/* Lines for the host's log callback; dropped if it set none. */
#ifndef REASON_BASE_LOG_H
#define REASON_BASE_LOG_H

#include "base/status.h"

void rsn_log(reason_log_level level, const char *fmt, ...) RSN_PRINTF(2, 3);
void rsn_log_set(reason_log_fn fn, void *user);

#endif
