/* Random generations with scripted models of every family that never close, close early,
 * open again, split and respell their tags, end early or write half characters; random
 * requests. What is promised for any model and sampler is checked on each of them. */
#include "unit/decode/scripted_model.h"

#include <stdio.h>

#include "base/utf8.h"

/* What a model's family forces and begins with, as whole texts. */
typedef struct tongue {
    rsn_text open, close; /* n = 0: the model has no tags */
    const char *before, *empty, *closer, *silence;
    bool has_empty;         /* an empty block is a way to decline */
    const char *begin, *end; /* of a turn */
} tongue;

static const tongue OWN_TONGUE = {{"<think>", 7}, {"</think>", 8}, "", "\n\n",
                                  "</think>\n\n", "<think>\n\n</think>\n\n", true,
                                  "<|im_start|>", "<|im_end|>"};
static const tongue NO_TONGUE = {{"", 0}, {"", 0}, "", "", "", "", false,
                                 "<|im_start|>", "<|im_end|>"};

static tongue tongue_of(const scripted *m, const kin *k) {
    const rsn_tags *t = &m->model.tags;
    return (tongue){t->open, t->close, t->before_open.data, t->empty.data,
                    k->closer, k->silence, !t->family->no_block,
                    k->control[1], k->control[0]};
}

/* --- models ------------------------------------------------------------------------- */

enum {
    MIXED,
    NEVER_CLOSES,
    CLOSES_EARLY,
    REOPENS,
    SPELLS_TAGS,
    ENDS_EARLY,
    HALF_CHARACTERS,
    N_STYLES
};

static uint64_t mix(uint64_t x) {
    x ^= x >> 31;
    x *= UINT64_C(0x9E3779B97F4A7C15);
    return x ^ x >> 29;
}

static float noise(uint64_t key, float range) {
    return (float)(mix(key) >> 40) * 0x1p-24f * range;
}

static bool has_byte(rsn_text text, char c) {
    return text.n > 0 && memchr(text.data, c, text.n);
}

/* Whether text is one of the longer pieces that scripts like, or a byte that tags are
 * made of. */
static bool is_liked(const scripted *m, int32_t id, rsn_text text) {
    if (id >= 256)
        return !rsn_vocab_is_control(m->model.vocab, id);
    return id > 0 && strchr("</think> ab\n\xE2\x82\xAC\xC3\xA9", id) && text.n == 1;
}

/* What of a tag is still to come behind these bytes; all of it if it has not begun. */
static rsn_text rest_of_tag(rsn_text tag, const char *text, size_t n) {
    size_t k = tag.n ? tag.n - 1 : 0;
    for (k = k < n ? k : n; k > 0; k--)
        if (memcmp(text + n - k, tag.data, k) == 0)
            break;
    return (rsn_text){tag.data + k, tag.n - k};
}

/* How much a token is wanted by a model that is writing `rest`. */
static float wants(rsn_text token, rsn_text rest) {
    if (token.n == 0 || token.n > rest.n || memcmp(token.data, rest.data, token.n) != 0)
        return 0;
    return 0.6f + 0.4f * (float)token.n / (float)rest.n;
}

/* Of all tags and marks, the one that has begun, or one by chance. */
static rsn_text some_tag(const scripted *m, uint64_t key, const char *text, size_t n) {
    const rsn_tags *t = &m->model.tags;
    rsn_text all[2 + RSN_FAMILY_MARKS] = {t->close, t->open};
    size_t n_all = 2;
    for (size_t i = 0; i < t->n_marks; i++)
        all[n_all++] = t->family->marks[i].text;
    rsn_text best = rest_of_tag(all[key % n_all], text, n);
    for (size_t i = 0; i < n_all; i++) {
        rsn_text rest = rest_of_tag(all[i], text, n);
        if (rest.n < all[i].n && (best.n == all[key % n_all].n || key >> 8 & 1))
            best = rest;
    }
    return best;
}

