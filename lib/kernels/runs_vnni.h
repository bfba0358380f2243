/* Runs of product_blocks_impl.h on add_byte_dots(), which adds products of unsigned codes and
 * activations in 32 bits: they never end for want of room. Signed codes are moved up by
 * 128. */
#ifndef REASON_KERNELS_RUNS_VNNI_H
#define REASON_KERNELS_RUNS_VNNI_H

#define SIGNED_OFFSET 128
#define RUNS_IN_SUMS true

RSN_INLINE rows signed_codes(rows v) {
    return v ^ 0x80808080u;
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
