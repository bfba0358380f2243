/* A number that tells one model from another. */
#ifndef REASON_MODEL_FINGERPRINT_H
#define REASON_MODEL_FINGERPRINT_H

#include "base/file.h"
#include "format/gguf.h"

/* FNV-1a, 64 bits, over what decides a network's keys and values, which docs/FORMATS.md
 * lists: the metadata of `arch` and of our own, names, types and shapes of all tensors,
 * and a few bytes of each. blobs[i] holds the data of part i as it lies in the file:
 * nothing may have been packed in place yet. How a model is split, and its vocabulary, do
 * not change it. */
uint64_t rsn_fingerprint(const rsn_gguf *g, const rsn_blob *blobs, const char *arch);

/* The same over more bytes: goes on from a fingerprint, or from that of nothing. */
#define RSN_FINGERPRINT_NONE UINT64_C(0xCBF29CE484222325)
uint64_t rsn_fingerprint_add(uint64_t hash, const void *bytes, size_t n);
/* Over a few of n bytes, at even distances, the last ones among them. */
uint64_t rsn_fingerprint_samples(uint64_t hash, const unsigned char *data, uint64_t n);

#endif
