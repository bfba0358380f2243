/* Asking judges. Owns the requests that are made of questions, how many run at once, and
 * how the verdict is taken from what was written; wording is judge_prompt.c's, reading
 * verdict.c's. Invariant: what is written for a question depends on its judge, its place
 * and the number of the vote, never on what else is asked. */
#include "reward/judge.h"

#include <math.h>
#include <string.h>

#include "base/fpstate.h"
#include "base/rng.h"
#include "reward/verdict.h"

/* Generations that a slice has for each place in the batch, as in convert/evaluate.c. */
enum { ROUNDS = 16 };
enum { DEFAULT_TOKENS = 8192 };

reason_status rsn_judge_begin(rsn_judge *j, const reason_judge_request *request,
                              const reason_thinking *thinking,
                              const reason_sampling *sampling) {
    *j = (rsn_judge){.request = request, .thinking = thinking, .sampling = sampling};
    return rsn_frame_make(request, &j->frame);
}

void rsn_judge_end(rsn_judge *j) {
    rsn_frame_free(&j->frame);
}

/* --- what is asked ------------------------------------------------------------------- */

/* A question on its way. */
typedef struct asking {
    reason_request request;
    reason_sampling sampling;
    rsn_text texts[RSN_N_SLOTS];
    rsn_inserts inserts;
    rsn_str plain; /* both messages, of a model without a template */
} asking;

typedef struct slice {
    const rsn_judge_question *questions; /* [n] */
    size_t n;
    asking *askings;      /* [n] */
    rsn_asked *asked;     /* [n] */
    rsn_result **results; /* [n] */
    bool *told;           /* [members] that progress has heard of */
    bool stopped;         /* by a callback */
} slice;

static rsn_text text_of(const rsn_judge_question *q, rsn_slot slot) {
    const reason_judge_request *r = q->judge->request;
    const char *text = NULL;
    switch (slot) {
    case RSN_SLOT_QUERY: text = r->query; break;
    case RSN_SLOT_FIRST:
    case RSN_SLOT_RESPONSE: text = r->responses[q->first]; break;
    case RSN_SLOT_SECOND: text = r->responses[q->second]; break;
    case RSN_SLOT_RUBRIC: text = r->rubric; break;
    case RSN_SLOT_CHECKLIST: text = rsn_str_text(&q->judge->frame.checklist); break;
    case RSN_SLOT_ITEM:
        text = q->item < r->n_checklist ? r->checklist[q->item] : NULL;
        break;
    case RSN_N_SLOTS: break;
    }
    return text ? (rsn_text){text, strlen(text)} : (rsn_text){"", 0};
}

/* A model that has no template continues a text. */
static void put_messages(const rsn_session *session, const rsn_frame *f, asking *a) {
    if (a->request.template_text || session->model->template_source.n > 0) {
        a->request.prompt = rsn_str_text(&f->prompt);
        a->request.system = f->system.n > 0 ? rsn_str_text(&f->system) : NULL;
        return;
    }
    rsn_str_add(&a->plain, rsn_str_text(&f->system), f->system.n);
    rsn_str_addz(&a->plain, f->system.n > 0 ? "\n\n" : "");
    rsn_str_add(&a->plain, rsn_str_text(&f->prompt), f->prompt.n);
    rsn_str_addz(&a->plain, "\n\n");
    a->request.text = rsn_str_text(&a->plain);
}

static reason_status make_asking(const rsn_session *session, const rsn_judge_question *q,
                                 asking *a, rsn_asked *asked) {
    const reason_judge_request *r = q->judge->request;
    const rsn_frame *f = &q->judge->frame;
    a->request = (reason_request){.size = sizeof a->request,
                                  .n_text = -1,
                                  .template_text = r->template_text,
                                  .variables_json = r->variables_json,
                                  .now = r->now,
                                  .max_tokens =
                                      r->max_tokens > 0 ? r->max_tokens : DEFAULT_TOKENS,
                                  .n_samples = (int32_t)q->n_votes,
                                  .cancel = r->cancel};
    a->sampling = *q->judge->sampling;
    a->sampling.seed = rsn_rng_seed(a->sampling.seed, q->place);
    put_messages(session, f, a);
    for (size_t i = 0; i < f->n_slots; i++)
        a->texts[i] = text_of(q, f->slots[i]);
    a->inserts = (rsn_inserts){a->texts, f->n_slots};
    *asked = (rsn_asked){.request = &a->request,
                         .thinking = q->judge->thinking,
                         .sampling = &a->sampling,
                         .inserts = &a->inserts};
    return a->plain.failed ? rsn_fail_memory(a->plain.n) : REASON_OK;
}