/* The last bytes of a history. */
static size_t last_text(const scripted *m, const int32_t *history, size_t n, char *out,
                        size_t most) {
    size_t made = 0;
    for (size_t from = n > most ? n - most : 0; from < n; from++) {
        rsn_text t = rsn_vocab_bytes(m->model.vocab, history[from]);
        for (size_t i = 0; i < t.n; i++) {
            if (made == most)
                memmove(out, out + 1, --made);
            out[made++] = t.data[i];
        }
    }
    return made;
}

static void add_style(const scripted *m, const int32_t *history, size_t n,
                      float *logits) {
    const rsn_vocab *v = m->model.vocab;
    const rsn_tags *tags = &m->model.tags;
    char text[40];
    size_t n_text = last_text(m, history, n, text, sizeof text);
    rsn_text last = rsn_vocab_bytes(v, history[n - 1]);
    rsn_text open = rest_of_tag(tags->open, text, n_text),
             close = rest_of_tag(tags->close, text, n_text),
             some = some_tag(m, mix(m->seed + n / 4), text, n_text);
    bool again = has_byte(last, '/') || has_byte(last, '\n') || has_byte(last, '>') ||
                 open.n < tags->open.n;
    for (size_t id = 0; id < m->model.hp.n_vocab; id++) {
        rsn_text t = rsn_vocab_bytes(v, (int32_t)id);
        if (m->style == NEVER_CLOSES &&
            (has_byte(t, '/') || rsn_vocab_is_end(v, (int32_t)id)))
            logits[id] -= 15;
        if (m->style == NEVER_CLOSES)
            logits[id] += 5 * wants(t, open) - (wants(t, close) > 0.8f ? 15 : 0);
        if (m->style == HALF_CHARACTERS && t.n > 0 && (t.data[0] & 0x80))
            logits[id] += 5;
        if (m->style == CLOSES_EARLY)
            logits[id] += 5 * wants(t, open) + 9 * wants(t, close);
        if (m->style == REOPENS && again)
            logits[id] += 12 * wants(t, open);
        if (m->style == SPELLS_TAGS)
            logits[id] += 9 * wants(t, some);
    }
    if (m->style == ENDS_EARLY)
        logits[rsn_vocab_eos(v)] += 9;
}

static void script_random(scripted *m, const int32_t *history, size_t n, float *logits) {
    uint64_t key = mix(m->seed + n) ^ mix((uint64_t)history[n - 1] << 20);
    for (size_t id = 0; id < m->model.hp.n_vocab; id++) {
        rsn_text text = rsn_vocab_bytes(m->model.vocab, (int32_t)id);
        logits[id] = noise(key + id, 4);
        if (is_liked(m, (int32_t)id, text))
            logits[id] += 2 + noise(key ^ id << 32, 5);
    }
    add_style(m, history, n, logits);
}

/* --- requests ----------------------------------------------------------------------- */

/* Where a prompt ends. */
typedef enum prompt_end {
    PLAIN,
    AGAIN_PLAIN,
    BEHIND_TURNS, /* an earlier one speaks of a tag */
    OPEN,
    OPEN_SPACE,
    OPEN_EMPTY, /* all that an empty block holds */
    OPEN_THOUGHT,
    CLOSED,
    LONG,
    N_PROMPT_ENDS
} prompt_end;

typedef struct plan {
    const tongue *tongue;
    prompt_end end;
    char prompt[512];
    const char *tail; /* what stands in the open block */
    int32_t n_ctx, n_chunk;
    reason_request request;
    reason_thinking thinking;
    reason_sampling sampling;
    const char *stops[2];
    int32_t bias_tokens[2];
    float bias_values[2];
} plan;

