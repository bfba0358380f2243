/* How soon a cancel is seen: the time from setting a token, at random moments, to the return
 * of the call, in decode and within a long prefill.
 *
 *     bench_cancel MODEL [PREFILL_TOKENS [TIMES]]
 *
 * The prompt is letters of plain text, so that a model without a tokenizer is no use. */
#include <reason/reason.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

typedef struct alarm_clock {
    reason_cancel_token *token;
    double after, set_at;
} alarm_clock;

static void *ring(void *arg) {
    alarm_clock *c = arg;
    struct timespec t = {(time_t)c->after, (long)(1e9 * (c->after - (double)(time_t)c->after))};
    nanosleep(&t, NULL);
    c->set_at = now();
    reason_cancel_token_set(c->token);
    return NULL;
}

/* Milliseconds from the set to the return; -1: the call ended before. */
static double measure(reason_session *session, const char *text, double after) {
    alarm_clock clock = {.after = after};
    reason_request request;
    reason_result *result = NULL;
    pthread_t thread;
    if (reason_cancel_token_new(&clock.token) != REASON_OK ||
        reason_request_init(&request, sizeof request) != REASON_OK)
        return -1;
    request.text = text;
    request.cancel = clock.token;
    reason_session_reset(session);
    if (pthread_create(&thread, NULL, ring, &clock) != 0)
        return -1;
    reason_status status = reason_generate(session, &request, &result);
    double end = now();
    pthread_join(thread, NULL);
    bool stopped = status == REASON_ERR_CANCELLED ||
                   reason_result_finish(result) == REASON_FINISH_CANCELLED;
    if (!stopped)
        fprintf(stderr, "not stopped: %s\n", reason_last_error());
    reason_result_free(result);
    reason_cancel_token_free(clock.token);
    return stopped ? 1e3 * (end - clock.set_at) : -1;
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void report(reason_session *session, const char *name, const char *text,
                   double first, double span, int times) {
    double *ms = calloc((size_t)times, sizeof *ms);
    for (int i = 0; ms && i < times; i++)
        ms[i] = measure(session, text, first + span * (double)rand() / RAND_MAX);
    if (ms) {
        qsort(ms, (size_t)times, sizeof *ms, ascending);
        printf("%s: median %.1f ms, worst %.1f ms of %d\n", name, ms[times / 2],
               ms[times - 1], times);
    }
    free(ms);
}

int main(int argc, char **argv) {
    reason_model *model;
    reason_session *session;
    size_t n = argc > 2 ? (size_t)atoi(argv[2]) : 8000;
    int times = argc > 3 ? atoi(argv[3]) : 20;
    char *text = malloc(2 * n + 1);
    if (argc < 2 || !text || reason_model_open(argv[1], NULL, &model) != REASON_OK ||
        reason_session_new(model, NULL, &session) != REASON_OK) {
        fprintf(stderr, "bench_cancel MODEL [PREFILL_TOKENS [TIMES]]: %s\n",
                reason_last_error());
        return 1;
    }
    for (size_t i = 0; i < n; i++) /* a letter and a space is a token in most */
        memcpy(text + 2 * i, i % 2 ? " a" : " b", 2);
    text[2 * n] = '\0';
    (void)measure(session, text, 2); /* reads the weights in */
    report(session, "decode", "Once upon a time", 1, 1, times);
    report(session, "prefill", text, 0.5, 4, times);
    reason_session_free(session);
    reason_model_free(model);
    free(text);
    return 0;
}
