/* Least-squares fits of floats by blocks of integers (block.h): scales are chosen so that
 * the weighted sum of squared errors is small. Sixteen groups are fitted side by side, one
 * a lane, each lane on its own and in order of its weights: so a compiler may use vectors
 * of any width and the results are the same bits. Included where fits are compiled, once
 * for each instruction set. */
#ifndef REASON_QUANT_FIT_H
#define REASON_QUANT_FIT_H

#include <math.h>

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
    fit_sums sums;
} fit_choice;

/* To the nearest whole number; |t| must be below 2^22. */
static inline float fit_whole(float t) {
    return (t + 12582912.0f) - 12582912.0f;
}

/* The values of IQ4: the lowest, and behind each middle between two a step to the next. */
static inline float fit_iq4(float t) {
    return -127.0f + (t > -115.5f ? 23.0f : 0) + (t > -93.5f ? 21.0f : 0) +
           (t > -74.0f ? 18.0f : 0) + (t > -57.0f ? 16.0f : 0) +
           (t > -42.0f ? 14.0f : 0) + (t > -28.5f ? 13.0f : 0) +
           (t > -16.0f ? 12.0f : 0) + (t > -4.5f ? 11.0f : 0) + (t > 7.0f ? 12.0f : 0) +
           (t > 19.0f ? 12.0f : 0) + (t > 31.5f ? 13.0f : 0) + (t > 45.5f ? 15.0f : 0) +
           (t > 61.0f ? 16.0f : 0) + (t > 79.0f ? 20.0f : 0) + (t > 101.0f ? 24.0f : 0);
}

