/* Files with a JSON object a line. */
#ifndef REASON_CLI_JSON_LINES_H
#define REASON_CLI_JSON_LINES_H

#include <jansson.h>

#include "options.h"

/* Where an object comes from, for a sentence about it. */
struct rsn_cli_place {
    const char *path;
    size_t line; /* from 1 */
};

/* Takes an object, which `text` is in the file; RSN_CLI_OK, or it said why not. */
typedef int (*rsn_cli_json_line_fn)(void *user, const struct rsn_cli_place *at,
                                    const json_t *object, const char *text,
                                    size_t n_bytes);

/* Hands each line that is not blank to `take`, up to `limit` of them (0: all); "-" is
 * standard input. Objects are put into `keep`, an array, and live as long as it. No line at
 * all, or one that is no object, is a failure; `things` names what was expected. */
int rsn_cli_json_lines_read(const char *path, size_t limit, const char *things, json_t *keep,
                            rsn_cli_json_line_fn take, void *user);
/* Says that a field is something; RSN_CLI_FAILED. */
int rsn_cli_json_lines_fail(const struct rsn_cli_place *at, const char *field,
                            const char *found);

/* A string without NUL, as texts end at one where the library is told; else NULL. */
const char *rsn_cli_json_lines_text(const json_t *value);

#endif
