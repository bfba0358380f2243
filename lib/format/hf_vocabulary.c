/* Owns vocab.json and merges.txt, the older form of byte-level vocabularies, and objects
 * of ids by token wherever they stand. What cuts texts is left to the tokenizer's class
 * (hf_tokenizer.c). Invariant: an entry whose id was not read is not kept. */
#include <string.h>


#include "format/hf_draft.h"

typedef struct id_reader {
    rsn_hf_draft *d;
    rsn_hf_entries *list;
    uint8_t type;
} id_reader;

static reason_status read_id(void *user, rsn_json *j, rsn_json_kind kind) {
    id_reader *r = user;
    const rsn_hf_entry entry = {.text = {rsn_str_text(&j->text), j->text.n},
                                .type = r->type};
    reason_status status = rsn_hf_add_entry(r->d, r->list, &entry);
    if (status != REASON_OK)
        return status;
    rsn_hf_entry *added = &r->list->items[r->list->n - 1];
    int64_t id = -1;
    kind = rsn_json_next(j, &status);
    if (status == REASON_OK)
        status = rsn_hf_json_id(j, kind, &id);
    if (status == REASON_OK && id < 0)
        status = rsn_hf_json_fail(j, "token id");
    added->id = (int32_t)id;
    if (status != REASON_OK)
        r->list->n--;
    return status;
}

static const rsn_hf_field ANY[] = {{NULL, read_id}};

reason_status rsn_hf_read_ids(rsn_hf_draft *d, rsn_hf_entries *list, uint8_t type,
                              rsn_json *j, rsn_json_kind kind) {
    id_reader reader = {d, list, type};
    return rsn_hf_json_object(j, kind, ANY, 1, &reader);
}

/* One line per merge; the first may name a version. */
static reason_status read_lines(rsn_hf_draft *d, const char *text, size_t n) {
    static const char version[] = "#version:";
    reason_status status = REASON_OK;
    for (size_t at = 0; at < n && status == REASON_OK;) {
        const char *newline = memchr(text + at, '\n', n - at);
        size_t end = newline ? (size_t)(newline - text) : n, len = end - at;
        if (len && text[at + len - 1] == '\r')
            len--;
        bool comment = at == 0 && len >= sizeof version - 1 &&
                       memcmp(text, version, sizeof version - 1) == 0;
        if (len && !comment)
            status = rsn_hf_add_merge(d, text + at, len);
        at = end + 1;
    }
    return status;
}

reason_status rsn_hf_read_vocabulary(rsn_hf_draft *d, const char *folder, bool *found) {
    id_reader vocabulary = {d, &d->vocabulary, RSN_HF_NORMAL};
    reason_status status = rsn_hf_has(folder, "merges.txt", found);
    if (status == REASON_OK && *found)
        status = rsn_hf_json_file(folder, "vocab.json", found, ANY, 1, &vocabulary);
    if (status != REASON_OK || !*found)
        return status;
    rsn_blob blob = {0};
    status = rsn_hf_load(folder, "merges.txt", &blob);
    if (status == REASON_OK) {
        status = read_lines(d, (const char *)blob.data, blob.size);
        if (status != REASON_OK && status != REASON_ERR_NO_MEMORY)
            rsn_fail_within(status, "merges.txt");
    }
    rsn_blob_free(&blob);
    d->model = RSN_HF_BPE;
    d->byte_level = true;
    return status;
}

reason_status rsn_hf_read_added(rsn_hf_draft *d, const char *folder) {
    id_reader added = {d, &d->added, RSN_HF_USER};
    bool found;
    return rsn_hf_json_file(folder, "added_tokens.json", &found, ANY, 1, &added);
}
