/* Owns the bytes of GGUF files that tests make. What the bytes mean to a model is
 * tiny_model.c's. Invariant: nothing here is checked against anything else, so that files
 * can be wrong. */
#include "support/gguf_build.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "quant/types.h"

static void give_up(const char *what) {
    (void)fprintf(stderr, "gguf_build: %s\n", what);
    abort();
}

/* --- bytes -------------------------------------------------------------------------- */

void gguf_free(gguf_bytes *b) {
    free(b->data);
    *b = (gguf_bytes){NULL, 0, 0};
}

static void make_room(gguf_bytes *b, size_t n) {
    if (b->cap - b->n >= n)
        return;
    b->cap = 2 * b->cap + n;
    b->data = realloc(b->data, b->cap);
    if (!b->data)
        give_up("out of memory");
}

void gguf_put(gguf_bytes *b, const void *bytes, size_t n) {
    gguf_insert(b, b->n, bytes, n);
}

void gguf_put_zeros(gguf_bytes *b, size_t n) {
    if (n == 0)
        return;
    make_room(b, n);
    memset(b->data + b->n, 0, n);
    b->n += n;
}

void gguf_put_number(gguf_bytes *b, uint64_t value, size_t n_bytes) {
    gguf_put_zeros(b, n_bytes);
    gguf_set_number(b, b->n - n_bytes, value, n_bytes);
}

void gguf_put_text(gguf_bytes *b, const char *text) {
    gguf_put_number(b, strlen(text), 8);
    gguf_put(b, text, strlen(text));
}

void gguf_pad(gguf_bytes *b, size_t alignment) {
    gguf_put_zeros(b, (alignment - b->n % alignment) % alignment);
}

void gguf_put_header(gguf_bytes *b, uint32_t version, uint64_t n_tensors,
                     uint64_t n_pairs) {
    gguf_put(b, "GGUF", 4);
    gguf_put_number(b, version, 4);
    gguf_put_number(b, n_tensors, 8);
    gguf_put_number(b, n_pairs, 8);
}

void gguf_put_key(gguf_bytes *b, const char *key, uint32_t type) {
    gguf_put_text(b, key);
    gguf_put_number(b, type, 4);
}

void gguf_put_u32(gguf_bytes *b, const char *key, uint32_t value) {
    gguf_put_key(b, key, GGUF_U32);
    gguf_put_number(b, value, 4);
}

void gguf_put_f32(gguf_bytes *b, const char *key, float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    gguf_put_key(b, key, GGUF_F32);
    gguf_put_number(b, bits, 4);
}

void gguf_put_bool(gguf_bytes *b, const char *key, bool value) {
    gguf_put_key(b, key, GGUF_BOOL);
    gguf_put_number(b, value, 1);
}

void gguf_put_string(gguf_bytes *b, const char *key, const char *value) {
    gguf_put_key(b, key, GGUF_STRING);
    gguf_put_text(b, value);
}

void gguf_put_array(gguf_bytes *b, const char *key, uint32_t item, uint64_t n) {
    gguf_put_key(b, key, GGUF_ARRAY);
    gguf_put_number(b, item, 4);
    gguf_put_number(b, n, 8);
}

void gguf_put_tensor(gguf_bytes *b, const char *name, uint32_t n_dims, const uint64_t *ne,
                     uint32_t type, uint64_t offset) {
    gguf_put_text(b, name);
    gguf_put_number(b, n_dims, 4);
    for (uint32_t d = 0; d < n_dims; d++)
        gguf_put_number(b, ne[d], 8);
    gguf_put_number(b, type, 4);
    gguf_put_number(b, offset, 8);
}

void gguf_set_number(gguf_bytes *b, size_t at, uint64_t value, size_t n_bytes) {
    if (at > b->n || n_bytes > b->n - at)
        give_up("a number behind the end");
    for (size_t i = 0; i < n_bytes; i++)
        b->data[at + i] = (uint8_t)(value >> 8 * i);
}

size_t gguf_find(const gguf_bytes *b, const void *bytes, size_t n) {
    for (size_t at = 0; at + n <= b->n; at++)
        if (memcmp(b->data + at, bytes, n) == 0)
            return at;
    give_up("bytes that are not there");
    return 0;
}

