/* What the fuzz targets of Hugging Face's tokenizers share. */
#ifndef REASON_TESTS_HF_FUZZ_H
#define REASON_TESTS_HF_FUZZ_H

#include "support/hf_plan.h"
#include "text/detokenize.h"

static inline void hf_demand(int truth, const char *what) {
    if (truth)
        return;
    (void)fprintf(stderr, "%s: %s\n", what, rsn_last_error());
    abort();
}

/* A refusal has a sentence; what is not refused tokenizes these bytes. */
static inline void hf_fuzz_folder(const char *folder, const char *text, size_t n) {
    rsn_vocab *v;
    reason_status status = hf_vocab(folder, 0, &v);
    hf_demand((status == REASON_OK) == (v != NULL), "a vocabulary or OK alone");
    hf_demand(status == REASON_OK || rsn_last_error()[0], "an error has no sentence");
    for (uint32_t flags = 0; v && flags < 4; flags++) {
        rsn_vocab_ids ids = {0};
        rsn_str back = {0};
        status = rsn_vocab_encode(v, text, n, flags, &ids);
        hf_demand(status == REASON_OK || status == REASON_ERR_LIMIT, "text is refused");
        for (size_t i = 0; i < ids.n; i++)
            hf_demand(ids.items[i] >= 0 && (size_t)ids.items[i] < rsn_vocab_size(v),
                      "an id outside");
        hf_demand(rsn_vocab_decode(v, ids.items, ids.n, flags & REASON_TOKENS_SPECIAL,
                                   &back) == REASON_OK,
                  "ids do not go back");
        rsn_str_free(&back);
        rsn_free(ids.items);
    }
    rsn_vocab_free(v);
}

#endif
