/* Keys of a tokenizer that are our own, for what no key in use elsewhere says. */
#ifndef REASON_FORMAT_GGUF_KEYS_H
#define REASON_FORMAT_GGUF_KEYS_H

/* Regular expressions that cut a text one after the other, where tokenizer.ggml.pre has no
 * name for them. */
#define RSN_KEY_PATTERN "reason.tokenizer.pattern"
/* Whether a piece that is a token is taken as it is, where the pre-tokenizer's name says
 * otherwise. */
#define RSN_KEY_WHOLE_TOKENS "reason.tokenizer.whole_tokens"
/* Rules of a vocabulary that is spelt as SentencePiece's but merges by rules; it has
 * scores as well, made from them, for who does not know this key. */
#define RSN_KEY_MERGES "reason.tokenizer.merges"
#define RSN_KEY_NFC "reason.tokenizer.nfc" /* texts are composed before */
/* The space before a text: not behind special tokens; not where there is one already. */
#define RSN_KEY_PREFIX_ONCE "reason.tokenizer.prefix_once"
#define RSN_KEY_PREFIX_MISSING "reason.tokenizer.prefix_missing"
/* Special tokens that take in the white space before or behind them. */
#define RSN_KEY_LSTRIP_IDS "reason.tokenizer.lstrip_ids"
#define RSN_KEY_RSTRIP_IDS "reason.tokenizer.rstrip_ids"
/* Tokens that text becomes by merging and that are special where they are spelt out. */
#define RSN_KEY_LITERAL_IDS "reason.tokenizer.literal_ids"
#define RSN_KEY_END_IDS "reason.tokenizer.end_ids" /* end a generation, beside eos */

#endif
