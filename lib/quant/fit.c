/* Owns the choice of scales, minimums and integers of blocks. How they lie in bytes is
 * the families' matter. A group is fitted for several trial ranges: integers follow from
 * the range, the best scale for them from least squares. */
#include "quant/fit.h"

#include <math.h>
#include <string.h>

#include "quant/encode.h"

enum { N_TRIALS = 10 };

/* The integer that a type has for t. */
static int nearest(const rsn_fit_shape *s, double t) {
    if (s->values) {
        unsigned above = 0;
        for (unsigned i = 0; i < 15; i++)
            above += 2 * t > s->values[i] + s->values[i + 1];
        return s->values[above];
    }
    t = t < s->q_low ? s->q_low : t > s->q_high ? s->q_high : t;
    return (int)(t - s->q_low + 0.5) + s->q_low;
}

static int nearest_whole(double t, int low, int high) {
    t = t < low ? low : t > high ? high : t;
    return (int)floor(t + 0.5);
}

static double inverse_of(double scale) {
    return scale != 0 ? 1 / scale : 0;
}

/* The nearest finite half. */
static float half_of(double scale) {
    return rsn_f16_to_f32(
        rsn_f16_from_f32(rsn_clamp((float)scale, -RSN_HALF_MAX, RSN_HALF_MAX)));
}

/* --- without minimums --------------------------------------------------------------- */

/* x ~ scale * q. The ends of the range are put a little inside and outside of the
 * farthest weight in turn. */
static double fit_scale(const float *x, const rsn_fit_shape *s) {
    double best = 0, most = 0, farthest = 0;
    for (size_t j = 0; j < s->group_elems; j++)
        farthest = fabs((double)x[j]) > fabs(farthest) ? (double)x[j] : farthest;
    if (farthest == 0) return 0;
    for (int trial = 0; trial < 2 * N_TRIALS; trial++) {
        int end = trial % 2 ? s->q_high : s->q_low;
        double stretch = 1 + (trial / 2 - N_TRIALS / 2) * 0.2 / N_TRIALS;
        double inverse = end * stretch / farthest;
        double xq = 0, qq = 0;
        for (size_t j = 0; j < s->group_elems; j++) {
            int q = nearest(s, (double)x[j] * inverse);
            xq += (double)x[j] * q;
            qq += (double)(q * q);
        }
        if (qq > 0 && xq * xq > most * qq) { /* explains most of the sum of squares */
            most = xq * xq / qq;
            best = xq / qq;
        }
    }
    return best;
}

void rsn_fit_scales(const float *x, const rsn_fit_shape *s, rsn_block *b) {
    double scales[RSN_BLOCK_GROUPS], largest = 0;
    size_t n_groups = s->elems / s->group_elems;
    memset(b, 0, sizeof *b);
    b->d = rsn_float_from_bits(0x7FC00000u);
    if (!rsn_all_finite(x, s->elems)) return;
    for (size_t g = 0; g < n_groups; g++) {
        scales[g] = fit_scale(x + g * s->group_elems, s);
        largest = fabs(scales[g]) > fabs(largest) ? scales[g] : largest;
    }
    b->d = half_of(largest / s->scale_low);
    for (size_t g = 0; g < n_groups; g++) {
        b->scale[g] = (int16_t)nearest_whole(scales[g] * inverse_of((double)b->d),
                                             s->scale_low, s->scale_high);
        double inverse = inverse_of((double)b->d * b->scale[g]);
        for (size_t j = g * s->group_elems; j < (g + 1) * s->group_elems; j++)
            b->q[j] = (int8_t)nearest(s, (double)x[j] * inverse);
    }
}

/* --- with minimums ------------------------------------------------------------------ */

typedef struct line {
    double scale, min; /* x ~ scale * q - min, min >= 0 */
    double error;
} line;

/* The best line for the integers that a trial scale and minimum give. */
static line fit_line(const float *x, const rsn_fit_shape *s, double inverse, double min) {
    double n = (double)s->group_elems, sx = 0, sq = 0, sxq = 0, sqq = 0, sxx = 0;
    for (size_t j = 0; j < s->group_elems; j++) {
        double v = (double)x[j];
        int q = nearest(s, (v + min) * inverse);
        sx += v;
        sxx += v * v;
        sq += q;
        sxq += v * q;
        sqq += (double)(q * q);
    }
    double det = n * sqq - sq * sq;
    line l = {.scale = 0, .min = -sx / n};
    if (det > 0) {
        l.scale = (n * sxq - sx * sq) / det;
        l.min = (sq * sxq - sqq * sx) / det;
    }
    if (l.min < 0) {
        l.min = 0;
        l.scale = sqq > 0 ? sxq / sqq : 0;
    }
    l.error = sxx - 2 * l.scale * sxq + 2 * l.min * sx + l.scale * l.scale * sqq -
              2 * l.scale * l.min * sq + l.min * l.min * n;
    return l;
}

static line fit_range(const float *x, const rsn_fit_shape *s) {
    double low = 0, high = (double)x[0];
    for (size_t j = 0; j < s->group_elems; j++) {
        low = (double)x[j] < low ? (double)x[j] : low;
        high = (double)x[j] > high ? (double)x[j] : high;
    }
    line best = {.scale = 0, .min = -low, .error = INFINITY};
    for (int trial = 0; trial < N_TRIALS; trial++) {
        double end = s->q_high + (trial - N_TRIALS / 2) * 2.0 / N_TRIALS;
        line l = fit_line(x, s, high > low ? end / (high - low) : 0, -low);
        l = l.scale > 0 ? fit_line(x, s, 1 / l.scale, l.min) : l;
        best = l.error < best.error ? l : best;
    }
    return best;
}

void rsn_fit_scales_and_minimums(const float *x, const rsn_fit_shape *s, rsn_block *b) {
    line lines[RSN_BLOCK_GROUPS];
    double scale = 0, min = 0;
    size_t n_groups = s->elems / s->group_elems;
    memset(b, 0, sizeof *b);
    b->d = b->dmin = rsn_float_from_bits(0x7FC00000u);
    if (!rsn_all_finite(x, s->elems)) return;
    for (size_t g = 0; g < n_groups; g++) {
        lines[g] = fit_range(x + g * s->group_elems, s);
        scale = lines[g].scale > scale ? lines[g].scale : scale;
        min = lines[g].min > min ? lines[g].min : min;
    }
    b->d = half_of(scale / s->scale_high);
    b->dmin = half_of(min / s->scale_high);
    for (size_t g = 0; g < n_groups; g++) {
        b->scale[g] = (int16_t)nearest_whole(lines[g].scale * inverse_of((double)b->d), 0,
                                             s->scale_high);
        b->min[g] = (int16_t)nearest_whole(lines[g].min * inverse_of((double)b->dmin), 0,
                                           s->scale_high);
        double inverse = inverse_of((double)b->d * b->scale[g]);
        double lift = (double)b->dmin * b->min[g];
        for (size_t j = g * s->group_elems; j < (g + 1) * s->group_elems; j++)
            b->q[j] = (int8_t)nearest(s, ((double)x[j] + lift) * inverse);
    }
}
