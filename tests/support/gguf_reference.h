/* A slow and simple reader of GGUF bytes in memory, to hold the library's against. It
 * says what is wrong with them, what they say, and where their fields are. Shares no code
 * with the library and takes the rules from docs/FORMATS.md. */
#ifndef REASON_TESTS_SUPPORT_GGUF_REFERENCE_H
#define REASON_TESTS_SUPPORT_GGUF_REFERENCE_H

#include <stddef.h>
#include <stdint.h>

/* What is wrong, as a set: a reader may stop at any of it. 0: nothing. */
enum { REF_FORMAT = 1, REF_UNSUPPORTED = 2, REF_LIMIT = 4 };

typedef struct ref_text {
    const char *data;
    size_t n;
} ref_text;

typedef struct ref_pair {
    ref_text key;
    uint32_t type, item; /* item type of an array */
    uint64_t n;          /* items of an array, bytes of a string, else 1 */
    size_t at;           /* of the value */
    size_t items;        /* of an array: where the first begins; else as `at` */
} ref_pair;

typedef struct ref_tensor {
    ref_text name;
    uint32_t n_dims, type;
    uint64_t ne[4];
    uint64_t offset; /* from the start of the file */
    uint64_t n_bytes;
} ref_tensor;

/* An integer of the header. */
typedef struct ref_field {
    size_t at, width;
} ref_field;

typedef struct gguf_reference {
    unsigned wrong;
    uint32_t version;
    ref_pair *pairs;
    size_t n_pairs;
    ref_tensor *tensors;
    size_t n_tensors;
    ref_field *fields;
    size_t n_fields;
    size_t *item_types; /* where the item types of arrays are */
    size_t n_item_types;
    size_t header_end; /* behind the last tensor's entry */
    uint64_t data_start, data_end;
} gguf_reference;

/* Texts point into `data`. What stands behind the first cut or unreadable record is not
 * there. */
void reference_read(const uint8_t *data, size_t n, gguf_reference *r);
void reference_free(gguf_reference *r);
/* A little-endian number. */
uint64_t reference_number(const uint8_t *data, size_t at, size_t width);
/* Bytes of a value of this type; 0 for strings and arrays. */
size_t reference_width(uint32_t type);

#endif
