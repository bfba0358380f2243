/* Writes a model in another block type, to try it out.
 *
 *     tests/reencode IN.gguf OUT.gguf TYPE    TYPE as in files: Q4_K, IQ4_NL, TQ2_0 */
#include <stdio.h>

#include "support/reencode.h"

int main(int argc, char **argv) {
    const rsn_type_info *type = argc == 4 ? reencode_type(argv[3]) : NULL;
    reencode_report report;
    if (!type) {
        (void)fprintf(stderr, "usage: reencode IN.gguf OUT.gguf TYPE\n");
        return 2;
    }
    if (reencode_model(argv[1], argv[2], type, &report) != REASON_OK) {
        (void)fprintf(stderr, "reencode: %s\n", reason_last_error());
        return 1;
    }
    printf("%s: %zu matrices in %s, %zu in F16; %.3f bits a weight, %llu bytes\n",
           argv[2], report.n_encoded, type->name, report.n_kept, report.bits,
           (unsigned long long)report.n_bytes);
    return 0;
}
