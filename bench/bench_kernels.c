/* Times every kernel at every level this CPU has, on one thread. Rounds go through all
 * levels in turn, so that a change of clock or a neighbour's load meets all of them, and
 * medians are shown.
 *
 *     bench_kernels [MEGABYTES_OF_WEIGHTS [ROUNDS [TYPE [K]]]]
 *
 * TYPE leaves out all other types and the operations on rows; K is the length of a row
 * (2560). Plain C gets a 16th of the weights, as it would take minutes for all.
 * Seconds are the thread's own, so that waiting for a core does not count. "read" is a
 * plain sum over the weights: what memory gives one thread. A multiply-add counts two
 * operations; the share is of the level's peak of 8-bit or float32 operations, measured in
 * the same rounds. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/cpu.h"
#include "kernels/peak.h"
#include "kernels/table.h"

enum { PATTERN_ROWS = 61, MAX_TOKENS = 64, MAX_ROUNDS = 101, N_LEVELS = 4 };
enum { PEAK_ROUNDS = 4000, MIN_K = 256, MAX_K = 32768, GENERIC_SHARE = 16 };
enum { ROW = 8192, REPEATS = 200 };

/* Decode, decode of several sequences together, prefill. */
static const size_t TOKENS[] = {1, 4, 8, 16, MAX_TOKENS};

typedef struct level {
    const rsn_kernels *kernels;
    double seconds[MAX_ROUNDS], peak[MAX_ROUNDS]; /* peak: operations a second */
} level;

typedef struct bench {
    level levels[N_LEVELS];
    size_t n_levels, n_rounds, n_bytes, k;
    const char *type; /* NULL: all */
    uint8_t *weights;
    float *x, *out;
    void *act;
    double sink; /* keeps results alive */
} bench;

static double clock_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, size_t n) {
    qsort(values, n, sizeof *values, by_value);
    return values[n / 2];
}

static float next_float(uint32_t *state) {
    *state = *state * 1664525u + 1013904223u;
    return (float)(*state >> 8) * 0x1p-23f - 1.0f;
}

/* Random weights. No byte of a block has bit 6, so no half-precision scale is infinite or
 * NaN wherever it lies, in packed rows too. */
static void fill_row(bench *b, const rsn_type_info *info, uint32_t *state, uint8_t *row) {
    if (info->act == RSN_ACT_F32) {
        for (size_t i = 0; i < b->k; i++) b->out[i] = next_float(state) * 0.05f;
        info->encode(b->out, NULL, row, b->k);
        return;
    }
    for (size_t i = 0; i < rsn_type_row_bytes(info, b->k); i++) {
        *state = *state * 1664525u + 1013904223u;
        row[i] = (uint8_t)(*state >> 24 & 0xBF);
    }
}

/* 61 rows, again and again; returns how many rows there are. */
static size_t fill_weights(bench *b, const rsn_type_info *info) {
    size_t row_bytes = rsn_type_row_bytes(info, b->k), n_rows = b->n_bytes / row_bytes;
    uint32_t state = 1;
    for (size_t r = 0; r < n_rows && r < PATTERN_ROWS; r++)
        fill_row(b, info, &state, b->weights + r * row_bytes);
    for (size_t r = PATTERN_ROWS; r < n_rows; r++) {
        memcpy(b->weights + r * row_bytes, b->weights + (r - PATTERN_ROWS) * row_bytes,
               row_bytes);
    }
    return n_rows;
}

static void quantize_rows(bench *b, rsn_act kind) {
    const rsn_kernels *k = b->levels[0].kernels;
    for (size_t t = 0; t < MAX_TOKENS && kind != RSN_ACT_F32; t++) {
        uint8_t *row = (uint8_t *)b->act + t * rsn_act_row_bytes(kind, b->k);
        const float *x = b->x + t * b->k;
        if (kind == RSN_ACT_Q8_32) k->quantize_q8(x, b->k, row);
        if (kind == RSN_ACT_Q8_256) k->quantize_q8_256(x, b->k, row);
        if (kind == RSN_ACT_Q8_ROW) k->quantize_q8_row(x, b->k, row);
    }
}

static void time_read(bench *b) {
    double seconds[MAX_ROUNDS];
    for (size_t round = 0; round < b->n_rounds; round++) {
        double start = clock_now();
        uint64_t sums[8] = {0};
        const uint64_t *words = (const void *)b->weights;
        for (size_t i = 0; i + 8 <= b->n_bytes / 8; i += 8) {
            for (size_t j = 0; j < 8; j++) sums[j] += words[i + j];
        }
        seconds[round] = clock_now() - start;
        for (size_t j = 0; j < 8; j++) b->sink += (double)sums[j];
    }
    double s = median(seconds, b->n_rounds);
    printf("%-22s %-8s %9.2f GB/s\n", "read", "-", 1e-9 * (double)b->n_bytes / s);
}