/* Behind a name with its length before it, so that a longer name does not match. */
static size_t find_behind_name(const gguf_bytes *b, const char *name) {
    gguf_bytes wanted = {0};
    gguf_put_text(&wanted, name);
    size_t at = gguf_find(b, wanted.data, wanted.n) + wanted.n;
    gguf_free(&wanted);
    return at;
}

size_t gguf_find_value(const gguf_bytes *b, const char *key) {
    return find_behind_name(b, key) + 4;
}

size_t gguf_find_tensor(const gguf_bytes *b, const char *name) {
    return find_behind_name(b, name);
}

void gguf_insert(gguf_bytes *b, size_t at, const void *bytes, size_t n) {
    if (n == 0)
        return;
    make_room(b, n);
    memmove(b->data + at + n, b->data + at, b->n - at);
    memcpy(b->data + at, bytes, n);
    b->n += n;
}

void gguf_cut(gguf_bytes *b, size_t at, size_t n) {
    memmove(b->data + at, b->data + at + n, b->n - at - n);
    b->n -= n;
}

/* --- files -------------------------------------------------------------------------- */

static void write_all(int fd, const uint8_t *bytes, size_t n) {
    while (n > 0) {
        ssize_t done = write(fd, bytes, n);
        if (done <= 0)
            give_up("a temporary file cannot be written");
        bytes += done;
        n -= (size_t)done;
    }
}

char *gguf_save(const gguf_bytes *b) {
    static const char name[] = "/reason-test-XXXXXX";
    const char *folder = getenv("TMPDIR");
    if (!folder || !*folder)
        folder = "/tmp";
    char *path = malloc(strlen(folder) + sizeof name);
    if (!path)
        give_up("out of memory");
    memcpy(path, folder, strlen(folder));
    memcpy(path + strlen(folder), name, sizeof name);
    int fd = mkstemp(path);
    if (fd < 0)
        give_up("no temporary file can be made");
    write_all(fd, b->data, b->n);
    if (close(fd) != 0)
        give_up("a temporary file cannot be written");
    return path;
}

void gguf_remove(char *path) {
    if (path)
        (void)unlink(path);
    free(path);
}

/* --- weights ------------------------------------------------------------------------ */

enum { Q8_0_BLOCK = 32, Q8_0_BYTES = 34 };

/* A type that the library encodes; NULL for the four above. */
static const rsn_type_info *block_type(uint32_t type) {
    const rsn_type_info *info = rsn_type_by_ggml(type);
    if (!info)
        give_up("a type that nobody can encode");
    return type != GGML_Q8_0 && info->expand ? info : NULL;
}

size_t gguf_weight_bytes(uint32_t type, size_t n) {
    switch (type) {
    case GGML_F32: return 4 * n;
    case GGML_F16:
    case GGML_BF16: return 2 * n;
    case GGML_Q8_0: return n / Q8_0_BLOCK * Q8_0_BYTES;
    }
    const rsn_type_info *info = block_type(type);
    return rsn_type_row_bytes(info, n) + info->tail_bytes;
}

double gguf_half_value(uint16_t half) {
    int exponent = half >> 10 & 31, mantissa = half & 1023;
    double sign = half >> 15 ? -1.0 : 1.0;
    if (exponent == 31)
        return mantissa ? (double)NAN : sign * (double)INFINITY;
    return exponent ? sign * ldexp(1024 + mantissa, exponent - 25)
                    : sign * ldexp(mantissa, -24);
}

uint16_t gguf_half_nearest(double x) {
    uint16_t sign = (uint16_t)(signbit(x) ? 0x8000 : 0);
    double size = fabs(x);
    int exponent = 0;
    (void)frexp(size, &exponent); /* size is in [2^(exponent - 1), 2^exponent) */
    int last = exponent - 11 > -24 ? exponent - 11 : -24; /* the last place kept */
    double rounded = nearbyint(ldexp(size, -last));       /* ties to even */
    if (!(ldexp(rounded, last) < 65520))
        return (uint16_t)(sign | 0x7C00);
    if (rounded >= 2048) {
        rounded /= 2;
        last++;
    }
    int mantissa = (int)rounded;
    int biased = mantissa >= 1024 ? last + 25 : 0;
    return (uint16_t)(sign | biased << 10 | (mantissa & 1023));
}

