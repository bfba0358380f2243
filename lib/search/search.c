/* Searches. Owns when samples are stopped and how their answers are counted; a method is a
 * row of a table. Invariant: answers are compared in their normal form, and who votes is
 * decided before any vote is counted. */
#include "search/search.h"

#include <math.h>
#include <string.h>

#include "base/array.h"
#include "base/clock.h"
#include "kernels/mathd.h"
#include "search/beam.h"

typedef struct search {
    const reason_search_options *options;
    const rsn_model *model;
    rsn_rewarder rewarder;
    rsn_search_result *result;
    bool *chosen; /* [samples], of those that stopped the others; NULL: none did yet */
    double *rewards; /* [samples], of a reward model or a beam; NULL: there are none */
} search;

static const rsn_result *sample_of(const rsn_result *all, size_t i) {
    return i == 0 ? all : all->more[i - 1];
}

/* What the vote of sample i weighs; NaN: it has none. */
typedef double (*weight_fn)(const search *s, size_t i);

static double one_vote(const search *s, size_t i) {
    (void)s;
    (void)i;
    return 1;
}

static double confidence(const search *s, size_t i) {
    const rsn_result *sample = sample_of(s->result->samples, i);
    double sum = 0;
    for (size_t t = 0; t < sample->n_tokens; t++)
        sum += (double)sample->tokens[t].logprob;
    return rsn_expd(sum / (double)sample->n_tokens);
}

static double score(const search *s, size_t i) {
    const reason_search_options *o = s->options;
    return s->rewards ? s->rewards[i]
                      : o->score(o->score_user, sample_of(s->result->samples, i));
}

/* When the first ones are enough. */
typedef enum stop { STOP_NEVER, STOP_ENDED, STOP_ANSWERING } stop;

static const struct {
    const char *name;
    weight_fn weight;
    bool scored;  /* needs a score or a reward model */
    bool summed;  /* an answer's weights add up; else the largest counts */
    stop stop;
    bool shorter; /* of equal samples the shorter one is better */
    size_t first; /* default of n_first */
    bool grows;   /* by steps that are scored; else whole samples are made */
} METHODS[] = {
    [REASON_SEARCH_VOTE] = {"vote", one_vote, false, true, STOP_NEVER, false, 0, false},
    [REASON_SEARCH_CONFIDENCE] = {"confidence", confidence, false, true, STOP_NEVER,
                                  false, 0, false},
    [REASON_SEARCH_BEST] = {"best", score, true, false, STOP_NEVER, false, 0, false},
    [REASON_SEARCH_WEIGHTED] = {"weighted", score, true, true, STOP_NEVER, false, 0, false},
    [REASON_SEARCH_FIRST] = {"first", one_vote, false, true, STOP_ENDED, true, 1, false},
    [REASON_SEARCH_SHORT] = {"short", one_vote, false, true, STOP_ANSWERING, true, 3, false},
    [REASON_SEARCH_BEAM] = {"beam", score, true, false, STOP_NEVER, false, 0, true},
};
enum { N_METHODS = sizeof METHODS / sizeof *METHODS };

const char *rsn_search_name(reason_search_method method) {
    return (size_t)method < N_METHODS ? METHODS[method].name : NULL;
}

static size_t first_of(const reason_search_options *o, size_t n_samples) {
    size_t first = o->n_first > 0 ? (size_t)o->n_first : METHODS[o->method].first;
    return first < n_samples ? first : n_samples;
}

/* Exactly one who judges of methods that need one, nobody of the others. */
static reason_status check_judge(const reason_search_options *o) {
    bool grows = METHODS[o->method].grows;
    bool callback = grows ? o->step_score != NULL : o->score != NULL;
    if (!METHODS[o->method].scored)
        return o->reward || o->step_score
                   ? rsn_fail(REASON_ERR_INVALID_ARG, "method %s has no use for a reward",
                              METHODS[o->method].name)
                   : REASON_OK;
    if (callback != (o->reward != NULL))
        return REASON_OK;
    return rsn_fail(REASON_ERR_INVALID_ARG,
                    "method %s needs a %s, or a reward model, and not both",
                    METHODS[o->method].name, grows ? "step_score" : "score");
}

