/* Owns the order of a draft's tokens by id: what is listed twice, what is missing, which
 * type each has, which have a part of their own. Invariant: every id has a token in the
 * end, and no text of a token is empty. */
#include "format/hf_place.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"

#define SPACE "\xE2\x96\x81"

static reason_status fail_entry(const rsn_hf_entry *e, const char *what) {
    return rsn_fail(REASON_ERR_FORMAT, "token %s with id %d: %s",
                    rsn_quote(e->text.data, e->text.n).text, (int)e->id, what);
}

static bool holds_space(rsn_text text) {
    for (size_t i = 0; i + 3 <= text.n; i++)
        if (memcmp(text.data + i, SPACE, 3) == 0)
            return true;
    return false;
}

/* How many ids there are; those without a token may be as many as those with one, and
 * some more. */
static reason_status count_ids(const rsn_hf_draft *d, size_t n_vocab, size_t *n) {
    const rsn_hf_entries *lists[] = {&d->vocabulary, &d->added};
    size_t listed = d->vocabulary.n + d->added.n, most = 2 * listed + RSN_HF_MAX_FILL;
    *n = n_vocab;
    if (most > RSN_HF_MAX_TOKENS)
        most = RSN_HF_MAX_TOKENS;
    if (n_vocab > most)
        return rsn_fail(REASON_ERR_LIMIT,
                        "a vocabulary of %zu ids with %zu tokens; the limit is %zu ids",
                        n_vocab, listed, most);
    for (size_t k = 0; k < 2; k++) {
        for (size_t i = 0; i < lists[k]->n; i++) {
            const rsn_hf_entry *e = &lists[k]->items[i];
            size_t end = (size_t)e->id + 1;
            if (end > (n_vocab ? n_vocab : most))
                return rsn_fail(REASON_ERR_FORMAT,
                                "token %s has id %d; allowed are 0 to %zu",
                                rsn_quote(e->text.data, e->text.n).text, (int)e->id,
                                (n_vocab ? n_vocab : most) - 1);
            if (end > *n)
                *n = end;
        }
    }
    return REASON_OK;
}

static reason_status take_lists(rsn_hf_draft *d, rsn_hf_place *place) {
    bool scored = !d->byte_level;
    place->texts = rsn_arena_calloc2(d->arena, place->n, sizeof *place->texts);
    place->types = rsn_arena_calloc2(d->arena, place->n, sizeof *place->types);
    place->merges = rsn_arena_calloc2(d->arena, d->n_merges, sizeof *place->merges);
    place->lstrip.items =
        rsn_arena_calloc2(d->arena, d->added.n, sizeof *place->lstrip.items);
    place->rstrip.items =
        rsn_arena_calloc2(d->arena, d->added.n, sizeof *place->rstrip.items);
    place->literal.items =
        rsn_arena_calloc2(d->arena, d->added.n, sizeof *place->literal.items);
    place->ends.items =
        rsn_arena_calloc2(d->arena, RSN_HF_MAX_ENDS, sizeof *place->ends.items);
    if (scored)
        place->scores = rsn_arena_calloc2(d->arena, place->n, sizeof *place->scores);
    return place->texts && place->types && place->merges && place->lstrip.items &&
                   place->rstrip.items && place->literal.items && place->ends.items &&
                   (place->scores || !scored)
               ? REASON_OK
               : REASON_ERR_NO_MEMORY;
}

static bool is_byte(rsn_text s) {
    return s.n == 6 && memcmp(s.data, "<0x", 3) == 0 && s.data[5] == '>';
}

/* A token with U+2581 that text may not become: one that would go on into a next word. */
static bool is_cut(const rsn_hf_draft *d, rsn_text text) {
    if (!d->splits_words || text.n <= 3)
        return false;
    return holds_space((rsn_text){text.data + 1, text.n - 1});
}

static reason_status place_vocabulary(const rsn_hf_draft *d, rsn_hf_place *place) {
    for (size_t i = 0; i < d->vocabulary.n; i++) {
        const rsn_hf_entry *e = &d->vocabulary.items[i];
        if (place->types[e->id])
            return fail_entry(e, "another token has the same id");
        if (e->text.n == 0 && d->model != RSN_HF_UNIGRAM)
            return fail_entry(e, "an empty token");
        place->texts[e->id] = e->text;
        place->types[e->id] = e->type;
        if (d->byte_fallback && is_byte(e->text))
            place->types[e->id] = RSN_HF_BYTE;
        if (d->model == RSN_HF_UNIGRAM && is_cut(d, e->text))
            place->types[e->id] = RSN_HF_UNUSED;
        if (place->scores)
            place->scores[e->id] = e->score;
    }
    return REASON_OK;
}