static void print_product(const bench *b, const rsn_type_info *info, size_t n_tokens,
                          level *l, size_t n_rows) {
    char name[32];
    double seconds = median(l->seconds, b->n_rounds);
    double peak = median(l->peak, b->n_rounds);
    double weights = (double)n_rows * (double)b->k;
    double bytes = (double)(n_rows * rsn_type_row_bytes(info, b->k));
    snprintf(name, sizeof name, "product %s x %zu", info->name, n_tokens);
    double speed = 2 * weights * (double)n_tokens / seconds;
    printf("%-28s %-8s %9.2f GB/s %10.1f GOP/s %5.1f%%\n", name,
           rsn_cpu_name(l->kernels->level), 1e-9 * bytes / seconds, 1e-9 * speed,
           100 * speed / peak);
}

static double measure_peak(const level *l, rsn_act kind) {
    const rsn_peak *peak = rsn_peak_for(l->kernels->level);
    double start = clock_now();
    uint64_t done = kind == RSN_ACT_F32 ? peak->float32(PEAK_ROUNDS)
                                        : peak->int8(PEAK_ROUNDS);
    return (double)done / (clock_now() - start);
}

static void time_product(bench *b, const rsn_type_info *info, size_t n_rows,
                         size_t n_tokens) {
    size_t row_bytes = rsn_type_row_bytes(info, b->k);
    size_t x_stride = rsn_act_row_bytes(info->act, b->k), rows[N_LEVELS];
    const void *x = info->act == RSN_ACT_F32 ? (const void *)b->x : b->act;
    if (n_tokens > 8 && n_rows > 4096) n_rows = 4096;
    for (size_t l = 0; l < b->n_levels; l++) {
        bool plain = b->levels[l].kernels->level == REASON_CPU_GENERIC;
        rows[l] = plain && n_rows > GENERIC_SHARE ? n_rows / GENERIC_SHARE : n_rows;
        rows[l] -= rows[l] % b->levels[l].kernels->group_rows;
    }
    for (size_t round = 0; round < b->n_rounds; round++) {
        for (size_t l = 0; l < b->n_levels; l++) {
            double start = clock_now();
            b->levels[l].kernels->product[info->type](b->k, b->weights, row_bytes,
                                                      rows[l], x, x_stride, n_tokens,
                                                      b->out, rows[l]);
            b->levels[l].seconds[round] = clock_now() - start;
            b->levels[l].peak[round] = measure_peak(&b->levels[l], info->act);
            b->sink += (double)b->out[0];
        }
    }
    for (size_t l = 0; l < b->n_levels; l++) {
        print_product(b, info, n_tokens, &b->levels[l], rows[l]);
    }
}

typedef enum row_op {
    OP_QUANTIZE,
    OP_QUANTIZE_256,
    OP_QUANTIZE_ROW,
    OP_QUANTIZE_Q4_ROW,
    OP_F16_FROM_F32,
    OP_F32_FROM_F16,
    OP_RMS_NORM,
    OP_HADAMARD,
    OP_ROPE,
    OP_ROPE_ADJACENT,
    OP_SILU_MUL,
    OP_ADD_SCALED,
    OP_MAX,
    OP_EXP_SUM,
    N_ROW_OPS
} row_op;

static const char *const OP_NAMES[N_ROW_OPS] = {
    "quantize_q8",  "quantize_q8_256", "quantize_q8_row", "quantize_q4_row",
    "f16_from_f32", "f32_from_f16",    "rms_norm",        "hadamard",
    "rope",         "rope adjacent",   "silu_mul",        "add_scaled",
    "max",          "exp_sum"};

static void run_row_op(bench *b, const rsn_kernels *k, row_op op) {
    const uint16_t *halves = (const void *)b->weights;
    const float *y = b->x + ROW;
    switch (op) {
    case OP_QUANTIZE: k->quantize_q8(b->x, ROW, b->act); break;
    case OP_QUANTIZE_256: k->quantize_q8_256(b->x, ROW, b->act); break;
    case OP_QUANTIZE_ROW: k->quantize_q8_row(b->x, ROW, b->act); break;
    case OP_QUANTIZE_Q4_ROW: k->quantize_q4_row(b->x, ROW, b->act); break;
    case OP_F16_FROM_F32: k->f16_from_f32(b->x, b->act, ROW); break;
    case OP_F32_FROM_F16: k->f32_from_f16(halves, b->out, ROW); break;
    case OP_RMS_NORM: k->rms_norm(b->x, y, b->out, ROW, 1e-5f); break;
    case OP_HADAMARD: k->hadamard(b->out, ROW); break;
    case OP_ROPE: k->rope(b->out, ROW, b->x, y, false); break;
    case OP_ROPE_ADJACENT: k->rope(b->out, ROW, b->x, y, true); break;
    case OP_SILU_MUL: k->silu_mul(b->x, y, b->out, ROW); break;
    case OP_ADD_SCALED: k->add_scaled(b->out, y, 0.001f, ROW); break;
    case OP_MAX: b->sink += (double)k->max(b->x, ROW); break;
    default: b->sink += (double)k->exp_sum(b->out, 1.0f, ROW);
    }
}

