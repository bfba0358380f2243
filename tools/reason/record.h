/* Files in which a command keeps what is finished, so that it can go on after a stop: a
 * header that says of what, then a JSON object a line. */
#ifndef REASON_CLI_RECORD_H
#define REASON_CLI_RECORD_H

#include <stdio.h>

#include "json_out.h"
#include "options.h"

struct rsn_cli_record {
    const char *path; /* NULL: none is kept */
    FILE *stream;     /* NULL while it is not open */
    bool failed;      /* a line could not be written */
};

/* A part of a header, and what a record with another one is. */
struct rsn_cli_record_part {
    const char *key, *other;
};

struct rsn_cli_record_kind {
    const char *mark; /* a key that only headers of this kind have */
    const char *name; /* "an evaluation" */
    const struct rsn_cli_record_part *parts; /* ends with a key of NULL */
    const char *line;                        /* what a line is of: "a task" */
    /* Takes a line of an earlier run; false: it is none of this record. */
    bool (*take)(void *user, const json_t *line);
};

/* Puts every value of a table of options into a header, so that a new row is part of it at
 * once. */
void rsn_cli_record_rows(struct rsn_cli_object *header, const struct rsn_cli_group *group);
/* Which file the model is. */
void rsn_cli_record_model(struct rsn_cli_object *header, const reason_model *model);

/* Opens record->path: hands lines of an earlier run to `take`, or writes the header, which
 * it frees. Refuses a record of something else. Returns RSN_CLI_OK or says a sentence. */
int rsn_cli_record_open(struct rsn_cli_record *record,
                        const struct rsn_cli_record_kind *kind,
                        struct rsn_cli_object *header, void *user);
/* Writes an object as a line that is on its way to the disk when this returns, and frees
 * it. Does nothing without a record. */
void rsn_cli_record_write(struct rsn_cli_record *record, struct rsn_cli_object *object);
/* Closes it; may say a sentence. */
int rsn_cli_record_close(struct rsn_cli_record *record);

#endif
