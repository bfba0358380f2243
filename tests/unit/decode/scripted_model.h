/* A model whose network is a script of the test: the forward pass writes token ids into
 * the cache where keys would be, and makes logits from what the cache says came before.
 * So everything that a session does with its cache (reuse, forks, truncation) shows in
 * the logits. */
#ifndef REASON_TESTS_SCRIPTED_MODEL_H
#define REASON_TESTS_SCRIPTED_MODEL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "decode/session.h"
#include "support/kin_vocab.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

struct scripted;

/* Fills logits [n_vocab] from the tokens so far, history[0 .. n), n >= 1. */
typedef void (*script_fn)(struct scripted *m, const int32_t *history, size_t n,
                          float *logits);

typedef struct scripted {
    rsn_model model; /* first: a model handle is a pointer to this */
    script_fn script;
    uint64_t seed;      /* for the script */
    const int32_t *ids; /* the same, [n_ids] */
    size_t n_ids;
    int style;
    size_t n_session;   /* that all timelines have to say; 0: any */
    size_t n_forwards;  /* passes so far */
    size_t n_tokens;    /* and tokens in them */
    size_t cancel_at;   /* the pass that sets `cancel` before it computes; 0: none */
    reason_cancel_token *cancel;
    void (*on_forward)(struct scripted *m); /* called in every pass, or NULL */
    void *user;
    int32_t *history; /* [n_ctx], scratch */
} scripted;

enum { SCRIPT_CONTEXT = 4096 };

static inline reason_status script_layout(const rsn_model *model, rsn_scratch *scratch) {
    (void)model;
    scratch->n_bytes = 64;
    return REASON_OK;
}

static inline int32_t *script_cell(rsn_kv *kv, size_t position) {
    char *keys = rsn_kv_at(kv, position / RSN_KV_BLOCK, 0, false, 0);
    return (int32_t *)(void *)(keys + position % RSN_KV_BLOCK * 2 * kv->type->block_bytes);
}

/* Writes the rows that the run wants; returns where the next run's begin. */
static inline float *script_run(scripted *m, const rsn_run *run, float *logits) {
    assert_true(m->n_session == 0 || run->kv->n_session == m->n_session);
    for (size_t i = 0; i < run->kv->n; i++)
        m->history[i] = *script_cell(run->kv, i);
    for (size_t i = 0; i < run->n; i++) {
        size_t at = run->kv->n + i;
        *script_cell(run->kv, at) = m->history[at] = run->tokens[i];
        bool last = i + 1 == run->n;
        if (run->want == RSN_WANT_NONE || (run->want == RSN_WANT_LAST && !last))
            continue;
        m->script(m, m->history, at + 1, logits);
        logits += m->model.hp.n_vocab;
    }
    return logits;
}

static inline reason_status script_forward(const rsn_step *step) {
    scripted *m = (scripted *)(uintptr_t)step->model;
    m->n_forwards++;
    if (m->on_forward)
        m->on_forward(m);
    if (m->n_forwards == m->cancel_at)
        reason_cancel_token_set(m->cancel);
    float *logits = step->logits;
    for (size_t r = 0; r < step->n_runs; r++) {
        logits = script_run(m, &step->runs[r], logits);
        m->n_tokens += step->runs[r].n;
    }
    if (rsn_cancelled(step->cancel))
        return rsn_fail(REASON_ERR_CANCELLED, "cancelled at position %zu",
                        step->runs[0].kv->n);
    for (size_t r = 0; r < step->n_runs; r++)
        step->runs[r].kv->n += step->runs[r].n;
    return REASON_OK;
}

static const rsn_arch SCRIPT_ARCH = {"scripted", {0}, script_layout, script_forward};

/* How a vocabulary spells its tags. */
typedef enum script_tags { TAGS_ARE_TOKENS, TAGS_ARE_TEXT, NO_TAGS } script_tags;

/* Tokens that a script may name, beyond bytes (id = byte) and special ones. */
static const char *const PIECES[] = {
    "</",      "think", "<th",     "ink>",     "thin",  "k>x",  "a</think>b", "think>a",
    "</think", "x<",    "><think", "\xE2\x82", "\xAC.", " the", "ab",         "no. "};

/* A model of this vocabulary with `script` as its network, and the template `chat` (NULL:
 * none) for its literals. */
static inline scripted *scripted_of(script_fn script, const fixture *f,
                                    const char *chat) {
    scripted *m = rsn_calloc2(1, sizeof *m);
    assert_non_null(m);
    m->model.vocab = fixture_new(f);
    if (chat)
        m->model.template_source = (rsn_text){chat, strlen(chat)};
    atomic_init(&m->model.users, 1);
    m->model.arch = &SCRIPT_ARCH;
    m->model.kernels = rsn_kernels_for(REASON_CPU_GENERIC);
    m->model.hp = (rsn_hparams){.n_layers = 1,
                                .n_embd = 2,
                                .n_heads = 1,
                                .n_heads_kv = 1,
                                .head_dim = 2,
                                .n_ff = 2,
                                .n_vocab = rsn_vocab_size(m->model.vocab),
                                .n_ctx = SCRIPT_CONTEXT,
                                .n_rot = 2};
    assert_int_equal(rsn_tags_find(m->model.vocab, m->model.template_source, NULL,
                                   &m->model.arena, &m->model.tags),
                     REASON_OK);
    m->script = script;
    m->history = rsn_calloc2(SCRIPT_CONTEXT, sizeof *m->history);
    assert_non_null(m->history);
    return m;
}