reason_status rsn_search_check(const reason_search_options *o, size_t n_samples) {
    if ((size_t)o->method >= N_METHODS)
        return rsn_fail(REASON_ERR_INVALID_ARG, "method %d is none of its enum",
                        (int)o->method);
    if ((size_t)o->answers > REASON_ANSWER_CHOICE)
        return rsn_fail(REASON_ERR_INVALID_ARG, "answers %d is none of its enum",
                        (int)o->answers);
    reason_status status = check_judge(o);
    if (status != REASON_OK)
        return status;
    if (o->n_beams < 0 || (size_t)o->n_beams > n_samples || o->max_steps < 0)
        return rsn_fail(REASON_ERR_INVALID_ARG,
                        "n_beams %d (0 to %zu samples) or max_steps %d (0 or more)",
                        o->n_beams, n_samples, o->max_steps);
    if (o->n_first < 0 || (size_t)o->n_first > n_samples || o->max_tokens < 0)
        return rsn_fail(REASON_ERR_INVALID_ARG,
                        "n_first %d (0 to %zu samples) or max_tokens %lld (0 or more)",
                        o->n_first, n_samples, (long long)o->max_tokens);
    return REASON_OK;
}

/* --- while samples run --------------------------------------------------------------- */

static void stop_one(search *s, rsn_batch *b, size_t i) {
    const rsn_sequence *q = rsn_batch_sequence(b, i);
    s->result->usage.n_stopped++;
    s->result->usage.unmade += q->rules.room - q->think.n_tokens;
    rsn_batch_cancel(b, i);
}

/* Whether a sample counts as one of the first. */
static bool is_first(const search *s, const rsn_batch *b, size_t i) {
    const rsn_sequence *q = rsn_batch_sequence(b, i);
    const rsn_result *r = rsn_batch_result(b, i);
    if (r)
        return r->finish != REASON_FINISH_CANCELLED;
    return METHODS[s->options->method].stop == STOP_ANSWERING &&
           q->think.counts[REASON_LABEL_ANSWER] > 0;
}

/* Of those that came in the same step the earlier samples count. */
static reason_status stop_others(search *s, rsn_batch *b) {
    size_t n = rsn_batch_n(b), want = first_of(s->options, n), found = 0;
    if (METHODS[s->options->method].stop == STOP_NEVER || s->chosen)
        return REASON_OK;
    for (size_t i = 0; i < n; i++)
        found += is_first(s, b, i);
    if (found < want)
        return REASON_OK;
    s->chosen = rsn_calloc2(n, sizeof *s->chosen);
    if (!s->chosen)
        return REASON_ERR_NO_MEMORY;
    for (size_t i = 0, kept = 0; i < n; i++) {
        const rsn_sequence *q = rsn_batch_sequence(b, i);
        s->chosen[i] = kept < want && is_first(s, b, i);
        kept += s->chosen[i];
        if (!s->chosen[i] && q && !q->cancelled)
            stop_one(s, b, i);
    }
    return REASON_OK;
}

/* Those that run stop when the next token of each would be too many in all. */
static void keep_to_limit(search *s, rsn_batch *b) {
    uint64_t n_tokens = 0, n_running = 0;
    for (size_t i = 0; i < rsn_batch_n(b); i++) {
        const rsn_sequence *q = rsn_batch_sequence(b, i);
        const rsn_result *r = rsn_batch_result(b, i);
        n_tokens += r ? r->n_tokens : q->think.n_tokens;
        n_running += q && q->line && q->stage != RSN_DONE;
    }
    if (s->options->max_tokens == 0 ||
        n_tokens + n_running <= (uint64_t)s->options->max_tokens)
        return;
    for (size_t i = 0; i < rsn_batch_n(b); i++) {
        const rsn_sequence *q = rsn_batch_sequence(b, i);
        if (q && !q->cancelled)
            stop_one(s, b, i);
    }
}

static reason_status look(void *user, rsn_batch *b) {
    search *s = user;
    keep_to_limit(s, b);
    return stop_others(s, b);
}

/* --- afterwards ---------------------------------------------------------------------- */

