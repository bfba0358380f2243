/* Hugging Face folders as the plan of a GGUF file. */
#ifndef REASON_FORMAT_HF_FOLDER_H
#define REASON_FORMAT_HF_FOLDER_H

#include "format/gguf.h"

/* Opens a folder with config.json and model.safetensors or, named by
 * model.safetensors.index.json, its shards; or one safetensors file with config.json beside
 * it. FORMAT, UNSUPPORTED, LIMIT, IO, NO_MEMORY, with a file's path in the sentence; on
 * failure both outputs are empty. */
reason_status rsn_hf_open(const char *path, rsn_gguf_watch_fn watch, void *user,
                          rsn_gguf *g, rsn_gguf_files *files);

#endif