/* An added token is taken out of text before it is cut. One that the model has as well
 * and that has spaces in it stays what text becomes by merging, since in the text there
 * is a space where the token has U+2581; spelt out with that it is taken out as well. */
static reason_status place_added(const rsn_hf_draft *d, rsn_hf_place *place) {
    for (size_t i = 0; i < d->added.n; i++) {
        const rsn_hf_entry *e = &d->added.items[i];
        const rsn_hf_entry *same = rsn_hf_entries_find(&d->vocabulary, e->text);
        rsn_text there = place->texts[e->id];
        if (same && same->id != e->id)
            return fail_entry(e, "it has another id in the vocabulary");
        if (place->types[e->id] && rsn_gguf_compare(&there, &e->text) != 0)
            return fail_entry(e, "another token has the same id");
        bool merges = same && e->type == RSN_HF_USER && !d->byte_level &&
                      holds_space(e->text);
        bool again = place->types[e->id] == RSN_HF_CONTROL ||
                     place->types[e->id] == RSN_HF_USER;
        if (merges)
            place->literal.items[place->literal.n++] = e->id;
        if (merges || again)
            continue;
        place->texts[e->id] = e->text;
        place->types[e->id] = e->type;
        if (e->trims & RSN_HF_LSTRIP)
            place->lstrip.items[place->lstrip.n++] = e->id;
        if (e->trims & RSN_HF_RSTRIP)
            place->rstrip.items[place->rstrip.n++] = e->id;
    }
    return REASON_OK;
}

/* Ids without a token get one that text never becomes. */
static reason_status fill_gaps(rsn_hf_draft *d, rsn_hf_place *place) {
    reason_status status = REASON_OK;
    for (size_t i = 0; i < place->n && status == REASON_OK; i++) {
        char name[32];
        if (place->types[i])
            continue;
        int n = snprintf(name, sizeof name, "[PAD%zu]", i);
        place->types[i] = RSN_HF_UNUSED;
        status = rsn_hf_copy(d, name, (size_t)n, &place->texts[i]);
    }
    return status;
}

/* The list of rules, and the scores that mean nearly the same to who knows only these:
 * the token that a rule makes ranks as the first rule that makes it. */
static reason_status place_merges(rsn_hf_draft *d, rsn_hf_place *place) {
    rsn_str made = {0};
    for (size_t i = 0; i < place->n && place->scores && d->model == RSN_HF_BPE; i++)
        place->scores[i] = -(float)d->n_merges - 1;
    for (size_t i = 0; i < d->n_merges && !made.failed; i++) {
        rsn_text rule = d->merges[i];
        size_t left = (size_t)((const char *)memchr(rule.data, ' ', rule.n) - rule.data);
        rsn_str_cut(&made, 0);
        rsn_str_add(&made, rule.data, left);
        rsn_str_add(&made, rule.data + left + 1, rule.n - left - 1);
        const rsn_text token = {rsn_str_text(&made), made.n};
        if (!place->scores) {
            place->merges[place->n_merges++] = rule;
            continue;
        }
        const rsn_hf_entry *e = rsn_hf_entries_find(&d->vocabulary, token);
        if (!e || is_cut(d, token))
            continue;
        place->merges[place->n_merges++] = rule;
        if (place->scores[e->id] < -(float)i)
            place->scores[e->id] = -(float)i;
    }
    reason_status status = made.failed ? REASON_ERR_NO_MEMORY : REASON_OK;
    rsn_str_free(&made);
    return status;
}

/* ---- roles ---- */

static int64_t find_id(const rsn_hf_draft *d, rsn_text text) {
    const rsn_hf_entry *e = rsn_hf_entries_find(&d->vocabulary, text);
    for (size_t i = 0; i < d->added.n && !e; i++)
        if (rsn_gguf_compare(&d->added.items[i].text, &text) == 0)
            e = &d->added.items[i];
    return e ? e->id : -1;
}

