/* Tournaments over callbacks and scripted models: counts, ratings worked out again from the
 * games that were played, and what must hold whatever the judge says. */
#include "unit/reward/scripted_judge.h"

#include <stdio.h>

#include "base/rng.h"

enum { MOST = 70 };

/* Candidates are numbers as text; who is better is `strength`'s to say. */
typedef struct world {
    const char *texts[MOST];
    char room[MOST][8];
    double strength[MOST];
    uint64_t seed;
    size_t calls;
    int (*verdict)(struct world *w, size_t a, size_t b);
} world;

static int best_wins(world *w, size_t a, size_t b) {
    return w->strength[a] > w->strength[b] ? 1 : 2;
}

/* Anything, invalid ones and ties included, but the same for a pair in this order. */
static int anything(world *w, size_t a, size_t b) {
    return (int)(rsn_rng_uniform(w->seed, 9, a * MOST + b, 0) * 4);
}

static int nothing(world *w, size_t a, size_t b) {
    (void)w;
    (void)a;
    (void)b;
    return REASON_VERDICT_NONE;
}

static int own(void *user, const char *query, const char *a, const char *b) {
    world *w = user;
    assert_string_equal(query, "q");
    w->calls++;
    return w->verdict(w, (size_t)atoi(a), (size_t)atoi(b));
}

static void begin(world *w, uint64_t seed, size_t n,
                  int (*verdict)(world *w, size_t a, size_t b)) {
    *w = (world){.seed = seed, .verdict = verdict};
    for (size_t i = 0; i < n; i++) {
        (void)snprintf(w->room[i], sizeof w->room[i], "%u", (unsigned)i % 1000u);
        w->texts[i] = w->room[i];
        w->strength[i] = rsn_rng_uniform(seed, 8, i, 0);
    }
}

static reason_tournament *run(world *w, size_t n, reason_tournament_options *o,
                              int32_t n_votes) {
    reason_judge_request r;
    reason_tournament *t = NULL;
    assert_int_equal(reason_judge_request_init(&r, sizeof r), REASON_OK);
    r.query = "q";
    r.responses = w->texts;
    r.n_responses = n;
    r.n_votes = n_votes;
    r.judge = own;
    r.judge_user = w;
    o->seed = w->seed;
    w->calls = 0;
    if (reason_tournament_run(NULL, &r, o, &t) != REASON_OK)
        fail_msg("%s", reason_last_error());
    assert_int_equal(reason_tournament_n_candidates(t), n);
    return t;
}

static reason_tournament_options options(reason_tournament_method method) {
    reason_tournament_options o;
    assert_int_equal(reason_tournament_options_init(&o, sizeof o), REASON_OK);
    o.method = method;
    return o;
}

static reason_candidate at(const reason_tournament *t, size_t rank) {
    reason_candidate c = {.size = sizeof c};
    assert_int_equal(reason_tournament_candidate(t, rank, &c), REASON_OK);
    return c;
}

static reason_tournament_game game(const reason_tournament *t, size_t i) {
    reason_tournament_game g = {.size = sizeof g};
    assert_int_equal(reason_tournament_game_at(t, i, &g), REASON_OK);
    return g;
}

static reason_tournament_usage usage(const reason_tournament *t) {
    reason_tournament_usage u = {.size = sizeof u};
    assert_int_equal(reason_tournament_usage_of(t, &u), REASON_OK);
    return u;
}

/* --- counts -------------------------------------------------------------------------- */

/* Games of each pair, and of each candidate. */
static void count_games(const reason_tournament *t, size_t n, uint8_t *pairs,
                        size_t *each) {
    memset(pairs, 0, n * n);
    memset(each, 0, n * sizeof *each);
    for (size_t i = 0; i < usage(t).n_games; i++) {
        reason_tournament_game g = game(t, i);
        assert_true(g.a < g.b && g.b < n);
        pairs[g.a * n + g.b]++;
        each[g.a]++;
        each[g.b]++;
    }
}