static inline scripted *scripted_new(script_fn script, script_tags tags,
                                     const char *chat) {
    fixture f;
    fixture_init(&f, "gpt-2");
    fixture_alphabet(&f);
    fixture_join(&f, "\n", "\n");
    fixture_join(&f, "W", "a");
    for (size_t i = 0; i < COUNT(PIECES); i++)
        fixture_bytes_token(&f, PIECES[i], strlen(PIECES[i]));
    fixture_tokenz(&f, "<|im_start|>", 3);
    f.src.eos = fixture_tokenz(&f, "<|im_end|>", 3);
    if (tags == TAGS_ARE_TOKENS) {
        fixture_tokenz(&f, "<think>", 4);
        fixture_tokenz(&f, "</think>", 4);
    }
    if (tags == TAGS_ARE_TEXT && !chat)
        chat = "{{ '<think>\\n' }}{{ '<think>\\n\\n</think>\\n\\n' }}";
    scripted *m = scripted_of(script, &f, chat);
    fixture_free(&f);
    assert_int_equal(m->model.tags.open.n > 0, tags != NO_TAGS);
    return m;
}

/* Tokens that models of families write, beside those of PIECES; ends with NULL. */
static const char *const KIN_PIECES[] = {
    "</",      "think",     "<th",       "ink>",     "k>x",      "analysis",
    "final",   "commentary", "assistant", " to=f",   "ana",      "lysis",
    "<|chan",  "nel|>",     "<|mess",    "age|>",    "<|end|>x", "<resp",
    "onse>",   "</resp",    "Here is",   " my",       " response",
    " thought process",
    "a</think>b", "</think", "\xE2\x82", "\xAC.", " the", "ab", "no. ",
    "x<",      "<think>a",  NULL};

/* A model of a family, its chat template compiled; `chat` NULL: the family's own. */
static inline scripted *scripted_kin(script_fn script, const kin *k, const char *chat) {
    fixture f;
    kin_fixture(&f, k, KIN_PIECES);
    chat = chat ? chat : k->chat;
    scripted *m = scripted_of(script, &f, chat);
    fixture_free(&f);
    assert_int_equal(rsn_template_compile(chat, strlen(chat), &m->model.chat), REASON_OK);
    assert_string_equal(m->model.tags.family->name, k->family);
    return m;
}

/* All sessions must be gone. */
static inline void scripted_free(scripted *m) {
    assert_int_equal(atomic_load(&m->model.users), 1);
    rsn_free(m->history);
    rsn_model_release(&m->model);
}

static inline reason_session *scripted_session(scripted *m, int32_t n_ctx,
                                               int32_t n_chunk) {
    reason_session_options o;
    reason_session *session = NULL;
    assert_int_equal(reason_session_options_init(&o, sizeof o), REASON_OK);
    o.n_ctx = n_ctx;
    o.n_chunk = n_chunk;
    o.n_threads = 1;
    assert_int_equal(reason_session_new(&m->model, &o, &session), REASON_OK);
    return session;
}

/* The one token of this text. */
static inline int32_t token_of(const scripted *m, const char *text) {
    size_t n = strlen(text);
    for (size_t id = rsn_vocab_size(m->model.vocab); id-- > 0;) {
        rsn_text bytes = rsn_vocab_bytes(m->model.vocab, (int32_t)id);
        if (bytes.n == n && memcmp(bytes.data, text, n) == 0)
            return (int32_t)id;
    }
    fail_msg("no token is %s", text);
    return -1;
}

/* Tokens of a text as a request would make them. */
static inline size_t count_tokens(const scripted *m, const char *text) {
    rsn_vocab_ids ids = {0};
    assert_int_equal(
        rsn_vocab_encode(m->model.vocab, text, strlen(text), REASON_TOKENS_SPECIAL, &ids),
        REASON_OK);
    rsn_free(ids.items);
    return ids.n;
}

/* --- scripts ------------------------------------------------------------------------ */

static inline void flat(const scripted *m, float *logits) {
    for (size_t i = 0; i < m->model.hp.n_vocab; i++)
        logits[i] = -20.0f - (float)(i % 7) * 0.01f;
}

/* m->ids one after the other behind a prompt of m->seed tokens, then the end of text. */
static inline void script_list(scripted *m, const int32_t *history, size_t n,
                               float *logits) {
    (void)history;
    size_t at = n - (size_t)m->seed;
    flat(m, logits);
    logits[at < m->n_ids ? m->ids[at] : rsn_vocab_eos(m->model.vocab)] = 10;
}

/* Logits that everything so far and m->seed decide. */
static inline void script_digest(scripted *m, const int32_t *history, size_t n,
                                 float *logits) {
    uint64_t digest = m->seed + n;
    for (size_t i = 0; i < n; i++)
        digest = (digest ^ (uint64_t)history[i]) * UINT64_C(0x100000001B3);
    for (size_t i = 0; i < m->model.hp.n_vocab; i++) {
        uint64_t state = digest + i;
        (void)fixture_random(&state);
        logits[i] = (float)(fixture_random(&state) % 100000) * 1e-4f;
    }
}

/* m->ids for ever, wherever the prompt ends. */
static inline void script_loop(scripted *m, const int32_t *history, size_t n,
                               float *logits) {
    (void)history;
    flat(m, logits);
    logits[m->ids[n % m->n_ids]] = 10;
}

#endif
