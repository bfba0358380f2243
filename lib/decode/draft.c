/* Drafts. Owns a second model's caches and passes; what becomes of its guesses is the
 * sequence's. It follows each text: what it had guessed and was not taken is cut off again,
 * what it has not read is run. Invariant: whatever fails here, a cancel too, costs guesses
 * and nothing else. */
#include "decode/draft.h"

#include <string.h>

#include "base/array.h"
#include "decode/sampler.h"

struct rsn_drafter {
    rsn_draft_setup setup;
    rsn_scratch scratch;
    const rsn_type_info *kv;
    float *logits; /* [logits_cap] */
    size_t logits_cap;
    rsn_run *runs;          /* of a pass, */
    rsn_draft_job **runners; /* and whose they are */
    rsn_draft_job *jobs;
    size_t runs_cap, runners_cap, jobs_cap;
    size_t n_runs, n_rows;
    size_t n_own; /* blocks that only open drafts hold */
    rsn_prefixes prefixes;
};

/* --- making -------------------------------------------------------------------------- */

static reason_status lay_out(const rsn_draft_setup *setup, size_t n_workers,
                             rsn_scratch *scratch) {
    *scratch = (rsn_scratch){
        .n_chunk = setup->n_chunk, .n_workers = n_workers, .n_ctx = setup->n_ctx};
    return setup->model->arch->layout(setup->model, scratch);
}

reason_status rsn_drafter_new(const rsn_draft_setup *setup, rsn_drafter **drafter) {
    rsn_drafter *d = rsn_calloc2(1, sizeof *d);
    *drafter = NULL;
    if (!d)
        return REASON_ERR_NO_MEMORY;
    d->setup = *setup;
    rsn_model_retain(setup->model);
    rsn_pool_retain(setup->pool);
    d->kv = rsn_kv_type(REASON_KV_F16);
    reason_status status =
        lay_out(setup, (size_t)rsn_pool_size(setup->pool), &d->scratch);
    if (status == REASON_OK) {
        d->scratch.data = rsn_alloc_aligned(d->scratch.n_bytes);
        status = d->scratch.data ? REASON_OK : REASON_ERR_NO_MEMORY;
    }
    if (status == REASON_OK)
        *drafter = d;
    else
        rsn_drafter_free(d);
    return status;
}

void rsn_drafter_free(rsn_drafter *d) {
    if (!d)
        return;
    rsn_prefixes_free(&d->prefixes);
    rsn_free_aligned(d->scratch.data);
    rsn_free(d->logits);
    rsn_free(d->runs);
    rsn_free(d->runners);
    rsn_free(d->jobs);
    rsn_pool_release(d->setup.pool);
    rsn_model_release(d->setup.model);
    rsn_free(d);
}

void rsn_drafter_reset(rsn_drafter *d) {
    rsn_prefixes_free(&d->prefixes);
}

static uint64_t block_bytes(const rsn_drafter *d) {
    return RSN_KV_BLOCK * rsn_kv_position_bytes(&d->setup.model->hp, d->kv);
}

uint64_t rsn_drafter_kv_bytes(const rsn_drafter *d) {
    return d->prefixes.n * block_bytes(d);
}

reason_status rsn_drafter_need(const rsn_draft_setup *setup, size_t n_workers,
                               uint64_t *kv_bytes, uint64_t *work_bytes) {
    const rsn_drafter like = {.setup = *setup, .kv = rsn_kv_type(REASON_KV_F16)};
    rsn_scratch scratch;
    reason_status status = lay_out(setup, n_workers, &scratch);
    if (status != REASON_OK)
        return status;
    /* One block more: where it goes on from what it keeps, it copies one. */
    uint64_t n_blocks = (setup->n_ctx + RSN_KV_BLOCK - 1) / RSN_KV_BLOCK + 1;
    *kv_bytes = n_blocks * block_bytes(&like);
    *work_bytes = scratch.n_bytes + setup->n_ctx * sizeof(int32_t) +
                  setup->model->hp.n_vocab * sizeof(float);
    return REASON_OK;
}

/* --- one text ------------------------------------------------------------------------ */

static reason_status open_draft(rsn_drafter *d, const rsn_draft_job *job) {
    rsn_draft *draft = job->draft;
    reason_status status = rsn_timeline_init(&draft->line, &d->setup.model->hp,
                                             d->setup.n_ctx, d->kv);
    if (status == REASON_OK)
        status = rsn_prefixes_find(&d->prefixes, job->tokens, job->n - 1, &draft->line);
    if (status != REASON_OK) {
        rsn_timeline_free(&draft->line);
        return status;
    }
    draft->is_open = true;
    draft->known = draft->line.n;
    return REASON_OK;
}

/* Makes the draft's text the job's, of which thinking in chunks may have taken a piece out;
 * what it has not read waits. The last token is run again if what comes after it is asked
 * for. */
static reason_status follow(rsn_drafter *d, rsn_draft_job *job) {
    rsn_draft *draft = job->draft;
    rsn_timeline *line = &draft->line;
    if (job->n > d->setup.n_ctx)
        return REASON_ERR_CONTEXT_FULL;
    reason_status status = draft->is_open ? REASON_OK : open_draft(d, job);
    if (status != REASON_OK)
        return status;
    size_t most = line->n < job->n ? line->n : job->n;
    size_t known = rsn_same_tokens(line->tokens, job->tokens, most);
    rsn_timeline_truncate(line, known);
    draft->known = known;
    if (line->kv.n == job->n && job->most > 0)
        line->kv.n = job->n - 1;
    status = rsn_timeline_add(line, job->tokens + known, job->n - known);
    if (status == REASON_OK)
        draft->known = job->n;
    return status;
}

