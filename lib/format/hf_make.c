/* Owns the bytes of made tensors. Invariant: what is read was checked when the plan was
 * made; what is written fills the tensor. */
#include "format/hf_make.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "quant/codecs.h"
#include "quant/half.h"

const rsn_type_info *rsn_make_ternary_type(size_t cols) {
    const rsn_type_info *i2_s = rsn_type_info_get(RSN_TYPE_I2_S);
    return cols % i2_s->block_elems == 0 ? i2_s : rsn_type_info_get(RSN_TYPE_F32);
}

typedef struct maker {
    const struct rsn_make *make;
    const rsn_gguf_tensor *t;
    const uint8_t *from;
    uint8_t *out;
    float *row;     /* [cols] */
    uint8_t *codes; /* [cols] */
    const rsn_cancel *cancel;
} maker;

static size_t source_row(const struct rsn_make *m, size_t i) {
    return rsn_make_source_row(m->rows, m->n_heads, i);
}

static void move_rows(const maker *m) {
    size_t n = (size_t)(m->t->n_bytes / m->make->rows);
    for (size_t i = 0; i < m->make->rows; i++)
        memcpy(m->out + i * n, m->from + source_row(m->make, i) * n, n);
}

static void make_vector(const maker *m) {
    const rsn_type_info *type =
        rsn_type_info_get((rsn_type)m->make->from.dtype->weight);
    for (size_t i = 0; i < m->make->rows; i++) {
        float x;
        rsn_type_decode(type, m->from + source_row(m->make, i) * type->block_bytes, &x, 1);
        if (m->make->add != 0) /* else a negative 0 stays one */
            x += m->make->add;
        memcpy(m->out + i * sizeof x, &x, sizeof x);
    }
}

/* Sign, 4 bits of exponent with a bias of 7, 3 of mantissa; no infinity, one NaN. */
static uint16_t half_of_f8(uint8_t b) {
    unsigned sign = (unsigned)(b & 0x80) << 8, rest = b & 0x7Fu;
    if (rest == 0x7F)
        return (uint16_t)(sign | 0x7E00u);
    float x = (rest >> 3) ? ldexpf((float)(8 | (rest & 7)), (int)(rest >> 3) - 10)
                          : ldexpf((float)rest, -9);
    return (uint16_t)(sign | rsn_f16_from_f32(x));
}

static void widen(const maker *m) {
    size_t cols = m->make->cols;
    for (size_t i = 0; i < m->make->rows; i++) {
        const uint8_t *from = m->from + source_row(m->make, i) * cols;
        for (size_t k = 0; k < cols; k++) {
            uint16_t half = half_of_f8(from[k]);
            memcpy(m->out + 2 * (i * cols + k), &half, sizeof half);
        }
    }
}

static void give_values(const maker *m) {
    memcpy(m->out, m->make->values, m->make->rows * sizeof(float));
}

/* --- ternary ------------------------------------------------------------------------ */

/* Row i of the tensor, from codes 0, 1, 2 for -1, 0, 1. */
static void put_ternary_row(const maker *m, size_t i, float scale) {
    size_t cols = m->make->cols, n = rsn_type_row_bytes(m->t->type, cols);
    uint8_t *out = m->out + i * n;
    if (m->t->type->tail_bytes > 0) {
        rsn_i2_s_put_codes(m->codes, cols, out);
        return;
    }
    for (size_t k = 0; k < cols; k++) {
        float x = scale * (float)((int)m->codes[k] - 1);
        memcpy(out + k * sizeof x, &x, sizeof x);
    }
}

/* The one scale behind the rows of a type that has it there. */
static void put_tail(const maker *m, float scale) {
    size_t n = m->t->type->tail_bytes;
    if (n == 0)
        return;
    uint8_t *tail = m->out + (m->t->n_bytes - n);
    memset(tail, 0, n);
    memcpy(tail, &scale, sizeof scale);
}

/* Row i + j * rows / 4 of the source is in bits 2j of row i of the packed ones. */
static void unpack(const maker *m, float scale) {
    size_t quarter = m->make->rows / 4, cols = m->make->cols;
    for (size_t i = 0; i < m->make->rows && !rsn_cancelled(m->cancel); i++) {
        size_t from = source_row(m->make, i);
        const uint8_t *packed = m->from + from % quarter * cols;
        unsigned shift = 2 * (unsigned)(from / quarter);
        for (size_t k = 0; k < cols; k++) {
            uint8_t code = packed[k] >> shift & 3;
            m->codes[k] = code < 2 ? code : 2; /* there is no fourth value */
        }
        put_ternary_row(m, i, scale);
    }
    put_tail(m, scale);
}

