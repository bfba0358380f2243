/* JSON on standard output: objects built key by key, printed on one line. */
#ifndef REASON_CLI_JSON_OUT_H
#define REASON_CLI_JSON_OUT_H

#include <jansson.h>

#include "cli.h"

/* An object being built. A setter that fails marks it, and printing it says so. */
struct rsn_cli_object {
    json_t *root;
    bool failed;
};

struct rsn_cli_object rsn_cli_object_new(void);
void rsn_cli_object_free(struct rsn_cli_object *object);

/* Keys keep the order in which they are set. Bytes that are no UTF-8 become U+FFFD. */
void rsn_cli_object_text(struct rsn_cli_object *object, const char *key,
                         const char *bytes, size_t n_bytes);
void rsn_cli_object_int(struct rsn_cli_object *object, const char *key, int64_t value);
/* null if the value is not finite */
void rsn_cli_object_real(struct rsn_cli_object *object, const char *key, double value);
void rsn_cli_object_bool(struct rsn_cli_object *object, const char *key, bool value);
/* Takes `value`, which may be NULL after a failure. */
void rsn_cli_object_set(struct rsn_cli_object *object, const char *key, json_t *value);
/* Moves `inner` into `object`. */
void rsn_cli_object_put(struct rsn_cli_object *object, const char *key,
                        struct rsn_cli_object *inner);

/* Prints the object as one line and frees it. Returns RSN_CLI_OK or says a sentence. */
int rsn_cli_object_print(struct rsn_cli_object *object);

/* A JSON text of bytes, repaired where they are no UTF-8. NULL if memory ran out. */
json_t *rsn_cli_json_text(const char *bytes, size_t n_bytes);

#endif