static void plan_prompt(plan *p) {
    const tongue *t = p->tongue;
    const char *open = t->open.n ? t->open.data : "<think>";
    switch (p->end) {
    case BEHIND_TURNS:
        (void)snprintf(p->prompt, sizeof p->prompt, "%sWhat is %s?%s\n%sassistant\n",
                       t->begin, open, t->end, t->begin);
        break;
    case OPEN_SPACE: p->tail = "\n"; break;
    case OPEN_EMPTY: p->tail = t->empty; break;
    case OPEN_THOUGHT: p->tail = "so far"; break;
    case CLOSED:
        (void)snprintf(p->prompt, sizeof p->prompt, "q%s%s%s", open, t->empty,
                       t->open.n ? t->closer : "</think>");
        break;
    case LONG:
        strcpy(p->prompt, "a somewhat longer prompt of a few dozen tokens");
        break;
    default: strcpy(p->prompt, "hi"); break;
    }
    if (p->end >= OPEN && p->end <= OPEN_THOUGHT)
        (void)snprintf(p->prompt, sizeof p->prompt, "q%s%s", open, p->tail);
}

#define PICK(seed, ...)                                                                  \
    (((const float[]){                                                                   \
        __VA_ARGS__})[fixture_random(seed) %                                             \
                      (sizeof((const float[]){__VA_ARGS__}) / sizeof(float))])
#define PICK_INT(seed, ...) ((int32_t)PICK(seed, __VA_ARGS__))

static void plan_thinking(reason_thinking *t, uint64_t *seed) {
    static const char *const waits[] = {NULL, NULL, "", "Wait, no", " <"};
    static const char *const closes[] = {NULL, NULL, NULL, "So",
                                         "time is up, so the answer is "};
    assert_int_equal(reason_thinking_init(t, sizeof *t), REASON_OK);
    t->mode = (reason_think_mode)PICK_INT(seed, 0, 0, 1, 1, 2);
    t->budget = PICK_INT(seed, -1, -1, 0, 1, 2, 3, 5, 17, 64);
    t->effort = (reason_effort)PICK_INT(seed, 0, 0, 0, 1, 2, 3);
    t->min_tokens = PICK_INT(seed, 0, 0, 1, 4, 20);
    t->min_answer = PICK_INT(seed, -1, -1, 0, 1, 8, 40);
    t->grace = PICK_INT(seed, 0, 0, 2, 5, 30);
    t->wait_text = waits[fixture_random(seed) % COUNT(waits)];
    t->close_text = closes[fixture_random(seed) % COUNT(closes)];
    t->close_bias = PICK(seed, 0, 0, 0, 4, -4);
    t->close_temperature = PICK(seed, 1, 1, 1, 0.5f, 2);
    t->max_waits = PICK_INT(seed, 0, 0, 1, 3);
    t->exit_confidence = PICK(seed, 0, 0, 0.01f, 0.5f);
    t->exit_entropy = PICK(seed, 0, 0, 3, 5);
    t->exit_variance = PICK(seed, 0, 0, 0, 0.1f);
    t->exit_agreement = PICK_INT(seed, 0, 0, 2);
    t->probe_every = PICK_INT(seed, 0, 1, 3, 10);
    t->probe_tokens = PICK_INT(seed, 0, 1, 5);
    t->loop_guard = PICK_INT(seed, 0, 0, 2, 4);
    t->think_threshold = PICK(seed, 0, 0, 0.001f, 0.5f);
}

static void plan_sampling(plan *p, uint64_t *seed) {
    reason_sampling *s = &p->sampling;
    assert_int_equal(reason_sampling_init(s, sizeof *s), REASON_OK);
    s->temperature = PICK(seed, 0, 0.6f, 1, 2);
    s->top_k = PICK_INT(seed, 0, 0, 1, 5, 40);
    s->top_p = PICK(seed, 1, 0.95f, 0.5f);
    s->min_p = PICK(seed, 0, 0, 0.1f);
    s->repeat_penalty = PICK(seed, 1, 1, 1.5f);
    s->presence_penalty = PICK(seed, 0, 0, 0.5f);
    s->frequency_penalty = PICK(seed, 0, 0, 0.3f);
    s->penalty_window = PICK_INT(seed, -1, 0, 5, 64);
    s->seed = fixture_random(seed);
    s->n_bias = fixture_random(seed) % 4 ? 0 : 2;
    for (int i = 0; i < 2; i++) {
        p->bias_tokens[i] = (int32_t)(fixture_random(seed) % 256);
        p->bias_values[i] = i ? 3 : -INFINITY;
    }
    s->bias_tokens = p->bias_tokens;
    s->bias_values = p->bias_values;
}

