/* The steps that a tokenizer.json takes a text through: normalizer, pre_tokenizer and
 * post_processor. */
#ifndef REASON_FORMAT_HF_STEPS_H
#define REASON_FORMAT_HF_STEPS_H

#include "format/hf_draft.h"

enum { RSN_HF_MAX_STEPS = 16 };

/* One step with all fields that any of them has; empty texts are absent. */
typedef struct rsn_hf_step {
    rsn_text type;
    rsn_text regex, string; /* of a pattern */
    rsn_text content, behavior, prepend, replacement, prepend_scheme, charsmap;
    rsn_text before, after; /* special tokens of a template */
    bool invert, add_prefix_space, use_regex, individual_digits, split, strip_left,
        strip_right;
} rsn_hf_step;

typedef struct rsn_hf_steps {
    rsn_arena *arena;
    rsn_hf_step items[RSN_HF_MAX_STEPS];
    size_t n;
    bool within;    /* the one that is read is part of a sequence */
    rsn_hf_step *now;
    bool in_sequence; /* of a template: its "Sequence" was there */
} rsn_hf_steps;

/* Reads a step or a sequence of them; null is none. LIMIT, UNSUPPORTED (a sequence in a
 * sequence), FORMAT. */
reason_status rsn_hf_steps_read(rsn_hf_steps *steps, rsn_json *j, rsn_json_kind kind);

/* What they mean for the draft. UNSUPPORTED for a step that is not there, by name. */
reason_status rsn_hf_steps_normalize(const rsn_hf_steps *steps, rsn_hf_draft *d);
reason_status rsn_hf_steps_cut(const rsn_hf_steps *steps, rsn_hf_draft *d);
reason_status rsn_hf_steps_finish(const rsn_hf_steps *steps, rsn_hf_draft *d);

#endif
