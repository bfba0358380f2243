/* Owns the work on one tensor: rows are decoded, encoded and compared by all workers
 * while the caller's thread hands finished chunks on. Which type, and where bytes go, is
 * quantize.c's. Invariant: bytes and errors are the same for any number of workers. */
#include <float.h>
#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include "base/checked.h"
#include "convert/quantize.h"
#include "quant/encode.h"

/* Weights of a chunk, and of what a worker takes at once. */
enum { CHUNK_ELEMS = 1 << 22, PART_ELEMS = 1 << 15, SCRATCH_ROWS = 2 };

/* Between these the squares of weights, and of errors that count, fit a float. */
#define SQUARE_LEAST 1e-12f
#define SQUARE_MOST 1e12f

/* The least scale of ternary weights. */
#define SCALE_LEAST 1e-5

typedef struct job {
    rsn_requant_room *room;
    const rsn_requant *t;
    size_t first, n_rows; /* of the chunk that is made */
    size_t part_rows;
    atomic_size_t next;
    uint8_t *out;
    /* What worker 0 does first: hand on the chunk before. */
    rsn_requant_write_fn write;
    void *user;
    const uint8_t *done;
    size_t done_rows;
    reason_status status;
} job;

static bool is_ternary(rsn_type type) {
    return type == RSN_TYPE_TQ1_0 || type == RSN_TYPE_TQ2_0 || type == RSN_TYPE_I2_S;
}

/* Whether bytes go through as they are. */
static bool is_copied(const rsn_requant *t) {
    return t->from->type == t->to && !t->low;
}

static size_t rows_of(const rsn_gguf_tensor *t) {
    return (size_t)(t->ne[1] * t->ne[2] * t->ne[3]);
}

/* --- memory ------------------------------------------------------------------------- */

static size_t chunk_rows(size_t row_elems) {
    return row_elems < CHUNK_ELEMS ? CHUNK_ELEMS / row_elems : 1;
}

reason_status rsn_requant_room_make(rsn_pool *pool, const rsn_kernels *kernels,
                                    const rsn_gguf_tensor *from,
                                    const rsn_gguf_tensor *to, size_t n,
                                    rsn_requant_room *room) {
    *room = (rsn_requant_room){.pool = pool, .kernels = kernels, .row_elems = 1};
    for (size_t i = 0; i < n; i++) {
        size_t elems = (size_t)from[i].ne[0], rows = chunk_rows(elems);
        rows = rows < rows_of(&from[i]) ? rows : rows_of(&from[i]);
        size_t bytes = rows * rsn_type_row_bytes(to[i].type, elems);
        room->row_elems = elems > room->row_elems ? elems : room->row_elems;
        room->n_rows = rows > room->n_rows ? rows : room->n_rows;
        room->chunk_bytes = bytes > room->chunk_bytes ? bytes : room->chunk_bytes;
    }
    room->scratch = rsn_alloc2(room->row_elems, SCRATCH_ROWS * sizeof(float) *
                                                    (size_t)rsn_pool_size(pool));
    room->rows = rsn_alloc2(room->n_rows, sizeof *room->rows);
    for (int i = 0; i < 2; i++)
        room->out[i] = rsn_alloc(room->chunk_bytes);
    if (room->scratch && room->rows && room->out[0] && room->out[1])
        return REASON_OK;
    rsn_requant_room_free(room);
    return REASON_ERR_NO_MEMORY;
}

void rsn_requant_room_free(rsn_requant_room *room) {
    rsn_free(room->scratch);
    rsn_free(room->rows);
    rsn_free(room->out[0]);
    rsn_free(room->out[1]);
    *room = (rsn_requant_room){0};
}

/* --- rows --------------------------------------------------------------------------- */

static void decode_row(const rsn_requant_room *room, const rsn_requant *t, size_t row,
                       float *x) {
    const rsn_type_info *type = t->from->type;
    size_t n = (size_t)t->from->ne[0];
    const uint8_t *bytes = t->bytes + row * rsn_type_row_bytes(type, n);
    if (type->type == RSN_TYPE_F16)
        room->kernels->f32_from_f16((const uint16_t *)(const void *)bytes, x, n);
    else
        rsn_type_decode(type, bytes, x, n);
    if (type->tail_bytes) {
        float scale;
        memcpy(&scale, t->bytes + t->from->n_bytes - type->tail_bytes, sizeof scale);
        for (size_t i = 0; i < n; i++)
            x[i] *= scale;
    }
    if (t->low)
        rsn_lowrank_add_row(room->kernels, t->low, row, x);
}

/* To -1, 0 and 1; ties away from zero. NaN becomes 0. */
static void make_ternary(const float *x, float scale, float *out, size_t n) {
    for (size_t i = 0; i < n; i++) {
        float q = x[i] / scale;
        out[i] = q >= 0.5f ? 1.0f : q <= -0.5f ? -1.0f : 0.0f;
    }
}

