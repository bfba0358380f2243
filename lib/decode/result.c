/* Frees results; sequence.c fills them, the public accessors read them. */
#include "decode/result.h"

void rsn_result_free(rsn_result *result) {
    if (!result)
        return;
    rsn_str_free(&result->thinking);
    rsn_str_free(&result->answer);
    rsn_free(result->tokens);
    for (size_t i = 0; i < result->n_more; i++)
        rsn_result_free(result->more[i]);
    rsn_free(result->more);
    rsn_free(result);
}