static void make_plan(plan *p, const tongue *t, uint64_t seed) {
    static const char *const stops[] = {"a", "\n\n", " the", "\u20ac", "ab", "nk", "<"};
    memset(p, 0, sizeof *p);
    for (int i = 0; i < 4; i++)
        (void)fixture_random(&seed);
    plan_thinking(&p->thinking, &seed);
    plan_sampling(p, &seed);
    reason_request *r = &p->request;
    assert_int_equal(reason_request_init(r, sizeof *r), REASON_OK);
    p->tongue = t;
    p->tail = "";
    p->end = (prompt_end)(fixture_random(&seed) % N_PROMPT_ENDS);
    plan_prompt(p);
    r->text = p->prompt;
    r->max_tokens = PICK_INT(&seed, 0, 1, 2, 5, 10, 40, 40, 100);
    r->thinking = &p->thinking;
    r->sampling = &p->sampling;
    r->n_stops = (size_t)PICK_INT(&seed, 0, 0, 1, 2);
    for (size_t i = 0; i < r->n_stops; i++)
        p->stops[i] = stops[fixture_random(&seed) % COUNT(stops)];
    r->stops = p->stops;
    p->n_ctx = PICK_INT(&seed, 16, 40, 64, 100, 300);
    p->n_chunk = PICK_INT(&seed, 1, 3, 64);
}

/* --- one run ------------------------------------------------------------------------ */

typedef struct listener {
    rsn_str text[3]; /* by label */
    size_t n_pieces, refuse_at;
} listener;

static int on_piece(void *user, const reason_piece *piece) {
    listener *l = user;
    size_t bad;
    assert_true(piece->n_bytes > 0 && piece->text[piece->n_bytes] == '\0');
    assert_true(rsn_utf8_valid(piece->text, piece->n_bytes, &bad));
    rsn_str_add(&l->text[piece->label], piece->text, piece->n_bytes);
    return ++l->n_pieces == l->refuse_at;
}

static void listener_free(listener *l) {
    for (int i = 0; i < 3; i++)
        rsn_str_free(&l->text[i]);
}

/* What rules.c has to find out about a request, found out here by counting tokens of
 * texts. */
typedef struct frame {
    size_t n_prompt, n_close, room;
    size_t min_answer;
    bool open, closed; /* what the prompt says */
    reason_status status;
} frame;

static size_t count_two(const scripted *m, const char *a, const char *b) {
    char text[512];
    (void)snprintf(text, sizeof text, "%s%s", a, b);
    return count_tokens(m, text);
}

/* The tokens that must close what the prompt has open. */
static size_t count_closers(const scripted *m, const plan *p, bool quiet) {
    const tongue *t = p->tongue;
    const char *rest = "";
    if (strncmp(t->empty, p->tail, strlen(p->tail)) == 0)
        rest = t->empty + strlen(p->tail);
    size_t silent = count_two(m, rest, t->closer), plain = count_two(m, "", t->closer);
    return quiet || silent > plain ? silent : plain;
}

static size_t room_of(const plan *p, size_t n_prompt) {
    size_t room = (size_t)p->n_ctx > n_prompt ? (size_t)p->n_ctx - n_prompt : 0;
    size_t most = p->request.max_tokens > 0 ? (size_t)p->request.max_tokens : room;
    return room < most ? room : most;
}

