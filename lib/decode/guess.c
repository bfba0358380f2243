/* Guessing. Owns who is asked for guesses, how many are wanted, and what fits a pass; how
 * tokens are guessed is lookup.c's and draft.c's, whether they were right the sequence's.
 * Invariant: guesses are run beside what has to be run, never in its place. */
#include "decode/guess.h"

#include <string.h>

/* The longest pause of one whose guesses are never right, in passes: long enough to cost
 * nothing, short enough to notice when a text begins to repeat itself. */
enum { LONGEST_PAUSE = 32 };

void rsn_guess_open(rsn_guess *g, const rsn_session *session, rsn_sequence *q) {
    memset(g, 0, sizeof *g);
    g->q = q;
    g->drafter = session->drafter;
    g->most = session->setup.n_guess;
}

void rsn_guess_close(rsn_guess *g) {
    rsn_lookup_free(&g->lookup);
    if (g->drafter)
        rsn_draft_close(g->drafter, &g->draft);
    memset(g, 0, sizeof *g);
}

/* --- how many are wanted ------------------------------------------------------------- */

/* A wrong guess costs the time of a row, which on a CPU is a tenth to a third of a pass, so
 * their number follows what the last pass of the sequence made of them: twice as many if all
 * were right, one more than were right if some were, half as many if none was, and after a
 * single wrong one none for a while, twice as long each time. */
static void adapt(rsn_guess *g, size_t most) {
    const reason_usage *u = &g->q->result->usage;
    uint64_t guessed = u->guessed_tokens - g->guessed;
    uint64_t accepted = u->accepted_tokens - g->accepted;
    g->guessed = u->guessed_tokens;
    g->accepted = u->accepted_tokens;
    if (guessed == 0)
        return;
    if (accepted > 0) {
        g->pauses = 0;
        g->most = accepted == guessed ? 2 * g->most : (size_t)accepted + 1;
        g->most = g->most < most ? g->most : most;
        return;
    }
    if (g->most == 1) {
        g->pauses = g->pauses == 0 ? 1 : 2 * g->pauses;
        g->pauses = g->pauses < LONGEST_PAUSE ? g->pauses : LONGEST_PAUSE;
        g->pause = g->pauses;
    }
    g->most -= g->most / 2;
}

/* One token waits and nothing else is to be done before the pass. As many tokens may still
 * come as guesses could be right, but for the one that is chosen behind the last. */
static size_t room_for(rsn_guess *g) {
    const rsn_sequence *q = g->q;
    const rsn_timeline *line = q->line;
    if (q->stage != RSN_WRITING || rsn_timeline_waiting(line) != 1)
        return 0;
    if (g->pause > 0) {
        g->pause--;
        return 0;
    }
    size_t room = q->rules.room - q->think.n_tokens, context = line->kv.n_ctx - line->n;
    size_t most = room > 0 ? room - 1 : 0;
    most = most < context ? most : context;
    return most < g->most ? most : g->most;
}

/* What a pass has room for beside the tokens that wait is shared alike. */
static void share_room(const rsn_session *s, rsn_guess *const *all, size_t n) {
    size_t n_short = 0, n_long = 0, n_asking = 0;
    for (size_t i = 0; i < n; i++) {
        size_t waiting = rsn_timeline_waiting(all[i]->q->line);
        n_short += waiting == 1;
        n_long += waiting > 1 ? waiting : 0;
        n_asking += all[i]->room > 0;
    }
    n_long = n_long < s->setup.n_chunk ? n_long : s->setup.n_chunk;
    size_t most = s->scratch.n_chunk, left = n_short + n_long;
    left = left < most ? most - left : 0;
    for (size_t i = 0; i < n; i++) {
        rsn_guess *g = all[i];
        if (g->room == 0)
            continue;
        size_t share = left / n_asking--;
        g->room = g->room < share ? g->room : share;
        left -= g->room;
    }
}

/* --- who guesses --------------------------------------------------------------------- */

static void look_up(rsn_session *s, rsn_guess *const *all, size_t n,
                    const rsn_cancel *cancel) {
    (void)cancel;
    for (size_t i = 0; i < n && s->setup.lookup > 0; i++) {
        const rsn_timeline *line = all[i]->q->line;
        if (all[i]->room > 0)
            all[i]->n = rsn_lookup_guess(&all[i]->lookup, s->setup.lookup, line->tokens,
                                         line->n, all[i]->room, all[i]->tokens);
    }
}

/* The draft reads prompts along while they are run, a chunk a pass, and what was written
 * when it is asked. */
static void ask_draft(rsn_session *s, rsn_guess *const *all, size_t n,
                      const rsn_cancel *cancel) {
    rsn_draft_job *jobs = s->drafter ? rsn_drafter_jobs(s->drafter, n) : NULL;
    for (size_t i = 0; i < n && jobs; i++) {
        rsn_guess *g = all[i];
        const rsn_timeline *line = g->q->line;
        bool asks = g->room > 0 && g->n == 0;
        jobs[i] = (rsn_draft_job){
            .draft = &g->draft,
            .tokens = line->tokens,
            .n = g->q->stage == RSN_WRITING ? line->n : g->q->prompt.ids.n,
            .n_prompt = g->q->prompt.ids.n,
            .most = asks ? g->room : 0,
            .guesses = g->tokens,
            .allowed = asks || g->q->stage == RSN_PROMPT ? s->setup.n_chunk : 0};
    }
    if (jobs)
        rsn_drafter_run(s->drafter, jobs, n, cancel);
    for (size_t i = 0; i < n && jobs; i++)
        if (jobs[i].most > 0)
            all[i]->n = jobs[i].n_guesses;
}

/* In the order in which they are asked: the cheaper one first. Each fills in guesses where
 * there is room and none were found before it. */
static void (*const GUESSERS[])(rsn_session *s, rsn_guess *const *all, size_t n,
                                const rsn_cancel *cancel) = {look_up, ask_draft};

/* --- into the timelines -------------------------------------------------------------- */

/* Nothing follows an end; and of keys and values there may be no more blocks. */
static void place(rsn_guess *g, size_t *spare) {
    rsn_timeline *line = g->q->line;
    size_t n = 0, own = rsn_kv_missing(&line->kv, line->n), need = 0;
    while (n < g->n && !rsn_vocab_is_end(g->q->model->vocab, g->tokens[n]))
        n++;
    while (n > 0 && (need = rsn_kv_missing(&line->kv, line->n + n) - own) > *spare)
        n--;
    if (n > 0 && rsn_timeline_guess(line, g->tokens, n) == REASON_OK)
        *spare -= *spare == SIZE_MAX ? 0 : need;
}

void rsn_guess_ahead(rsn_session *s, rsn_guess *const *all, size_t n, size_t spare,
                     const rsn_cancel *cancel) {
    if (s->setup.n_guess == 0)
        return;
    for (size_t i = 0; i < n; i++) {
        adapt(all[i], s->setup.n_guess);
        all[i]->n = 0;
        all[i]->room = room_for(all[i]);
    }
    share_room(s, all, n);
    for (size_t i = 0; i < sizeof GUESSERS / sizeof *GUESSERS; i++)
        GUESSERS[i](s, all, n, cancel);
    for (size_t i = 0; i < n; i++)
        place(all[i], &spare);
}
