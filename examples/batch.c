/* 64 requests that begin alike, as many at once as given: what a batch is worth.
 *
 *     batch [MODEL [TOKENS [AT-ONCE ...]]]
 *
 * The first 200 tokens of every prompt are the same. "by hand" is what the keys and values
 * of all texts are in whole blocks of 64 positions, shared ones counted for each that has
 * them; "held" is what the results say. */
#include <reason/reason.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { REQUESTS = 64, COMMON_TOKENS = 200 };

static double now_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void check(reason_status status) {
    if (status == REASON_OK)
        return;
    fprintf(stderr, "%s\n", reason_last_error());
    exit(1);
}

/* A text of so many tokens. */
static char *make_common(const reason_model *model) {
    char text[8192] = "";
    int32_t *ids;
    size_t n = 0, at = 0;
    while (n < COMMON_TOKENS && at < sizeof text - 64) {
        at += (size_t)snprintf(text + at, sizeof text - at, "%zu and %zu make %zu. ", at,
                               at + 3, 2 * at + 3);
        check(reason_tokenize(model, text, -1, 0, &ids, &n));
        if (n < COMMON_TOKENS)
            reason_free(ids);
    }
    char *common;
    size_t n_bytes;
    check(reason_detokenize(model, ids, COMMON_TOKENS, 0, &common, &n_bytes));
    reason_free(ids);
    return common;
}

static void run(reason_model *model, const char *common, int at_once, int n_tokens) {
    static reason_request requests[REQUESTS];
    static char prompts[REQUESTS][8400];
    const reason_request *list[REQUESTS];
    reason_result *results[REQUESTS];
    reason_session_options o;
    reason_session *session;
    reason_session_options_init(&o, sizeof o);
    o.n_parallel = at_once;
    o.n_ctx = 2 * COMMON_TOKENS + n_tokens;
    check(reason_session_new(model, &o, &session));
    for (int i = 0; i < REQUESTS; i++) {
        snprintf(prompts[i], sizeof prompts[i], "%sWhat is %d + %d?", common, 10 + i,
                 90 - i);
        reason_request_init(&requests[i], sizeof requests[i]);
        requests[i].text = prompts[i];
        requests[i].max_tokens = n_tokens;
        list[i] = &requests[i];
    }
    double start = now_s();
    check(reason_generate_batch(session, list, REQUESTS, results));
    double seconds = now_s() - start;
    size_t n_made = 0;
    unsigned long long n_prompt = 0, n_cached = 0;
    uint64_t kv_bytes, held = 0, by_hand = 0;
    int64_t position;
    check(reason_model_get_int(model, "kv_bytes_per_token", &position));
    for (int i = 0; i < REQUESTS; i++) {
        reason_usage u = {.size = sizeof u};
        check(reason_result_usage(results[i], &u));
        n_made += reason_result_n_tokens(results[i]);
        n_prompt += u.prompt_tokens;
        n_cached += u.cached_tokens;
        held += u.kv_bytes; /* the last token is not run any more */
        by_hand += (u.prompt_tokens + reason_result_n_tokens(results[i]) - 1 + 63) / 64 *
                   64 * (uint64_t)position;
        reason_result_free(results[i]);
    }
    check(reason_session_kv_bytes(session, &kv_bytes));
    printf("%7d %9.1f %9.2f %9zu %9llu %9llu %9.2f %9.2f %9.2f\n", at_once,
           (double)n_made / seconds, seconds, n_made, n_prompt, n_prompt - n_cached,
           (double)held / 1048576.0, (double)by_hand / 1048576.0,
           (double)kv_bytes / 1048576.0);
    reason_session_free(session);
}

int main(int argc, char **argv) {
    static const char *const usual[] = {"1", "4", "16", "64"};
    int n_tokens = argc > 2 ? atoi(argv[2]) : 48;
    int n_sizes = argc > 3 ? argc - 3 : 4;
    const char *const *sizes = argc > 3 ? (const char *const *)argv + 3 : usual;
    reason_model *model;
    check(reason_model_open(argc > 1 && *argv[1] ? argv[1] : NULL, NULL, &model));
    char *common = make_common(model);
    printf("at once  tokens/s   seconds    output    prompt  computed  held MiB   by hand"
           "      kept\n");
    for (int i = 0; i < n_sizes; i++)
        run(model, common, atoi(sizes[i]), n_tokens);
    reason_free(common);
    reason_model_free(model);
    return 0;
}
