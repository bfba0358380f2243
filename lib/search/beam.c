/* Beams. Owns where a step ends, what a next step may cost, and which paths are kept. Left
 * to others: generating (a batch, in which a path goes on from its tokens and so from the
 * keys and values that are there) and what a path is worth (rewards.c, or a callback).
 * Invariant: a path's tokens are those that were sampled, never text that was tokenized
 * again. */
#include "search/beam.h"

#include <math.h>
#include <string.h>

#include "base/array.h"
#include "base/rng.h"

enum { DEFAULT_STEPS = 64 };

/* Bytes in which a blank line is looked for. */
enum { TAIL = 64 };

/* What was written so far, as a result that grows. */
typedef struct path {
    rsn_result *made; /* NULL: nothing yet */
    double score;     /* NaN: it has none */
    bool ended;       /* all of it is there, */
    bool broken;      /* or not even its step */
} path;

/* A path's next step, as a request of its own. */
typedef struct step {
    reason_request request;
    reason_thinking thinking;
    reason_sampling sampling;
    int32_t *tokens; /* of the path */
    path *from;
} step;

typedef struct beam {
    rsn_session *session;
    const rsn_asked *asked;
    const reason_search_options *o;
    rsn_rewarder *rewarder;
    reason_search_usage *usage;
    rsn_text separator; /* of steps; n = 0: blank lines */
    path *kept, *made; /* [n_kept]; [n_made] of a round, then all that are chosen from */
    size_t n_kept, n_made, made_cap;
    step *steps; /* [n_steps] of a round */
    size_t n_steps, n_each; /* and how many samples of each */
    bool *cut;              /* [n_steps * n_each], whose step has ended */
    uint32_t round;
    int64_t budget; /* of thinking tokens, in force at the start; -1: none */
    bool limited;   /* by max_tokens: no more rounds */
    bool stopped;   /* by the caller: no more of anything */
} beam;

static size_t most_kept(const beam *b) {
    size_t n = (size_t)b->asked->request->n_samples;
    return b->o->n_beams > 0 ? (size_t)b->o->n_beams : (n + 3) / 4;
}

/* --- where a step ends ---------------------------------------------------------------- */

