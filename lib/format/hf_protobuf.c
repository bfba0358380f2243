/* Owns the wire format. What fields mean is hf_sentencepiece.c's. Invariant: at <= end,
 * and every field that is returned lies before end. */
#include "format/hf_protobuf.h"

#include <string.h>

static reason_status fail_at(const rsn_protobuf *p, const char *what) {
    return rsn_fail(REASON_ERR_FORMAT, "protobuf: byte %zu: %s", p->at, what);
}

static reason_status read_varint(rsn_protobuf *p, uint64_t *value) {
    *value = 0;
    for (unsigned shift = 0; shift < 70; shift += 7) {
        if (p->at == p->end)
            return fail_at(p, "the message ends within a number");
        uint8_t byte = p->data[p->at++];
        if (shift == 63 && byte > 1)
            return fail_at(p, "a number of more than 64 bits");
        *value |= (uint64_t)(byte & 0x7F) << shift;
        if (byte < 0x80)
            return REASON_OK;
    }
    return fail_at(p, "a number of more than 10 bytes");
}

static reason_status read_fixed(rsn_protobuf *p, size_t n, uint64_t *value) {
    if (p->end - p->at < n)
        return fail_at(p, "the message ends within a number");
    *value = 0;
    for (size_t i = 0; i < n; i++)
        *value |= (uint64_t)p->data[p->at + i] << (8 * i);
    p->at += n;
    return REASON_OK;
}

static reason_status read_bytes(rsn_protobuf *p, rsn_text *bytes) {
    uint64_t n;
    reason_status status = read_varint(p, &n);
    if (status != REASON_OK)
        return status;
    if (n > p->end - p->at)
        return rsn_fail(REASON_ERR_FORMAT,
                        "protobuf: byte %zu: a field of %llu bytes; the message has %zu "
                        "more",
                        p->at, (unsigned long long)n, p->end - p->at);
    *bytes = (rsn_text){(const char *)p->data + p->at, (size_t)n};
    p->at += (size_t)n;
    return REASON_OK;
}

reason_status rsn_protobuf_next(rsn_protobuf *p, rsn_protobuf_field *field, bool *more) {
    *more = p->at < p->end;
    *field = (rsn_protobuf_field){0};
    if (!*more)
        return REASON_OK;
    uint64_t tag;
    reason_status status = read_varint(p, &tag);
    if (status != REASON_OK)
        return status;
    if (tag >> 3 == 0 || tag >> 3 > 0x1FFFFFFF)
        return fail_at(p, "a field whose number is not 1 to 536870911");
    field->number = (uint32_t)(tag >> 3);
    field->wire = (uint8_t)(tag & 7);
    switch (field->wire) {
    case 0: return read_varint(p, &field->value);
    case 1: return read_fixed(p, 8, &field->value);
    case 2: return read_bytes(p, &field->bytes);
    case 5: return read_fixed(p, 4, &field->value);
    default: return fail_at(p, "a group, or a type of field that is not there");
    }
}

rsn_protobuf rsn_protobuf_within(const rsn_protobuf *p, const rsn_protobuf_field *field) {
    size_t at = (size_t)((const uint8_t *)field->bytes.data - p->data);
    return (rsn_protobuf){p->data, at, at + field->bytes.n};
}

float rsn_protobuf_float(const rsn_protobuf_field *field) {
    uint32_t bits = (uint32_t)field->value;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}
