/* Finds a model's thinking tags. Owns how a row of the table is chosen and what can be
 * read off a template's literals; the rows are families.c's, and how tags steer a
 * generation is the decode room's. */
#include "model/tags.h"

#include <string.h>

static const char *find_text(rsn_text in, size_t from, const char *what) {
    return in.data && from <= in.n
               ? memmem(in.data + from, in.n - from, what, strlen(what))
               : NULL;
}

/* --- a family's row ---------------------------------------------------------------- */

static bool stands_in(rsn_text template_source, const char *const *signs) {
    bool all = signs[0] != NULL;
    for (size_t i = 0; i < RSN_FAMILY_SIGNS && signs[i] && all; i++)
        all = find_text(template_source, 0, signs[i]) != NULL;
    return all;
}

static bool has_tokens(const rsn_vocab *vocab, const char *const *tokens) {
    bool all = vocab && tokens[0] != NULL;
    for (size_t i = 0; i < RSN_FAMILY_SIGNS && tokens[i] && all; i++)
        all = rsn_vocab_find(vocab, tokens[i], strlen(tokens[i])) >= 0;
    return all;
}

/* A template says what this model does; a vocabulary may have tokens of other models. */
static const rsn_family *find_family(const rsn_vocab *vocab, rsn_text source,
                                     const char **found_in) {
    for (size_t i = 0; i < rsn_n_families; i++)
        if (stands_in(source, rsn_families[i].signs)) {
            bool both = has_tokens(vocab, rsn_families[i].tokens);
            *found_in = both ? "vocabulary and template" : "template";
            return &rsn_families[i];
        }
    for (size_t i = 0; i < rsn_n_families; i++)
        if (has_tokens(vocab, rsn_families[i].tokens)) {
            *found_in = "vocabulary";
            return &rsn_families[i];
        }
    *found_in = "none";
    return &rsn_family_none;
}

/* --- what a template's literals say ------------------------------------------------ */

/* White space written in a template's string literal, escapes decoded, from *at on. */
static reason_status take_space(rsn_text source, size_t *at, rsn_arena *arena,
                                rsn_text *out) {
    rsn_str text = {0};
    for (;;) {
        char c = *at < source.n ? source.data[*at] : '\0';
        char next = *at + 1 < source.n ? source.data[*at + 1] : '\0';
        if (c == '\\' && (next == 'n' || next == 't')) {
            rsn_str_addc(&text, next == 'n' ? '\n' : '\t');
            *at += 2;
        } else if (c == '\n' || c == ' ') {
            rsn_str_addc(&text, c);
            *at += 1;
        } else {
            break;
        }
    }
    out->n = text.n;
    out->data = rsn_arena_strndup(arena, rsn_str_text(&text), text.n);
    bool failed = text.failed || !out->data;
    rsn_str_free(&text);
    return failed ? REASON_ERR_NO_MEMORY : REASON_OK;
}

static bool ends_literal(rsn_text source, size_t at) {
    return at < source.n && (source.data[at] == '\'' || source.data[at] == '"');
}

/* Reads the white space of an empty block, and that after an opening tag which ends a
 * literal. */
static reason_status read_template(rsn_text source, rsn_arena *arena, rsn_tags *tags) {
    bool seen_open = false, seen_empty = false;
    const char *hit = find_text(source, 0, tags->open.data);
    while (hit) {
        size_t at = (size_t)(hit - source.data) + tags->open.n;
        size_t next = at;
        rsn_text inside, after;
        reason_status status = take_space(source, &at, arena, &inside);
        if (status != REASON_OK)
            return status;
        bool closes = source.n - at >= tags->close.n &&
                      memcmp(source.data + at, tags->close.data, tags->close.n) == 0;
        if (closes && !seen_empty) {
            at += tags->close.n;
            status = take_space(source, &at, arena, &after);
            if (status != REASON_OK)
                return status;
            tags->empty = inside;
            tags->after_close = after;
            seen_empty = true;
        } else if (!closes && !seen_open && inside.n > 0 && ends_literal(source, at)) {
            tags->after_open = inside;
            seen_open = true;
        }
        hit = find_text(source, next, tags->open.data);
    }
    return REASON_OK;
}

/* --- all that follows from both ---------------------------------------------------- */

static rsn_text or_empty(rsn_text text) {
    return text.data ? text : (rsn_text){"", 0};
}

/* Joins texts, with `between` them. */
static reason_status join(rsn_arena *arena, const rsn_text *parts, size_t n,
                          const char *between, rsn_text *out) {
    rsn_str text = {0};
    for (size_t i = 0; i < n; i++) {
        rsn_str_addz(&text, text.n > 0 ? between : "");
        rsn_str_add(&text, parts[i].data, parts[i].n);
    }
    out->n = text.n;
    out->data = rsn_arena_strndup(arena, rsn_str_text(&text), text.n);
    bool failed = text.failed || !out->data;
    rsn_str_free(&text);
    return failed ? REASON_ERR_NO_MEMORY : REASON_OK;
}

