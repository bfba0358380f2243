/* The tags a model thinks between: its family's row, found in its own vocabulary and
 * template, and the white space that its template writes. */
#ifndef REASON_MODEL_TAGS_H
#define REASON_MODEL_TAGS_H

#include "base/arena.h"
#include "model/families.h"
#include "text/template.h"
#include "text/vocab.h"

/* Texts that the model lacks are empty, never NULL. */
typedef struct rsn_tags {
    const rsn_family *family; /* rsn_family_none: everything is answer */
    rsn_text open, close;     /* "<think>", "</think>"; n = 0: the model has none */
    rsn_text before_open;     /* between the prompt and the opening tag */
    rsn_text after_open;      /* white space its family writes after the opening tag */
    rsn_text empty;           /* inside the block of a model told not to think */
    rsn_text after_close;     /* between the closing tag and the answer or its wrapper */
    size_t close_eat;         /* most white space bytes that belong to a closing tag */
    rsn_text opener;          /* all that is forced to begin a block */
    rsn_text closer;          /* all that is forced to end one and begin the answer */
    rsn_text silence; /* all that is forced where no variable keeps it from thinking */
    size_t n_marks;   /* of the family's marks */
    const char *source;       /* how they were found, static text */
    rsn_text wrappers;        /* the marks, for people */
    rsn_text end_tokens;      /* spellings of the tokens that end a turn, for people */
    const char *switch_name;  /* the family's variables that the template reads; */
    const char *effort_name;  /* "": none */
} rsn_tags;

/* Looks for each family in the order of the table: first one whose signs all stand in the
 * template, then one whose tokens the vocabulary has. `chat` (NULL: none) is asked which
 * variables it reads. Texts are static or from `arena`. Returns NO_MEMORY. */
reason_status rsn_tags_find(const rsn_vocab *vocab, rsn_text template_source,
                            const rsn_template *chat, rsn_arena *arena, rsn_tags *tags);

/* Whether a text, such as a control token's, is a part of the tags, wrappers and headers:
 * it then stands for its spelling. */
bool rsn_tags_have(const rsn_tags *tags, rsn_text text);

#endif
