/* Owns the step from a character without a token to byte tokens or the unknown token.
 * Invariant: something is appended for every character, or the unknown token before it
 * stands for it too. */
#include "text/fallback.h"

reason_status rsn_fallback_init(rsn_fallback *f, const rsn_tokens *tokens, int32_t unk) {
    *f = (rsn_fallback){tokens, unk, true};
    for (int byte = 0; byte < 256; byte++) {
        if (tokens->byte_token[byte] >= 0) continue;
        f->lossless = false;
        if (unk < 0)
            return rsn_fail(REASON_ERR_UNSUPPORTED,
                            "tokenizer.ggml.tokens: no token <0x%02X> stands for the "
                            "byte, and there is no tokenizer.ggml.unknown_token_id",
                            (unsigned)byte);
    }
    return REASON_OK;
}

reason_status rsn_fallback_push(const rsn_fallback *f, const char *bytes, size_t n,
                                bool *unknown, rsn_vocab_ids *out) {
    const int32_t *tokens = f->tokens->byte_token;
    reason_status status = REASON_OK;
    size_t known = 0;
    while (known < n && tokens[(uint8_t)bytes[known]] >= 0) known++;
    if (known < n && !*unknown) status = rsn_vocab_push(out, f->unk);
    for (size_t i = 0; known == n && i < n && status == REASON_OK; i++)
        status = rsn_vocab_push(out, tokens[(uint8_t)bytes[i]]);
    *unknown = known < n;
    return status;
}