static size_t count_space(rsn_text text) {
    size_t n = 0;
    while (n < text.n && (text.data[n] == ' ' || text.data[n] == '\n' ||
                          text.data[n] == '\t' || text.data[n] == '\r'))
        n++;
    return n;
}

static reason_status fill_forced(rsn_arena *arena, rsn_tags *t) {
    const rsn_family *f = t->family;
    rsn_text opener[] = {t->before_open, t->open, t->after_open};
    rsn_text closer[] = {t->close, t->after_close, or_empty(f->answer_open)};
    reason_status status = join(arena, opener, 3, "", &t->opener);
    if (status == REASON_OK)
        status = join(arena, closer, 3, "", &t->closer);
    rsn_text silence[] = {t->before_open, t->open, t->empty, t->closer};
    t->silence = or_empty(f->silence);
    if (status == REASON_OK && !f->no_block)
        status = join(arena, silence, 4, "", &t->silence);
    return status;
}

static reason_status fill_wrappers(rsn_arena *arena, rsn_tags *t) {
    rsn_text texts[RSN_FAMILY_MARKS];
    while (t->n_marks < RSN_FAMILY_MARKS && t->family->marks[t->n_marks].text.n > 0) {
        texts[t->n_marks] = t->family->marks[t->n_marks].text;
        t->n_marks++;
    }
    return join(arena, texts, t->n_marks, " ", &t->wrappers);
}

static reason_status fill_ends(const rsn_vocab *vocab, rsn_arena *arena, rsn_tags *t) {
    rsn_str text = {0};
    size_t n = vocab ? rsn_vocab_size(vocab) : 0;
    for (size_t id = 0; id < n; id++)
        if (rsn_vocab_is_end(vocab, (int32_t)id)) {
            rsn_text bytes = rsn_vocab_bytes(vocab, (int32_t)id);
            rsn_str_addz(&text, text.n > 0 ? " " : "");
            rsn_str_add(&text, bytes.data, bytes.n);
        }
    rsn_text whole = {rsn_str_text(&text), text.n};
    reason_status status =
        text.failed ? REASON_ERR_NO_MEMORY : join(arena, &whole, 1, "", &t->end_tokens);
    rsn_str_free(&text);
    return status;
}

/* The variables that the model's own template reads. */
static void fill_variables(const rsn_template *chat, rsn_tags *t) {
    const rsn_switch *switches = t->family->switches;
    t->switch_name = t->effort_name = "";
    for (size_t i = RSN_FAMILY_SWITCHES; chat && i-- > 0;)
        if (switches[i].name && rsn_template_mentions(chat, switches[i].name))
            t->switch_name = switches[i].name;
    if (chat && rsn_template_mentions(chat, t->family->effort->name))
        t->effort_name = t->family->effort->name;
}

reason_status rsn_tags_find(const rsn_vocab *vocab, rsn_text source,
                            const rsn_template *chat, rsn_arena *arena, rsn_tags *tags) {
    memset(tags, 0, sizeof *tags);
    const rsn_family *f = find_family(vocab, source, &tags->source);
    tags->family = f;
    tags->open = or_empty(f->open);
    tags->close = or_empty(f->close);
    tags->before_open = or_empty(f->before_open);
    tags->after_open = or_empty(f->after_open);
    tags->empty = or_empty(f->empty);
    tags->after_close = or_empty(f->after_close);
    reason_status status = REASON_OK;
    if (tags->open.n > 0 && !f->fixed)
        status = read_template(source, arena, tags);
    size_t space = count_space(tags->after_close);
    tags->close_eat = space > f->close_eat ? space : f->close_eat;
    fill_variables(chat, tags);
    if (status == REASON_OK)
        status = fill_forced(arena, tags);
    if (status == REASON_OK)
        status = fill_wrappers(arena, tags);
    return status == REASON_OK ? fill_ends(vocab, arena, tags) : status;
}

/* --- parts ------------------------------------------------------------------------- */

bool rsn_tags_have(const rsn_tags *tags, rsn_text text) {
    const rsn_text wholes[] = {tags->open, tags->closer, tags->empty, tags->silence};
    bool found = false;
    for (size_t i = 0; i < sizeof wholes / sizeof *wholes && !found; i++)
        found = wholes[i].n > 0 && memmem(wholes[i].data, wholes[i].n, text.data, text.n);
    for (size_t i = 0; i < tags->n_marks && !found; i++) {
        rsn_text mark = tags->family->marks[i].text;
        found = memmem(mark.data, mark.n, text.data, text.n) != NULL;
    }
    return text.n > 0 && found;
}