static void decode_row(const maker *m, size_t i) {
    const rsn_type_info *type =
        rsn_type_info_get((rsn_type)m->make->from.dtype->weight);
    size_t n = rsn_type_row_bytes(type, m->make->cols);
    rsn_type_decode(type, m->from + i * n, m->row, m->make->cols);
}

/* As the layers of such models do it in each call: weights times the inverse of their mean
 * magnitude, at least 1e-5, to the nearest of three, ties to even. */
static void round_to_three(const maker *m) {
    double sum = 0;
    size_t rows = m->make->rows, cols = m->make->cols;
    for (size_t i = 0; i < rows && !rsn_cancelled(m->cancel); i++) {
        decode_row(m, i);
        for (size_t k = 0; k < cols; k++)
            sum += fabs((double)m->row[k]);
    }
    float mean = (float)(sum / ((double)rows * (double)cols));
    float inverse = 1.0f / (mean > 1e-5f ? mean : 1e-5f), scale = 1.0f / inverse;
    for (size_t i = 0; i < rows && !rsn_cancelled(m->cancel); i++) {
        decode_row(m, source_row(m->make, i));
        for (size_t k = 0; k < cols; k++) {
            float x = m->row[k] * inverse;
            m->codes[k] = x > 0.5f ? 2 : x < -0.5f ? 0 : 1; /* a tie at a half is 0 */
        }
        put_ternary_row(m, i, scale);
    }
    put_tail(m, scale);
}

static reason_status read_scale(const struct rsn_make *make, const rsn_file *files,
                                const rsn_gguf_tensor *t, float *scale) {
    uint8_t bytes[4];
    const rsn_make_from *from = &make->scale;
    reason_status status = rsn_file_read(&files[from->part], from->offset, bytes,
                                         (size_t)from->n_bytes);
    if (status != REASON_OK)
        return status;
    rsn_type_decode(rsn_type_info_get((rsn_type)from->dtype->weight), bytes, scale, 1);
    float used = make->divide ? 1 / *scale : *scale;
    if (!(used >= -FLT_MAX && used <= FLT_MAX))
        return rsn_fail(REASON_ERR_FORMAT, "the scale of tensor %s is %g at offset %llu",
                        t->name.data, (double)*scale, (unsigned long long)from->offset);
    *scale = used;
    return REASON_OK;
}

/* --- all ---------------------------------------------------------------------------- */

static void run(const maker *m, float scale) {
    switch (m->make->op) {
    case RSN_MAKE_ROWS: move_rows(m); break;
    case RSN_MAKE_VECTOR: make_vector(m); break;
    case RSN_MAKE_WIDEN: widen(m); break;
    case RSN_MAKE_UNPACK: unpack(m, scale); break;
    case RSN_MAKE_TERNARY: round_to_three(m); break;
    case RSN_MAKE_VALUES: give_values(m); break;
    }
}

reason_status rsn_make_run(const struct rsn_make *make, const rsn_file *files, bool map,
                           const rsn_cancel *cancel, const rsn_gguf_tensor *t,
                           uint8_t *out) {
    rsn_blob blob = {0};
    float scale = 1;
    maker m = {.make = make, .t = t, .out = out, .cancel = cancel};
    reason_status status = REASON_OK;
    m.row = rsn_alloc2(make->cols, sizeof *m.row + sizeof *m.codes);
    if (!m.row)
        return REASON_ERR_NO_MEMORY;
    m.codes = (uint8_t *)(m.row + make->cols);
    if (make->from.dtype)
        status = rsn_blob_load(&files[make->from.part], make->from.offset,
                               (size_t)make->from.n_bytes, map, cancel, &blob);
    if (status == REASON_OK && make->op == RSN_MAKE_UNPACK)
        status = read_scale(make, files, t, &scale);
    m.from = blob.data;
    if (status == REASON_OK)
        run(&m, scale);
    rsn_blob_free(&blob);
    rsn_free(m.row);
    if (status == REASON_OK && rsn_cancelled(cancel))
        status = rsn_fail(REASON_ERR_CANCELLED, "loading was cancelled");
    return status;
}