static void test_search_tournament__counts(void **state) {
    (void)state;
    static uint8_t pairs[MOST * MOST];
    size_t each[MOST];
    world w;
    for (size_t n = 2; n < MOST; n++) {
        begin(&w, n, n, best_wins);
        for (int method = 0; method < 2; method++) {
            reason_tournament_options o = options((reason_tournament_method)method);
            reason_tournament *t = run(&w, n, &o, 1);
            reason_tournament_usage u = usage(t);
            assert_int_equal(u.n_games, n * (n - 1) / 2);
            assert_true(u.n_rounds == 1 && u.n_verdicts == 2 * u.n_games &&
                        u.n_invalid == 0 && u.agreement == 1 && u.first_rate == 0.5);
            assert_int_equal(w.calls, u.n_verdicts);
            count_games(t, n, pairs, each);
            for (size_t a = 0; a < n; a++)
                for (size_t b = a + 1; b < n; b++)
                    assert_int_equal(pairs[a * n + b], 1);
            reason_tournament_free(t);
        }
        for (int32_t m = 0; m < 10; m++) {
            reason_tournament_options o = options(REASON_TOURNAMENT_SAMPLED);
            o.n_opponents = m;
            reason_tournament *t = run(&w, n, &o, 1);
            size_t wanted = m ? (size_t)m : 4;
            wanted = wanted < n ? wanted : n - 1;
            wanted += wanted % 2 && n % 2;
            assert_int_equal(usage(t).n_games, n * wanted / 2);
            count_games(t, n, pairs, each);
            for (size_t a = 0; a < n; a++)
                assert_int_equal(each[a], wanted);
            for (size_t i = 0; i < n * n; i++)
                assert_in_range(pairs[i], 0, 1);
            reason_tournament_free(t);
        }
    }
}

/* --- a judge that is always right ---------------------------------------------------- */

static void test_search_tournament__perfect_judge(void **state) {
    (void)state;
    world w;
    for (uint64_t seed = 0; seed < 200; seed++) {
        size_t n = 2 + (size_t)(seed % 40), best = 0;
        begin(&w, seed, n, best_wins);
        for (size_t i = 0; i < n; i++)
            best = w.strength[i] > w.strength[best] ? i : best;
        reason_tournament_options o = options(REASON_TOURNAMENT_KNOCKOUT);
        reason_tournament *t = run(&w, n, &o, 1);
        assert_int_equal(at(t, 0).candidate, best);
        assert_true(at(t, 0).rating == (double)usage(t).n_rounds && at(t, 0).n_lost == 0);
        reason_tournament_free(t);
        o.method = REASON_TOURNAMENT_BRADLEY_TERRY;
        t = run(&w, n, &o, 1);
        assert_true(usage(t).converged);
        for (size_t i = 0; i < n; i++) {
            assert_int_equal(at(t, i).n_won, n - 1 - i);
            assert_true(at(t, i).error > 0);
            if (i > 0)
                assert_true(at(t, i - 1).rating > at(t, i).rating &&
                            w.strength[at(t, i - 1).candidate] >
                                w.strength[at(t, i).candidate]);
        }
        reason_tournament_free(t);
        o.method = REASON_TOURNAMENT_ELO;
        reason_elo_options elo;
        assert_int_equal(reason_elo_options_init(&elo, sizeof elo), REASON_OK);
        elo.n_passes = 60;
        o.elo = &elo;
        t = run(&w, n, &o, 1);
        assert_int_equal(at(t, 0).candidate, best);
        assert_true(isnan(at(t, 0).error));
        reason_tournament_free(t);
    }
}

/* --- any judge ----------------------------------------------------------------------- */

