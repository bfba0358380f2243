/* Several models side by side: size, speed, and what they say of a text. */
#ifndef REASON_CLI_COMPARE_H
#define REASON_CLI_COMPARE_H

#include "speed.h"

struct rsn_cli_comparison {
    const char *models; /* paths, commas between */
    const char *text;   /* a file; NULL: none */
    const char *separator;
    int32_t n_chunks;
    bool special, json;
    struct rsn_cli_speed_plan plan;
    const struct rsn_cli_model_options *options; /* of all of them, but for the path */
    reason_pool *pool;
};

/* Measures and prints. Returns RSN_CLI_OK or says a sentence. */
int rsn_cli_compare(const struct rsn_cli_comparison *what);

#endif
