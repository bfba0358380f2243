/* What a judge is asked. */
#ifndef REASON_REWARD_JUDGE_PROMPT_H
#define REASON_REWARD_JUDGE_PROMPT_H

#include "decode/inserts.h"

/* What a prompt has places for. */
typedef enum rsn_slot {
    RSN_SLOT_QUERY,
    RSN_SLOT_FIRST,  /* the response that is shown first */
    RSN_SLOT_SECOND,
    RSN_SLOT_RESPONSE, /* the only one */
    RSN_SLOT_RUBRIC,
    RSN_SLOT_CHECKLIST,
    RSN_SLOT_ITEM, /* of the checklist */
    RSN_N_SLOTS
} rsn_slot;

/* The messages of all questions of a judge, with marks where texts belong. */
typedef struct rsn_frame {
    rsn_str system, prompt; /* an empty system message is none */
    rsn_str checklist;      /* all items as one text */
    rsn_slot slots[RSN_N_SLOTS]; /* [n_slots], the texts that marks stand for */
    size_t n_slots;
} rsn_frame;

/* Makes the frame of a request that is complete. INVALID_ARG: a prompt without a place for
 * a response, or with a character that marks have. NO_MEMORY. */
reason_status rsn_frame_make(const reason_judge_request *request, rsn_frame *frame);
void rsn_frame_free(rsn_frame *frame);
/* What ends a verdict of this kind: the two marks; NULL for scores. */
const char *const *rsn_kind_marks(reason_judge_kind kind);

#endif