/* The score of a from the verdicts of the callback, in both orders, `votes` times. */
static double score_of(world *w, size_t a, size_t b) {
    int one = w->verdict(w, a, b), two = w->verdict(w, b, a);
    int for_a = (one == 1) + (two == 2), for_b = (one == 2) + (two == 1);
    return for_a > for_b ? 1 : for_a < for_b ? 0 : 0.5;
}

/* Games, wins and ratings, worked out again. */
static void expect_ratings(world *w, const reason_tournament *t, size_t n, bool strengths) {
    static uint32_t a[MOST * MOST], b[MOST * MOST];
    static double scores[MOST * MOST];
    double ratings[MOST], errors[MOST], last = (double)INFINITY;
    size_t n_games = usage(t).n_games, won[MOST] = {0}, lost[MOST] = {0};
    uint64_t n_invalid = 0;
    for (size_t i = 0; i < n_games; i++) {
        reason_tournament_game g = game(t, i);
        a[i] = (uint32_t)g.a;
        b[i] = (uint32_t)g.b;
        scores[i] = score_of(w, g.a, g.b);
        assert_true(g.score == scores[i]);
        assert_int_equal(g.votes_a + g.votes_b + g.n_ties + g.n_invalid, 6);
        n_invalid += g.n_invalid;
        won[g.a] += scores[i] == 1;
        lost[g.b] += scores[i] == 1;
        won[g.b] += scores[i] == 0;
        lost[g.a] += scores[i] == 0;
    }
    assert_int_equal(usage(t).n_invalid, n_invalid);
    if (strengths)
        assert_int_equal(reason_bradley_terry(a, b, scores, n_games, n, 0.1, ratings, errors,
                                              NULL),
                         REASON_OK);
    else
        assert_int_equal(reason_elo(a, b, scores, n_games, n, NULL, ratings), REASON_OK);
    for (size_t i = 0; i < n; i++) {
        reason_candidate c = at(t, i);
        assert_true(c.rating == ratings[c.candidate] && c.rating <= last);
        assert_int_equal(c.n_won, won[c.candidate]);
        assert_int_equal(c.n_lost, lost[c.candidate]);
        last = c.rating;
        if (strengths)
            assert_true(c.error == errors[c.candidate]);
    }
}

static void test_search_tournament__ratings(void **state) {
    (void)state;
    world w;
    for (uint64_t seed = 0; seed < 60; seed++) {
        size_t n = 2 + (size_t)(seed % 12);
        begin(&w, seed, n, anything);
        static const reason_tournament_method methods[] = {
            REASON_TOURNAMENT_ELO, REASON_TOURNAMENT_BRADLEY_TERRY,
            REASON_TOURNAMENT_SAMPLED};
        for (size_t i = 0; i < COUNT(methods); i++) {
            reason_tournament_options o = options(methods[i]);
            reason_tournament *t = run(&w, n, &o, 3);
            expect_ratings(&w, t, n, i > 0);
            reason_tournament_free(t);
        }
    }
}

/* Whoever lost is out, everyone else is in the next round, one at most without a game, and
 * never the same one twice in a row. */
