/* Any bytes as tokenizer.model: it is refused with a sentence, or it tokenizes its own
 * bytes. */
#include <stdint.h>

#include "support/hf_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    hf_folder f;
    hf_folder_make(&f);
    hf_folder_put(&f, "tokenizer.model", data, size);
    hf_fuzz_folder(f.path, (const char *)data, size < 4096 ? size : 4096);
    hf_folder_remove(&f);
    return 0;
}
