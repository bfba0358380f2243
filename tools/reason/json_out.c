/*
 * Owns how results look as JSON. Which keys there are is left to the subcommands.
 * Invariant: what is printed is valid JSON in UTF-8 on one line, whatever bytes a model
 * produced.
 */
#include "json_out.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "output.h"

/* Enough for seconds and rates, and short enough to read. */
enum { REAL_DIGITS = 9 };

struct rsn_cli_object rsn_cli_object_new(void) {
    struct rsn_cli_object object = {json_object(), false};
    object.failed = object.root == NULL;
    return object;
}

void rsn_cli_object_free(struct rsn_cli_object *object) {
    json_decref(object->root);
    *object = (struct rsn_cli_object){NULL, true};
}

/* Bytes of the valid UTF-8 character at p, 0 if there is none; n >= 1. */
static size_t measure_character(const unsigned char *p, size_t n) {
    size_t length = p[0] < 0x80   ? 1
                    : p[0] < 0xc2 ? 0
                    : p[0] < 0xe0 ? 2
                    : p[0] < 0xf0 ? 3
                                  : 4;
    if (length == 0 || p[0] > 0xf4 || length > n) return 0;
    for (size_t i = 1; i < length; i++)
        if ((p[i] & 0xc0) != 0x80) return 0;
    if (p[0] == 0xe0 && p[1] < 0xa0) return 0; /* over-long */
    if (p[0] == 0xed && p[1] > 0x9f) return 0; /* surrogate */
    if (p[0] == 0xf0 && p[1] < 0x90) return 0; /* over-long */
    if (p[0] == 0xf4 && p[1] > 0x8f) return 0; /* above U+10FFFF */
    return length;
}

static json_t *repair_text(const char *bytes, size_t n_bytes) {
    if (n_bytes > SIZE_MAX / 3 - 1) return NULL;
    char *fixed = malloc(3 * n_bytes + 1);
    if (!fixed) return NULL;
    size_t n = 0;
    for (size_t at = 0; at < n_bytes;) {
        size_t length =
            measure_character((const unsigned char *)bytes + at, n_bytes - at);
        memcpy(fixed + n, length ? bytes + at : "\xef\xbf\xbd", length ? length : 3);
        n += length ? length : 3;
        at += length ? length : 1;
    }
    json_t *text = json_stringn(fixed, n);
    free(fixed);
    return text;
}

json_t *rsn_cli_json_text(const char *bytes, size_t n_bytes) {
    if (!bytes) return json_stringn("", 0);
    json_t *text = json_stringn(bytes, n_bytes);
    return text ? text : repair_text(bytes, n_bytes);
}

void rsn_cli_object_set(struct rsn_cli_object *object, const char *key, json_t *value) {
    if (json_object_set_new(object->root, key, value) != 0) object->failed = true;
}

void rsn_cli_object_text(struct rsn_cli_object *object, const char *key,
                         const char *bytes, size_t n_bytes) {
    rsn_cli_object_set(object, key, rsn_cli_json_text(bytes, n_bytes));
}

void rsn_cli_object_int(struct rsn_cli_object *object, const char *key, int64_t value) {
    rsn_cli_object_set(object, key, json_integer(value));
}

void rsn_cli_object_real(struct rsn_cli_object *object, const char *key, double value) {
    rsn_cli_object_set(object, key, isfinite(value) ? json_real(value) : json_null());
}

void rsn_cli_object_bool(struct rsn_cli_object *object, const char *key, bool value) {
    rsn_cli_object_set(object, key, json_boolean(value));
}

void rsn_cli_object_put(struct rsn_cli_object *object, const char *key,
                        struct rsn_cli_object *inner) {
    if (inner->failed) object->failed = true;
    rsn_cli_object_set(object, key, inner->root);
    *inner = (struct rsn_cli_object){NULL, true};
}

static int write_part(const char *bytes, size_t n_bytes, void *user) {
    (void)user;
    rsn_cli_write(stdout, bytes, n_bytes);
    return rsn_cli_output_failed() ? -1 : 0;
}

int rsn_cli_object_print(struct rsn_cli_object *object) {
    bool failed = object->failed;
    if (!failed)
        failed = json_dump_callback(object->root, write_part, NULL,
                                    JSON_REAL_PRECISION(REAL_DIGITS)) != 0;
    rsn_cli_object_free(object);
    if (failed && !rsn_cli_output_failed()) return rsn_cli_fail_memory();
    rsn_cli_print("\n");
    rsn_cli_flush();
    return rsn_cli_output_failed() ? RSN_CLI_FAILED : RSN_CLI_OK;
}