/* To the nearest whole number within [low, high]. */
static inline float fit_code(float t, float low, float high) {
    t = t > low ? t : low;
    t = t < high ? t : high;
    return fit_whole(t);
}

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
    wide = wide < 64.0f ? wide * wide : 4096.0f;
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
        for (int l = 0; l < FIT_LANES; l++) {                                            \
            float sq = 0, sxq = 0, sqq = 0, inv = inverse[l], m = min[l];                \
            for (int j = 0; j < n; j++) {                                                \
                float t = (u->x[j][l] + m) * inv;                                        \
                float q = NEAREST;                                                       \
                float wq = u->w[j][l] * q;                                               \
                sq += wq;                                                                \
                sxq += u->wx[j][l] * q;                                                  \
                sqq += wq * q;                                                           \
            }                                                                            \
            sums->q[l] = sq;                                                             \
            sums->xq[l] = sxq;                                                           \
            sums->qq[l] = sqq;                                                           \
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
static inline float fit_gain(const fit_unit *u, const fit_sums *t, int l, float scale,
                             float min) {
    return 2 * scale * t->xq[l] - scale * scale * t->qq[l] - 2 * min * u->swx[l] +
           2 * scale * min * t->q[l] - min * min * u->sw[l];
}

static void fit_keep(fit_choice *best, const fit_choice *c) {
    for (int l = 0; l < FIT_LANES; l++) {
        bool better = c->gain[l] > best->gain[l];
        best->scale[l] = better ? c->scale[l] : best->scale[l];
        best->min[l] = better ? c->min[l] : best->min[l];
        best->sums.q[l] = better ? c->sums.q[l] : best->sums.q[l];
        best->sums.xq[l] = better ? c->sums.xq[l] : best->sums.xq[l];
        best->sums.qq[l] = better ? c->sums.qq[l] : best->sums.qq[l];
        best->gain[l] = better ? c->gain[l] : best->gain[l];
    }
}

/* The best scale, and minimum where there is one, for the integers of a trial. */
static void fit_solve(const fit_unit *u, const rsn_fit_shape *s, bool has_min,
                             const float *inverse, const float *min, fit_choice *c) {
    fit_pass(u, s, inverse, min, &c->sums);
    for (int l = 0; l < FIT_LANES; l++) {
        float q = c->sums.q[l], xq = c->sums.xq[l], qq = c->sums.qq[l];
        float alone = qq > 0 ? xq / qq : 0.0f;
        float det = u->sw[l] * qq - q * q;
        float safe = det > 0 ? det : 1.0f;
        float scale = (u->sw[l] * xq - u->swx[l] * q) / safe;
        float m = (q * xq - qq * u->swx[l]) / safe;
        float mean = u->sw[l] > 0 ? -u->swx[l] / u->sw[l] : 0.0f;
        scale = det > 0 ? scale : 0.0f;
        m = det > 0 ? m : mean;
        bool only = !has_min || (m < 0 && !s->free_min);
        c->scale[l] = only ? alone : scale;
        c->min[l] = only ? 0.0f : m;
    }
    for (int l = 0; l < FIT_LANES; l++)
        c->gain[l] = fit_gain(u, &c->sums, l, c->scale[l], c->min[l]);
}

static void fit_start(fit_choice *best) {
    for (int l = 0; l < FIT_LANES; l++) {
        best->scale[l] = best->min[l] = 0;
        best->sums.q[l] = best->sums.xq[l] = best->sums.qq[l] = 0;
        best->gain[l] = -1e30f;
    }
}

/* Improves a choice by the integers that it gives itself. */
static void fit_polish(const fit_unit *u, const rsn_fit_shape *s, bool has_min,
                              fit_choice *best) {
    fit_choice c;
    fit_lane inverse;
    for (int l = 0; l < FIT_LANES; l++)
        inverse[l] = fit_inverse(best->scale[l]);
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
    fit_start(best);
    for (int trial = 0; trial < 2 * FIT_TRIALS; trial++) {
        float end = (float)(trial % 2 ? s->q_high : s->q_low);
        float stretch = 1 + (float)(trial / 2 - FIT_TRIALS / 2) * 0.2f / FIT_TRIALS;
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
    fit_lane first, min, inverse, scale;
    fit_sums t;
    for (int l = 0; l < FIT_LANES; l++) {
        first[l] = k->scale[l];
        min[l] = k->min[l];
        k->gain[l] = -1e30f;
    }
    for (int step = -1; step <= 1; step++) {
        fit_lane code, lift, lift_code;
        for (int l = 0; l < FIT_LANES; l++) {
            code[l] =
                fit_code(first[l] + (float)step, (float)s->scale_low, (float)s->scale_high);
            scale[l] = k->d[l] * code[l];
            inverse[l] = fit_inverse(scale[l]);
            lift_code[l] = min[l];
            lift[l] = k->dmin[l] * min[l];
        }
        for (int turn = 0; turn < (has_min ? 2 : 1); turn++) {
            fit_pass(u, s, inverse, lift, &t);
            for (int l = 0; l < FIT_LANES; l++) {
                float gain = fit_gain(u, &t, l, scale[l], lift[l]);
                bool better = gain > k->gain[l];
                k->gain[l] = better ? gain : k->gain[l];
                k->scale[l] = better ? code[l] : k->scale[l];
                k->min[l] = better ? lift_code[l] : k->min[l];
                k->sums.q[l] = better ? t.q[l] : k->sums.q[l];
                k->sums.xq[l] = better ? t.xq[l] : k->sums.xq[l];
                k->sums.qq[l] = better ? t.qq[l] : k->sums.qq[l];
            }
            for (int l = 0; has_min && l < FIT_LANES; l++) {
                float m = u->sw[l] > 0 ? (scale[l] * t.q[l] - u->swx[l]) / u->sw[l] : 0.0f;
                lift_code[l] =
                    fit_code(m * fit_inverse(k->dmin[l]), 0, (float)s->scale_high);
                lift[l] = k->dmin[l] * lift_code[l];
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
            k->scale[l] = fit_code(alone->scale[l] * fit_inverse(d), (float)s->scale_low,
                                   (float)s->scale_high);
            k->min[l] = has_min ? fit_code(alone->min[l] * fit_inverse(dmin), 0,
                                           (float)s->scale_high)
                                : 0;
        }
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

static void fit_store(const fit_unit *u, const rsn_fit_shape *s,
                             const fit_codes *k, int from, bool finite, rsn_block *b) {
    int groups = s->elems / s->group_elems;
    b->d = finite ? k->d[from] * u->up[from] : rsn_float_from_bits(0x7FC00000u);
    b->dmin = finite ? k->dmin[from] * u->up[from] : b->d;
    for (int g = 0; g < groups; g++) {
        int l = from + g;
        float inverse = fit_inverse(k->d[l] * k->scale[l]), lift = k->dmin[l] * k->min[l];
        b->scale[g] = (int16_t)k->scale[l];
        b->min[g] = (int16_t)k->min[l];
        for (int j = 0; j < s->group_elems; j++) {
            float t = (u->x[j][l] + lift) * inverse;
            float q = s->iq4 ? fit_iq4(t) : fit_code(t, (float)s->q_low, (float)s->q_high);
            b->q[g * s->group_elems + j] = (int8_t)(int)q;
        }
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
    for (int b = 0; b < n_blocks; b++)
        fit_store(&u, s, &codes, b * groups,
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
