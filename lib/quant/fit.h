/* Least-squares fits of floats by blocks of integers (block.h): scales are chosen so that
 * the weighted sum of squared errors is small. Sixteen groups are fitted side by side, one
 * a lane, each lane on its own and in order of its weights: so a compiler may use vectors
 * of any width and the results are the same bits. Included where fits are compiled, once
 * for each instruction set. */
#ifndef REASON_QUANT_FIT_H
#define REASON_QUANT_FIT_H

#include <math.h>

#if defined(__AVX2__)
#include <immintrin.h>
#endif

#include "quant/block.h"
#include "quant/encode.h"

enum { FIT_LANES = 16, FIT_MOST = 32, FIT_TRIALS = 10, FIT_ROUNDS = 2 };

/* What a type can hold. */
typedef struct rsn_fit_shape {
    int elems, group_elems;    /* weights of a block, of a group */
    int q_low, q_high;         /* range of the integers */
    bool iq4;                  /* they are the 16 values of IQ4, not all in range */
    int scale_low, scale_high; /* range of group scales, of minimums [0, scale_high]; 1 and
                                  1: the block has floats alone */
    bool free_min;             /* minimums of either sign */
} rsn_fit_shape;

typedef float fit_lane[FIT_LANES];

/* Sixteen groups: lane l of row j is weight j of group l. */
typedef struct fit_unit {
    fit_lane x[FIT_MOST];  /* weights, scaled by a power of 2 so that the block's largest
                              is in [1, 2) */
    fit_lane wx[FIT_MOST]; /* times what they count */
    fit_lane w[FIT_MOST];  /* what they count */
    fit_lane up;           /* the power of 2 that was divided by */
    fit_lane sw, swx;      /* sums over the group */
} fit_unit;

/* Sums of a pass over a unit with integers q: of w q, w q x, w q q. */
typedef struct fit_sums {
    fit_lane q, xq, qq;
} fit_sums;

/* A choice for every group, and what it explains of the sum of squares (to be large). */
typedef struct fit_choice {
    fit_lane scale, min; /* x ~ scale * q - min */
    fit_lane gain;
} fit_choice;

/* --- vectors of lanes --------------------------------------------------------------- */

/* As wide as the instruction set has them; the arithmetic of a lane is the same in all. */
#if defined(__AVX512F__)
enum { FIT_WIDTH = 16 };
typedef float fit_vec __attribute__((vector_size(64)));
typedef int32_t fit_mask __attribute__((vector_size(64)));
#define fit_max(a, b) _mm512_max_ps(a, b)
#define fit_min(a, b) _mm512_min_ps(a, b)
#elif defined(__AVX2__)
enum { FIT_WIDTH = 8 };
typedef float fit_vec __attribute__((vector_size(32)));
typedef int32_t fit_mask __attribute__((vector_size(32)));
#define fit_max(a, b) _mm256_max_ps(a, b)
#define fit_min(a, b) _mm256_min_ps(a, b)
#else
enum { FIT_WIDTH = 4 };
typedef float fit_vec __attribute__((vector_size(16)));
typedef int32_t fit_mask __attribute__((vector_size(16)));
#define fit_max(a, b) fit_pick((a) > (b), a, b)
#define fit_min(a, b) fit_pick((a) < (b), a, b)
#endif

/* a where the condition holds, else b. */
static inline fit_vec fit_pick(fit_mask m, fit_vec a, fit_vec b) {
    return (fit_vec)(((fit_mask)a & m) | ((fit_mask)b & ~m));
}

static inline fit_vec fit_get(const float *lanes) {
    fit_vec v;
    memcpy(&v, lanes, sizeof v);
    return v;
}

static inline void fit_put(float *lanes, fit_vec v) {
    memcpy(lanes, &v, sizeof v);
}

static inline fit_vec fit_all(float x) {
    return x - (fit_vec){0};
}

/* To the nearest whole number within [low, high], both below 2^22. */
static inline fit_vec fit_code(fit_vec t, float low, float high) {
    t = fit_max(t, fit_all(low));
    t = fit_min(t, fit_all(high));
    return (t + 12582912.0f) - 12582912.0f;
}

static inline fit_vec fit_step(fit_vec t, float middle, float step) {
    return (fit_vec)((fit_mask)fit_all(step) & (t > fit_all(middle)));
}