static void test_search_tournament__knockout(void **state) {
    (void)state;
    world w;
    for (uint64_t seed = 0; seed < 300; seed++) {
        size_t n = 2 + (size_t)(seed % (MOST - 2)), next = 0, round = 0, left = n;
        bool out[MOST] = {false}, idle[MOST] = {false};
        double survived[MOST] = {0};
        begin(&w, seed, n, seed % 2 ? anything : best_wins);
        reason_tournament_options o = options(REASON_TOURNAMENT_KNOCKOUT);
        reason_tournament *t = run(&w, n, &o, 1);
        size_t n_games = usage(t).n_games;
        assert_int_equal(n_games, n - 1);
        for (; left > 1; round++) {
            bool plays[MOST] = {false};
            for (size_t i = 0; i < left / 2; i++, next++) {
                reason_tournament_game g = game(t, next);
                assert_int_equal(g.round, round);
                assert_false(out[g.a] || out[g.b] || plays[g.a] || plays[g.b]);
                plays[g.a] = plays[g.b] = true;
                assert_true(g.score == score_of(&w, g.a, g.b));
                if (g.score != 0.5)
                    out[g.score == 1 ? g.b : g.a] = true;
            }
            for (size_t i = next - left / 2; i < next; i++) {
                reason_tournament_game g = game(t, i);
                if (g.score != 0.5)
                    continue; /* who of a draw goes on shows in what follows */
                bool a_plays = false;
                for (size_t k = next; k < n_games; k++)
                    a_plays = a_plays || game(t, k).a == g.a || game(t, k).b == g.a;
                bool a_first = next == n_games ? at(t, 0).candidate == g.a : a_plays;
                out[a_first ? g.b : g.a] = true;
            }
            for (size_t i = 0; i < n; i++) {
                assert_false(!out[i] && !plays[i] && idle[i]);
                idle[i] = !out[i] && !plays[i];
                survived[i] += !out[i];
            }
            left = left / 2 + left % 2;
        }
        assert_int_equal(next, n_games);
        assert_int_equal(usage(t).n_rounds, round);
        assert_true((size_t)1 << round >= n && (size_t)1 << (round - 1) < n);
        for (size_t i = 0; i < n; i++)
            assert_true(at(t, i).rating == survived[at(t, i).candidate]);
        reason_tournament_free(t);
    }
}

static void test_search_tournament__no_verdicts(void **state) {
    (void)state;
    world w;
    begin(&w, 3, 9, nothing);
    for (int method = 0; method <= REASON_TOURNAMENT_SAMPLED; method++) {
        reason_tournament_options o = options((reason_tournament_method)method);
        reason_tournament *t = run(&w, 9, &o, 2);
        reason_tournament_usage u = usage(t);
        assert_int_equal(u.n_invalid, u.n_verdicts);
        assert_int_equal(u.n_verdicts, 4 * u.n_games);
        assert_true(isnan(u.agreement) && isnan(u.first_rate));
        for (size_t i = 0; i < 9; i++) {
            assert_int_equal(at(t, i).n_won + at(t, i).n_lost, 0);
            if (method != REASON_TOURNAMENT_KNOCKOUT) { /* all equal: in their order */
                assert_int_equal(at(t, i).candidate, i);
                assert_true(fabs(at(t, i).rating - at(t, 0).rating) < 1e-9);
            }
        }
        reason_tournament_free(t);
    }
}

/* Brackets of other seeds are others. */
static void test_search_tournament__seeds(void **state) {
    (void)state;
    world w;
    bool met[8][8] = {{false}};
    for (uint64_t seed = 0; seed < 200; seed++) {
        begin(&w, seed, 8, best_wins);
        reason_tournament_options o = options(REASON_TOURNAMENT_KNOCKOUT);
        reason_tournament *t = run(&w, 8, &o, 1);
        for (size_t i = 0; i < 4; i++)
            met[game(t, i).a][game(t, i).b] = true;
        reason_tournament_free(t);
    }
    for (size_t a = 0; a < 8; a++)
        for (size_t b = a + 1; b < 8; b++)
            assert_true(met[a][b]);
}

/* --- models -------------------------------------------------------------------------- */

static void say_either(const char *prompt, char *out) {
    (void)prompt;
    strcpy(out, "\\boxed{Assistant ?}");
}

