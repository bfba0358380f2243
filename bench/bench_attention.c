/* Times attention of one layer at every level this CPU has, on one thread: the shapes of
 * BitNet 2B4T and of Qwen2 1.5B, one token at 512 and at 4,096 positions and a prompt of
 * 512 tokens, for each type of keys and values. Rounds go through all levels in turn, and
 * medians are shown.
 *
 *     bench_attention [ROUNDS]
 *
 * A multiply-add counts two operations, so a query and a position it sees are 4 *
 * head_dim. Caches are those of many layers, read one after another, so that long ones
 * come from memory as they do in a model. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/cpu.h"
#include "kernels/attention.h"

enum { BLOCK = RSN_ATTENTION_BLOCK, DIM = 128, N_LEVELS = 4, MAX_ROUNDS = 101 };
enum { CACHE_BYTES = 128 << 20, WORK = 1 << 26 };

typedef struct shape {
    const char *name;
    size_t n_heads, n_heads_kv;
} shape;

typedef struct bench {
    const rsn_kernels *levels[N_LEVELS];
    size_t n_levels, n_rounds;
    unsigned char *cache; /* [CACHE_BYTES] */
    size_t at;            /* where the next layer's begins */
    float *q, *out, *wide;
} bench;

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void fill_floats(float *x, size_t n) {
    uint32_t state = 5;
    for (size_t i = 0; i < n; i++) {
        state = state * 1664525u + 1013904223u;
        x[i] = (float)(state >> 8) * 0x1p-23f - 1.0f;
    }
}

/* The same values in the type, again and again. */
static void fill_cache(bench *b, rsn_type type) {
    const rsn_type_info *info = rsn_type_info_get(type);
    size_t n = (size_t)512 * DIM, bytes = rsn_type_row_bytes(info, n);
    info->encode(b->q, NULL, b->cache, n);
    for (size_t at = bytes; at < CACHE_BYTES; at += bytes)
        memcpy(b->cache + at, b->cache,
               CACHE_BYTES - at < bytes ? CACHE_BYTES - at : bytes);
}

/* Attention of one layer: n tokens, of which the first is at `position`. */
static void attend(bench *b, const rsn_kernels *k, const shape *s, rsn_type type,
                   size_t position, size_t n) {
    size_t block_bytes = BLOCK * rsn_type_row_bytes(rsn_type_info_get(type), DIM);
    size_t n_blocks = (position + n + BLOCK - 1) / BLOCK;
    size_t group = s->n_heads / s->n_heads_kv, most = RSN_ATTENTION_QUERIES / group;
    if (b->at + s->n_heads_kv * 2 * n_blocks * block_bytes > CACHE_BYTES) b->at = 0;
    for (size_t h = 0; h < s->n_heads_kv; h++) {
        const unsigned char *keys = b->cache + b->at;
        const unsigned char *values = keys + n_blocks * block_bytes;
        b->at += 2 * n_blocks * block_bytes;
        for (size_t t = 0; t < n; t += most) {
            size_t from = t * s->n_heads * DIM + h * group * DIM;
            const rsn_attention a = {.head_dim = DIM,
                                     .scale = 0.088f,
                                     .type = type,
                                     .position = position + t,
                                     .n_tokens = n - t < most ? n - t : most,
                                     .n_heads = group,
                                     .q = b->q + from,
                                     .out = b->out + from,
                                     .stride = s->n_heads * DIM};
            rsn_attention_query queries[RSN_ATTENTION_QUERIES];
            rsn_attention_begin(&a, queries);
            for (size_t i = 0; i < rsn_attention_end_block(&a); i++) {
                const rsn_attention_rows rows[2] = {
                    {keys + i * block_bytes, values + i * block_bytes},
                    {keys + (i + 1) * block_bytes, values + (i + 1) * block_bytes}};
                rsn_attention_block(k, &a, i, rows[0], rows[1], queries, b->wide);
            }
            rsn_attention_end(k, &a, queries);
        }
    }
}

static void run(bench *b, const shape *s, rsn_type type, size_t position, size_t n) {
    double seconds[N_LEVELS][MAX_ROUNDS];
    double seen = (double)n * ((double)position + ((double)n + 1) / 2);
    double work = 4.0 * DIM * (double)s->n_heads * seen;
    double bytes = 2.0 * (double)s->n_heads_kv * (double)(position + n) *
                   (double)rsn_type_row_bytes(rsn_type_info_get(type), DIM);
    for (size_t r = 0; r < b->n_rounds; r++)
        for (size_t l = 0; l < b->n_levels; l++) {
            bool plain = b->levels[l]->level == REASON_CPU_GENERIC;
            size_t repeats = (size_t)((plain ? WORK / 8 : WORK) / work) + 1;
            double start = rsn_clock();
            for (size_t i = 0; i < repeats; i++)
                attend(b, b->levels[l], s, type, position, n);
            seconds[l][r] = (rsn_clock() - start) / (double)repeats;
        }
    for (size_t l = 0; l < b->n_levels; l++) {
        qsort(seconds[l], b->n_rounds, sizeof **seconds, by_value);
        double t = seconds[l][b->n_rounds / 2];
        printf("%-12s %-5s %-8s at %5zu x %3zu %10.1f us %8.2f GFLOP/s %7.2f GB/s\n",
               s->name, rsn_type_info_get(type)->name, rsn_cpu_name(b->levels[l]->level),
               position, n, 1e6 * t, 1e-9 * work / t, 1e-9 * bytes / t);
    }
}

static void run_all(bench *b) {
    static const shape shapes[] = {{"20/5 heads", 20, 5}, {"12/2 heads", 12, 2}};
    static const rsn_type types[] = {RSN_TYPE_F16, RSN_TYPE_Q8_0, RSN_TYPE_Q4_0,
                                     RSN_TYPE_F32};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        fill_cache(b, types[i]);
        for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
            run(b, &shapes[s], types[i], 511, 1);
            run(b, &shapes[s], types[i], 4095, 1);
            run(b, &shapes[s], types[i], 0, 512);
        }
    }
}

int main(int argc, char **argv) {
    static bench b;
    long n_rounds = argc > 1 ? strtol(argv[1], NULL, 10) : 9;
    if (n_rounds < 1 || n_rounds > MAX_ROUNDS) {
        fprintf(stderr, "usage: bench_attention [ROUNDS, 1 to 101]\n");
        return 2;
    }
    b.n_rounds = (size_t)n_rounds;
    for (int l = REASON_CPU_GENERIC; l <= REASON_CPU_NEON; l++) {
        const rsn_kernels *kernels = rsn_kernels_for(rsn_cpu_pick((reason_cpu)l));
        if ((int)kernels->level == l) b.levels[b.n_levels++] = kernels;
    }
    size_t n_q = (size_t)512 * 20 * DIM;
    b.cache = malloc(CACHE_BYTES);
    b.q = malloc(n_q * sizeof(float));
    b.out = malloc(n_q * sizeof(float));
    b.wide = malloc(rsn_attention_wide_floats(DIM) * sizeof(float));
    bool ready = b.cache && b.q && b.out && b.wide;
    if (ready) {
        fill_floats(b.q, n_q);
        run_all(&b);
    } else {
        fprintf(stderr, "bench_attention: no memory\n");
    }
    free(b.cache);
    free(b.q);
    free(b.out);
    free(b.wide);
    return ready ? 0 : 1;
}
