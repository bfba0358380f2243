/* Frees results; generate.c fills them, the public accessors read them. */
#include "decode/result.h"

void rsn_result_free(rsn_result *result) {
    if (!result)
        return;
    rsn_str_free(&result->thinking);
    rsn_str_free(&result->answer);
    rsn_free(result->tokens);
    rsn_free(result);
}
