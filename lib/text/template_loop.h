/* The state of a running for loop, which the variable `loop` shows. Private to
 * template_*.c. */
#ifndef REASON_TEXT_TEMPLATE_LOOP_H
#define REASON_TEXT_TEMPLATE_LOOP_H

#include "text/template_code.h"
#include "text/template_native.h"

typedef struct rsn_tpl_loop {
    const rsn_tpl_for *info;
    struct rsn_tpl_frame *outer, *body;
    rsn_tv over; /* what is iterated over; an ITER if items are filtered */
    rsn_ti *it;
    int64_t index0;                /* -1 before the first item */
    int64_t depth0;                /* loops of the same recursion around this one */
    rsn_tv before, current, after; /* MISSING where there is none; after: peeked */
    rsn_tv changed;                /* what loop.changed() was given last */
    size_t length;
    bool has_length, completed; /* completed: a body ran to its end */
    size_t n_captures;          /* open when the loop began */
} rsn_tpl_loop;

/* The next item, or MISSING. */
reason_status rsn_tpl_loop_step(rsn_tpl_run *run, rsn_tpl_loop *loop, rsn_tv *item);

extern const rsn_tpl_native rsn_tpl_loop_methods[];

#endif