static frame frame_of(const scripted *m, const plan *p) {
    const reason_thinking *t = &p->thinking;
    frame f = {.n_prompt = count_tokens(m, p->prompt)};
    size_t max_tokens = (size_t)p->request.max_tokens;
    bool off = t->mode == REASON_THINK_OFF || t->budget == 0,
         tags = p->tongue->open.n > 0;
    f.room = room_of(p, f.n_prompt);
    f.open = tags && p->end >= OPEN && p->end <= OPEN_THOUGHT;
    f.closed = p->end == CLOSED;
    if (p->request.max_tokens > 0 && t->min_answer > p->request.max_tokens)
        f.status = REASON_ERR_INVALID_ARG;
    else if (!tags && (t->budget >= 0 || t->mode == REASON_THINK_ON))
        f.status = REASON_ERR_MISMATCH;
    if (f.status != REASON_OK || !tags) {
        if (f.status == REASON_OK && f.room == 0)
            f.status = REASON_ERR_CONTEXT_FULL;
        return f;
    }
    bool free = off && (f.closed || p->tongue->silence[0] == '\0');
    f.n_close = free ? 0 : count_two(m, "", p->tongue->closer);
    if (f.open)
        f.n_close = count_closers(m, p, off);
    f.min_answer = t->min_answer < 0 ? 32 : (size_t)t->min_answer;
    if (t->min_answer < 0 && max_tokens > 0 && max_tokens < f.min_answer + f.n_close)
        f.min_answer = max_tokens > f.n_close ? max_tokens - f.n_close : 0;
    if (f.n_prompt >= (size_t)p->n_ctx ||
        f.n_prompt + f.n_close + f.min_answer > (size_t)p->n_ctx)
        f.status = REASON_ERR_CONTEXT_FULL;
    else if (f.open && f.n_close + f.min_answer > f.room)
        f.status = REASON_ERR_INVALID_ARG;
    return f;
}

static reason_token token_at(const reason_result *result, size_t i) {
    reason_token t = {.size = sizeof t};
    assert_int_equal(reason_result_token(result, i, &t), REASON_OK);
    return t;
}

static reason_usage usage_of(const reason_result *result) {
    reason_usage u = {.size = sizeof u};
    assert_int_equal(reason_result_usage(result, &u), REASON_OK);
    return u;
}

/* --- what is promised --------------------------------------------------------------- */

static void check_budget(const plan *p, const frame *f, const reason_usage *u,
                         bool tags) {
    assert_true(p->thinking.budget < 0 ||
                u->thinking_tokens <= (uint64_t)p->thinking.budget);
    assert_int_equal(u->budget >= 0, tags);
    assert_true(!tags || u->thinking_tokens <= (uint64_t)u->budget);
    assert_true(p->thinking.mode != REASON_THINK_OFF || u->thinking_tokens == 0);
    if (p->thinking.mode == REASON_THINK_ON && u->budget > 0 && u->answer_tokens > 0)
        assert_true(u->thinking_tokens > 0);
    assert_int_equal(u->prompt_tokens, f->n_prompt);
    assert_true(u->cached_tokens < u->prompt_tokens);
}

static void check_tokens(const scripted *m, const plan *p, const reason_result *result,
                         const reason_usage *u) {
    uint64_t counts[3] = {0};
    size_t n = reason_result_n_tokens(result);
    for (size_t i = 0; i < n; i++) {
        reason_token t = token_at(result, i);
        counts[t.label]++;
        assert_true(isfinite(t.logprob) && t.logprob <= 0);
        assert_true(isfinite(t.sampled_logprob) && t.sampled_logprob <= 0);
        if (t.origin == REASON_FORCED || p->sampling.temperature == 0)
            assert_true(t.sampled_logprob == 0);
        if (t.origin == REASON_FORCED)
            assert_true(m->model.tags.open.n > 0 && t.label != REASON_LABEL_ANSWER);
        if (rsn_vocab_is_end(m->model.vocab, t.id)) {
            assert_int_equal(i + 1, n);
            assert_int_equal(t.label, REASON_LABEL_MARKUP);
            assert_int_equal(t.origin, REASON_SAMPLED);
        }
    }
    assert_int_equal(counts[REASON_LABEL_THINK], u->thinking_tokens);
    assert_int_equal(counts[REASON_LABEL_ANSWER], u->answer_tokens);
    assert_int_equal(counts[REASON_LABEL_MARKUP], u->markup_tokens);
    assert_int_equal(counts[0] + counts[1] + counts[2], n);
}

