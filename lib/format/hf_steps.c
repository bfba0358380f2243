/* Owns what the steps of a tokenizer.json mean: a row per kind of step and place. How
 * they are read is hf_steps_read.c's; which patterns have a name is hf_patterns.c's.
 * Invariant: a step that is not understood in full is refused by name, never passed over.
 */
#include "format/hf_steps.h"

#include <string.h>

#define SPACE "\xE2\x96\x81" /* U+2581, which stands for a space */

typedef reason_status (*apply_fn)(const rsn_hf_step *step, rsn_hf_draft *d);

typedef struct step_kind {
    const char *type;
    apply_fn apply;
} step_kind;

static reason_status refuse(const rsn_hf_step *step, const char *why) {
    return rsn_fail(REASON_ERR_UNSUPPORTED, "step %s: %s",
                    rsn_quote(step->type.data, step->type.n).text, why);
}

static reason_status apply_all(const rsn_hf_steps *steps, rsn_hf_draft *d,
                               const char *place, const step_kind *kinds, size_t n) {
    reason_status status = REASON_OK;
    for (size_t i = 0; i < steps->n && status == REASON_OK; i++) {
        const rsn_hf_step *step = &steps->items[i];
        apply_fn apply = NULL;
        for (size_t k = 0; k < n && !apply; k++)
            if (rsn_text_is(step->type, kinds[k].type))
                apply = kinds[k].apply;
        status = apply ? apply(step, d) : refuse(step, "is not supported");
        if (status != REASON_OK && status != REASON_ERR_NO_MEMORY)
            rsn_fail_within(status, place);
    }
    return status;
}

/* Steps of a sequence stand behind the sequence; by itself it does nothing, and
 * processors of bytes change nothing that is kept. */
static reason_status pass_over(const rsn_hf_step *step, rsn_hf_draft *d) {
    (void)step;
    (void)d;
    return REASON_OK;
}

/* ---- normalizer ---- */

static reason_status apply_nfc(const rsn_hf_step *step, rsn_hf_draft *d) {
    (void)step;
    d->nfc = true;
    return REASON_OK;
}

static reason_status apply_prepend(const rsn_hf_step *step, rsn_hf_draft *d) {
    if (!rsn_text_is(step->prepend, SPACE))
        return refuse(step, "only U+2581 is supported as \"prepend\"");
    d->prefix = true;
    return REASON_OK;
}

/* Spaces become U+2581, as SentencePiece spells them, or several of them one. */
static reason_status apply_replace(const rsn_hf_step *step, rsn_hf_draft *d) {
    if (rsn_text_is(step->string, " ") && rsn_text_is(step->content, SPACE)) {
        d->spaces_spelt = true;
        return REASON_OK;
    }
    if (rsn_text_is(step->regex, "\\A +| +\\z") && step->content.n == 0) {
        d->stripped = true; /* as hf_tokenizer_write.c writes it */
        return REASON_OK;
    }
    bool space = rsn_text_is(step->content, " ") || rsn_text_is(step->content, SPACE);
    if (!rsn_text_is(step->regex, " {2,}") || !space)
        return refuse(step, "supported are \" \" by U+2581 and \" {2,}\" by one of them");
    d->collapse = true;
    return REASON_OK;
}

static reason_status apply_strip(const rsn_hf_step *step, rsn_hf_draft *d) {
    if (!step->strip_right)
        return refuse(step, "only with \"strip_right\" is it supported");
    d->stripped = true;
    return REASON_OK;
}