/* The values of IQ4: the lowest, and behind each middle between two a step to the next. */
static inline fit_vec fit_iq4(fit_vec t) {
    fit_vec a = fit_all(-127) + fit_step(t, -115.5f, 23) + fit_step(t, -93.5f, 21) +
                fit_step(t, -74, 18) + fit_step(t, -57, 16) + fit_step(t, -42, 14);
    fit_vec b = fit_step(t, -28.5f, 13) + fit_step(t, -16, 12) + fit_step(t, -4.5f, 11) +
                fit_step(t, 7, 12) + fit_step(t, 19, 12);
    fit_vec c = fit_step(t, 31.5f, 13) + fit_step(t, 45.5f, 15) + fit_step(t, 61, 16) +
                fit_step(t, 79, 20) + fit_step(t, 101, 24);
    return a + b + c;
}

/* 1 / scale; 0 where that is nothing to multiply by. */
static inline fit_vec fit_inverses(fit_vec scale) {
    fit_vec inverse = 1.0f / scale;
    fit_mask fine = (inverse > fit_all(-1e30f)) & (inverse < fit_all(1e30f));
    return (fit_vec)((fit_mask)inverse & fine);
}

#define FIT_EACH(l) for (int l = 0; l < FIT_LANES; l += FIT_WIDTH)

static inline float fit_inverse(float scale) {
    float inverse = 1.0f / scale;
    return inverse > -1e30f && inverse < 1e30f ? inverse : 0.0f;
}

/* The nearest finite half, in units of 1 / up. */
static inline float fit_half(float scale, float up) {
    float whole = rsn_clamp(scale * up, -RSN_HALF_MAX, RSN_HALF_MAX);
    return rsn_f16_to_f32(rsn_f16_from_f32(whole)) / up;
}

/* --- loading ------------------------------------------------------------------------ */

/* A power of 2 that brings the largest magnitude into [1, 2); blocks below 2^-100 are 0
 * as halves anyway. */
static inline float fit_power(uint32_t top_bits) {
    uint32_t exponent = top_bits >> 23;
    return rsn_float_from_bits((exponent < 27 ? 27u : exponent) << 23);
}

/* What the weights of a block count: importance, and more for large weights, `spread`
 * being the root mean square of the row. */
static void fit_load_block(fit_unit *u, const rsn_fit_shape *s, const float *x,
                                  const float *importance, float spread, int lane) {
    uint32_t top = rsn_top_bits(x, (size_t)s->elems);
    float most = 0, up = top < 0x7F800000u ? fit_power(top) : 1.0f, down = 1.0f / up;
    for (int i = 0; importance && i < s->elems; i++)
        most = importance[i] > most ? importance[i] : most;
    float share = most > 0 ? 1.0f / most : 0.0f, wide = spread * down;
    wide = wide < 64.0f ? 2.0f * wide * wide : 8192.0f;
    if (share > 1e30f) share = 1e30f;
    for (int g = 0; g < s->elems / s->group_elems; g++)
        for (int j = 0; j < s->group_elems; j++) {
            int i = g * s->group_elems + j, l = lane + g;
            float v = top < 0x7F800000u ? x[i] * down : 0.0f;
            u->x[j][l] = v;
            u->w[j][l] = importance ? (importance[i] * share + 1e-6f) *
                                          sqrtf(wide + v * v)
                                    : 1.0f;
            u->up[l] = up;
        }
}

static void fit_finish_load(fit_unit *u, const rsn_fit_shape *s) {
    for (int l = 0; l < FIT_LANES; l++) {
        float sw = 0, swx = 0;
        for (int j = 0; j < s->group_elems; j++) {
            float wx = u->w[j][l] * u->x[j][l];
            u->wx[j][l] = wx;
            sw += u->w[j][l];
            swx += wx;
        }
        u->sw[l] = sw;
        u->swx[l] = swx;
    }
}

/* --- passes ------------------------------------------------------------------------- */

