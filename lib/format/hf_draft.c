/* Owns the lists of a draft: how they grow, how texts are kept and found. What they mean
 * is their readers'. Invariant: an entry's text lives in the draft's arena and has at
 * most RSN_HF_MAX_TEXT bytes. */
#include "format/hf_draft.h"

#include <string.h>

#include "base/array.h"

enum { ROOM = 1 << 16 };

void rsn_hf_draft_init(rsn_hf_draft *d, rsn_arena *arena) {
    *d = (rsn_hf_draft){.arena = arena,
                        .add_bos = -1,
                        .add_eos = -1,
                        .add_space = -1,
                        .legacy = -1,
                        .unk_id = -1};
    for (size_t i = 0; i < RSN_HF_N_ROLES; i++)
        d->role_ids[i] = -1;
}

void rsn_hf_draft_free(rsn_hf_draft *d) {
    rsn_free(d->vocabulary.items);
    rsn_free(d->added.items);
    rsn_free(d->merges);
    *d = (rsn_hf_draft){0};
}

reason_status rsn_hf_copy(rsn_hf_draft *d, const char *text, size_t n, rsn_text *copy) {
    if (n > RSN_HF_MAX_TEXT)
        return rsn_fail(REASON_ERR_LIMIT, "%s: a text of %zu bytes; the limit is %d",
                        rsn_quote(text, n).text, n, RSN_HF_MAX_TEXT);
    if (n == 0) {
        *copy = (rsn_text){"", 0};
        return REASON_OK;
    }
    if (n > d->left) {
        d->left = n > ROOM / 4 ? n : ROOM;
        d->room = rsn_arena_alloc(d->arena, d->left);
        if (!d->room) {
            d->left = 0;
            return REASON_ERR_NO_MEMORY;
        }
    }
    memcpy(d->room, text, n);
    *copy = (rsn_text){d->room, n};
    d->room += n;
    d->left -= n;
    return REASON_OK;
}

reason_status rsn_hf_add_entry(rsn_hf_draft *d, rsn_hf_entries *list,
                               const rsn_hf_entry *entry) {
    if (list->n == RSN_HF_MAX_TOKENS)
        return rsn_fail(REASON_ERR_LIMIT, "more than %d tokens", RSN_HF_MAX_TOKENS);
    rsn_hf_entry copy = *entry;
    reason_status status = RSN_GROW(&list->items, &list->cap, list->n + 1);
    if (status == REASON_OK)
        status = rsn_hf_copy(d, entry->text.data, entry->text.n, &copy.text);
    if (status == REASON_OK)
        list->items[list->n++] = copy;
    return status;
}

reason_status rsn_hf_add_merge(rsn_hf_draft *d, const char *rule, size_t n) {
    const char *space = n ? memchr(rule, ' ', n) : NULL;
    if (!space || space == rule || space == rule + n - 1 ||
        memchr(space + 1, ' ', n - (size_t)(space - rule) - 1))
        return rsn_fail(REASON_ERR_FORMAT,
                        "merge %zu: %s; needed are two tokens with one space between "
                        "them",
                        d->n_merges, rsn_quote(rule, n).text);
    if (d->n_merges == RSN_HF_MAX_MERGES)
        return rsn_fail(REASON_ERR_LIMIT, "more than %d merges", RSN_HF_MAX_MERGES);
    reason_status status = RSN_GROW(&d->merges, &d->merges_cap, d->n_merges + 1);
    if (status == REASON_OK)
        status = rsn_hf_copy(d, rule, n, &d->merges[d->n_merges]);
    if (status == REASON_OK)
        d->n_merges++;
    return status;
}

reason_status rsn_hf_add_pattern(rsn_hf_draft *d, const char *pattern, size_t n) {
    if (d->n_patterns == RSN_HF_MAX_PATTERNS)
        return rsn_fail(REASON_ERR_LIMIT, "more than %d patterns that cut a text",
                        RSN_HF_MAX_PATTERNS);
    reason_status status = rsn_hf_copy(d, pattern, n, &d->patterns[d->n_patterns]);
    if (status == REASON_OK)
        d->n_patterns++;
    return status;
}

reason_status rsn_hf_add_template(rsn_hf_draft *d, rsn_text name, rsn_text source) {
    for (size_t i = 0; i < d->n_templates; i++)
        if (rsn_gguf_compare(&d->templates[i].name, &name) == 0)
            return REASON_OK; /* the file that was read first counts */
    if (d->n_templates == RSN_HF_MAX_TEMPLATES)
        return rsn_fail(REASON_ERR_LIMIT, "more than %d chat templates",
                        RSN_HF_MAX_TEMPLATES);
    d->templates[d->n_templates++] = (rsn_hf_template){name, source};
    return REASON_OK;
}

reason_status rsn_hf_entries_sort(rsn_hf_draft *d, rsn_hf_entries *list) {
    size_t same;
    list->order = rsn_gguf_sort(d->arena, &list->items[0].text, sizeof *list->items,
                                list->n, &same);
    if (!list->order)
        return REASON_ERR_NO_MEMORY;
    if (same == 0)
        return REASON_OK;
    const rsn_text *text = list->order[same];
    return rsn_fail(REASON_ERR_FORMAT, "token %s is listed twice",
                    rsn_quote(text->data, text->n).text);
}

const rsn_hf_entry *rsn_hf_entries_find(const rsn_hf_entries *list, rsn_text text) {
    size_t low = 0, high = list->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int at = rsn_gguf_compare(list->order[middle], &text);
        if (at == 0)
            return (const rsn_hf_entry *)(const void *)list->order[middle];
        if (at < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}
