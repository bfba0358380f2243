/* Drafts: what is guessed is what the model itself would write next, however the text went
 * on instead. */
#include "unit/decode/scripted_model.h"

#include "decode/draft.h"

enum { TEXTS = 7, LENGTH = 400, MOST = 6, CONTEXT = 350 };

typedef struct text {
    int32_t tokens[LENGTH + 1], guesses[MOST];
    size_t n;
    rsn_draft draft;
} text;

static text texts[TEXTS];
static uint64_t random_state = 1;

static size_t random_below(size_t n) {
    return (size_t)(fixture_random(&random_state) % n);
}

/* Guesses are those of the script over the whole text, and the cache holds the text. */
static void expect_guesses(scripted *m, const rsn_draft_job *job) {
    static int32_t history[LENGTH + MOST];
    float *logits = calloc(m->model.hp.n_vocab, sizeof *logits);
    memcpy(history, job->tokens, job->n * sizeof *history);
    for (size_t i = 0; i < job->n_guesses; i++) {
        size_t best = 0;
        script_digest(m, history, job->n + i, logits);
        for (size_t id = 0; id < m->model.hp.n_vocab; id++)
            best = logits[id] > logits[best] ? id : best;
        assert_int_equal(job->guesses[i], best);
        history[job->n + i] = (int32_t)best;
    }
    for (size_t i = 0; i < job->draft->line.kv.n; i++)
        assert_int_equal(*script_cell(&job->draft->line.kv, i),
                         job->draft->line.tokens[i]);
    free(logits);
}

/* A part of the guesses comes, or others do. */
static void go_on(text *t) {
    for (size_t right = random_below(MOST + 1), i = 0; i < right && t->n < LENGTH; i++)
        t->tokens[t->n++] = t->guesses[i];
    if (t->n < LENGTH)
        t->tokens[t->n++] = (int32_t)random_below(250);
}

static void check(scripted *m, size_t most_blocks, size_t n_catch_up, size_t *n_guesses) {
    rsn_drafter *d;
    rsn_pool *pool;
    assert_int_equal(rsn_pool_new(1, &pool), REASON_OK);
    const rsn_draft_setup setup = {&m->model, pool, CONTEXT, 40, most_blocks};
    assert_int_equal(rsn_drafter_new(&setup, &d), REASON_OK);
    rsn_pool_enter(pool);
    *n_guesses = 0;
    for (size_t i = 0; i < TEXTS; i++) {
        memset(&texts[i], 0, sizeof texts[i]);
        texts[i].n = 1 + random_below(150);
        for (size_t k = 0; k < texts[i].n; k++)
            texts[i].tokens[k] = (int32_t)(k < 70 ? k % 9 : random_below(250));
    }
    for (int step = 0; step < 60; step++) {
        rsn_draft_job *jobs = rsn_drafter_jobs(d, TEXTS);
        for (size_t i = 0; i < TEXTS; i++)
            jobs[i] = (rsn_draft_job){.draft = &texts[i].draft,
                                      .tokens = texts[i].tokens,
                                      .n = texts[i].n,
                                      .n_prompt = 1,
                                      .most = random_below(MOST + 1),
                                      .guesses = texts[i].guesses,
                                      .allowed = random_below(4) ? n_catch_up : 0};
        rsn_drafter_run(d, jobs, TEXTS, NULL);
        for (size_t i = 0; i < TEXTS; i++) {
            assert_true(jobs[i].n_guesses <= jobs[i].most);
            assert_true(jobs[i].n_guesses == 0 || jobs[i].n <= CONTEXT);
            *n_guesses += jobs[i].n_guesses;
            expect_guesses(m, &jobs[i]);
            go_on(&texts[i]);
        }
    }
    for (size_t i = 0; i < TEXTS; i++)
        rsn_draft_close(d, &texts[i].draft);
    assert_true(rsn_drafter_kv_bytes(d) > 0);
    rsn_drafter_reset(d);
    assert_int_equal(rsn_drafter_kv_bytes(d), 0);
    rsn_drafter_free(d);
    rsn_pool_leave(pool);
    rsn_pool_release(pool);
}

static void test_decode_draft__guesses_are_the_models(void **state) {
    (void)state;
    scripted *m = scripted_new(script_digest, NO_TAGS, NULL);
    size_t n_all, n_slow, n_few;
    check(m, SIZE_MAX, 200, &n_all);
    check(m, SIZE_MAX, 3, &n_slow);
    check(m, 12, 200, &n_few);
    assert_true(n_all > 400);
    assert_true(n_slow < n_all / 2); /* behind most of the time */
    assert_true(n_few > 20 && n_few < n_all); /* without room for all texts */
    scripted_free(m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decode_draft__guesses_are_the_models),
    };
    return cmocka_run_group_tests_name("decode_draft", tests, NULL, NULL);
}