/* q = nearest((x + min) * inverse) and the sums over it; NEAREST of t. */
#define FIT_DEFINE_PASS(name, NEAREST)                                                   \
    static void name(const fit_unit *u, const rsn_fit_shape *s, const float *inverse,    \
                     const float *min, fit_sums *sums) {                                 \
        const float low = (float)s->q_low, high = (float)s->q_high;                      \
        const int n = s->group_elems;                                                    \
        (void)low;                                                                       \
        (void)high;                                                                      \
        FIT_EACH(l) {                                                                    \
            fit_vec sq = {0}, sxq = {0}, sqq = {0};                                      \
            const fit_vec inv = fit_get(inverse + l), m = fit_get(min + l);              \
            for (int j = 0; j < n; j++) {                                                \
                fit_vec t = (fit_get(u->x[j] + l) + m) * inv;                            \
                fit_vec q = NEAREST;                                                     \
                fit_vec wq = fit_get(u->w[j] + l) * q;                                   \
                sq += wq;                                                                \
                sxq += fit_get(u->wx[j] + l) * q;                                        \
                sqq += wq * q;                                                           \
            }                                                                            \
            fit_put(sums->q + l, sq);                                                    \
            fit_put(sums->xq + l, sxq);                                                  \
            fit_put(sums->qq + l, sqq);                                                  \
        }                                                                                \
    }

FIT_DEFINE_PASS(fit_pass_range, fit_code(t, low, high))
FIT_DEFINE_PASS(fit_pass_iq4, fit_iq4(t))

static void fit_pass(const fit_unit *u, const rsn_fit_shape *s, const float *inverse,
                     const float *min, fit_sums *sums) {
    if (s->iq4)
        fit_pass_iq4(u, s, inverse, min, sums);
    else
        fit_pass_range(u, s, inverse, min, sums);
}

/* What scale and min explain, given the sums. */
static inline fit_vec fit_gain(const fit_unit *u, const fit_sums *t, int l, fit_vec scale,
                               fit_vec min) {
    fit_vec q = fit_get(t->q + l), xq = fit_get(t->xq + l), qq = fit_get(t->qq + l);
    return 2.0f * scale * xq - scale * scale * qq - 2.0f * min * fit_get(u->swx + l) +
           2.0f * scale * min * q - min * min * fit_get(u->sw + l);
}

static inline void fit_move(float *to, const float *from, fit_mask where) {
    fit_put(to, fit_pick(where, fit_get(from), fit_get(to)));
}

static void fit_keep(fit_choice *best, const fit_choice *c) {
    FIT_EACH(l) {
        fit_mask better = fit_get(c->gain + l) > fit_get(best->gain + l);
        fit_move(best->scale + l, c->scale + l, better);
        fit_move(best->min + l, c->min + l, better);
        fit_move(best->gain + l, c->gain + l, better);
    }
}

/* The best scale, and minimum where there is one, for the integers of a trial. */
static void fit_solve(const fit_unit *u, const rsn_fit_shape *s, bool has_min,
                      const float *inverse, const float *min, fit_choice *c) {
    fit_sums t;
    fit_pass(u, s, inverse, min, &t);
    FIT_EACH(l) {
        const fit_vec none = {0}, one = fit_all(1);
        fit_vec q = fit_get(t.q + l), xq = fit_get(t.xq + l), qq = fit_get(t.qq + l);
        fit_vec sw = fit_get(u->sw + l), swx = fit_get(u->swx + l);
        fit_vec scale = fit_pick(qq > none, xq / fit_pick(qq > none, qq, one), none);
        fit_vec m = none;
        if (has_min) {
            fit_vec det = sw * qq - q * q, safe = fit_pick(det > none, det, one);
            fit_vec mean = -swx / fit_pick(sw > none, sw, one);
            fit_vec line = fit_pick(det > none, (sw * xq - swx * q) / safe, none);
            m = fit_pick(det > none, (q * xq - qq * swx) / safe, mean);
            fit_mask both = (m >= none) | (fit_mask)((fit_mask){0} - (int32_t)s->free_min);
            scale = fit_pick(both, line, scale);
            m = fit_pick(both, m, none);
        }
        fit_put(c->scale + l, scale);
        fit_put(c->min + l, m);
        fit_put(c->gain + l, fit_gain(u, &t, l, scale, m));
    }
}

static void fit_start(fit_choice *best) {
    for (int l = 0; l < FIT_LANES; l++) {
        best->scale[l] = best->min[l] = 0;
        best->gain[l] = -1e30f;
    }
}

/* Improves a choice by the integers that it gives itself. */
static void fit_polish(const fit_unit *u, const rsn_fit_shape *s, bool has_min,
                              fit_choice *best) {
    fit_choice c;
    fit_lane inverse;
    FIT_EACH(l) fit_put(inverse + l, fit_inverses(fit_get(best->scale + l)));
    fit_solve(u, s, has_min, inverse, best->min, &c);
    fit_keep(best, &c);
}

