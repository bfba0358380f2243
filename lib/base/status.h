/* The last error of a thread, and how every room reports one. */
#ifndef REASON_BASE_STATUS_H
#define REASON_BASE_STATUS_H

#include "reason/reason.h"

#if defined(__GNUC__)
#define RSN_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))
#else
#define RSN_PRINTF(fmt, first)
#endif

/* Sets this thread's last error to one sentence and returns `status`. The sentence names
 * the thing, what was found and what is allowed; longer than 1023 bytes is cut. */
reason_status rsn_fail(reason_status status, const char *fmt, ...) RSN_PRINTF(2, 3);

/* Puts "prefix: " before this thread's last error (a file's name, say) and returns
 * `status`. */
reason_status rsn_fail_within(reason_status status, const char *prefix);

/* What the two above left for this thread; never NULL, empty before the first failure.
 * Valid until the thread's next failure. */
const char *rsn_last_error(void);

/* "REASON_ERR_FORMAT" and so on; "unknown status" for other numbers. */
const char *rsn_status_name(reason_status status);

/* NO_MEMORY with the size that was asked for. */
reason_status rsn_fail_memory(size_t n_bytes);

/* A quoted, printable, shortened copy of untrusted text for use in a sentence. */
typedef struct rsn_quoted {
    char text[72];
} rsn_quoted;
rsn_quoted rsn_quote(const char *text, size_t n_bytes);

/* Makes what vsnprintf left in text[cap] one clean line: ended by a NUL, cut between
 * characters, control characters replaced. Returns its length. */
size_t rsn_make_line(char *text, size_t cap);

/* Asserts exist only in debug builds; the release library must never take its host down.
 */
#ifdef RSN_DEBUG
#include <assert.h>
#define rsn_assert(x) assert(x)
#else
#define rsn_assert(x) ((void)0)
#endif

#endif
