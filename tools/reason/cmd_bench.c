/*
 * `reason bench`: how fast a model reads and writes on this machine, and how near that is
 * to what the machine can do. Left to the library: the measure of the machine. Invariant:
 * what is timed is only calls of the public interface, with logits computed for every
 * token that is written.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "json_out.h"
#include "model.h"
#include "output.h"

struct bench_options {
    int32_t n_prompt, n_decode, n_batch, n_repeats;
    uint64_t seed;
    bool machine, json;
};

/* What was measured; NAN where nothing was asked for. */
struct numbers {
    double prefill_tok_s, decode_tok_s;
    double bandwidth_share, int8_peak_share;
    int64_t bytes_per_token, n_parameters;
    int64_t rss_bytes; /* -1: this system does not tell */
};

struct bench {
    struct rsn_cli_model_options model_options;
    struct bench_options own;
    reason_pool *pool;
    reason_model *model;
    reason_session **sessions; /* [n_batch] */
    int32_t *tokens;           /* [n_prompt + n_decode] */
    int32_t *next;             /* [n_batch] */
    float *logits;             /* [n_batch][n_vocab] */
    reason_machine machine;
    struct numbers numbers;
};

enum { MAX_REPEATS = 1000, MAX_TOKENS = 1 << 24 };

#define AT(field) offsetof(struct bench_options, field)

static const struct rsn_cli_option rows[] = {
    {"prompt", 'p', RSN_CLI_INT, AT(n_prompt), 0, MAX_TOKENS, NULL, "N",
     "tokens read at once; default 512; 0: do not measure"},
    {"decode", 'n', RSN_CLI_INT, AT(n_decode), 0, MAX_TOKENS, NULL, "N",
     "tokens written one by one; default 64; 0: do not\nmeasure"},
    {"batch", 'b', RSN_CLI_INT, AT(n_batch), 1, 4096, NULL, "N",
     "sequences that are written at once; default 1"},
    {"repeats", 'r', RSN_CLI_INT, AT(n_repeats), 1, MAX_REPEATS, NULL, "N",
     "the median of N runs is told; default 3"},
    {"machine", 0, RSN_CLI_FLAG, AT(machine), 0, 0, NULL, NULL,
     "also what the machine can do; with -p 0 -n 0 only that"},
    {"seed", 0, RSN_CLI_UINT64, AT(seed), 0, 0, NULL, "S", "of the token ids; default 0"},
    {"json", 0, RSN_CLI_FLAG, AT(json), 0, 0, NULL, NULL, "one JSON object"},
};

/* ------------------------------------------------------------ measuring */