/* --- groups by themselves ----------------------------------------------------------- */

/* Without minimums: the ends of the range are put a little inside and outside of the
 * farthest weight in turn. */
static void fit_scales_alone(const fit_unit *u, const rsn_fit_shape *s,
                                    fit_choice *best) {
    fit_choice c;
    fit_lane far, inverse, none = {0};
    for (int l = 0; l < FIT_LANES; l++) {
        float f = 0;
        for (int j = 0; j < s->group_elems; j++)
            f = fabsf(u->x[j][l]) > fabsf(f) ? u->x[j][l] : f;
        far[l] = fit_inverse(f);
    }
    /* Few levels: cutting off the farthest weights may pay. */
    const int levels = s->iq4 ? 16 : s->q_high - s->q_low + 1;
    const float width = levels > 32 ? 0.2f : levels > 8 ? 0.4f : 0.6f;
    const int trials = levels > 8 ? FIT_TRIALS : 2 * FIT_TRIALS;
    fit_start(best);
    for (int trial = 0; trial < 2 * trials; trial++) {
        float end = (float)(trial % 2 ? s->q_high : s->q_low);
        float stretch = 1 + (float)(trial / 2 - trials / 2) * width / (float)trials;
        for (int l = 0; l < FIT_LANES; l++)
            inverse[l] = end * stretch * far[l];
        fit_solve(u, s, false, inverse, none, &c);
        fit_keep(best, &c);
    }
    for (int i = 0; i < FIT_ROUNDS; i++)
        fit_polish(u, s, false, best);
}

static void fit_lines_alone(const fit_unit *u, const rsn_fit_shape *s,
                                   fit_choice *best) {
    fit_choice c;
    fit_lane low, width, inverse;
    for (int l = 0; l < FIT_LANES; l++) {
        float a = s->free_min ? u->x[0][l] : 0.0f, b = u->x[0][l];
        for (int j = 0; j < s->group_elems; j++) {
            a = u->x[j][l] < a ? u->x[j][l] : a;
            b = u->x[j][l] > b ? u->x[j][l] : b;
        }
        low[l] = -a;
        width[l] = fit_inverse(b - a);
    }
    fit_start(best);
    for (int trial = 0; trial < FIT_TRIALS; trial++) {
        float end = (float)s->q_high + (float)(trial - FIT_TRIALS / 2) * 2 / FIT_TRIALS;
        for (int l = 0; l < FIT_LANES; l++)
            inverse[l] = end * width[l];
        fit_solve(u, s, true, inverse, low, &c);
        fit_keep(best, &c);
        fit_polish(u, s, true, &c);
        fit_keep(best, &c);
    }
}

/* --- groups of a block -------------------------------------------------------------- */

/* The codes of all groups, and the floats of their blocks, the same in all lanes of one. */
typedef struct fit_codes {
    fit_lane d, dmin, scale, min; /* the last two are whole numbers */
    fit_lane gain;
    fit_sums sums;
} fit_codes;

/* Tries codes one lower to one higher for every group's scale; each with the best code
 * for its minimum. */
static void fit_choose_codes(const fit_unit *u, const rsn_fit_shape *s,
                                    bool has_min, fit_codes *k) {
    const float low = (float)s->scale_low, high = (float)s->scale_high;
    fit_lane first, min, inverse, scale, code, lift, lift_code;
    fit_sums t;
    memcpy(first, k->scale, sizeof first);
    memcpy(min, k->min, sizeof min);
    FIT_EACH(l) fit_put(k->gain + l, fit_all(-1e30f));
    for (int step = -1; step <= 1; step++) {
        FIT_EACH(l) {
            fit_vec c = fit_code(fit_get(first + l) + (float)step, low, high);
            fit_vec d = fit_get(k->d + l) * c, m = fit_get(min + l);
            fit_put(code + l, c);
            fit_put(scale + l, d);
            fit_put(inverse + l, fit_inverses(d));
            fit_put(lift_code + l, m);
            fit_put(lift + l, fit_get(k->dmin + l) * m);
        }
        for (int turn = 0; turn < (has_min ? 2 : 1); turn++) {
            fit_pass(u, s, inverse, lift, &t);
            FIT_EACH(l) {
                fit_vec d = fit_get(scale + l);
                fit_vec gain = fit_gain(u, &t, l, d, fit_get(lift + l));
                fit_mask better = gain > fit_get(k->gain + l);
                fit_put(k->gain + l, fit_pick(better, gain, fit_get(k->gain + l)));
                fit_move(k->scale + l, code + l, better);
                fit_move(k->min + l, lift_code + l, better);
                fit_move(k->sums.q + l, t.q + l, better);
                fit_move(k->sums.xq + l, t.xq + l, better);
                fit_move(k->sums.qq + l, t.qq + l, better);
                if (!has_min) continue;
                const fit_vec none = {0}, dmin = fit_get(k->dmin + l);
                fit_vec sw = fit_get(u->sw + l);
                fit_vec m = (d * fit_get(t.q + l) - fit_get(u->swx + l)) /
                            fit_pick(sw > none, sw, fit_all(1));
                m = fit_code(m * fit_inverses(dmin), 0, high);
                fit_put(lift_code + l, m);
                fit_put(lift + l, dmin * m);
            }
        }
    }
}