static void check_texts(const scripted *m, const plan *p, const reason_result *result,
                        const listener *heard) {
    size_t n_answer, n_thinking, bad;
    const char *answer = reason_result_answer(result, &n_answer);
    const char *thinking = reason_result_thinking(result, &n_thinking);
    assert_true(rsn_utf8_valid(answer, n_answer, &bad));
    assert_true(rsn_utf8_valid(thinking, n_thinking, &bad));
    const rsn_tags *tags = &m->model.tags;
    if (tags->open.n > 0)
        assert_true(!memmem(answer, n_answer, tags->open.data, tags->open.n) &&
                    !memmem(answer, n_answer, tags->close.data, tags->close.n));
    for (size_t i = 0; i < tags->n_marks; i++) {
        rsn_text mark = tags->family->marks[i].text;
        assert_null(memmem(answer, n_answer, mark.data, mark.n));
    }
    for (size_t i = 0; i < p->request.n_stops; i++)
        assert_null(memmem(answer, n_answer, p->stops[i], strlen(p->stops[i])));
    if (heard->refuse_at > 0)
        return; /* what came in the same step as the refused piece was not handed out */
    assert_int_equal(heard->text[REASON_LABEL_ANSWER].n, n_answer);
    assert_memory_equal(rsn_str_text(&heard->text[REASON_LABEL_ANSWER]), answer,
                        n_answer);
    assert_int_equal(heard->text[REASON_LABEL_THINK].n, n_thinking);
    assert_memory_equal(rsn_str_text(&heard->text[REASON_LABEL_THINK]), thinking,
                        n_thinking);
}

/* A reason to close a block that was in force. */
static bool is_close(const plan *p, reason_finish finish) {
    const reason_thinking *t = &p->thinking;
    switch (finish) {
    case REASON_FINISH_BUDGET: return true;
    case REASON_FINISH_LOOP: return t->loop_guard > 0;
    case REASON_FINISH_EARLY_EXIT:
        return t->exit_confidence > 0 || t->exit_entropy > 0 || t->exit_variance > 0 ||
               t->exit_agreement > 0;
    default: return false;
    }
}

static void check_finish(const scripted *m, const plan *p, const frame *f,
                         const reason_result *result, const listener *heard) {
    reason_finish finish = reason_result_finish(result),
                  end = reason_result_answer_end(result);
    size_t n = reason_result_n_tokens(result), n_forced = 0;
    bool refused = heard->refuse_at > 0 && heard->n_pieces >= heard->refuse_at;
    assert_true(n <= f->room);
    assert_int_equal(end == REASON_FINISH_CANCELLED, refused);
    if (end == REASON_FINISH_EOS)
        assert_true(rsn_vocab_is_end(m->model.vocab, token_at(result, n - 1).id));
    if (end == REASON_FINISH_LENGTH)
        assert_int_equal(n, f->room);
    if (end == REASON_FINISH_STOP)
        assert_true(p->request.n_stops > 0);
    assert_true(finish == end || (is_close(p, finish) && !refused));
    for (size_t i = 0; i < n; i++)
        n_forced += token_at(result, i).origin == REASON_FORCED;
    if (finish == REASON_FINISH_BUDGET)
        assert_true(n_forced > 0 || usage_of(result).budget == 0);
    if (finish == REASON_FINISH_LENGTH && p->thinking.mode == REASON_THINK_AUTO &&
        p->thinking.min_tokens == 0 && p->thinking.budget != 0 &&
        p->thinking.think_threshold == 0 && usage_of(result).budget > 0)
        assert_int_equal(n_forced, 0); /* a budget that forced something says so */
}

/* A generation that the room ended, not the model, has had room for the answer: behind
 * the last thought came at least what the answer then had a right to. */