static reason_status check_id(const rsn_hf_place *place, int64_t id, const char *what) {
    if (id < (int64_t)place->n)
        return REASON_OK;
    return rsn_fail(REASON_ERR_FORMAT, "%s: id %lld; the vocabulary has ids 0 to %zu",
                    what, (long long)id, place->n - 1);
}

static const char *const ROLE_NAMES[RSN_HF_N_ROLES] = {
    "bos_token", "eos_token", "unk_token", "pad_token",
    "sep_token", "cls_token", "mask_token"};

static reason_status place_roles(rsn_hf_draft *d, rsn_hf_place *place) {
    d->role_ids[RSN_HF_UNK] = d->unk_id;
    if (d->n_ends)
        d->role_ids[RSN_HF_EOS] = d->ends[0];
    for (size_t i = 0; i < RSN_HF_N_ROLES; i++) {
        rsn_text text = d->roles[i];
        int64_t id = text.n ? find_id(d, text) : d->role_ids[i];
        if (text.n && id < 0)
            rsn_log(REASON_LOG_WARNING, "%s %s is no token of the vocabulary",
                    ROLE_NAMES[i], rsn_quote(text.data, text.n).text);
        reason_status status = check_id(place, id, ROLE_NAMES[i]);
        if (status != REASON_OK)
            return status;
        place->roles[i] = id;
        if (id < 0)
            continue;
        bool unk = i == RSN_HF_UNK;
        int32_t *type = &place->types[id];
        if (unk && !d->byte_level)
            *type = RSN_HF_UNKNOWN;
        else if (!unk && (*type == RSN_HF_NORMAL || *type == RSN_HF_USER))
            *type = RSN_HF_CONTROL;
    }
    return REASON_OK;
}

static reason_status place_ends(const rsn_hf_draft *d, rsn_hf_place *place) {
    for (size_t i = 0; i < d->n_ends; i++) {
        reason_status status = check_id(place, d->ends[i], "eos_token_id");
        if (status != REASON_OK)
            return status;
        if (d->ends[i] != place->roles[RSN_HF_EOS])
            place->ends.items[place->ends.n++] = (int32_t)d->ends[i];
    }
    return REASON_OK;
}

/* The special tokens that a post-processor adds are begin and end of text; where nothing
 * else says which these are, it does. */
static reason_status check_edges(rsn_hf_draft *d, rsn_hf_place *place) {
    const struct {
        rsn_text text;
        rsn_hf_role role;
        int set;
    } edges[] = {{d->before, RSN_HF_BOS, d->add_bos}, {d->after, RSN_HF_EOS, d->add_eos}};
    for (size_t i = 0; i < 2; i++) {
        if (edges[i].text.n == 0)
            continue;
        int64_t id = find_id(d, edges[i].text), *role = &place->roles[edges[i].role];
        if (id < 0)
            return rsn_fail(REASON_ERR_FORMAT,
                            "post_processor: %s is no token of the vocabulary",
                            rsn_quote(edges[i].text.data, edges[i].text.n).text);
        if (*role < 0)
            *role = id;
        if (*role != id && edges[i].set < 0)
            return rsn_fail(REASON_ERR_UNSUPPORTED,
                            "post_processor: it adds %s, which is not the %s",
                            rsn_quote(edges[i].text.data, edges[i].text.n).text,
                            ROLE_NAMES[edges[i].role]);
    }
    return REASON_OK;
}

reason_status rsn_hf_place_tokens(rsn_hf_draft *d, size_t n_vocab, rsn_hf_place *place) {
    reason_status status = rsn_hf_entries_sort(d, &d->vocabulary);
    if (status == REASON_OK)
        status = count_ids(d, n_vocab, &place->n);
    if (status == REASON_OK)
        status = take_lists(d, place);
    if (status == REASON_OK)
        status = place_vocabulary(d, place);
    if (status == REASON_OK)
        status = place_added(d, place);
    if (status == REASON_OK)
        status = fill_gaps(d, place);
    if (status == REASON_OK)
        status = place_merges(d, place);
    if (status == REASON_OK)
        status = place_roles(d, place);
    if (status == REASON_OK)
        status = place_ends(d, place);
    return status == REASON_OK ? check_edges(d, place) : status;
}