/* --- running ------------------------------------------------------------------------- */

/* Tells the host of one more verdict; it may want an end. */
static bool tell(rsn_judge *j) {
    const reason_judge_request *r = j->request;
    int stop = 0;
    j->n_done++;
    if (r->progress)
        stop = r->progress(r->progress_user, "judge", j->n_done, j->n_total);
    rsn_fpstate_again();
    return stop != 0;
}

/* Looks for members that have ended since the last pass. */
static reason_status look(void *user, rsn_batch *b) {
    slice *s = user;
    size_t member = 0;
    for (size_t i = 0; i < s->n; i++)
        for (size_t k = 0; k < s->questions[i].n_votes; k++, member++) {
            const rsn_result *r = rsn_batch_result(b, member);
            if (s->told[member] || !r || r->answer_end == REASON_FINISH_CANCELLED)
                continue;
            s->told[member] = true;
            s->stopped = tell(s->questions[i].judge) || s->stopped;
        }
    for (size_t i = 0; s->stopped && i < rsn_batch_n(b); i++)
        rsn_batch_cancel(b, i);
    return REASON_OK;
}

static void read_result(const rsn_judge *j, const rsn_result *r, rsn_ruling *ruling) {
    const rsn_text answer = {rsn_str_text(&r->answer), r->answer.n};
    const reason_judge_request *q = j->request;
    const char *const *usual = rsn_kind_marks(q->kind);
    if (!usual) {
        ruling->value = rsn_verdict_score(answer, q->lowest, q->highest);
        return;
    }
    const char *const marks[2] = {q->verdict_1 ? q->verdict_1 : usual[0],
                                  q->verdict_2 ? q->verdict_2 : usual[1]};
    int which = rsn_verdict_of(answer, marks);
    if (q->kind == REASON_JUDGE_PAIR)
        ruling->verdict = (reason_verdict)(which + 1);
    else if (which >= 0)
        ruling->value = 1 - which;
}

void rsn_judge_usage_add(rsn_judge_usage *to, const rsn_result *r) {
    const reason_usage *u = &r->usage;
    to->prompt_tokens += u->prompt_tokens;
    to->cached_tokens += u->cached_tokens;
    to->thinking_tokens += u->thinking_tokens;
    to->answer_tokens += u->answer_tokens;
    to->markup_tokens += u->markup_tokens;
}

static reason_status fail_cancelled(const rsn_judge *j) {
    return rsn_fail(REASON_ERR_CANCELLED, "cancelled after %llu of %llu verdicts",
                    (unsigned long long)j->n_done, (unsigned long long)j->n_total);
}

/* Takes the samples of a question apart. */
static reason_status take_result(const rsn_judge_question *q, rsn_result *all, bool keep,
                                 rsn_ruling *rulings, rsn_judge_usage *usage) {
    reason_status status = REASON_OK;
    for (size_t k = 0; k < q->n_votes; k++) {
        rsn_result *r = k == 0 ? all : all->more[k - 1];
        if (r->answer_end == REASON_FINISH_CANCELLED && status == REASON_OK)
            status = fail_cancelled(q->judge);
        if (status == REASON_OK)
            read_result(q->judge, r, &rulings[k]);
        rsn_judge_usage_add(usage, r);
        if (keep)
            rulings[k].result = r;
    }
    if (keep)
        all->n_more = 0;
    else
        rsn_result_free(all);
    return status;
}