static void check_min_answer(const frame *f, const reason_result *result) {
    size_t n = reason_result_n_tokens(result), last = n, before = 0;
    if (reason_result_answer_end(result) != REASON_FINISH_LENGTH)
        return;
    for (size_t i = 0; i < n; i++)
        if (token_at(result, i).label == REASON_LABEL_THINK)
            last = i;
    if (last == n)
        return;
    for (size_t i = 0; i < last; i++)
        before += token_at(result, i).label == REASON_LABEL_ANSWER;
    size_t need = f->min_answer > before ? f->min_answer - before : 0, after = 0;
    for (size_t i = last + 1; i < n; i++)
        after += token_at(result, i).origin == REASON_SAMPLED;
    assert_true(after >= need);
}

static void check_p_think(const scripted *m, const plan *p, const frame *f,
                          const reason_result *result, bool tags) {
    double share = reason_result_p_think(result);
    bool measured = tags && p->thinking.mode == REASON_THINK_AUTO &&
                    p->thinking.budget != 0 && !f->open && !f->closed;
    const tongue *t = p->tongue;
    char probe[512];
    (void)snprintf(probe, sizeof probe, "%s%s%s%s", t->before, t->open.data,
                   t->has_empty ? t->empty : "", t->has_empty ? t->close.data : "");
    if (!measured)
        assert_true(isnan(share));
    else /* NaN where the context cannot hold the probe */
        assert_true(share >= 0 ? share <= 1
                               : isnan(share) && f->n_prompt + count_tokens(m, probe) >
                                                     (size_t)p->n_ctx);
}

static void check_same(const reason_result *a, const reason_result *b) {
    size_t n, m;
    assert_int_equal(reason_result_n_tokens(a), reason_result_n_tokens(b));
    for (size_t i = 0; i < reason_result_n_tokens(a); i++) {
        reason_token x = token_at(a, i), y = token_at(b, i);
        assert_true(x.id == y.id && x.label == y.label && x.origin == y.origin);
        assert_true(x.logprob == y.logprob && x.sampled_logprob == y.sampled_logprob);
    }
    assert_string_equal(reason_result_answer(a, &n), reason_result_answer(b, &m));
    assert_int_equal(n, m);
    assert_string_equal(reason_result_thinking(a, &n), reason_result_thinking(b, &m));
    assert_int_equal(n, m);
    assert_int_equal(reason_result_finish(a), reason_result_finish(b));
    double x = reason_result_p_think(a), y = reason_result_p_think(b);
    assert_true(x == y || (isnan(x) && isnan(y)));
    assert_int_equal(usage_of(a).budget, usage_of(b).budget);
}

/* --- all of it ---------------------------------------------------------------------- */

typedef struct totals {
    size_t n_ok, n_thinking, n_by_finish[7], n_refused_status[16],
        n_tokens;
} totals;

/* The session is given, and may hold anything; a second run is made in a new one. */
static void run_plan(scripted *m, plan *p, reason_session *session, bool twice,
                     size_t refuse_at, totals *sum) {
    listener heard = {.refuse_at = refuse_at};
    reason_result *result = NULL, *again = NULL;
    bool tags = m->model.tags.open.n > 0;
    frame f = frame_of(m, p);
    p->request.stream = on_piece;
    p->request.stream_user = &heard;
    reason_status status = reason_generate(session, &p->request, &result);
    if (status != f.status)
        print_error("%s: %s\n", reason_status_name(status), reason_last_error());
    assert_int_equal(status, f.status);
    sum->n_refused_status[-status]++;
    if (status != REASON_OK) {
        assert_null(result);
        listener_free(&heard);
        return;
    }
    reason_usage u = usage_of(result);
    check_budget(p, &f, &u, tags);
    check_tokens(m, p, result, &u);
    check_texts(m, p, result, &heard);
    check_finish(m, p, &f, result, &heard);
    check_min_answer(&f, result);
    check_p_think(m, p, &f, result, tags);
    size_t held, n = reason_result_n_tokens(result);
    assert_int_equal(reason_session_length(session, &held), REASON_OK);
    assert_int_equal(held, f.n_prompt + n - (n > 0));
    if (twice) {
        reason_session *fresh = scripted_session(m, p->n_ctx, p->n_chunk);
        listener once_more = {.refuse_at = refuse_at};
        p->request.stream_user = &once_more;
        assert_int_equal(reason_generate(fresh, &p->request, &again), REASON_OK);
        check_same(result, again);
        assert_int_equal(usage_of(again).cached_tokens, 0);
        reason_result_free(again);
        reason_session_free(fresh);
        listener_free(&once_more);
    }
    sum->n_ok++;
    sum->n_tokens += n;
    sum->n_thinking += u.thinking_tokens > 0;
    sum->n_by_finish[reason_result_finish(result)]++;
    reason_result_free(result);
    listener_free(&heard);
}

