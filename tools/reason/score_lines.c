/*
 * Owns how scores look as lines of JSON. What is counted over lines is left to cmd_score.c.
 * Invariant: responses are numbered from 0, as they stand in the input.
 */
#include <math.h>
#include <string.h>

#include "score.h"

static json_t *reals_json(const double *x, size_t n) {
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, isfinite(x[i]) ? json_real(x[i]) : json_null());
    return list;
}

static reason_scored scored_at(const reason_scores *scores, size_t i) {
    reason_scored s = {.size = sizeof s};
    (void)reason_scores_at(scores, i, &s);
    return s;
}

/* Takes it out of the object: a list's item. */
static void append(json_t *list, struct rsn_cli_object *one, struct rsn_cli_object *line) {
    if (one->failed || json_array_append(list, one->root) != 0) line->failed = true;
    rsn_cli_object_free(one);
}

static void put_guards(struct rsn_cli_object *line, const reason_scores *scores) {
    json_t *list = json_array();
    for (size_t i = 0; i < reason_scores_n(scores); i++) {
        const reason_scored s = scored_at(scores, i);
        struct rsn_cli_object one = rsn_cli_object_new();
        rsn_cli_object_int(&one, "bytes", (int64_t)s.n_bytes);
        rsn_cli_object_int(&one, "tokens", (int64_t)s.response_tokens);
        rsn_cli_object_int(&one, "thinking_tokens", (int64_t)s.thinking_tokens);
        rsn_cli_object_int(&one, "answer_tokens", (int64_t)s.answer_tokens);
        rsn_cli_object_int(&one, "control_tokens", (int64_t)s.control_tokens);
        rsn_cli_object_bool(&one, "thinking_closed", s.thinking_closed);
        rsn_cli_object_bool(&one, "has_answer", s.has_answer);
        rsn_cli_object_real(&one, "repeated", s.repeated);
        append(list, &one, line);
    }
    rsn_cli_object_set(line, "guards", list);
}

static json_t *steps_json(const reason_scores *scores, size_t i, size_t n,
                          struct rsn_cli_object *line) {
    json_t *list = json_array();
    for (size_t k = 0; k < n; k++) {
        reason_scored_step step = {.size = sizeof step};
        struct rsn_cli_object one = rsn_cli_object_new();
        (void)reason_scores_step(scores, i, k, &step);
        rsn_cli_object_int(&one, "position", (int64_t)step.position);
        rsn_cli_object_int(&one, "token", step.token);
        rsn_cli_object_real(&one, "score", step.score);
        rsn_cli_object_set(&one, "raw", reals_json(step.raw, step.n_raw));
        append(list, &one, line);
    }
    return list;
}

static void put_steps(struct rsn_cli_object *line, const reason_scores *scores) {
    json_t *list = json_array();
    for (size_t i = 0; i < reason_scores_n(scores); i++)
        json_array_append_new(list,
                              steps_json(scores, i, scored_at(scores, i).n_steps, line));
    rsn_cli_object_set(line, "steps", list);
}

static void put_labels(struct rsn_cli_object *line, const reason_scores *scores) {
    json_t *list = json_array();
    const char *name;
    for (size_t i = 0; (name = reason_scores_label(scores, i)) != NULL; i++)
        json_array_append_new(list, rsn_cli_json_text(name, strlen(name)));
    rsn_cli_object_set(line, "labels", list);
}

/* Which one is best, and whether that is right. */
static void put_best(struct rsn_cli_object *line, const struct rsn_cli_pair *pair,
                     const reason_scores *scores) {
    size_t best = 0, n_best = 0;
    for (size_t i = 1; i < pair->n; i++)
        if (scored_at(scores, i).score > scored_at(scores, best).score) best = i;
    for (size_t i = 0; i < pair->n; i++)
        n_best += scored_at(scores, i).score == scored_at(scores, best).score;
    size_t chosen = pair->chosen < 0 ? best : (size_t)pair->chosen;
    bool is_best = scored_at(scores, chosen).score == scored_at(scores, best).score;
    double correct = !is_best ? 0 : n_best > 1 ? 0.5 : 1;
    rsn_cli_object_int(line, "best", (int64_t)best);
    rsn_cli_object_set(line, "correct",
                       pair->chosen >= 0 ? json_real(correct) : json_null());
}

struct rsn_cli_object rsn_cli_score_line(const struct rsn_cli_score *score,
                                         const struct rsn_cli_pair *pair,
                                         const reason_scores *scores) {
    struct rsn_cli_object line = rsn_cli_object_new();
    json_t *list = json_array(), *raw = json_array();
    const char *kind = reason_score_kind_name(reason_scores_kind(scores));
    rsn_cli_object_int(&line, "line", (int64_t)pair->line);
    if (pair->category)
        rsn_cli_object_text(&line, "category", pair->category, strlen(pair->category));
    for (size_t i = 0; i < pair->n; i++) {
        const reason_scored s = scored_at(scores, i);
        json_array_append_new(list, json_real(s.score));
        json_array_append_new(raw, reals_json(s.raw, s.n_raw));
    }
    rsn_cli_object_set(&line, "scores", list);
    rsn_cli_object_set(&line, "kind", json_string(kind));
    rsn_cli_object_set(&line, "transform", json_string(reason_scores_transform(scores)));
    put_best(&line, pair, scores);
    rsn_cli_object_set(&line, "raw", raw);
    if (reason_scores_label(scores, 0)) put_labels(&line, scores);
    if (score->own.steps || reason_scores_kind(scores) == REASON_SCORE_STEPS)
        put_steps(&line, scores);
    put_guards(&line, scores);
    return line;
}
