/* Tasks of `reason eval`: questions with their answers, a JSON object a line. */
#ifndef REASON_CLI_TASKS_H
#define REASON_CLI_TASKS_H

#include <jansson.h>

#include "cli.h"

struct rsn_cli_tasks {
    json_t *lines;            /* an array of objects, which own all texts */
    reason_task *items;       /* [n] */
    const reason_task **list; /* [n], of items */
    size_t n, cap;
    uint64_t hash; /* of all that they say */
};

/* Reads the first `limit` tasks of a file, 0: all; "-" is standard input. Returns
 * RSN_CLI_OK or says a sentence that names the line. Either way the tasks are to be
 * freed. */
int rsn_cli_tasks_read(const char *path, size_t limit, reason_answer_kind answers,
                       struct rsn_cli_tasks *tasks);
void rsn_cli_tasks_free(struct rsn_cli_tasks *tasks);

#endif