/* `n` generations by one model, `first` the number of the first. */
static void run_plans(scripted *m, const tongue *t, uint64_t first, size_t n,
                      totals *sum) {
    static const int32_t contexts[] = {16, 40, 64, 100, 300};
    reason_session *sessions[COUNT(contexts)];
    for (size_t i = 0; i < COUNT(contexts); i++)
        sessions[i] = scripted_session(m, contexts[i], 64);
    for (size_t i = 0; i < n; i++) {
        plan p;
        size_t which = 0;
        make_plan(&p, t, first + i * 3);
        m->style = (int)(i % N_STYLES);
        m->seed = i;
        while (contexts[which] != p.n_ctx)
            which++;
        if (i % 16 == 3)
            assert_int_equal(reason_session_reset(sessions[which]), REASON_OK);
        run_plan(m, &p, sessions[which], i % 8 == 0, i % 11 == 5 ? 1 + i % 7 : 0, sum);
    }
    for (size_t i = 0; i < COUNT(contexts); i++)
        reason_session_free(sessions[i]);
}

/* That the runs were of many kinds. */
static void check_totals(const totals *sum, size_t runs) {
    assert_true(sum->n_ok > runs / 3 && sum->n_tokens > runs * 4 &&
                sum->n_thinking > runs / 20);
    for (int i = 0; i < 7; i++) /* loops are rare in random text: test_policies has them */
        assert_true(sum->n_by_finish[i] > runs / 200 || i == REASON_FINISH_LOOP);
    assert_true(sum->n_refused_status[-REASON_ERR_CONTEXT_FULL] > runs / 200);
    assert_true(sum->n_refused_status[-REASON_ERR_INVALID_ARG] > runs / 200);
}

static void test_decode_generate_random__promises(void **state) {
    (void)state;
    size_t runs = getenv("REASON_SLOW") ? 300 : 20000;
    totals sum = {0};
    for (int tags = TAGS_ARE_TOKENS; tags <= NO_TAGS; tags++) {
        scripted *m = scripted_new(script_random, (script_tags)tags, NULL);
        run_plans(m, tags == NO_TAGS ? &NO_TONGUE : &OWN_TONGUE, (uint64_t)tags,
                  runs / (tags == NO_TAGS ? 10 : 2), &sum);
        scripted_free(m);
    }
    check_totals(&sum, runs);
    assert_true(sum.n_refused_status[-REASON_ERR_MISMATCH] > runs / 200);
}

static void test_decode_generate_random__families(void **state) {
    (void)state;
    size_t runs = getenv("REASON_SLOW") ? 40 : 1000;
    for (size_t i = 0; i < N_KIN; i++) {
        totals sum = {0};
        scripted *m = scripted_kin(script_random, &KIN[i], NULL);
        tongue t = tongue_of(m, &KIN[i]);
        run_plans(m, &t, 1000 * i, runs, &sum);
        scripted_free(m);
        if (runs >= 1000)
            check_totals(&sum, runs);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decode_generate_random__promises),
        cmocka_unit_test(test_decode_generate_random__families),
    };
    return cmocka_run_group_tests_name("decode/generate_random", tests, NULL, NULL);
}