static rsn_search_answer *find_answer(rsn_search_result *r, const rsn_str *text) {
    for (size_t i = 0; i < r->n_answers; i++) {
        const rsn_str *other = &r->answers[i].text;
        if (other->n == text->n && memcmp(other->data, text->data, text->n) == 0)
            return &r->answers[i];
    }
    return NULL;
}

/* Takes the text. */
static reason_status count_vote(search *s, size_t i, rsn_str *text, double weight) {
    rsn_search_result *r = s->result;
    rsn_search_answer *a = find_answer(r, text);
    bool shorter = METHODS[s->options->method].shorter;
    double good = shorter ? -(double)sample_of(r->samples, i)->n_tokens : weight;
    if (!a) {
        reason_status status = RSN_GROW(&r->answers, &r->answers_cap, r->n_answers + 1);
        if (status != REASON_OK) {
            rsn_str_free(text);
            return status;
        }
        a = &r->answers[r->n_answers++];
        *a = (rsn_search_answer){.text = *text, .best = -(double)INFINITY, .sample = i};
    } else {
        rsn_str_free(text);
    }
    a->n_samples++;
    if (METHODS[s->options->method].summed)
        a->weight += weight;
    else if (a->n_samples == 1 || weight > a->weight)
        a->weight = weight;
    if (good > a->best) {
        a->best = good;
        a->sample = i;
    }
    return REASON_OK;
}

/* Of a sample that was stopped nothing counts. */
static bool may_vote(const search *s, size_t i) {
    return sample_of(s->result->samples, i)->finish != REASON_FINISH_CANCELLED &&
           (!s->chosen || s->chosen[i]);
}

static reason_status find_text(const search *s, size_t i, rsn_str *text) {
    const rsn_str *answer = &sample_of(s->result->samples, i)->answer;
    rsn_answer_normalize((rsn_text){rsn_str_text(answer), answer->n}, s->options->answers,
                         text);
    if (!text->failed)
        return REASON_OK;
    rsn_str_free(text);
    return rsn_fail_memory(answer->n);
}

static reason_status vote(search *s, size_t i) {
    const reason_search_options *o = s->options;
    rsn_str text = {0};
    if (!may_vote(s, i))
        return REASON_OK;
    reason_status status = find_text(s, i, &text);
    if (status != REASON_OK)
        return status;
    double weight = text.n > 0 ? METHODS[o->method].weight(s, i) : (double)NAN;
    if (o->method == REASON_SEARCH_WEIGHTED && weight < 0) {
        rsn_str_free(&text);
        return rsn_fail(REASON_ERR_INVALID_ARG,
                        "sample %zu has the score %g, 0 or more expected of a weight", i,
                        weight);
    }
    if (isnan(weight)) {
        rsn_str_free(&text);
        return REASON_OK;
    }
    return count_vote(s, i, &text, weight);
}

static bool is_better(const search *s, const rsn_search_answer *a,
                      const rsn_search_answer *b) {
    if (a->weight != b->weight)
        return a->weight > b->weight;
    return METHODS[s->options->method].shorter && a->best > b->best;
}

/* The best first; equals stay in the order in which they were seen. */
static void sort_answers(search *s) {
    rsn_search_answer *a = s->result->answers;
    for (size_t i = 1; i < s->result->n_answers; i++) {
        rsn_search_answer one = a[i];
        size_t at = i;
        for (; at > 0 && is_better(s, &one, &a[at - 1]); at--)
            a[at] = a[at - 1];
        a[at] = one;
    }
}

/* --- a reward model ------------------------------------------------------------------- */

/* Those with an answer, at once: texts[k] is of sample who[k]. */
static reason_status list_texts(const search *s, size_t n, rsn_str *texts, size_t *who,
                                size_t *n_texts) {
    reason_status status = REASON_OK;
    for (size_t i = 0; i < n && status == REASON_OK; i++) {
        rsn_str answer = {0};
        if (!may_vote(s, i))
            continue;
        status = find_text(s, i, &answer);
        bool has_answer = answer.n > 0;
        rsn_str_free(&answer);
        if (status != REASON_OK || !has_answer)
            continue;
        who[*n_texts] = i;
        status = rsn_sample_text(s->model, sample_of(s->result->samples, i),
                                 s->options->answers_only, &texts[(*n_texts)++]);
    }
    return status;
}

