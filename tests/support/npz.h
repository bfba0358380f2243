/* Reads arrays of NumPy's .npz files: zip archives, stored or deflated, of .npy files. */
#ifndef REASON_TESTS_SUPPORT_NPZ_H
#define REASON_TESTS_SUPPORT_NPZ_H

#include <stddef.h>

/* The values of an array of 4-byte items ("<f4", "<i4"), to be freed, and how many;
 * NULL if the archive has none of this name. Ends the process over anything else that is
 * wrong. */
void *npz_read(const char *path, const char *name, const char *dtype, size_t *n);

#endif