static double read_clock(void) {
    struct timespec now = {0};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Bytes of memory in use; -1 where there is no such file. */
static int64_t read_rss(void) {
    FILE *from = fopen("/proc/self/statm", "r");
    if (!from) return -1;
    long long size = 0, resident = 0;
    int n = fscanf(from, "%lld %lld", &size, &resident);
    fclose(from);
    return n == 2 ? (int64_t)resident * sysconf(_SC_PAGESIZE) : -1;
}

static int compare_seconds(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double take_median(double *seconds, int32_t n) {
    qsort(seconds, (size_t)n, sizeof *seconds, compare_seconds);
    return n % 2 ? seconds[n / 2] : (seconds[n / 2 - 1] + seconds[n / 2]) / 2;
}

/* A linear congruential step with the high bits taken: any tokens will do, the same each
 * time. */
static void fill_tokens(struct bench *bench, int64_t n_vocab) {
    uint64_t state = bench->own.seed;
    for (int32_t i = 0; i < bench->own.n_prompt + bench->own.n_decode; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        bench->tokens[i] = (int32_t)((state >> 33) % (uint64_t)n_vocab);
    }
}

/* The prompt in every session but the first; what one has of an earlier run is kept. */
static int fill_others(struct bench *bench, int32_t n_prompt) {
    for (int32_t i = 1; i < bench->own.n_batch; i++) {
        reason_session *session = bench->sessions[i];
        size_t n = 0, wanted = (size_t)n_prompt;
        if (reason_session_length(session, &n) != REASON_OK)
            return rsn_cli_fail_library();
        if (n > wanted && reason_session_truncate(session, wanted) != REASON_OK)
            return rsn_cli_fail_library();
        if (n < wanted && reason_session_logits(session, bench->tokens + n, wanted - n,
                                                NULL) != REASON_OK)
            return rsn_cli_fail_library();
    }
    return RSN_CLI_OK;
}

/* The next token of every sequence, with its logits. */
static int decode_once(struct bench *bench, int32_t token) {
    size_t n = (size_t)bench->own.n_batch;
    for (size_t i = 0; i < n; i++) bench->next[i] = token;
    reason_status status =
        n == 1 ? reason_session_logits(bench->sessions[0], &token, 1, bench->logits)
               : reason_sessions_logits(bench->sessions, bench->next, n, bench->logits);
    return status == REASON_OK ? RSN_CLI_OK : rsn_cli_fail_library();
}

/* One run from an empty session; with 0 tokens of a kind its time is 0. */
static int run_once(struct bench *bench, int32_t n_prompt, int32_t n_decode,
                    double *prefill_s, double *decode_s) {
    reason_session *first = bench->sessions[0];
    if (reason_session_reset(first) != REASON_OK) return rsn_cli_fail_library();
    double start = read_clock();
    if (n_prompt > 0 && reason_session_logits(first, bench->tokens, (size_t)n_prompt,
                                              NULL) != REASON_OK)
        return rsn_cli_fail_library();
    *prefill_s = read_clock() - start;
    int code = fill_others(bench, n_prompt);
    double middle = read_clock();
    for (int32_t i = 0; code == RSN_CLI_OK && i < n_decode; i++)
        code = decode_once(bench, bench->tokens[n_prompt + i]);
    if (code != RSN_CLI_OK) return code;
    *decode_s = read_clock() - middle;
    return RSN_CLI_OK;
}

static int measure_speed(struct bench *bench) {
    const struct bench_options *own = &bench->own;
    double prefill[MAX_REPEATS], decode[MAX_REPEATS];
    /* Threads start and pages of the file come in at the first use: not part of a speed.
     */
    int code = run_once(bench, own->n_prompt < 64 ? own->n_prompt : 64, own->n_decode > 0,
                        &prefill[0], &decode[0]);
    for (int32_t i = 0; code == RSN_CLI_OK && i < own->n_repeats; i++)
        code = run_once(bench, own->n_prompt, own->n_decode, &prefill[i], &decode[i]);
    if (code != RSN_CLI_OK) return code;
    double prefill_s = take_median(prefill, own->n_repeats);
    double decode_s = take_median(decode, own->n_repeats);
    if (own->n_prompt > 0) bench->numbers.prefill_tok_s = own->n_prompt / prefill_s;
    if (own->n_decode > 0)
        bench->numbers.decode_tok_s = (double)own->n_decode * own->n_batch / decode_s;
    return RSN_CLI_OK;
}

static int open_all(struct bench *bench) {
    const struct bench_options *own = &bench->own;
    int64_t n_vocab = 0;
    int code = rsn_cli_model_open(&bench->model_options, &bench->model);
    if (code == RSN_CLI_OK) code = rsn_cli_model_int(bench->model, "n_vocab", &n_vocab);
    if (code == RSN_CLI_OK)
        code =
            rsn_cli_model_int(bench->model, "n_parameters", &bench->numbers.n_parameters);
    if (code == RSN_CLI_OK)
        code = rsn_cli_model_int(bench->model, "decode_bytes_per_token",
                                 &bench->numbers.bytes_per_token);
    if (code != RSN_CLI_OK) return code;
    if (bench->model_options.n_ctx == 0)
        bench->model_options.n_ctx = own->n_prompt + own->n_decode;
    bench->sessions = calloc((size_t)own->n_batch, sizeof *bench->sessions);
    bench->next = calloc((size_t)own->n_batch, sizeof *bench->next);
    if (!bench->sessions || !bench->next) return rsn_cli_fail_memory();
    for (int32_t i = 0; i < own->n_batch && code == RSN_CLI_OK; i++)
        code = rsn_cli_session_open(&bench->model_options, bench->model, bench->pool,
                                    &bench->sessions[i]);
    if (code != RSN_CLI_OK) return code;
    bench->tokens =
        calloc((size_t)(own->n_prompt + own->n_decode), sizeof *bench->tokens);
    bench->logits =
        calloc((size_t)n_vocab * (size_t)own->n_batch, sizeof *bench->logits);
    if (!bench->tokens || !bench->logits) return rsn_cli_fail_memory();
    fill_tokens(bench, n_vocab);
    return RSN_CLI_OK;
}

static int measure(struct bench *bench) {
    struct numbers *numbers = &bench->numbers;
    bool speed = bench->own.n_prompt > 0 || bench->own.n_decode > 0;
    int code = RSN_CLI_OK;
    if (reason_pool_new(bench->model_options.n_threads, &bench->pool) != REASON_OK)
        return rsn_cli_fail_library();
    if (speed) code = open_all(bench);
    if (speed && code == RSN_CLI_OK) code = measure_speed(bench);
    if (code != RSN_CLI_OK) return code;
    numbers->rss_bytes = read_rss();
    bench->machine.size = sizeof bench->machine;
    if (reason_machine_measure(bench->pool, &bench->machine) != REASON_OK)
        return rsn_cli_fail_library();
    /* The weights are read once for all sequences. */
    numbers->bandwidth_share = (double)numbers->bytes_per_token * numbers->decode_tok_s /
                               bench->own.n_batch / bench->machine.read_bytes_s;
    numbers->int8_peak_share = 2.0 * (double)numbers->n_parameters *
                               numbers->prefill_tok_s / bench->machine.int8_ops_s;
    return RSN_CLI_OK;
}

/* ------------------------------------------------------------ printing */

static void print_machine(const reason_machine *machine) {
    rsn_cli_print("machine            %s, %ld threads\n", machine->cpu,
                  (long)machine->n_threads);
    rsn_cli_print("  read             %10.2f GB/s\n", machine->read_bytes_s / 1e9);
    rsn_cli_print("  int8             %10.2f Gop/s\n", machine->int8_ops_s / 1e9);
    rsn_cli_print("  float32          %10.2f Gop/s\n", machine->float_ops_s / 1e9);
}

static int print_table(const struct bench *bench) {
    const struct numbers *numbers = &bench->numbers;
    if (bench->own.n_prompt > 0)
        rsn_cli_print("prefill %6ld     %10.2f tokens/s   %5.1f%% of the int8 peak\n",
                      (long)bench->own.n_prompt, numbers->prefill_tok_s,
                      100 * numbers->int8_peak_share);
    if (bench->own.n_decode > 0)
        rsn_cli_print(
            "decode  %6ld     %10.2f tokens/s   %5.1f%% of the read bandwidth\n",
            (long)bench->own.n_decode, numbers->decode_tok_s,
            100 * numbers->bandwidth_share);
    if (bench->model)
        rsn_cli_print("bytes per token    %10lld\n", (long long)numbers->bytes_per_token);
    if (bench->model && numbers->rss_bytes >= 0)
        rsn_cli_print("memory in use      %10.1f MiB\n",
                      (double)numbers->rss_bytes / 1048576.0);
    if (bench->own.machine) print_machine(&bench->machine);
    return RSN_CLI_OK;
}

static void put_machine(struct rsn_cli_object *object, const reason_machine *machine) {
    struct rsn_cli_object inner = rsn_cli_object_new();
    rsn_cli_object_set(&inner, "cpu", json_string(machine->cpu));
    rsn_cli_object_int(&inner, "n_threads", machine->n_threads);
    rsn_cli_object_real(&inner, "read_bytes_s", machine->read_bytes_s);
    rsn_cli_object_real(&inner, "int8_ops_s", machine->int8_ops_s);
    rsn_cli_object_real(&inner, "float_ops_s", machine->float_ops_s);
    rsn_cli_object_put(object, "machine", &inner);
}

static int print_json(const struct bench *bench) {
    const struct numbers *numbers = &bench->numbers;
    struct rsn_cli_object object = rsn_cli_object_new();
    rsn_cli_object_real(&object, "prefill_tok_s", numbers->prefill_tok_s);
    rsn_cli_object_real(&object, "decode_tok_s", numbers->decode_tok_s);
    rsn_cli_object_set(&object, "bytes_per_token",
                       bench->model ? json_integer(numbers->bytes_per_token)
                                    : json_null());
    rsn_cli_object_real(&object, "bandwidth_share", numbers->bandwidth_share);
    rsn_cli_object_real(&object, "int8_peak_share", numbers->int8_peak_share);
    rsn_cli_object_set(&object, "rss_bytes",
                       numbers->rss_bytes < 0 ? json_null()
                                              : json_integer(numbers->rss_bytes));
    if (bench->own.machine) put_machine(&object, &bench->machine);
    return rsn_cli_object_print(&object);
}

/* ------------------------------------------------------------ run */

static int run(const struct rsn_cli_command *self, int argc, char **argv) {
    struct bench bench = {
        .own = {.n_prompt = 512, .n_decode = 64, .n_batch = 1, .n_repeats = 3},
        .numbers = {.prefill_tok_s = NAN, .decode_tok_s = NAN}};
    struct rsn_cli_arguments arguments;
    int code = RSN_CLI_OK;
    const struct rsn_cli_group groups[] = {
        {"Options:", rows, RSN_CLI_COUNT(rows), &bench.own},
        RSN_CLI_MODEL_GROUP(&bench.model_options),
        RSN_CLI_SESSION_GROUP(&bench.model_options),
    };
    if (!rsn_cli_options_parse(self, groups, RSN_CLI_COUNT(groups), argc, argv,
                               &arguments, &code) ||
        !rsn_cli_options_no_arguments(self, &arguments, &code))
        return code;
    if (bench.own.n_prompt == 0 && bench.own.n_decode == 0 && !bench.own.machine)
        return rsn_cli_fail_usage(self,
                                  "-p 0 and -n 0 without --machine leave nothing to do");
    code = measure(&bench);
    if (code == RSN_CLI_OK)
        code = bench.own.json ? print_json(&bench) : print_table(&bench);
    for (int32_t i = 0; bench.sessions && i < bench.own.n_batch; i++)
        reason_session_free(bench.sessions[i]);
    reason_model_free(bench.model);
    reason_pool_free(bench.pool);
    free(bench.sessions);
    free(bench.tokens);
    free(bench.next);
    free(bench.logits);
    return code;
}

static const char notes[] =
    "Reads N random tokens at once (prefill), then writes tokens one by one, each\n"
    "with its logits (decode); with -b in several sequences together, whose tokens are\n"
    "all counted. The machine's read bandwidth and 8-bit arithmetic are measured with\n"
    "the same threads, in about a second, and the speeds are told as shares of them:\n"
    "  bandwidth_share = bytes_per_token * decode_tok_s / sequences / bytes read a\n"
    "                    second\n"
    "  int8_peak_share = 2 * parameters * prefill_tok_s / 8-bit operations a second\n"
    "A model that fits the caches can be above 100% of the bandwidth.\n"
    "\n"
    "--json: {\"prefill_tok_s\", \"decode_tok_s\", \"bytes_per_token\",\n"
    "\"bandwidth_share\", \"int8_peak_share\", \"rss_bytes\"} and, with --machine,\n"
    "\"machine\". What was not measured is null.\n"
    "\n"
    "Examples:\n"
    "  reason bench\n"
    "  reason bench -m model.gguf -p 128 -n 32 -t 4 --json\n"
    "  reason bench --machine -p 0 -n 0\n";

const struct rsn_cli_command rsn_cli_cmd_bench = {
    "bench", "tokens a second, and what the machine could do", "[OPTIONS]", notes, run};