static reason_status make_room(slice *s, size_t n_members) {
    s->askings = rsn_calloc2(s->n, sizeof *s->askings);
    s->asked = rsn_calloc2(s->n, sizeof *s->asked);
    s->results = rsn_calloc2(s->n, sizeof *s->results);
    s->told = rsn_calloc2(n_members, sizeof *s->told);
    bool ok = s->askings && s->asked && s->results && s->told;
    return ok ? REASON_OK : REASON_ERR_NO_MEMORY;
}

static void free_room(slice *s) {
    for (size_t i = 0; s->askings && i < s->n; i++)
        rsn_str_free(&s->askings[i].plain);
    rsn_free(s->askings);
    rsn_free(s->asked);
    rsn_free(s->results);
    rsn_free(s->told);
}

static reason_status run_slice(rsn_session *session, slice *s, size_t n_members,
                               bool keep, rsn_ruling *rulings, rsn_judge_usage *usage) {
    const rsn_batch_watch watch = {.look = look, .user = s};
    reason_status status = make_room(s, n_members);
    for (size_t i = 0; i < s->n && status == REASON_OK; i++)
        status = make_asking(session, &s->questions[i], &s->askings[i], &s->asked[i]);
    if (status == REASON_OK)
        status = rsn_generate_batch(session, s->asked, s->n, &watch, s->results);
    bool ran = status == REASON_OK;
    for (size_t i = 0; ran && i < s->n; i++) {
        const rsn_judge_question *q = &s->questions[i];
        reason_status one = take_result(q, s->results[i], keep, rulings, usage);
        status = status == REASON_OK ? one : status;
        rulings += q->n_votes;
    }
    if (status == REASON_OK && s->stopped)
        status = fail_cancelled(s->questions[0].judge);
    free_room(s);
    return status;
}

/* A host's own judge, one question after the other. */
static reason_status call_judge(const rsn_judge_question *q, rsn_ruling *rulings) {
    const reason_judge_request *r = q->judge->request;
    for (size_t k = 0; k < q->n_votes; k++) {
        if (rsn_cancel_is_set(r->cancel))
            return fail_cancelled(q->judge);
        int verdict = r->judge(r->judge_user, r->query, r->responses[q->first],
                               r->responses[q->second]);
        if (verdict < 0)
            return fail_cancelled(q->judge);
        if (verdict > REASON_VERDICT_TIE)
            return rsn_fail(REASON_ERR_INVALID_ARG,
                            "the judge returned %d, a reason_verdict expected", verdict);
        rulings[k].verdict = (reason_verdict)verdict;
        if (tell(q->judge))
            return fail_cancelled(q->judge);
    }
    return REASON_OK;
}

/* As many questions of models from `at` on as a slice holds; at least one. */
static size_t slice_of(const rsn_session *session, const rsn_judge_question *questions,
                       size_t n, size_t *n_members) {
    size_t count = 0;
    *n_members = 0;
    while (count < n && !questions[count].judge->request->judge &&
           (count == 0 || *n_members < ROUNDS * session->setup.n_parallel))
        *n_members += questions[count++].n_votes;
    return count;
}

reason_status rsn_judge_ask(rsn_session *session, const rsn_judge_question *questions,
                            size_t n, bool keep, rsn_ruling *rulings,
                            rsn_judge_usage *usage) {
    reason_status status = REASON_OK;
    size_t at = 0, n_members;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < questions[i].n_votes; k++)
            rulings[at++] = (rsn_ruling){REASON_VERDICT_NONE, (double)NAN, NULL};
    for (size_t i = 0; i < n && status == REASON_OK;) {
        if (questions[i].judge->request->judge) {
            status = call_judge(&questions[i], rulings);
            rulings += questions[i++].n_votes;
            continue;
        }
        slice s = {.questions = questions + i};
        s.n = slice_of(session, questions + i, n - i, &n_members);
        status = run_slice(session, &s, n_members, keep, rulings, usage);
        rulings += n_members;
        i += s.n;
    }
    return status;
}
