/*
 * Owns the timing of a model. What is made of the figures is left to the subcommand.
 * Invariant: what is timed is only calls of the public interface, with logits computed for
 * every token that is written.
 */
#include "speed.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { DEFAULT_PROMPT = 512 };

static double read_clock(void) {
    struct timespec now = {0};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

int64_t rsn_cli_rss(void) {
    FILE *from = fopen("/proc/self/statm", "r");
    if (!from) return -1;
    long long size = 0, resident = 0;
    int n = fscanf(from, "%lld %lld", &size, &resident);
    fclose(from);
    return n == 2 ? (int64_t)resident * sysconf(_SC_PAGESIZE) : -1;
}

/* ------------------------------------------------------------ runs */

/* The prompt in every session but the first; what one has of an earlier run is kept. */
static int fill_others(struct rsn_cli_speed *speed, int32_t n_prompt) {
    for (int32_t i = 1; i < speed->plan.n_batch; i++) {
        reason_session *session = speed->sessions[i];
        size_t n = 0, wanted = (size_t)n_prompt;
        if (reason_session_length(session, &n) != REASON_OK) return rsn_cli_fail_library();
        if (n > wanted && reason_session_truncate(session, wanted) != REASON_OK)
            return rsn_cli_fail_library();
        if (n < wanted && reason_session_logits(session, speed->tokens + n, wanted - n,
                                                NULL) != REASON_OK)
            return rsn_cli_fail_library();
    }
    return RSN_CLI_OK;
}

/* The next token of every sequence, with its logits. */
static int decode_once(struct rsn_cli_speed *speed, int32_t token) {
    size_t n = (size_t)speed->plan.n_batch;
    for (size_t i = 0; i < n; i++) speed->next[i] = token;
    reason_status status =
        n == 1 ? reason_session_logits(speed->sessions[0], &token, 1, speed->logits)
               : reason_sessions_logits(speed->sessions, speed->next, n, speed->logits);
    return status == REASON_OK ? RSN_CLI_OK : rsn_cli_fail_library();
}

/* With 0 tokens of a kind its time is 0. */
static int time_run(struct rsn_cli_speed *speed, int32_t n_prompt, int32_t n_decode,
                    double *prefill_s, double *decode_s) {
    reason_session *first = speed->sessions[0];
    if (reason_session_reset(first) != REASON_OK) return rsn_cli_fail_library();
    double start = read_clock();
    if (n_prompt > 0 && reason_session_logits(first, speed->tokens, (size_t)n_prompt,
                                              NULL) != REASON_OK)
        return rsn_cli_fail_library();
    *prefill_s = read_clock() - start;
    int code = fill_others(speed, n_prompt);
    double middle = read_clock();
    for (int32_t i = 0; code == RSN_CLI_OK && i < n_decode; i++)
        code = decode_once(speed, speed->tokens[n_prompt + i]);
    *decode_s = read_clock() - middle;
    return code;
}

int rsn_cli_speed_run(struct rsn_cli_speed *speed) {
    const struct rsn_cli_speed_plan *plan = &speed->plan;
    double *at = speed->seconds + speed->n_done;
    if (!speed->sessions) return RSN_CLI_OK;
    int code = time_run(speed, plan->n_prompt, plan->n_decode, at, at + plan->n_runs);
    if (code == RSN_CLI_OK) speed->n_done++;
    return code;
}

static int compare_seconds(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double rate(double *seconds, int32_t n_runs, double n_tokens) {
    if (n_tokens == 0 || n_runs == 0) return NAN;
    qsort(seconds, (size_t)n_runs, sizeof *seconds, compare_seconds);
    double median = n_runs % 2 ? seconds[n_runs / 2]
                               : (seconds[n_runs / 2 - 1] + seconds[n_runs / 2]) / 2;
    return n_tokens / median;
}

double rsn_cli_speed_prefill(struct rsn_cli_speed *speed) {
    return rate(speed->seconds, speed->n_done, speed->plan.n_prompt);
}

double rsn_cli_speed_decode(struct rsn_cli_speed *speed) {
    return rate(speed->seconds + speed->plan.n_runs, speed->n_done,
                (double)speed->plan.n_decode * speed->plan.n_batch);
}

/* ------------------------------------------------------------ opening */

/* A linear congruential step with the high bits taken: any tokens will do, the same each
 * time. */
static void fill_tokens(struct rsn_cli_speed *speed, int64_t n_vocab) {
    uint64_t state = speed->plan.seed;
    for (int32_t i = 0; i < speed->plan.n_prompt + speed->plan.n_decode; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        speed->tokens[i] = (int32_t)((state >> 33) % (uint64_t)n_vocab);
    }
}

/* The default prompt is as long as the context leaves room for. */
static int settle_plan(struct rsn_cli_speed_plan *plan, int32_t n_ctx,
                       const reason_model *model) {
    int64_t room = n_ctx;
    int code = n_ctx ? RSN_CLI_OK : rsn_cli_model_int(model, "context_length", &room);
    if (plan->n_prompt >= 0 || code != RSN_CLI_OK) return code;
    room -= plan->n_decode;
    plan->n_prompt = room < 1 ? 1 : room < DEFAULT_PROMPT ? (int32_t)room : DEFAULT_PROMPT;
    return RSN_CLI_OK;
}

static int open_sessions(struct rsn_cli_speed *speed,
                        const struct rsn_cli_model_options *options, reason_model *model,
                        reason_pool *pool) {
    struct rsn_cli_model_options own = *options;
    int32_t n_tokens = speed->plan.n_prompt + speed->plan.n_decode;
    int64_t n_vocab = 0;
    if (own.n_ctx == 0) own.n_ctx = n_tokens;
    size_t n_batch = (size_t)speed->plan.n_batch;
    int code = rsn_cli_model_int(model, "n_vocab", &n_vocab);
    if (code != RSN_CLI_OK) return code;
    speed->sessions = calloc(n_batch, sizeof *speed->sessions);
    if (!speed->sessions) return rsn_cli_fail_memory();
    for (size_t i = 0; i < n_batch && code == RSN_CLI_OK; i++)
        code = rsn_cli_session_open(&own, model, pool, &speed->sessions[i]);
    if (code != RSN_CLI_OK) return code;
    speed->tokens = calloc((size_t)n_tokens, sizeof *speed->tokens);
    speed->next = calloc(n_batch, sizeof *speed->next);
    speed->logits = calloc(n_batch * (size_t)n_vocab, sizeof *speed->logits);
    speed->seconds = calloc((size_t)speed->plan.n_runs, 2 * sizeof *speed->seconds);
    if (!speed->tokens || !speed->next || !speed->logits || !speed->seconds) return rsn_cli_fail_memory();
    fill_tokens(speed, n_vocab);
    return RSN_CLI_OK;
}

int rsn_cli_speed_open(const struct rsn_cli_speed_plan *plan,
                       const struct rsn_cli_model_options *options, reason_model *model,
                       reason_pool *pool, struct rsn_cli_speed *speed) {
    double prefill_s, decode_s;
    *speed = (struct rsn_cli_speed){.plan = *plan};
    int code = settle_plan(&speed->plan, options->n_ctx, model);
    int32_t n_prompt = speed->plan.n_prompt, n_decode = speed->plan.n_decode;
    if (code != RSN_CLI_OK || n_prompt + n_decode == 0) return code;
    code = open_sessions(speed, options, model, pool);
    if (code == RSN_CLI_OK)
        code = time_run(speed, n_prompt < 64 ? n_prompt : 64, n_decode > 0, &prefill_s,
                        &decode_s);
    return code;
}

void rsn_cli_speed_close(struct rsn_cli_speed *speed) {
    for (int32_t i = 0; speed->sessions && i < speed->plan.n_batch; i++)
        reason_session_free(speed->sessions[i]);
    free(speed->sessions);
    free(speed->tokens);
    free(speed->next);
    free(speed->logits);
    free(speed->seconds);
    *speed = (struct rsn_cli_speed){0};
}
