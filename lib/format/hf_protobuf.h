/* Reading protobuf messages field by field, as far as tokenizer.model needs it. */
#ifndef REASON_FORMAT_HF_PROTOBUF_H
#define REASON_FORMAT_HF_PROTOBUF_H

#include "base/str.h"

typedef struct rsn_protobuf {
    const uint8_t *data; /* of the whole file */
    size_t at, end;      /* of the message */
} rsn_protobuf;

typedef struct rsn_protobuf_field {
    uint32_t number;
    uint8_t wire;   /* 0: varint, 1: 8 bytes, 2: bytes, 5: 4 bytes */
    uint64_t value; /* of 0, 1 and 5 */
    rsn_text bytes; /* of 2 */
} rsn_protobuf_field;

/* The next field; *more is false at the end of the message. FORMAT for what is no field,
 * groups among them: nothing in the files in question has any. */
reason_status rsn_protobuf_next(rsn_protobuf *p, rsn_protobuf_field *field, bool *more);
/* The message that a field of bytes is. */
rsn_protobuf rsn_protobuf_within(const rsn_protobuf *p, const rsn_protobuf_field *field);
float rsn_protobuf_float(const rsn_protobuf_field *field);

#endif