static int base64_digit(char c) {
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

static reason_status apply_charsmap(const rsn_hf_step *step, rsn_hf_draft *d) {
    rsn_text from = step->charsmap;
    while (from.n && from.data[from.n - 1] == '=')
        from.n--;
    uint8_t *out = rsn_arena_alloc(d->arena, from.n / 4 * 3 + 3);
    if (!out)
        return REASON_ERR_NO_MEMORY;
    size_t n = 0;
    uint32_t bits = 0;
    for (size_t i = 0; i < from.n; i++) {
        int digit = base64_digit(from.data[i]);
        if (digit < 0)
            return rsn_fail(REASON_ERR_FORMAT,
                            "precompiled_charsmap: character %zu is none of base64", i);
        bits = bits << 6 | (uint32_t)digit;
        if (i % 4)
            out[n++] = (uint8_t)(bits >> (6 - i % 4 * 2));
    }
    d->charsmap = (rsn_text){(const char *)out, n};
    return REASON_OK;
}

reason_status rsn_hf_steps_normalize(const rsn_hf_steps *steps, rsn_hf_draft *d) {
    static const step_kind kinds[] = {
        {"Sequence", pass_over},       {"NFC", apply_nfc},
        {"Prepend", apply_prepend},    {"Replace", apply_replace},
        {"Strip", apply_strip},        {"Precompiled", apply_charsmap},
    };
    reason_status status =
        apply_all(steps, d, "normalizer", kinds, sizeof kinds / sizeof *kinds);
    if (status == REASON_OK && d->collapse != d->stripped)
        status = rsn_fail(REASON_ERR_UNSUPPORTED,
                          "normalizer: \"Strip\" and \"Replace\" of \" {2,}\" are "
                          "supported only together");
    return status;
}

/* ---- pre_tokenizer ---- */

static reason_status add_escaped(rsn_hf_draft *d, rsn_text string) {
    char pattern[256];
    size_t n = 0;
    for (size_t i = 0; i < string.n && n + 2 < sizeof pattern; i++) {
        char c = string.data[i];
        bool letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
        if (c > 0x20 && c < 0x7F && !letter && !strchr("0123456789_", c))
            pattern[n++] = '\\';
        pattern[n++] = c;
    }
    if (n + 2 >= sizeof pattern)
        return rsn_fail(REASON_ERR_LIMIT,
                        "a string of %zu bytes to split at; the limit is %zu", string.n,
                        sizeof pattern / 2);
    return rsn_hf_add_pattern(d, pattern, n);
}

/* "Removed" with "invert" keeps the matches and drops what is between: the same where a
 * pattern leaves nothing between. */
static reason_status apply_split(const rsn_hf_step *step, rsn_hf_draft *d) {
    /* Gemma: at spaces, of which the normalizer has left none. */
    if (d->spaces_spelt && rsn_text_is(step->string, " "))
        return REASON_OK;
    bool drops = rsn_text_is(step->behavior, "Removed") && step->invert;
    if (!drops && (!rsn_text_is(step->behavior, "Isolated") || step->invert))
        return refuse(step, "only the behavior \"Isolated\" is supported");
    if (drops)
        d->drops_between = true;
    return step->regex.n ? rsn_hf_add_pattern(d, step->regex.data, step->regex.n)
                         : add_escaped(d, step->string);
}

static reason_status apply_digits(const rsn_hf_step *step, rsn_hf_draft *d) {
    return step->individual_digits ? rsn_hf_add_pattern(d, "\\p{N}", 5)
                                   : rsn_hf_add_pattern(d, "\\p{N}+", 6);
}

static reason_status apply_punctuation(const rsn_hf_step *step, rsn_hf_draft *d) {
    static const char signs[] = "[\\p{P}\\$\\+<=>\\^~\\|`]+";
    bool contiguous = rsn_text_is(step->behavior, "Contiguous");
    if (!contiguous && step->behavior.n && !rsn_text_is(step->behavior, "Isolated"))
        return refuse(step, "\"Isolated\" and \"Contiguous\" are supported as behavior");
    return rsn_hf_add_pattern(d, signs, sizeof signs - 2 + contiguous);
}

static reason_status apply_bytes(const rsn_hf_step *step, rsn_hf_draft *d) {
    static const char words[] =
        "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|"
        "\\s+";
    if (step->add_prefix_space && d->n_patterns)
        return refuse(step, "\"add_prefix_space\" behind other steps is not supported");
    d->byte_level = true;
    d->prefix = d->prefix_missing = step->add_prefix_space;
    return step->use_regex ? rsn_hf_add_pattern(d, words, sizeof words - 1) : REASON_OK;
}

static reason_status apply_metaspace(const rsn_hf_step *step, rsn_hf_draft *d) {
    bool never = rsn_text_is(step->prepend_scheme, "never");
    d->prefix_once = rsn_text_is(step->prepend_scheme, "first");
    if (step->prepend_scheme.n == 0)
        never = !step->add_prefix_space; /* as the field was before it had its name */
    else if (!never && !d->prefix_once && !rsn_text_is(step->prepend_scheme, "always"))
        return refuse(step, "\"always\", \"first\" and \"never\" are supported as "
                            "prepend_scheme");
    if (step->replacement.n && !rsn_text_is(step->replacement, SPACE))
        return refuse(step, "only U+2581 is supported as \"replacement\"");
    d->spaces_spelt = true;
    d->prefix = d->prefix_missing = !never;
    d->splits_words = step->split;
    return REASON_OK;
}

static reason_status apply_whitespace(const rsn_hf_step *step, rsn_hf_draft *d) {
    if (d->model != RSN_HF_UNIGRAM)
        return refuse(step, "only with a unigram model is it supported");
    d->collapse = true;
    return REASON_OK;
}

reason_status rsn_hf_steps_cut(const rsn_hf_steps *steps, rsn_hf_draft *d) {
    static const step_kind kinds[] = {
        {"Sequence", pass_over},        {"Split", apply_split},
        {"Digits", apply_digits},       {"Punctuation", apply_punctuation},
        {"ByteLevel", apply_bytes},     {"Metaspace", apply_metaspace},
        {"WhitespaceSplit", apply_whitespace},
    };
    return apply_all(steps, d, "pre_tokenizer", kinds, sizeof kinds / sizeof *kinds);
}

/* ---- post_processor ---- */

static reason_status apply_template(const rsn_hf_step *step, rsn_hf_draft *d) {
    d->before = step->before;
    d->after = step->after;
    return REASON_OK;
}

reason_status rsn_hf_steps_finish(const rsn_hf_steps *steps, rsn_hf_draft *d) {
    static const step_kind kinds[] = {
        {"Sequence", pass_over},
        {"ByteLevel", pass_over},
        {"TemplateProcessing", apply_template},
    };
    return apply_all(steps, d, "post_processor", kinds, sizeof kinds / sizeof *kinds);
}