/* The floats of one block, lanes [from, to), that suit its codes best. */
static void fit_block_floats(const fit_unit *u, bool has_min, int from, int to,
                                    const fit_codes *k, float *d, float *dmin) {
    double ss = 0, sm = 0, mm = 0, xs = 0, xm = 0;
    for (int l = from; l < to; l++) {
        double a = (double)k->scale[l], b = (double)k->min[l];
        ss += a * a * (double)k->sums.qq[l];
        sm += a * b * (double)k->sums.q[l];
        mm += b * b * (double)u->sw[l];
        xs += a * (double)k->sums.xq[l];
        xm += b * (double)u->swx[l];
    }
    double det = ss * mm - sm * sm;
    *d = k->d[from];
    *dmin = k->dmin[from];
    if (has_min && det > 1e-9 * ss * mm) {
        double scale = (xs * mm - xm * sm) / det, min = (xs * sm - xm * ss) / det;
        if (scale > 0 && min > 0) {
            *d = (float)scale;
            *dmin = (float)min;
        }
    } else if (ss > 0) {
        *d = (float)((xs + (double)*dmin * sm) / ss);
    }
}

/* Codes for every group from what suits it alone; then floats from codes and codes from
 * floats while that gains. */
static void fit_codes_of(const fit_unit *u, const rsn_fit_shape *s, bool has_min,
                                const fit_choice *alone, fit_codes *k) {
    int groups = s->elems / s->group_elems;
    for (int from = 0; from < FIT_LANES; from += groups) {
        float scale = 0, min = 0, up = u->up[from];
        for (int l = from; l < from + groups; l++) {
            scale = fabsf(alone->scale[l]) > fabsf(scale) ? alone->scale[l] : scale;
            min = alone->min[l] > min ? alone->min[l] : min;
        }
        float end = (float)(has_min ? s->scale_high : s->scale_low);
        float d = fit_half(scale / end, up), dmin = fit_half(min / end, up);
        for (int l = from; l < from + groups; l++) {
            k->d[l] = d;
            k->dmin[l] = has_min ? dmin : 0;
        }
    }
    FIT_EACH(l) {
        const float low = (float)s->scale_low, high = (float)s->scale_high;
        fit_vec c = fit_get(alone->scale + l) * fit_inverses(fit_get(k->d + l));
        fit_vec m = fit_get(alone->min + l) * fit_inverses(fit_get(k->dmin + l));
        fit_put(k->scale + l, fit_code(c, low, high));
        fit_put(k->min + l, fit_code(m, 0, has_min ? high : 0));
    }
    fit_choose_codes(u, s, has_min, k);
    for (int round = 0; round < FIT_ROUNDS; round++) {
        fit_codes c = *k;
        for (int from = 0; from < FIT_LANES; from += groups) {
            float d, dmin;
            fit_block_floats(u, has_min, from, from + groups, k, &d, &dmin);
            for (int l = from; l < from + groups; l++) {
                c.d[l] = fit_half(d, u->up[from]);
                c.dmin[l] = has_min ? fit_half(dmin, u->up[from]) : 0;
            }
        }
        fit_choose_codes(u, s, has_min, &c);
        for (int from = 0; from < FIT_LANES; from += groups) {
            float was = 0, is = 0;
            for (int l = from; l < from + groups; l++) {
                was += k->gain[l];
                is += c.gain[l];
            }
            for (int l = from; l < from + groups && is > was; l++) {
                k->d[l] = c.d[l];
                k->dmin[l] = c.dmin[l];
                k->scale[l] = c.scale[l];
                k->min[l] = c.min[l];
                k->gain[l] = c.gain[l];
                k->sums.q[l] = c.sums.q[l];
                k->sums.xq[l] = c.sums.xq[l];
                k->sums.qq[l] = c.sums.qq[l];
            }
        }
    }
}