static bool is_space(char c) {
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

/* The last bytes that were written, up to TAIL of them, behind an opening tag if there is
 * one among them. */
static rsn_text read_tail(const rsn_model *model, const rsn_result *r, char *buffer) {
    rsn_text open = model->tags.open;
    size_t at = TAIL;
    for (size_t i = r->n_tokens; i-- > 0 && at > 0;) {
        rsn_text text = rsn_written(model, r->tokens[i].id);
        size_t n = text.n < at ? text.n : at;
        at -= n;
        if (n > 0)
            memcpy(buffer + at, text.data + text.n - n, n);
    }
    const char *tag = open.n > 0 ? memmem(buffer + at, TAIL - at, open.data, open.n) : NULL;
    at = tag ? (size_t)(tag - buffer) + open.n : at;
    return (rsn_text){buffer + at, TAIL - at};
}

/* How long what stands between steps is at the end of a text: a blank line, or the
 * caller's separator. */
static size_t measure_separator(rsn_text tail, rsn_text separator) {
    size_t n = tail.n;
    if (separator.n > 0)
        return n >= separator.n && memcmp(tail.data + n - separator.n, separator.data,
                                          separator.n) == 0
                   ? separator.n
                   : 0;
    while (n > 0 && tail.data[n - 1] == '\n')
        n--;
    return tail.n - n >= 2 ? tail.n - n : 0;
}

/* Whether what was written ends in a separator behind something else. */
static bool ends_in_separator(const rsn_model *model, const rsn_result *r,
                              rsn_text separator) {
    char buffer[TAIL];
    rsn_text tail = read_tail(model, r, buffer);
    size_t n = tail.n - measure_separator(tail, separator);
    if (n == tail.n)
        return false;
    while (n > 0 && is_space(tail.data[n - 1]))
        n--;
    return n > 0;
}

/* The answer of a model that thinks is no place for steps. */
static bool ends_step(const beam *b, const rsn_sequence *q) {
    const rsn_model *model = b->session->model;
    bool thinks = model->tags.open.n > 0;
    return (!thinks || rsn_think_in_block(&q->think)) &&
           ends_in_separator(model, q->result, b->separator);
}

static reason_status look(void *user, rsn_batch *batch) {
    beam *b = user;
    uint64_t n_tokens = b->usage->tokens, n_running = 0;
    for (size_t i = 0; i < rsn_batch_n(batch); i++) {
        const rsn_sequence *q = rsn_batch_sequence(batch, i);
        n_tokens += q ? q->think.n_tokens : rsn_batch_result(batch, i)->n_tokens;
        if (!q || q->stage == RSN_DONE)
            continue;
        if (!ends_step(b, q)) {
            n_running += q->line != NULL;
            continue;
        }
        b->cut[i] = true;
        rsn_batch_cancel(batch, i);
    }
    if (b->o->max_tokens == 0 || n_tokens + n_running <= (uint64_t)b->o->max_tokens)
        return REASON_OK;
    b->limited = true;
    for (size_t i = 0; i < rsn_batch_n(batch); i++) {
        const rsn_sequence *q = rsn_batch_sequence(batch, i);
        if (q && q->stage != RSN_DONE)
            rsn_batch_cancel(batch, i);
    }
    return REASON_OK;
}

/* --- a next step ---------------------------------------------------------------------- */

/* Another seed for each path and round. */
static uint64_t seed_of(const beam *b, size_t i) {
    uint32_t bits[4];
    uint64_t seed = b->asked->sampling->seed;
    if (b->round == 0)
        return seed;
    rsn_rng_block(seed, b->round, i, 0, bits);
    return (uint64_t)bits[0] << 32 | bits[1];
}

/* What is left to a path of what the request allows. */
static void limit_step(const beam *b, const rsn_result *made, step *s) {
    int64_t used = (int64_t)made->usage.thinking_tokens, n = (int64_t)made->n_tokens;
    reason_thinking *th = &s->thinking;
    th->mode = th->mode == REASON_THINK_OFF ? th->mode : REASON_THINK_AUTO;
    th->effort = REASON_EFFORT_NONE; /* it is in the budget by now */
    th->thought = NULL;
    th->think_threshold = 0;
    th->min_tokens = th->min_tokens > used ? (int32_t)(th->min_tokens - used) : 0;
    if (b->budget >= 0) {
        int64_t left = b->budget > used ? b->budget - used : 0;
        th->budget = left < INT32_MAX ? (int32_t)left : INT32_MAX;
    }
    if (s->request.max_tokens > 0) {
        s->request.max_tokens -= n < s->request.max_tokens ? (int32_t)n : 0;
        if (th->min_answer > s->request.max_tokens)
            th->min_answer = s->request.max_tokens;
    }
}

static reason_status begin_step(beam *b, path *from, size_t i, rsn_asked *asked) {
    step *s = &b->steps[b->n_steps++];
    *s = (step){.request = *b->asked->request,
                .thinking = *b->asked->thinking,
                .sampling = *b->asked->sampling,
                .from = from};
    s->request.n_samples = (int32_t)b->n_each;
    s->request.stream = NULL;
    s->sampling.seed = seed_of(b, i);
    *asked = (rsn_asked){.request = &s->request,
                         .thinking = &s->thinking,
                         .sampling = &s->sampling};
    const rsn_result *made = from->made;
    if (!made)
        return REASON_OK;
    limit_step(b, made, s);
    s->tokens = rsn_alloc2(made->n_tokens + 1, sizeof *s->tokens);
    if (!s->tokens)
        return REASON_ERR_NO_MEMORY;
    for (size_t t = 0; t < made->n_tokens; t++)
        s->tokens[t] = made->tokens[t].id;
    asked->written = s->tokens;
    asked->n_written = made->n_tokens;
    return REASON_OK;
}

/* The samples of a step become paths of their own. */
static reason_status take_results(beam *b, step *s, rsn_result *first, const bool *cut) {
    rsn_result **more = first->more;
    size_t n_more = first->n_more;
    reason_status status =
        RSN_GROW(&b->made, &b->made_cap, b->n_made + n_more + 1 + b->n_kept);
    first->more = NULL;
    first->n_more = first->more_cap = 0;
    for (size_t i = 0; i <= n_more; i++) {
        rsn_result *r = i == 0 ? first : more[i - 1];
        bool was_stopped = r->finish == REASON_FINISH_CANCELLED && !cut[i];
        b->budget = b->round == 0 ? r->usage.budget : b->budget;
        b->stopped = b->stopped || (was_stopped && !b->limited);
        b->usage->tokens += r->n_tokens;
        if (status == REASON_OK && s->from->made)
            status = rsn_result_prepend(r, s->from->made);
        if (status == REASON_OK)
            b->made[b->n_made++] =
                (path){r, (double)NAN, !cut[i] && !was_stopped, was_stopped};
        else
            rsn_result_free(r);
    }
    rsn_free(more);
    return status;
}

static reason_status take_all(beam *b, rsn_result **results) {
    reason_status status = REASON_OK;
    for (size_t i = 0; i < b->n_steps; i++) {
        if (status == REASON_OK)
            status = take_results(b, &b->steps[i], results[i], b->cut + i * b->n_each);
        else
            rsn_result_free(results[i]);
    }
    return status;
}

static reason_status run_steps(beam *b, size_t n_active) {
    const rsn_batch_watch watch = {look, b, true};
    rsn_asked *asked = rsn_calloc2(n_active, sizeof *asked);
    rsn_result **results = rsn_calloc2(n_active, sizeof(rsn_result *));
    b->n_each = (size_t)b->asked->request->n_samples / n_active;
    b->n_each = b->n_each > 0 ? b->n_each : 1;
    b->steps = rsn_calloc2(n_active, sizeof *b->steps);
    b->cut = rsn_calloc2(n_active * b->n_each, sizeof *b->cut);
    b->n_steps = 0;
    reason_status status = asked && results && b->steps && b->cut ? REASON_OK
                                                                  : REASON_ERR_NO_MEMORY;
    for (size_t i = 0; i < b->n_kept && status == REASON_OK; i++)
        if (!b->kept[i].ended)
            status = begin_step(b, &b->kept[i], i, &asked[b->n_steps]);
    if (status == REASON_OK)
        status = rsn_generate_batch(b->session, asked, b->n_steps, &watch, results);
    if (status == REASON_OK)
        status = take_all(b, results);
    for (size_t i = 0; i < b->n_steps; i++)
        rsn_free(b->steps[i].tokens);
    rsn_free(asked);
    rsn_free(results);
    rsn_free(b->steps);
    rsn_free(b->cut);
    b->n_steps = 0;
    b->steps = NULL;
    b->cut = NULL;
    return status;
}

/* --- what paths are worth ------------------------------------------------------------- */

static reason_status score_texts(beam *b, const rsn_text *texts, size_t n,
                                 double *scores) {
    if (b->o->reward)
        return rsn_rewards(b->rewarder, texts, n, false, scores);
    for (size_t i = 0; i < n; i++)
        scores[i] = b->o->step_score(b->o->score_user, texts[i].data, texts[i].n);
    rsn_fpstate_again();
    return REASON_OK;
}

/* All at once; a step that was broken off is worth nothing. */
static reason_status score_paths(beam *b) {
    size_t n = 0;
    rsn_str *texts = rsn_calloc2(b->n_made + 1, sizeof *texts);
    rsn_text *views = rsn_calloc2(b->n_made + 1, sizeof *views);
    double *scores = rsn_calloc2(b->n_made + 1, sizeof *scores);
    reason_status status =
        texts && views && scores ? REASON_OK : REASON_ERR_NO_MEMORY;
    for (size_t i = 0; i < b->n_made && status == REASON_OK; i++) {
        if (b->made[i].broken)
            continue;
        status = rsn_sample_text(b->session->model, b->made[i].made, false, &texts[n]);
        views[n] = (rsn_text){rsn_str_text(&texts[n]), texts[n].n};
        n++;
    }
    if (status == REASON_OK)
        status = score_texts(b, views, n, scores);
    for (size_t i = 0, k = 0; i < b->n_made && status == REASON_OK; i++)
        if (!b->made[i].broken)
            b->made[i].score = scores[k++];
    for (size_t i = 0; texts && i < n; i++)
        rsn_str_free(&texts[i]);
    rsn_free(texts);
    rsn_free(views);
    rsn_free(scores);
    return status;
}

/* --- who is kept ---------------------------------------------------------------------- */

static bool is_same(const path *a, const path *b) {
    const rsn_result *x = a->made, *y = b->made;
    if (x->n_tokens != y->n_tokens || a->ended != b->ended)
        return false;
    for (size_t i = 0; i < x->n_tokens; i++)
        if (x->tokens[i].id != y->tokens[i].id)
            return false;
    return true;
}

/* One that is worth nothing, or is another one's twin, does not take a place. */
static bool is_wanted(const beam *b, const path *p) {
    if (isnan(p->score))
        return false;
    for (size_t i = 0; i < b->n_kept; i++)
        if (is_same(p, &b->kept[i]))
            return false;
    return true;
}

/* The best first; equals in the order in which they came, those that have ended before. */
static void sort_made(beam *b) {
    for (size_t i = 1; i < b->n_made; i++) {
        path one = b->made[i];
        size_t at = i;
        for (; at > 0 && (one.score > b->made[at - 1].score ||
                          (isnan(b->made[at - 1].score) && !isnan(one.score)));
             at--)
            b->made[at] = b->made[at - 1];
        b->made[at] = one;
    }
}

/* Paths that have ended compete with new ones. If nobody is worth anything, one of them
 * stands for all. */
static void choose_kept(beam *b) {
    path *made = b->made;
    size_t n_ended = 0, n_new = b->n_made;
    for (size_t i = 0; i < b->n_kept; i++)
        n_ended += b->kept[i].ended;
    memmove(made + n_ended, made, n_new * sizeof *made);
    b->n_made = n_ended + n_new;
    for (size_t i = 0, at = 0; i < b->n_kept; i++) {
        if (b->kept[i].ended)
            made[at++] = b->kept[i];
        else
            rsn_result_free(b->kept[i].made);
    }
    sort_made(b);
    b->n_kept = 0;
    for (size_t i = 0; i < b->n_made; i++) {
        bool keeps = b->n_kept < most_kept(b) && is_wanted(b, &made[i]);
        keeps = keeps || (b->n_kept == 0 && i + 1 == b->n_made);
        if (keeps)
            b->kept[b->n_kept++] = made[i];
        else
            rsn_result_free(made[i].made);
        b->usage->n_stopped += !keeps;
    }
    b->n_made = 0;
}

static size_t count_active(const beam *b) {
    size_t n = 0;
    for (size_t i = 0; i < b->n_kept; i++)
        n += !b->kept[i].ended && !(b->round > 0 && isnan(b->kept[i].score));
    return n;
}

static reason_status run_rounds(beam *b) {
    uint32_t most = b->o->max_steps > 0 ? (uint32_t)b->o->max_steps : DEFAULT_STEPS;
    reason_status status = REASON_OK;
    for (size_t n; status == REASON_OK && !b->stopped && !b->limited &&
                   b->round < most && (n = count_active(b)) > 0;
         b->round++) {
        status = run_steps(b, n);
        if (status == REASON_OK && !b->stopped)
            status = score_paths(b);
        if (status == REASON_OK)
            choose_kept(b);
    }
    return status;
}

static reason_status give(beam *b, rsn_result **samples, double **scores) {
    rsn_result *first = b->kept[0].made;
    *scores = rsn_alloc2(b->n_kept, sizeof **scores);
    reason_status status = *scores ? REASON_OK : REASON_ERR_NO_MEMORY;
    if (status == REASON_OK)
        status = RSN_GROW(&first->more, &first->more_cap, b->n_kept);
    for (size_t i = 0; i < b->n_kept && status == REASON_OK; i++) {
        uint64_t n = b->kept[i].made->n_tokens;
        b->usage->longest = n > b->usage->longest ? n : b->usage->longest;
        (*scores)[i] = b->kept[i].score;
        if (i > 0)
            first->more[first->n_more++] = b->kept[i].made;
    }
    if (status != REASON_OK)
        return status;
    b->n_kept = 0;
    *samples = first;
    return REASON_OK;
}

reason_status rsn_beam(rsn_session *session, const rsn_asked *asked,
                       const reason_search_options *options, rsn_rewarder *rewarder,
                       rsn_result **samples, double **scores,
                       reason_search_usage *usage) {
    beam b = {.session = session,
              .asked = asked,
              .o = options,
              .rewarder = rewarder,
              .usage = usage,
              .budget = -1};
    const char *separator = rewarder->how->step_separator;
    *samples = NULL;
    *scores = NULL;
    if (asked->thinking->chunk > 0)
        return rsn_fail(REASON_ERR_INVALID_ARG, "method beam does not think in chunks");
    if (separator && strlen(separator) >= TAIL)
        return rsn_fail(REASON_ERR_INVALID_ARG,
                        "step_separator of %zu bytes, method beam takes less than %d",
                        strlen(separator), TAIL);
    b.separator = (rsn_text){separator ? separator : "", separator ? strlen(separator) : 0};
    b.kept = rsn_calloc2(most_kept(&b), sizeof *b.kept);
    if (!b.kept)
        return REASON_ERR_NO_MEMORY;
    b.n_kept = 1; /* nothing yet, to be continued */
    reason_status status = run_rounds(&b);
    if (status == REASON_OK)
        status = give(&b, samples, scores);
    for (size_t i = 0; i < b.n_kept; i++)
        rsn_result_free(b.kept[i].made);
    for (size_t i = 0; i < b.n_made; i++)
        rsn_result_free(b.made[i].made);
    rsn_free(b.kept);
    rsn_free(b.made);
    if (status != REASON_OK) {
        rsn_free(*scores);
        *scores = NULL;
    }
    return status;
}