/* NULL: all columns alike. */
static const float *row_importance(const rsn_requant *t, size_t row) {
    size_t n = (size_t)t->from->ne[0];
    return t->importance
               ? t->importance + n * (row / (size_t)t->from->ne[1] % t->n_matrices)
               : NULL;
}

static void encode_row(const rsn_requant_room *room, const rsn_requant *t, size_t row,
                       const float *x, float *y, uint8_t *out) {
    size_t n = (size_t)t->from->ne[0];
    const rsn_type_info *to = t->to;
    if (is_copied(t)) {
        memcpy(out, t->bytes + row * rsn_type_row_bytes(to, n),
               rsn_type_row_bytes(to, n));
        return;
    }
    if (is_ternary(to->type)) {
        make_ternary(x, t->scale, y, n);
        for (size_t i = 0; i < n && !to->tail_bytes; i++)
            y[i] *= t->scale;
        x = y;
    }
    const float *importance = row_importance(t, row);
    if (room->kernels->encode[to->type])
        room->kernels->encode[to->type](x, importance, out, n);
    else
        to->encode(x, importance, out, n);
}

static void decode_again(const rsn_requant_room *room, const rsn_requant *t,
                         const uint8_t *bytes, float *y) {
    size_t n = (size_t)t->from->ne[0];
    if (t->to->type == RSN_TYPE_Q8_0)
        room->kernels->f32_from_q8_0(bytes, y, n);
    else if (t->to->type == RSN_TYPE_Q4_0)
        room->kernels->f32_from_q4_0(bytes, y, n);
    else if (t->to->type == RSN_TYPE_F16)
        room->kernels->f32_from_f16((const uint16_t *)(const void *)bytes, y, n);
    else
        rsn_type_decode(t->to, bytes, y, n);
    if (t->to->tail_bytes)
        room->kernels->scale(y, t->scale, n);
}

/* In double and one by one: any weights. */
static void compare_slowly(const float *x, const float *y, size_t n, rsn_errors *e) {
    for (size_t i = 0; i < n; i++) {
        if (!(fabsf(x[i]) <= FLT_MAX)) {
            e->n_bad++;
            continue;
        }
        double error = fabs((double)x[i] - (double)y[i]);
        e->squares += error * error;
        e->total += (double)x[i] * (double)x[i];
        e->largest = error > e->largest ? error : e->largest;
    }
}

/* Changes y. Squares in float where none can be lost or overflow. */
static void compare_row(const rsn_requant_room *room, const float *x, float *y,
                        const float *weights, size_t n, rsn_errors *e) {
    const rsn_kernels *k = room->kernels;
    *e = (rsn_errors){0};
    float top = rsn_float_from_bits(rsn_top_bits(x, n));
    for (size_t i = 0; weights && i < n; i++) {
        double error = (double)x[i] - (double)y[i];
        if (!(fabsf(x[i]) <= FLT_MAX)) continue;
        e->weighted += (double)weights[i] * error * error;
        e->weights += (double)weights[i];
    }
    if (!(top >= SQUARE_LEAST && top <= SQUARE_MOST)) {
        compare_slowly(x, y, n, e);
        return;
    }
    k->add_scaled(y, x, -1, n);
    e->squares = (double)k->dot(y, y, n);
    e->total = (double)k->dot(x, x, n);
    e->largest = (double)rsn_float_from_bits(rsn_top_bits(y, n));
}

static void do_row(job *j, size_t i, float *x, float *y) {
    const rsn_requant *t = j->t;
    size_t n = (size_t)t->from->ne[0];
    uint8_t *out = j->out + i * rsn_type_row_bytes(t->to, n);
    decode_row(j->room, t, j->first + i, x);
    encode_row(j->room, t, j->first + i, x, y, out);
    if (is_copied(t))
        memcpy(y, x, n * sizeof *y);
    else
        decode_again(j->room, t, out, y);
    compare_row(j->room, x, y, row_importance(t, j->first + i), n, &j->room->rows[i]);
}

static reason_status hand_on(job *j) {
    size_t n = (size_t)j->t->from->ne[0];
    return j->write(j->user, j->done, j->done_rows * rsn_type_row_bytes(j->t->to, n),
                    j->done_rows * rsn_type_row_bytes(j->t->from->type, n));
}

static void work(void *arg, int ith, int n) {
    (void)n;
    job *j = arg;
    float *x = j->room->scratch + (size_t)ith * SCRATCH_ROWS * j->room->row_elems;
    if (ith == 0 && j->done_rows > 0)
        j->status = hand_on(j);
    for (;;) {
        size_t from = atomic_fetch_add(&j->next, j->part_rows);
        if (from >= j->n_rows)
            return;
        for (size_t i = from; i < from + j->part_rows && i < j->n_rows; i++)
            do_row(j, i, x, x + j->room->row_elems);
    }
}