/* Blocks of floats alone: the floats are all there is. */
static void fit_floats_alone(const fit_unit *u, bool has_min,
                                    const fit_choice *alone, fit_codes *k) {
    for (int l = 0; l < FIT_LANES; l++) {
        k->d[l] = fit_half(alone->scale[l], u->up[l]);
        k->dmin[l] = has_min ? fit_half(alone->min[l], u->up[l]) : 0;
        k->scale[l] = 1;
        k->min[l] = 1;
    }
}

/* --- blocks ------------------------------------------------------------------------- */

/* The integers of all lanes, lane l of row j as in the unit. */
static void fit_integers(const fit_unit *u, const rsn_fit_shape *s, const fit_codes *k,
                         fit_lane *q) {
    FIT_EACH(l) {
        fit_vec inverse = fit_inverses(fit_get(k->d + l) * fit_get(k->scale + l));
        fit_vec lift = fit_get(k->dmin + l) * fit_get(k->min + l);
        for (int j = 0; j < s->group_elems; j++) {
            fit_vec t = (fit_get(u->x[j] + l) + lift) * inverse;
            fit_put(q[j] + l, s->iq4 ? fit_iq4(t)
                                     : fit_code(t, (float)s->q_low, (float)s->q_high));
        }
    }
}

static void fit_store(const fit_unit *u, const rsn_fit_shape *s, const fit_codes *k,
                      fit_lane *q, int from, bool finite, rsn_block *b) {
    int groups = s->elems / s->group_elems;
    b->d = finite ? k->d[from] * u->up[from] : rsn_float_from_bits(0x7FC00000u);
    b->dmin = finite ? k->dmin[from] * u->up[from] : b->d;
    for (int g = 0; g < groups; g++) {
        b->scale[g] = (int16_t)k->scale[from + g];
        b->min[g] = (int16_t)k->min[from + g];
        for (int j = 0; j < s->group_elems; j++)
            b->q[g * s->group_elems + j] = (int8_t)(int)q[j][from + g];
    }
}

/* Fits n_blocks, at most a unit's, of blocks[]; importance may be NULL. */
static void fit_blocks(const float *x, const float *importance, float spread,
                              const rsn_fit_shape *s, bool has_min, int n_blocks,
                              rsn_block *blocks) {
    static const float zeros[RSN_BLOCK_ELEMS];
    int groups = s->elems / s->group_elems;
    fit_unit u;
    fit_choice alone;
    fit_codes codes;
    fit_lane q[FIT_MOST];
    for (int b = 0; b * groups < FIT_LANES; b++)
        fit_load_block(&u, s, b < n_blocks ? x + b * s->elems : zeros,
                       b < n_blocks && importance ? importance + b * s->elems : NULL,
                       spread, b * groups);
    fit_finish_load(&u, s);
    if (has_min)
        fit_lines_alone(&u, s, &alone);
    else
        fit_scales_alone(&u, s, &alone);
    if (s->scale_high > 1)
        fit_codes_of(&u, s, has_min, &alone, &codes);
    else
        fit_floats_alone(&u, has_min, &alone, &codes);
    fit_integers(&u, s, &codes, q);
    for (int b = 0; b < n_blocks; b++)
        fit_store(&u, s, &codes, q, b * groups,
                  rsn_all_finite(x + b * s->elems, (size_t)s->elems), &blocks[b]);
}

/* The root mean square of finite weights; what large ones count more by. */
static inline float fit_spread(const float *x, size_t n) {
    double lanes[8] = {0}, sum = 0;
    for (size_t i = 0; i + 8 <= n; i += 8)
        for (size_t l = 0; l < 8; l++) {
            float v = x[i + l] > -1e18f && x[i + l] < 1e18f ? x[i + l] : 0;
            lanes[l] += (double)(v * v);
        }
    for (size_t l = 0; l < 8; l++)
        sum += lanes[l];
    return n > 0 ? (float)sqrt(sum / (double)n) : 0;
}

#endif
