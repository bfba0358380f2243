/*
 * Owns how verdicts look as lines of JSON. What is counted over lines is left to
 * cmd_judge.c. Invariant: responses are numbered from 0, as they stand in the input.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "judge.h"

static json_t *real_json(double value) {
    return isfinite(value) ? json_real(value) : json_null();
}

static struct rsn_cli_object begin_line(const struct rsn_cli_pair *pair) {
    struct rsn_cli_object line = rsn_cli_object_new();
    rsn_cli_object_int(&line, "line", (int64_t)pair->line);
    if (pair->category)
        rsn_cli_object_text(&line, "category", pair->category, strlen(pair->category));
    return line;
}

/* `winner` -1: a draw, which is half right unless no verdict was valid. */
static void put_winner(struct rsn_cli_object *line, const struct rsn_cli_pair *pair,
                       int64_t winner, bool valid) {
    double correct = winner < 0 ? (valid ? 0.5 : 0) : winner == pair->chosen;
    rsn_cli_object_set(line, "winner", winner >= 0 ? json_integer(winner) : json_null());
    rsn_cli_object_set(line, "correct",
                       pair->chosen >= 0 ? json_real(correct) : json_null());
}

/* --- verdicts ------------------------------------------------------------------------ */

static void put_text(struct rsn_cli_object *one, const reason_judge_verdict *v) {
    size_t n_bytes;
    const char *text = reason_result_thinking(v->result, &n_bytes);
    rsn_cli_object_text(one, "thinking", text, n_bytes);
    text = reason_result_answer(v->result, &n_bytes);
    rsn_cli_object_text(one, "answer", text, n_bytes);
    const char *finish = reason_finish_name(reason_result_finish(v->result));
    rsn_cli_object_set(one, "finish_reason", json_string(finish));
}

static void put_verdict(struct rsn_cli_object *one, reason_judge_kind kind,
                        const reason_judge_verdict *v) {
    rsn_cli_object_int(one, kind == REASON_JUDGE_PAIR ? "first" : "response",
                       (int64_t)v->first);
    if (v->item >= 0) rsn_cli_object_int(one, "item", v->item);
    if (kind == REASON_JUDGE_PAIR)
        rsn_cli_object_set(one, "winner",
                           v->verdict == REASON_VERDICT_1   ? json_integer(0)
                           : v->verdict == REASON_VERDICT_2 ? json_integer(1)
                                                            : json_null());
    else
        rsn_cli_object_set(one, "value", real_json(v->value));
    put_text(one, v);
}

static json_t *verdicts_json(const reason_judgement *judgement, reason_judge_kind kind) {
    json_t *list = json_array();
    for (size_t i = 0; i < reason_judgement_n_verdicts(judgement); i++) {
        reason_judge_verdict v = {.size = sizeof v};
        struct rsn_cli_object one = rsn_cli_object_new();
        if (reason_judgement_verdict(judgement, i, &v) == REASON_OK)
            put_verdict(&one, kind, &v);
        if (one.failed || json_array_append(list, one.root) != 0) {
            json_decref(list);
            list = NULL;
        }
        rsn_cli_object_free(&one);
    }
    return list;
}

/* --- pairs and scores ---------------------------------------------------------------- */

static void put_pair(struct rsn_cli_object *line, const struct rsn_cli_pair *pair,
                     const reason_judgement_summary *s) {
    put_winner(line, pair, s->winner - 1, s->votes_1 + s->votes_2 + s->n_ties > 0);
    rsn_cli_object_set(line, "votes",
                       json_pack("[I, I]", (json_int_t)s->votes_1,
                                 (json_int_t)s->votes_2));
    rsn_cli_object_int(line, "invalid", (int64_t)s->n_invalid);
    rsn_cli_object_real(line, "share", s->share);
    rsn_cli_object_real(line, "agreement", s->agreement);
    rsn_cli_object_real(line, "first_rate", s->first_rate);
}

static json_t *items_json(const reason_judgement *judgement, size_t response,
                          size_t n_items) {
    json_t *list = json_array();
    for (size_t i = 0; i < n_items; i++) {
        reason_judge_score s = {.size = sizeof s, .mean = (double)NAN};
        (void)reason_judgement_score(judgement, response, (int32_t)i, &s);
        json_array_append_new(list, real_json(s.mean));
    }
    return list;
}

