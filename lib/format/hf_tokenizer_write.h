/* The way back: a plan's tokenizer as the files of a Hugging Face folder. */
#ifndef REASON_FORMAT_HF_TOKENIZER_WRITE_H
#define REASON_FORMAT_HF_TOKENIZER_WRITE_H

#include "format/gguf.h"

/* What holds for the vocabulary in the end, where a plan may be silent and the
 * tokenizer's family speaks: ids (-1: there is none) and what is put around a text. */
typedef struct rsn_hf_known {
    int64_t bos, eos, unk, pad;
    bool add_bos, add_eos, add_space;
} rsn_hf_known;

/* Writes tokenizer.json and tokenizer_config.json into the folder, which is there, each
 * whole or not at all; and generation_config.json where more than one token ends a
 * generation. *written is false, and nothing is, for a plan without a tokenizer.
 * UNSUPPORTED for what these files cannot say, by key; FORMAT, IO, NO_MEMORY. */
reason_status rsn_hf_tokenizer_write(const rsn_gguf *g, const rsn_hf_known *known,
                                     const char *folder, bool *written);

#endif
