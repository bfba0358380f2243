/* Owns how the steps of a tokenizer.json are read. What they mean is hf_steps.c's.
 * Invariant: a sequence is flat, so reading is as deep as this code is. */
#include <string.h>

#include "format/hf_steps.h"

static reason_status read_template(void *user, rsn_json *j, rsn_json_kind kind);
static reason_status read_pattern(void *user, rsn_json *j, rsn_json_kind kind);
static reason_status read_list(void *user, rsn_json *j, rsn_json_kind kind);

/* A row per field that is a string or a switch. */
#define TEXT(field)                                                                     \
    static reason_status read_##field(void *user, rsn_json *j, rsn_json_kind kind) {   \
        rsn_hf_steps *s = user;                                                         \
        return rsn_hf_json_string(j, kind, s->arena, &s->now->field);                   \
    }
#define SWITCH(field)                                                                   \
    static reason_status read_##field(void *user, rsn_json *j, rsn_json_kind kind) {   \
        rsn_hf_steps *s = user;                                                         \
        return rsn_hf_json_bool(j, kind, &s->now->field);                               \
    }
TEXT(type)
TEXT(regex)
TEXT(string)
TEXT(content)
TEXT(behavior)
TEXT(prepend)
TEXT(replacement)
TEXT(prepend_scheme)
TEXT(charsmap)
SWITCH(invert)
SWITCH(add_prefix_space)
SWITCH(use_regex)
SWITCH(individual_digits)
SWITCH(split)
SWITCH(strip_left)
SWITCH(strip_right)

static const rsn_hf_field FIELDS[] = {
    {"type", read_type},
    {"pattern", read_pattern},
    {"content", read_content},
    {"behavior", read_behavior},
    {"prepend", read_prepend},
    {"replacement", read_replacement},
    {"prepend_scheme", read_prepend_scheme},
    {"precompiled_charsmap", read_charsmap},
    {"invert", read_invert},
    {"add_prefix_space", read_add_prefix_space},
    {"use_regex", read_use_regex},
    {"individual_digits", read_individual_digits},
    {"split", read_split},
    {"strip_left", read_strip_left},
    {"strip_right", read_strip_right},
    {"single", read_template},
    {"normalizers", read_list},
    {"pretokenizers", read_list},
    {"processors", read_list},
};
enum { N_FIELDS = sizeof FIELDS / sizeof *FIELDS };

static reason_status read_pattern(void *user, rsn_json *j, rsn_json_kind kind) {
    static const rsn_hf_field fields[] = {{"Regex", read_regex}, {"String", read_string}};
    return rsn_hf_json_object(j, kind, fields, 2, user);
}

/* ---- {"single": [{"SpecialToken": {"id": "<s>"}}, {"Sequence": {"id": "A"}}]} ---- */

static reason_status read_special_id(void *user, rsn_json *j, rsn_json_kind kind) {
    rsn_hf_steps *s = user;
    rsn_text *to = s->in_sequence ? &s->now->after : &s->now->before;
    if (to->n)
        return rsn_fail(REASON_ERR_UNSUPPORTED,
                        "post_processor: two special tokens %s a text; one is supported",
                        s->in_sequence ? "behind" : "before");
    return rsn_hf_json_string(j, kind, s->arena, to);
}

static reason_status read_special(void *user, rsn_json *j, rsn_json_kind kind) {
    static const rsn_hf_field fields[] = {{"id", read_special_id}};
    return rsn_hf_json_object(j, kind, fields, 1, user);
}

static reason_status read_sequence(void *user, rsn_json *j, rsn_json_kind kind) {
    ((rsn_hf_steps *)user)->in_sequence = true;
    return rsn_json_skip(j, kind);
}

static reason_status read_part(void *user, rsn_json *j, rsn_json_kind kind) {
    static const rsn_hf_field fields[] = {{"SpecialToken", read_special},
                                          {"Sequence", read_sequence}};
    return rsn_hf_json_object(j, kind, fields, 2, user);
}

static reason_status read_template(void *user, rsn_json *j, rsn_json_kind kind) {
    ((rsn_hf_steps *)user)->in_sequence = false;
    return rsn_hf_json_array(j, kind, read_part, user);
}

/* ---- steps ---- */

static reason_status read_step(void *user, rsn_json *j, rsn_json_kind kind) {
    rsn_hf_steps *s = user;
    if (s->n == RSN_HF_MAX_STEPS)
        return rsn_fail(REASON_ERR_LIMIT, "JSON: byte %zu: more than %d steps in a row",
                        j->at, RSN_HF_MAX_STEPS);
    s->now = &s->items[s->n++];
    *s->now = (rsn_hf_step){.use_regex = true, .add_prefix_space = true, .split = true};
    reason_status status = rsn_hf_json_object(j, kind, FIELDS, N_FIELDS, s);
    if (status == REASON_OK && s->now->type.n == 0)
        status = rsn_hf_json_fail(j, "step with a \"type\"");
    return status;
}

static reason_status read_list(void *user, rsn_json *j, rsn_json_kind kind) {
    rsn_hf_steps *s = user;
    if (s->within)
        return rsn_fail(REASON_ERR_UNSUPPORTED,
                        "JSON: byte %zu: a sequence of steps within a sequence", j->at);
    rsn_hf_step *outer = s->now;
    s->within = true;
    reason_status status = rsn_hf_json_array(j, kind, read_step, s);
    s->within = false;
    s->now = outer;
    return status;
}

reason_status rsn_hf_steps_read(rsn_hf_steps *steps, rsn_json *j, rsn_json_kind kind) {
    return kind == RSN_JSON_NULL ? REASON_OK : read_step(steps, j, kind);
}