static void time_row_op(bench *b, row_op op) {
    for (size_t round = 0; round < b->n_rounds; round++) {
        for (size_t l = 0; l < b->n_levels; l++) {
            memcpy(b->out, b->x, ROW * sizeof *b->out);
            double start = clock_now();
            for (int i = 0; i < REPEATS; i++) run_row_op(b, b->levels[l].kernels, op);
            b->levels[l].seconds[round] = (clock_now() - start) / REPEATS;
            b->sink += (double)b->out[0];
        }
    }
    for (size_t l = 0; l < b->n_levels; l++) {
        double s = median(b->levels[l].seconds, b->n_rounds);
        printf("%-22s %-8s %9.3f us %11.2f G elements/s\n", OP_NAMES[op],
               rsn_cpu_name(b->levels[l].kernels->level), 1e6 * s, 1e-9 * ROW / s);
    }
}

static void run(bench *b) {
    uint32_t state = 7;
    for (size_t i = 0; i < MAX_TOKENS * b->k; i++) b->x[i] = next_float(&state);
    time_read(b);
    for (int type = 0; type < RSN_N_TYPES; type++) {
        const rsn_type_info *info = rsn_type_info_get((rsn_type)type);
        if ((b->type && strcmp(b->type, info->name) != 0) || b->k % info->block_elems)
            continue;
        size_t n_rows = fill_weights(b, info);
        quantize_rows(b, info->act);
        for (size_t i = 0; i < sizeof TOKENS / sizeof *TOKENS; i++)
            time_product(b, info, n_rows, TOKENS[i]);
    }
    if (b->type) return;
    fill_weights(b, rsn_type_info_get(RSN_TYPE_F16));
    for (int op = 0; op < N_ROW_OPS; op++) time_row_op(b, (row_op)op);
}

/* 8 tokens take all rows, and those of TQ1_0 are the shortest: 54 bytes for 256
 * weights. */
static bool allocate(bench *b) {
    size_t out_floats = b->n_bytes / b->k * 5 * 8 + MAX_TOKENS * 4096 + 4 * ROW;
    b->weights = rsn_alloc_aligned(b->n_bytes);
    b->x = malloc((MAX_TOKENS * b->k + 2 * ROW) * sizeof(float));
    b->act = malloc(MAX_TOKENS * rsn_act_row_bytes(RSN_ACT_Q8_32, b->k) +
                    ROW * sizeof(float));
    b->out = malloc((out_floats + b->k) * sizeof(float));
    return b->weights && b->x && b->act && b->out;
}

static bool read_arguments(bench *b, int argc, char **argv) {
    long megabytes = argc > 1 ? strtol(argv[1], NULL, 10) : 256;
    long n_rounds = argc > 2 ? strtol(argv[2], NULL, 10) : 9;
    long k = argc > 4 ? strtol(argv[4], NULL, 10) : 2560;
    b->type = argc > 3 ? argv[3] : NULL;
    b->n_bytes = (size_t)megabytes << 20;
    b->n_rounds = (size_t)n_rounds;
    b->k = (size_t)k;
    return megabytes >= 1 && megabytes <= 4096 && n_rounds >= 1 &&
           n_rounds <= MAX_ROUNDS && k >= MIN_K && k <= MAX_K;
}

int main(int argc, char **argv) {
    static bench b;
    if (!read_arguments(&b, argc, argv)) {
        fprintf(stderr, "usage: bench_kernels [MEGABYTES, 1 to 4096 [ROUNDS, 1 to 101 "
                        "[TYPE [K, 256 to 32768]]]]\n");
        return 2;
    }
    for (int l = REASON_CPU_GENERIC; l <= REASON_CPU_NEON; l++) {
        const rsn_kernels *kernels = rsn_kernels_for(rsn_cpu_pick((reason_cpu)l));
        if ((int)kernels->level == l) b.levels[b.n_levels++].kernels = kernels;
    }
    bool ready = allocate(&b);
    if (ready)
        run(&b);
    else
        fprintf(stderr, "bench_kernels: no memory\n");
    if (b.sink == 0.5) printf("\n");
    rsn_free_aligned(b.weights);
    free(b.x);
    free(b.act);
    free(b.out);
    return ready ? 0 : 1;
}
