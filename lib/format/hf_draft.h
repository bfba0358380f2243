/* A tokenizer while it is read from a Hugging Face folder: what its files say, brought
 * together by several readers before it becomes a list of pairs. */
#ifndef REASON_FORMAT_HF_DRAFT_H
#define REASON_FORMAT_HF_DRAFT_H

#include "format/gguf.h"
#include "format/hf_json.h"

enum {
    RSN_HF_MAX_TOKENS = 1 << 24,
    RSN_HF_MAX_MERGES = 1 << 26,
    RSN_HF_MAX_FILL = 1 << 16, /* ids without a token, beside as many as have one */
    RSN_HF_MAX_PATTERNS = 8,
    RSN_HF_MAX_ENDS = 64,
    RSN_HF_MAX_TEMPLATES = 64,
    RSN_HF_MAX_TEXT = 1 << 16, /* bytes of one token or pattern */
};

/* Types of tokens, numbered as in tokenizer.ggml.token_type. */
enum {
    RSN_HF_NORMAL = 1,
    RSN_HF_UNKNOWN = 2,
    RSN_HF_CONTROL = 3,
    RSN_HF_USER = 4,
    RSN_HF_UNUSED = 5,
    RSN_HF_BYTE = 6
};

/* What of the text around it a token takes in. */
enum { RSN_HF_LSTRIP = 1, RSN_HF_RSTRIP = 2 };

typedef struct rsn_hf_entry {
    rsn_text text; /* first, so that its address is the entry's */
    int32_t id;
    float score;
    uint8_t type, trims;
} rsn_hf_entry;

typedef struct rsn_hf_entries {
    rsn_hf_entry *items;
    size_t n, cap;
    const rsn_text **order; /* sorted by text; NULL before rsn_hf_entries_sort() */
} rsn_hf_entries;

typedef enum rsn_hf_model {
    RSN_HF_NO_MODEL,
    RSN_HF_BPE,     /* by rules: byte-level or of characters, as the steps tell */
    RSN_HF_SCORED,  /* SentencePiece's BPE, by scores */
    RSN_HF_UNIGRAM
} rsn_hf_model;

/* The tokens that have a part of their own. */
typedef enum rsn_hf_role {
    RSN_HF_BOS,
    RSN_HF_EOS,
    RSN_HF_UNK,
    RSN_HF_PAD,
    RSN_HF_SEP,
    RSN_HF_CLS,
    RSN_HF_MASK,
    RSN_HF_N_ROLES
} rsn_hf_role;

typedef struct rsn_hf_template {
    rsn_text name, source; /* the name of the one for everything is "default" */
} rsn_hf_template;

typedef struct rsn_hf_draft {
    rsn_arena *arena;
    char *room; /* where short texts go, one behind the other */
    size_t left;
    rsn_hf_model model;
    rsn_hf_entries vocabulary, added;
    rsn_text *merges; /* "left right" */
    size_t n_merges, merges_cap;
    bool byte_level, byte_fallback, ignore_merges, nfc;
    bool splits_words; /* a token has no space behind another character */
    bool collapse;     /* spaces at the edges and in a row */
    bool stripped;     /* white space at the end */
    bool spaces_spelt; /* as U+2581 */
    bool drops_between; /* what no pattern matches is left out */
    rsn_text patterns[RSN_HF_MAX_PATTERNS]; /* what cuts texts, in order */
    size_t n_patterns;
    rsn_text charsmap;
    rsn_text tokenizer_class;
    int add_space; /* what the settings say of `prefix`; -1: nothing */
    int legacy;    /* 0: SentencePiece puts no space behind special tokens; -1: not said */
    int add_bos, add_eos; /* -1: not said, */
    bool by_family;       /* and what the model's family does holds */
    bool prefix;          /* a space before a text */
    bool prefix_once;     /* not behind special tokens */
    bool prefix_missing;  /* not before a space */
    rsn_text before, after; /* special tokens that the post-processor puts there */
    int64_t unk_id;         /* by number; -1: not said */
    rsn_text roles[RSN_HF_N_ROLES];   /* spellings */
    int64_t role_ids[RSN_HF_N_ROLES]; /* by number; -1: not said */
    int64_t ends[RSN_HF_MAX_ENDS];
    size_t n_ends;
    rsn_hf_template templates[RSN_HF_MAX_TEMPLATES];
    size_t n_templates;
} rsn_hf_draft;

void rsn_hf_draft_init(rsn_hf_draft *d, rsn_arena *arena);
void rsn_hf_draft_free(rsn_hf_draft *d); /* not the arena */

/* A copy of a short text, in memory that many share. LIMIT, NO_MEMORY. */
reason_status rsn_hf_copy(rsn_hf_draft *d, const char *text, size_t n, rsn_text *copy);
/* Appends an entry, whose text is copied. LIMIT, NO_MEMORY. */
reason_status rsn_hf_add_entry(rsn_hf_draft *d, rsn_hf_entries *list,
                               const rsn_hf_entry *entry);
/* Appends the rule "left right". FORMAT for one that is not of this form. */
reason_status rsn_hf_add_merge(rsn_hf_draft *d, const char *rule, size_t n);
reason_status rsn_hf_add_pattern(rsn_hf_draft *d, const char *pattern, size_t n);
reason_status rsn_hf_add_template(rsn_hf_draft *d, rsn_text name, rsn_text source);

/* Sorts by text; FORMAT for two entries of one text. */
reason_status rsn_hf_entries_sort(rsn_hf_draft *d, rsn_hf_entries *list);
/* The entry of that text; NULL if there is none. */
const rsn_hf_entry *rsn_hf_entries_find(const rsn_hf_entries *list, rsn_text text);

/* Readers of the files; each names its file in a sentence. Absent ones are passed over
 * where *found is asked for. */
reason_status rsn_hf_read_tokenizer(rsn_hf_draft *d, const char *folder, bool *found);
reason_status rsn_hf_read_vocabulary(rsn_hf_draft *d, const char *folder, bool *found);
reason_status rsn_hf_read_sentencepiece(rsn_hf_draft *d, const char *folder,
                                        bool *found);
reason_status rsn_hf_read_added(rsn_hf_draft *d, const char *folder);
reason_status rsn_hf_read_settings(rsn_hf_draft *d, const char *folder);

/* {"token": id, ...} into a list of entries of this type. */
reason_status rsn_hf_read_ids(rsn_hf_draft *d, rsn_hf_entries *list, uint8_t type,
                              rsn_json *j, rsn_json_kind kind);

/* The name of the pre-tokenizer that these patterns are, and whether it takes pieces that
 * are tokens as they are; empty if no one has given them a name. */
rsn_text rsn_hf_pattern_name(const rsn_text *patterns, size_t n, bool whole_tokens,
                             bool *named_whole);
/* The patterns of a name, up to RSN_HF_MAX_PATTERNS; 0 for a name that is not known. */
size_t rsn_hf_pattern_find(rsn_text name, const char **patterns, bool *whole_tokens);

#endif
