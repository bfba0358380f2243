/* The tags a model thinks between, found in its own vocabulary and template. */
#ifndef REASON_MODEL_TAGS_H
#define REASON_MODEL_TAGS_H

#include "base/arena.h"
#include "base/str.h"
#include "text/vocab.h"

typedef struct rsn_tags {
    rsn_text open, close;  /* "<think>", "</think>"; n = 0: the model has none */
    rsn_text after_open;   /* white space its family writes after the opening tag */
    rsn_text empty;        /* white space inside the block of a model told not to think */
    rsn_text after_close;  /* white space between the closing tag and the answer */
    const char *source;    /* how they were found, static text */
} rsn_tags;

/* Looks for each known pair of tags; a pair counts if both are tokens of their own or
 * both stand in the template. Texts come from static rows or from `arena`. Returns
 * NO_MEMORY. */
reason_status rsn_tags_find(const rsn_vocab *vocab, rsn_text template_source,
                            rsn_arena *arena, rsn_tags *tags);

#endif