/* What is said about a pair is the same in every method. */
static void test_search_tournament__models(void **state) {
    (void)state;
    enum { N = 6 };
    static const char *const texts[N] = {"a", "b", "c", "d", "e", "f"};
    double score[N][N];
    scripted *m = judge_new(say_either, NO_TAGS, true);
    reason_session *session = scripted_session(m, 0, 64);
    reason_judge_request r;
    assert_int_equal(reason_judge_request_init(&r, sizeof r), REASON_OK);
    r.query = "q";
    r.responses = texts;
    r.n_responses = N;
    r.n_votes = 3;
    for (int method = 0; method <= REASON_TOURNAMENT_SAMPLED; method++) {
        reason_tournament_options o = options((reason_tournament_method)method);
        reason_tournament *t = NULL;
        assert_int_equal(reason_tournament_run(session, &r, &o, &t), REASON_OK);
        reason_tournament_usage u = usage(t);
        assert_int_equal(u.n_verdicts, 6 * u.n_games);
        assert_true(u.prompt_tokens > 0 && u.answer_tokens > 0 && u.n_invalid == 0 &&
                    u.seconds > 0);
        for (size_t i = 0; i < u.n_games; i++) {
            reason_tournament_game g = game(t, i);
            double share = (double)g.votes_a;
            if (method == 0)
                score[g.a][g.b] = share;
            else
                assert_true(score[g.a][g.b] == share);
        }
        reason_tournament_free(t);
    }
    reason_session_free(session);
    scripted_free(m);
}

static void test_search_tournament__refused(void **state) {
    (void)state;
    world w;
    static const char *many[1025];
    begin(&w, 0, 3, best_wins);
    for (size_t i = 0; i < COUNT(many); i++)
        many[i] = "0";
    reason_tournament_options o = options(REASON_TOURNAMENT_SAMPLED);
    reason_judge_request r;
    reason_tournament *t = (reason_tournament *)&w;
    assert_int_equal(reason_judge_request_init(&r, sizeof r), REASON_OK);
    r.query = "q";
    r.responses = many;
    r.n_responses = 1025;
    r.judge = own;
    r.judge_user = &w;
    assert_int_equal(reason_tournament_run(NULL, &r, &o, &t), REASON_ERR_LIMIT);
    assert_null(t);
    r.n_responses = 1;
    assert_int_equal(reason_tournament_run(NULL, &r, &o, &t), REASON_ERR_INVALID_ARG);
    r.n_responses = 2;
    o.prior = 0;
    assert_int_equal(reason_tournament_run(NULL, &r, &o, &t), REASON_ERR_INVALID_ARG);
    o.prior = 1;
    o.method = (reason_tournament_method)4;
    assert_int_equal(reason_tournament_run(NULL, &r, &o, &t), REASON_ERR_INVALID_ARG);
    o.method = REASON_TOURNAMENT_ELO;
    reason_elo_options elo;
    assert_int_equal(reason_elo_options_init(&elo, sizeof elo), REASON_OK);
    elo.scale = -1;
    o.elo = &elo;
    assert_int_equal(reason_tournament_run(NULL, &r, &o, &t), REASON_ERR_INVALID_ARG);
    o.elo = NULL;
    r.kind = REASON_JUDGE_SCORE;
    r.judge = NULL;
    assert_int_equal(reason_tournament_run(NULL, &r, &o, &t), REASON_ERR_INVALID_ARG);
    r.kind = REASON_JUDGE_PAIR;
    assert_int_equal(reason_tournament_run(NULL, &r, &o, &t), REASON_ERR_INVALID_ARG);
    assert_non_null(strstr(reason_last_error(), "session"));
    assert_string_equal(reason_tournament_method_name(REASON_TOURNAMENT_KNOCKOUT),
                        "knockout");
    assert_string_equal(reason_tournament_method_name((reason_tournament_method)99),
                        "unknown");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_search_tournament__counts),
        cmocka_unit_test(test_search_tournament__perfect_judge),
        cmocka_unit_test(test_search_tournament__ratings),
        cmocka_unit_test(test_search_tournament__knockout),
        cmocka_unit_test(test_search_tournament__no_verdicts),
        cmocka_unit_test(test_search_tournament__seeds),
        cmocka_unit_test(test_search_tournament__models),
        cmocka_unit_test(test_search_tournament__refused),
    };
    return cmocka_run_group_tests_name("search_tournament", tests, NULL, NULL);
}
