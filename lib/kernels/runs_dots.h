/* Runs of product_blocks_impl.h on add_byte_dots() that adds products of codes and
 * activations in 32 bits: they never end for want of room. The includer defines
 *
 *     SIGNED_OFFSET   128 where the instruction wants codes unsigned, so that signed ones
 *                     are moved up; 0 where it takes them as they are */
#ifndef REASON_KERNELS_RUNS_DOTS_H
#define REASON_KERNELS_RUNS_DOTS_H

#define RUNS_IN_SUMS true

RSN_INLINE rows signed_codes(rows v) {
    return SIGNED_OFFSET ? v ^ 0x80808080u : v;
}

RSN_INLINE rows scale_rows(rows scale) {
    return scale;
}

RSN_INLINE size_t parts_in_run(unsigned most) {
    (void)most;
    return 8;
}

RSN_INLINE rows start_run(bool is_signed, rows codes, rows x) {
    (void)is_signed;
    return add_byte_dots(fill_rows(0), codes, x);
}

RSN_INLINE rows add_to_run(bool is_signed, rows run, rows codes, rows x) {
    (void)is_signed;
    return add_byte_dots(run, codes, x);
}

RSN_INLINE rows end_run(bool has_scale, rows sums, rows run, const rows *scale) {
    return sums + (has_scale ? *scale * run : run);
}

#endif