/* --- the whole tensor --------------------------------------------------------------- */

static void add_errors(const rsn_errors *rows, size_t n, rsn_errors *sum) {
    for (size_t i = 0; i < n; i++) {
        sum->squares += rows[i].squares;
        sum->weighted += rows[i].weighted;
        sum->weights += rows[i].weights;
        sum->total += rows[i].total;
        sum->largest = rows[i].largest > sum->largest ? rows[i].largest : sum->largest;
        sum->n_bad += rows[i].n_bad;
    }
}

/* The bytes behind the rows. */
static reason_status write_tail(const rsn_requant *t, rsn_requant_write_fn write,
                                void *user) {
    uint8_t tail[64] = {0};
    if (t->to->tail_bytes == 0)
        return REASON_OK;
    if (is_copied(t))
        memcpy(tail, t->bytes + t->from->n_bytes - t->to->tail_bytes, t->to->tail_bytes);
    else
        memcpy(tail, &t->scale, sizeof t->scale);
    return write(user, tail, t->to->tail_bytes, 0);
}

reason_status rsn_requant_run(rsn_requant_room *room, const rsn_requant *t,
                              rsn_requant_write_fn write, void *user,
                              rsn_errors *errors) {
    size_t n = (size_t)t->from->ne[0], rows = rows_of(t->from), step = chunk_rows(n);
    job j = {.room = room, .t = t, .write = write, .user = user, .status = REASON_OK};
    j.part_rows = n < PART_ELEMS ? PART_ELEMS / n : 1;
    *errors = (rsn_errors){0};
    for (size_t k = 0; j.first < rows && j.status == REASON_OK; k++) {
        j.n_rows = rows - j.first < step ? rows - j.first : step;
        j.out = room->out[k % 2];
        atomic_store(&j.next, 0);
        rsn_pool_run(room->pool, work, &j);
        add_errors(room->rows, j.n_rows, errors);
        j.done = j.out;
        j.done_rows = j.n_rows;
        j.first += j.n_rows;
    }
    if (j.status == REASON_OK)
        j.status = hand_on(&j);
    return j.status == REASON_OK ? write_tail(t, write, user) : j.status;
}

/* --- ternary scales ----------------------------------------------------------------- */

/* Of one chunk, in its rows' errors: the sum of magnitudes in `total`, the largest in
 * `largest`, and the least that is not 0 in `squares`. */
static void look_at_rows(void *arg, int ith, int n) {
    job *j = arg;
    size_t elems = (size_t)j->t->from->ne[0], begin, end;
    float *x = j->room->scratch + (size_t)ith * SCRATCH_ROWS * j->room->row_elems;
    rsn_pool_share(j->n_rows, 1, ith, n, &begin, &end);
    for (size_t i = begin; i < end; i++) {
        rsn_errors *e = &j->room->rows[i];
        *e = (rsn_errors){.squares = INFINITY};
        decode_row(j->room, j->t, j->first + i, x);
        for (size_t k = 0; k < elems; k++) {
            double size = fabs((double)x[k]);
            if (!(size <= FLT_MAX)) {
                e->n_bad++;
                continue;
            }
            e->total += size;
            e->largest = size > e->largest ? size : e->largest;
            e->squares = size > 0 && size < e->squares ? size : e->squares;
        }
    }
}

void rsn_requant_look(rsn_requant_room *room, rsn_requant *t) {
    size_t n = (size_t)t->from->ne[0], rows = rows_of(t->from), step = chunk_rows(n);
    double least = INFINITY, largest = 0, sum = 0;
    job j = {.room = room, .t = t};
    t->scale = 0;
    t->exact = true;
    if (!is_ternary(t->to->type) || is_copied(t))
        return;
    uint64_t n_bad = 0;
    for (; j.first < rows; j.first += j.n_rows) {
        j.n_rows = rows - j.first < step ? rows - j.first : step;
        rsn_pool_run(room->pool, look_at_rows, &j);
        for (size_t i = 0; i < j.n_rows; i++) {
            const rsn_errors *e = &room->rows[i];
            sum += e->total;
            largest = e->largest > largest ? e->largest : largest;
            least = e->squares < least ? e->squares : least;
            n_bad += e->n_bad;
        }
    }
    double mean = sum / ((double)n * (double)rows);
    /* Weights that have three values already keep their scale: the mean of magnitudes
     * would count the zeros in. */
    t->exact = least >= largest && n_bad == 0;
    t->scale = (float)(t->exact && largest > 0 ? largest
                       : mean > SCALE_LEAST    ? mean
                                               : SCALE_LEAST);
}
