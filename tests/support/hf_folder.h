/* The folders below tests/data/hf, which Transformers wrote, and what it said of them
 * (tests/oracle/README.md). */
#ifndef REASON_TESTS_SUPPORT_HF_FOLDER_H
#define REASON_TESTS_SUPPORT_HF_FOLDER_H

#include <stddef.h>
#include <stdint.h>

/* tests/data/hf/A/B, or tests/data/hf/A if B is NULL; to be freed. */
char *hf_path(const char *a, const char *b);
/* A temporary folder of links to the files of `name`, with those in their place that a
 * later release of Transformers writes otherwise. */
char *hf_later(const char *name);
void hf_later_remove(char *folder);

/* An array of NAME/FILE: int32 or float32 items; NULL if there is none of this name. */
int32_t *hf_ints(const char *name, const char *file, const char *array, size_t *n);
float *hf_floats(const char *name, const char *file, const char *array, size_t *n);

#endif
