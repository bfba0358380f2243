/* Rows of blocks as the products of a level want them: in groups, so that what lies side by
 * side in memory goes into the lanes of one register, and a group is read from its first
 * byte to its last. Packing moves bytes inside a group and changes none.
 *
 * A group of G rows takes the place of G rows. It is a list of blocks, one for each block
 * of the rows: a part of 2 bytes that does not fit into words comes first, of all rows one
 * behind the other; then for each word of 4 bytes the words of all rows. Rows that do not
 * fill a group stay as files have them, as do types of floats, and all rows where
 * group_rows is 1. */
#ifndef REASON_KERNELS_PACK_H
#define REASON_KERNELS_PACK_H

#include "kernels/table.h"

/* Rows of a group of this type; 1: they are not packed. */
size_t rsn_pack_group(const rsn_kernels *kernels, const rsn_type_info *type);

/* Packs rows [begin, end) of src into dst, rows of k weights, rsn_type_row_bytes() apart;
 * begin is a multiple of the group. dst may be src; `scratch`, of a group's size, is used
 * then. */
void rsn_pack(const rsn_kernels *kernels, const rsn_type_info *type, size_t k,
              const void *src, size_t begin, size_t end, void *dst, void *scratch);

/* Row r of n packed rows as floats, as rsn_type_decode() gives them. */
void rsn_pack_decode_row(const rsn_kernels *kernels, const rsn_type_info *type, size_t k,
                         const void *rows, size_t n, size_t r, float *out);

#endif