static void encode_q8_0(const double *x, uint8_t *out) {
    double top = 0;
    for (size_t i = 0; i < Q8_0_BLOCK; i++)
        top = fabs(x[i]) > top ? fabs(x[i]) : top;
    uint16_t half = gguf_half_nearest(top / 127);
    double scale = gguf_half_value(half);
    out[0] = (uint8_t)half;
    out[1] = (uint8_t)(half >> 8);
    for (size_t i = 0; i < Q8_0_BLOCK; i++) {
        double q = scale > 0 ? nearbyint(x[i] / scale) : 0;
        out[2 + i] = (uint8_t)(int)(q > 127 ? 127 : q < -127 ? -127 : q);
    }
}

/* The upper half of a float, to nearest; ties to even. */
static uint16_t bf16_nearest(double x) {
    float value = (float)x;
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    uint32_t rest = bits & 0xFFFF, upper = bits >> 16;
    return (uint16_t)(upper + (rest > 0x8000 || (rest == 0x8000 && (upper & 1))));
}

static float *floats(size_t n) {
    float *x = calloc(n ? n : 1, sizeof *x);
    if (!x)
        give_up("out of memory");
    return x;
}

static void encode_blocks(const rsn_type_info *info, const double *x, size_t n,
                          uint8_t *out) {
    float *values = floats(n), scale = 1;
    double sum = 0;
    for (size_t i = 0; i < n && info->tail_bytes; i++)
        sum += fabs(x[i]) / (double)n;
    if (info->tail_bytes) {
        scale = (float)sum;
        memset(out + rsn_type_row_bytes(info, n), 0, info->tail_bytes);
        memcpy(out + rsn_type_row_bytes(info, n), &scale, sizeof scale);
    }
    for (size_t i = 0; i < n; i++)
        values[i] = (float)x[i] / scale;
    info->encode(values, NULL, out, n);
    free(values);
}

static void decode_blocks(const rsn_type_info *info, const uint8_t *bytes, size_t n,
                          double *x) {
    float *values = floats(n), scale = 1;
    if (info->tail_bytes)
        memcpy(&scale, bytes + rsn_type_row_bytes(info, n), sizeof scale);
    rsn_type_decode(info, bytes, values, n);
    for (size_t i = 0; i < n; i++)
        x[i] = (double)values[i] * (double)scale;
    free(values);
}

void gguf_encode(uint32_t type, const double *x, size_t n, uint8_t *out) {
    if (block_type(type)) {
        encode_blocks(block_type(type), x, n, out);
        return;
    }
    for (size_t i = 0; type == GGML_Q8_0 && i < n; i += Q8_0_BLOCK)
        encode_q8_0(x + i, out + i / Q8_0_BLOCK * Q8_0_BYTES);
    for (size_t i = 0; type != GGML_Q8_0 && i < n; i++) {
        float value = (float)x[i];
        uint32_t bits = 0;
        memcpy(&bits, &value, sizeof bits);
        if (type == GGML_F16)
            bits = gguf_half_nearest(x[i]);
        if (type == GGML_BF16)
            bits = bf16_nearest(x[i]);
        for (size_t j = 0; j < gguf_weight_bytes(type, 1); j++)
            *out++ = (uint8_t)(bits >> 8 * j);
    }
}

void gguf_decode(uint32_t type, const uint8_t *bytes, size_t n, double *x) {
    if (block_type(type)) {
        decode_blocks(block_type(type), bytes, n, x);
        return;
    }
    size_t width = type == GGML_F32 ? 4 : 2;
    for (size_t i = 0; i < n; i++) {
        const uint8_t *block = bytes + i / Q8_0_BLOCK * Q8_0_BYTES;
        const uint8_t *b = bytes + width * i;
        if (type == GGML_Q8_0) {
            double scale = gguf_half_value((uint16_t)(block[0] | block[1] << 8));
            x[i] = scale * (int8_t)block[2 + i % Q8_0_BLOCK];
        } else if (type == GGML_F16) {
            x[i] = gguf_half_value((uint16_t)(b[0] | b[1] << 8));
        } else {
            uint32_t bits = (uint32_t)b[0] | (uint32_t)b[1] << 8;
            bits = type == GGML_BF16 ? bits << 16
                                     : bits | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
            float value;
            memcpy(&value, &bits, sizeof value);
            x[i] = value;
        }
    }
}