static reason_status reward_texts(search *s, const rsn_str *texts, const size_t *who,
                                  size_t n) {
    rsn_text *views = rsn_calloc2(n + 1, sizeof *views);
    double *scores = rsn_calloc2(n + 1, sizeof *scores);
    reason_status status = views && scores ? REASON_OK : REASON_ERR_NO_MEMORY;
    for (size_t k = 0; k < n && status == REASON_OK; k++)
        views[k] = (rsn_text){rsn_str_text(&texts[k]), texts[k].n};
    if (status == REASON_OK)
        status = rsn_rewards(&s->rewarder, views, n,
                             s->options->method == REASON_SEARCH_WEIGHTED, scores);
    for (size_t k = 0; k < n && status == REASON_OK; k++)
        s->rewards[who[k]] = scores[k];
    rsn_free(views);
    rsn_free(scores);
    return status;
}

static reason_status reward_samples(search *s) {
    size_t n = s->result->samples->n_more + 1, n_texts = 0;
    if (!s->rewarder.session)
        return REASON_OK;
    rsn_str *texts = rsn_calloc2(n, sizeof *texts);
    size_t *who = rsn_calloc2(n, sizeof *who);
    s->rewards = rsn_calloc2(n, sizeof *s->rewards);
    reason_status status =
        texts && who && s->rewards ? REASON_OK : REASON_ERR_NO_MEMORY;
    if (status == REASON_OK)
        status = list_texts(s, n, texts, who, &n_texts);
    if (status == REASON_OK)
        status = reward_texts(s, texts, who, n_texts);
    for (size_t k = 0; texts && k < n; k++)
        rsn_str_free(&texts[k]);
    rsn_free(texts);
    rsn_free(who);
    return status;
}

/* --- the whole ------------------------------------------------------------------------ */

/* A beam has counted what it made and dropped. */
static void count_tokens(search *s) {
    reason_search_usage *u = &s->result->usage;
    const rsn_result *all = s->result->samples;
    for (size_t i = 0; i <= all->n_more && !METHODS[s->options->method].grows; i++) {
        uint64_t n = sample_of(all, i)->n_tokens;
        u->tokens += n;
        u->longest = n > u->longest ? n : u->longest;
    }
}

static reason_status make_samples(search *s, rsn_session *session,
                                  const rsn_asked *asked) {
    const reason_search_options *o = s->options;
    bool in_step = METHODS[o->method].stop != STOP_NEVER || o->max_tokens > 0;
    const rsn_batch_watch watch = {look, s, in_step};
    if (METHODS[o->method].grows)
        return rsn_beam(session, asked, o, &s->rewarder, &s->result->samples,
                        &s->rewards, &s->result->usage);
    reason_status status =
        rsn_generate_batch(session, asked, 1, &watch, &s->result->samples);
    return status == REASON_OK ? reward_samples(s) : status;
}

reason_status rsn_search(rsn_session *session, const rsn_search_asked *asked,
                         rsn_search_result **result) {
    double start = rsn_clock();
    search s = {.options = asked->options,
                .model = session->model,
                .rewarder = {.session = asked->options->reward,
                             .how = asked->scoring,
                             .prompt = asked->asked->request,
                             .host = session},
                .result = rsn_calloc2(1, sizeof *s.result)};
    *result = NULL;
    if (!s.result)
        return REASON_ERR_NO_MEMORY;
    reason_status status = make_samples(&s, session, asked->asked);
    for (size_t i = 0; status == REASON_OK && i <= s.result->samples->n_more; i++)
        status = vote(&s, i);
    rsn_free(s.chosen);
    rsn_free(s.rewards);
    if (status != REASON_OK) {
        rsn_search_result_free(s.result);
        return status;
    }
    sort_answers(&s);
    count_tokens(&s);
    s.result->usage.reward_tokens = s.rewarder.n_run;
    s.result->usage.seconds = rsn_clock() - start;
    *result = s.result;
    return REASON_OK;
}

void rsn_search_result_free(rsn_search_result *r) {
    if (!r)
        return;
    for (size_t i = 0; i < r->n_answers; i++)
        rsn_str_free(&r->answers[i].text);
    rsn_free(r->answers);
    rsn_result_free(r->samples);
    rsn_free(r);
}
