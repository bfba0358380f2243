/* Any bytes as tokenizer.json and, behind the first byte 0x1E, as tokenizer_config.json:
 * it is refused with a sentence, or it tokenizes its own bytes. */
#include <stdint.h>

#include "support/hf_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const uint8_t *cut = size ? memchr(data, 0x1E, size) : NULL;
    size_t n = cut ? (size_t)(cut - data) : size;
    hf_folder f;
    hf_folder_make(&f);
    hf_folder_put(&f, "tokenizer.json", data, n);
    if (cut)
        hf_folder_put(&f, "tokenizer_config.json", cut + 1, size - n - 1);
    hf_fuzz_folder(f.path, (const char *)data, size < 4096 ? size : 4096);
    hf_folder_remove(&f);
    return 0;
}
