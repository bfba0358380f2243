/* The tokenizer of a Hugging Face folder as metadata pairs, as a GGUF file would have it.
 */
#ifndef REASON_FORMAT_HF_TOKENIZER_H
#define REASON_FORMAT_HF_TOKENIZER_H

#include "format/pairs.h"

/* Appends the pairs of the folder's tokenizer and chat templates. Read are
 * tokenizer.json, else vocab.json with merges.txt, else tokenizer.model, and beside them
 * tokenizer_config.json, special_tokens_map.json, added_tokens.json,
 * generation_config.json and config.json (special ids alone), chat_template.jinja and
 * chat_template.json. Up to n_vocab ids (0: not known) get unused tokens where the files
 * have none. *found: the folder has a tokenizer; without one nothing is appended. FORMAT,
 * UNSUPPORTED, LIMIT, IO, NO_MEMORY; the sentence names the file. */
reason_status rsn_hf_tokenizer(const char *folder, size_t n_vocab, rsn_pairs *pairs,
                               bool *found);

#endif
