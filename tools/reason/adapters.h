/* What --adapter FILE[=SCALE] says. */
#ifndef REASON_CLI_ADAPTERS_H
#define REASON_CLI_ADAPTERS_H

#include "options.h"

/* A row of an option table whose struct has a struct rsn_cli_list at `offset`. */
#define RSN_CLI_ADAPTER_ROW(offset)                                                      \
    {                                                                                    \
        "adapter", 0, RSN_CLI_LIST, offset, 0, 0, NULL, "FILE[=SCALE]",                  \
            "LoRA adapter of the model, times SCALE (default 1);\nmay be given several " \
            "times, adapters add up"                                                     \
    }

struct rsn_cli_adapters {
    char *paths[RSN_CLI_LIST_CAP];
    float scales[RSN_CLI_LIST_CAP];
    size_t n;
};

/* Splits each text at its last '=' if a number follows. Returns RSN_CLI_OK, or says what is
 * missing; what was read is to be freed either way. */
int rsn_cli_adapters_read(const struct rsn_cli_list *texts,
                          struct rsn_cli_adapters *adapters);
void rsn_cli_adapters_free(struct rsn_cli_adapters *adapters);

/* Puts a model with them in the place of *model, which is gone if that fails. */
int rsn_cli_adapters_apply(const struct rsn_cli_list *texts, reason_model **model);

#endif