/* What was read of the prompt may be another's beginning. To have no memory for that is no
 * failure. */
static void keep_prompt(rsn_drafter *d, const rsn_draft_job *job) {
    rsn_draft *draft = job->draft;
    if (!draft->is_open || draft->kept || draft->line.kv.n < job->n_prompt)
        return;
    draft->kept = true;
    (void)rsn_prefixes_keep(&d->prefixes, &draft->line, job->n_prompt);
}

void rsn_draft_close(rsn_drafter *d, rsn_draft *draft) {
    if (!draft->is_open)
        return;
    size_t most = d->setup.n_ctx / RSN_KV_BLOCK + 1;
    most = most < d->setup.most_blocks ? most : d->setup.most_blocks;
    rsn_timeline_truncate(&draft->line, draft->known);
    (void)rsn_prefixes_keep(&d->prefixes, &draft->line, draft->line.kv.n);
    rsn_timeline_free(&draft->line);
    memset(draft, 0, sizeof *draft);
    while (d->prefixes.n > most && rsn_prefixes_drop(&d->prefixes))
        continue;
}

/* --- passes -------------------------------------------------------------------------- */

/* Whether a line may grow by so many blocks; prefixes go first. */
static bool has_room(rsn_drafter *d, size_t need) {
    if (d->setup.most_blocks == SIZE_MAX)
        return true;
    while (d->n_own + d->prefixes.n + need > d->setup.most_blocks)
        if (!rsn_prefixes_drop(&d->prefixes))
            return false;
    return true;
}

static void add_run(rsn_drafter *d, rsn_draft_job *job, size_t *left) {
    rsn_timeline *line = &job->draft->line;
    size_t waiting = rsn_timeline_waiting(line);
    size_t n = waiting < *left ? waiting : *left;
    n = n < job->allowed ? n : job->allowed;
    if (n == 0)
        return;
    size_t need = rsn_kv_missing(&line->kv, line->kv.n + n);
    if (!has_room(d, need) ||
        rsn_timeline_reserve(line, line->kv.n + n) != REASON_OK) {
        job->allowed = 0;
        return;
    }
    bool last = n == waiting && job->most > 0;
    d->runs[d->n_runs] = (rsn_run){.kv = &line->kv,
                                   .tokens = line->tokens + line->kv.n,
                                   .n = n,
                                   .want = last ? RSN_WANT_LAST : RSN_WANT_NONE};
    d->runners[d->n_runs++] = job;
    d->n_rows += last;
    d->n_own += need;
    job->allowed -= n;
    *left -= n;
}

/* Nothing is guessed behind an end. */
static void take_guess(const rsn_drafter *d, rsn_draft_job *job, const float *logits) {
    const rsn_model *m = d->setup.model;
    int32_t id = rsn_best_token(m->kernels, logits, m->hp.n_vocab);
    job->allowed = 0;
    if (id < 0 || rsn_vocab_is_end(m->vocab, id))
        return;
    job->guesses[job->n_guesses++] = id;
    if (job->n_guesses < job->most && job->draft->line.n < d->setup.n_ctx &&
        rsn_timeline_add(&job->draft->line, &id, 1) == REASON_OK)
        job->allowed = 1;
}

static reason_status run_pass(rsn_drafter *d, const rsn_cancel *cancel) {
    size_t n_vocab = d->setup.model->hp.n_vocab;
    reason_status status = RSN_GROW(&d->logits, &d->logits_cap, d->n_rows * n_vocab);
    if (status != REASON_OK)
        return status;
    const rsn_step step = {.model = d->setup.model,
                           .runs = d->runs,
                           .n_runs = d->n_runs,
                           .logits = d->logits,
                           .pool = d->setup.pool,
                           .cancel = cancel,
                           .scratch = &d->scratch};
    status = d->setup.model->arch->forward(&step);
    const float *row = d->logits;
    for (size_t i = 0; i < d->n_runs && status == REASON_OK; i++) {
        if (d->runs[i].want == RSN_WANT_NONE)
            continue;
        take_guess(d, d->runners[i], row);
        row += n_vocab;
    }
    return status;
}

/* Blocks that belong to open drafts alone. */
static size_t count_own(const rsn_draft_job *jobs, size_t n) {
    size_t n_own = 0;
    for (size_t i = 0; i < n; i++)
        n_own += rsn_kv_n_own(&jobs[i].draft->line.kv);
    return n_own;
}

rsn_draft_job *rsn_drafter_jobs(rsn_drafter *d, size_t n) {
    return RSN_GROW(&d->jobs, &d->jobs_cap, n) == REASON_OK ? d->jobs : NULL;
}

void rsn_drafter_run(rsn_drafter *d, rsn_draft_job *jobs, size_t n,
                     const rsn_cancel *cancel) {
    reason_status status = RSN_GROW(&d->runs, &d->runs_cap, n);
    if (status == REASON_OK)
        status = RSN_GROW(&d->runners, &d->runners_cap, n);
    for (size_t i = 0; i < n; i++) {
        jobs[i].n_guesses = 0;
        if (status != REASON_OK || jobs[i].allowed == 0 ||
            follow(d, &jobs[i]) != REASON_OK)
            jobs[i].allowed = 0;
    }
    d->n_own = d->setup.most_blocks == SIZE_MAX ? 0 : count_own(jobs, n);
    while (status == REASON_OK) {
        size_t left = d->setup.n_chunk;
        d->n_runs = d->n_rows = 0;
        for (size_t i = 0; i < n; i++)
            add_run(d, &jobs[i], &left);
        if (d->n_runs == 0)
            break;
        status = run_pass(d, cancel);
    }
    for (size_t i = 0; i < n; i++)
        keep_prompt(d, &jobs[i]);
}
