/* Reading JSON files by tables of fields: what a file may say and who takes it. */
#ifndef REASON_FORMAT_HF_JSON_H
#define REASON_FORMAT_HF_JSON_H

#include "base/arena.h"
#include "base/file.h"
#include "base/json.h"

/* Takes the value of a field whose first event is `kind`, all of it. */
typedef reason_status (*rsn_hf_read_fn)(void *user, rsn_json *j, rsn_json_kind kind);

typedef struct rsn_hf_field {
    /* NULL: any other key; the reader gets RSN_JSON_KEY and takes the value, too. */
    const char *name;
    rsn_hf_read_fn read;
} rsn_hf_field;

/* Reads the file as one object: each key that a row names goes to its reader, the rest is
 * passed over. *found (may be NULL) tells whether there is such a file; without it an
 * absent file is IO. Statuses of reading a file, of JSON and of the readers, with the
 * file's name before the sentence. */
reason_status rsn_hf_json_file(const char *folder, const char *name, bool *found,
                               const rsn_hf_field *fields, size_t n, void *user);
/* The same for text in memory; the sentence has no name. */
reason_status rsn_hf_json_text(const char *text, size_t n_text,
                               const rsn_hf_field *fields, size_t n, void *user);
/* The rest of an object whose beginning was read; FORMAT if `kind` begins none. */
reason_status rsn_hf_json_object(rsn_json *j, rsn_json_kind kind,
                                 const rsn_hf_field *fields, size_t n, void *user);
/* Calls `read` for every item of an array; FORMAT if `kind` begins none. */
reason_status rsn_hf_json_array(rsn_json *j, rsn_json_kind kind, rsn_hf_read_fn read,
                                void *user);

/* What was found instead of what is needed, at the byte where the reader stands. */
reason_status rsn_hf_json_fail(const rsn_json *j, const char *needed);

/* Values; null leaves *out as it is. Strings are copied into the arena, with a NUL. */
reason_status rsn_hf_json_string(rsn_json *j, rsn_json_kind kind, rsn_arena *arena,
                                 rsn_text *out);
reason_status rsn_hf_json_bool(rsn_json *j, rsn_json_kind kind, bool *out);
reason_status rsn_hf_json_id(rsn_json *j, rsn_json_kind kind, int64_t *out);

/* The bytes of folder/name, to be freed. */
reason_status rsn_hf_load(const char *folder, const char *name, rsn_blob *blob);
/* "folder/name" in *path, which is to be freed. */
reason_status rsn_hf_path(const char *folder, const char *name, char **path);
/* Whether there is a file of that name, of any kind. NO_MEMORY. */
reason_status rsn_hf_has(const char *folder, const char *name, bool *found);

#endif
