/* Finds a model's thinking tags. Owns the table of families and what can be read off a
 * template's literals; how tags steer a generation is the decode room's. */
#include "model/tags.h"

#include <string.h>

typedef struct family {
    const char *open, *close;
    const char *after_open, *empty, *after_close; /* unless the template says otherwise */
} family;

static const family FAMILIES[] = {
    {"<think>", "</think>", "\n", "\n\n", "\n\n"},
};

static const char *find_text(rsn_text in, size_t from, const char *what) {
    return in.data && from <= in.n
               ? memmem(in.data + from, in.n - from, what, strlen(what))
               : NULL;
}

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

static rsn_text text_of(const char *z) {
    return (rsn_text){z, strlen(z)};
}

reason_status rsn_tags_find(const rsn_vocab *vocab, rsn_text source, rsn_arena *arena,
                            rsn_tags *tags) {
    memset(tags, 0, sizeof *tags);
    tags->source = "none";
    for (size_t i = 0; i < sizeof FAMILIES / sizeof *FAMILIES; i++) {
        const family *f = &FAMILIES[i];
        bool as_tokens = vocab && rsn_vocab_find(vocab, f->open, strlen(f->open)) >= 0 &&
                         rsn_vocab_find(vocab, f->close, strlen(f->close)) >= 0;
        bool in_template =
            find_text(source, 0, f->open) && find_text(source, 0, f->close);
        if (!as_tokens && !in_template)
            continue;
        tags->open = text_of(f->open);
        tags->close = text_of(f->close);
        tags->after_open = text_of(f->after_open);
        tags->empty = text_of(f->empty);
        tags->after_close = text_of(f->after_close);
        tags->source = !in_template ? "vocabulary"
                       : as_tokens  ? "vocabulary and template"
                                    : "template";
        return read_template(source, arena, tags);
    }
    return REASON_OK;
}
