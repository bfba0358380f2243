/* Chat templates: a bounded interpreter for the part of Jinja that published chat
 * templates use, printing what Jinja2's immutable sandbox prints with trim_blocks,
 * lstrip_blocks and loop controls. A template is compiled once into code for a small
 * stack machine; a render has its own memory and counts its steps, so that hostile
 * templates end early and never reach the host.
 *
 * There are no imports and no inheritance; lipsum, random, pprint and a few more are
 * refused by name. Whole numbers are 64 bits wide; beyond that is a LIMIT. */
#ifndef REASON_TEXT_TEMPLATE_H
#define REASON_TEXT_TEMPLATE_H

#include "base/str.h"

enum {
    RSN_TEMPLATE_MAX_SOURCE = 1 << 20,  /* bytes of a template */
    RSN_TEMPLATE_MAX_NESTING = 64,      /* blocks and brackets inside one another */
    RSN_TEMPLATE_MAX_CALLS = 64,        /* macros and recursive loops inside one another */
    RSN_TEMPLATE_MAX_VALUE_DEPTH = 160, /* lists in lists that are printed or compared */
    RSN_TEMPLATE_MAX_RANGE = 100000,    /* items of range(), as in the sandbox */
    RSN_TEMPLATE_MAX_STEPS = 10000000,  /* of a render; looking at n bytes takes n / 16 */
    RSN_TEMPLATE_MAX_OUTPUT = 16 << 20, /* bytes */
    RSN_TEMPLATE_MAX_MEMORY = 64 << 20  /* bytes of one render's values */
};

/* Immutable once compiled: any number of threads may render it at once. */
typedef struct rsn_template rsn_template;

/* Compiles source[0..n), which is copied. FORMAT with the line for what is no template
 * (and for invalid UTF-8), UNSUPPORTED for constructs, filters and tests that are not
 * there, by name, LIMIT for size and nesting, NO_MEMORY. */
reason_status rsn_template_compile(const char *source, size_t n, rsn_template **out);

/* Whether a variable of this name is read anywhere in the template. */
bool rsn_template_mentions(const rsn_template *t, const char *name);

/* What a template is rendered with. All text is borrowed during the call. */
typedef struct rsn_template_input {
    const char *messages_json; /* the variable `messages`; NULL: undefined */
    size_t n_messages_json;
    /* JSON objects, each NUL-terminated, whose entries are the other variables; where two
     * have the same key the later one wins, also over messages_json. */
    const char *const *variables_json;
    size_t n_variables;
    const char *now; /* of strftime_now, "2026-01-02T03:04:05"; NULL: local time */
} rsn_template_input;

/* Renders and appends to `out`, which is as before on failure. TEMPLATE where the
 * template calls raise_exception (its message is in the last error) or does what Jinja
 * would refuse, UNSUPPORTED for parts of the language that are not there and for using
 * what the sandbox hides, LIMIT for steps, depth, output and memory, FORMAT for bad JSON
 * and a bad `now`, NO_MEMORY. */
reason_status rsn_template_render(const rsn_template *t, const rsn_template_input *in,
                                  rsn_str *out);

/* Bytes of memory behind it; 0 for NULL. */
size_t rsn_template_held(const rsn_template *t);
void rsn_template_free(rsn_template *t); /* NULL is fine */

#endif