/* The response with the highest score wins; several, or none, are a draw. */
static void put_scores(struct rsn_cli_object *line, const struct rsn_cli_judge *judge,
                       const struct rsn_cli_pair *pair,
                       const reason_judgement *judgement) {
    json_t *scores = json_array(), *spreads = json_array(), *items = json_array();
    double best = -(double)INFINITY;
    int64_t winner = -1, n_invalid = 0;
    bool checks = judge->own.kind == REASON_JUDGE_CHECKLIST;
    for (size_t i = 0; i < pair->n; i++) {
        reason_judge_score s = {.size = sizeof s, .mean = (double)NAN};
        (void)reason_judgement_score(judgement, i, -1, &s);
        json_array_append_new(scores, real_json(s.mean));
        json_array_append_new(spreads, real_json(s.spread));
        json_array_append_new(items,
                              items_json(judgement, i, checks ? judge->n_items : 0));
        n_invalid += (int64_t)s.n_invalid;
        if (s.mean == best) winner = -1;
        if (s.mean > best) winner = (int64_t)i;
        best = s.mean > best ? s.mean : best;
    }
    put_winner(line, pair, winner, isfinite(best));
    rsn_cli_object_set(line, "scores", scores);
    rsn_cli_object_set(line, "spreads", spreads);
    if (checks)
        rsn_cli_object_set(line, "items", items);
    else
        json_decref(items);
    rsn_cli_object_int(line, "invalid", n_invalid);
}

struct rsn_cli_object rsn_cli_judgement_line(const struct rsn_cli_judge *judge,
                                             const struct rsn_cli_pair *pair,
                                             const reason_judgement *judgement) {
    struct rsn_cli_object line = begin_line(pair);
    reason_judgement_summary s = {.size = sizeof s};
    if (reason_judgement_summary_of(judgement, &s) != REASON_OK) line.failed = true;
    if (judge->own.kind == REASON_JUDGE_PAIR)
        put_pair(&line, pair, &s);
    else
        put_scores(&line, judge, pair, judgement);
    rsn_cli_object_int(&line, "thinking_tokens", (int64_t)s.thinking_tokens);
    rsn_cli_object_int(&line, "answer_tokens", (int64_t)s.answer_tokens);
    if (judge->own.texts)
        rsn_cli_object_set(&line, "verdicts",
                           verdicts_json(judgement, (reason_judge_kind)judge->own.kind));
    return line;
}

/* --- tournaments --------------------------------------------------------------------- */

struct rsn_cli_object rsn_cli_tournament_line(const struct rsn_cli_judge *judge,
                                              const struct rsn_cli_pair *pair,
                                              const reason_tournament *tournament) {
    struct rsn_cli_object line = begin_line(pair);
    reason_tournament_usage u = {.size = sizeof u};
    reason_candidate best = {.size = sizeof best}, c = {.size = sizeof c};
    json_t *ranking = json_array(), *ratings = json_array();
    const char *method =
        reason_tournament_method_name((reason_tournament_method)judge->own.method);
    if (reason_tournament_usage_of(tournament, &u) != REASON_OK ||
        reason_tournament_candidate(tournament, 0, &best) != REASON_OK)
        line.failed = true;
    bool is_draw = false; /* several are equally good */
    for (size_t i = 0; i < pair->n; i++) {
        (void)reason_tournament_candidate(tournament, i, &c);
        is_draw = is_draw || (i > 0 && c.rating == best.rating);
        json_array_append_new(ranking, json_integer((json_int_t)c.candidate));
        json_array_append_new(ratings, real_json(c.rating));
    }
    put_winner(&line, pair, is_draw ? -1 : (int64_t)best.candidate,
               u.n_invalid < u.n_verdicts);
    rsn_cli_object_set(&line, "method", json_string(method));
    rsn_cli_object_set(&line, "ranking", ranking);
    rsn_cli_object_set(&line, "ratings", ratings);
    rsn_cli_object_int(&line, "games", (int64_t)u.n_games);
    rsn_cli_object_int(&line, "rounds", (int64_t)u.n_rounds);
    rsn_cli_object_int(&line, "n_verdicts", (int64_t)u.n_verdicts);
    rsn_cli_object_int(&line, "invalid", (int64_t)u.n_invalid);
    rsn_cli_object_real(&line, "agreement", u.agreement);
    rsn_cli_object_real(&line, "first_rate", u.first_rate);
    rsn_cli_object_int(&line, "thinking_tokens", (int64_t)u.thinking_tokens);
    rsn_cli_object_int(&line, "answer_tokens", (int64_t)u.answer_tokens);
    return line;
}
