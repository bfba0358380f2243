/*
 * `reason bench`: how fast a model reads and writes on this machine, and how near that is
 * to what the machine can do; or several models side by side, which is compare.c's. Left
 * to speed.c: timing; to the library: the measure of the machine.
 */
#include <math.h>

#include "compare.h"
#include "json_out.h"
#include "output.h"

struct bench_options {
    struct rsn_cli_speed_plan plan;
    int32_t n_chunks;
    const char *models, *text, *separator;
    bool machine, special, json;
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
    struct rsn_cli_speed speed;
    reason_machine machine;
    struct numbers numbers;
};

enum { MAX_TOKENS = 1 << 24 };

#define AT(field) offsetof(struct bench_options, field)

static const struct rsn_cli_option rows[] = {
    {"prompt", 'p', RSN_CLI_INT, AT(plan.n_prompt), 0, MAX_TOKENS, NULL, "N",
     "tokens read at once; default 512, or what the context\nleaves; 0: do not measure"},
    {"decode", 'n', RSN_CLI_INT, AT(plan.n_decode), 0, MAX_TOKENS, NULL, "N",
     "tokens written one by one; default 64; 0: do not\nmeasure"},
    {"batch", 'b', RSN_CLI_INT, AT(plan.n_batch), 1, 4096, NULL, "N",
     "sequences that are written at once; default 1"},
    {"repeats", 'r', RSN_CLI_INT, AT(plan.n_runs), 1, RSN_CLI_MAX_RUNS, NULL, "N",
     "the median of N runs is told; default 3"},
    {"machine", 0, RSN_CLI_FLAG, AT(machine), 0, 0, NULL, NULL,
     "also what the machine can do; with -p 0 -n 0 only that"},
    {"seed", 0, RSN_CLI_UINT64, AT(plan.seed), 0, 0, NULL, "S", "of the token ids; default 0"},
    {"models", 0, RSN_CLI_TEXT, AT(models), 0, 0, NULL, "A,B,...",
     "compare these models in a table"},
    {"text", 0, RSN_CLI_TEXT, AT(text), 0, 0, NULL, "FILE",
     "with --models: also what they say of this text"},
    {"chunks", 0, RSN_CLI_INT, AT(n_chunks), 0, INT32_MAX, NULL, "N",
     "of the text only the first N chunks; default 0: all"},
    {"special", 0, RSN_CLI_FLAG, AT(special), 0, 0, NULL, NULL,
     "spellings of special tokens in it are those tokens"},
    {"separator", 0, RSN_CLI_TEXT, AT(separator), 0, 0, NULL, "LINE",
     "its documents stand between such lines"},
    {"json", 0, RSN_CLI_FLAG, AT(json), 0, 0, NULL, NULL,
     "one JSON object; with --models one a line"},
};

/* ------------------------------------------------------------ measuring */

static int measure_speed(struct bench *bench) {
    int code = RSN_CLI_OK;
    for (int32_t i = 0; code == RSN_CLI_OK && i < bench->own.plan.n_runs; i++)
        code = rsn_cli_speed_run(&bench->speed);
    bench->numbers.prefill_tok_s = rsn_cli_speed_prefill(&bench->speed);
    bench->numbers.decode_tok_s = rsn_cli_speed_decode(&bench->speed);
    return code;
}

static int open_all(struct bench *bench) {
    struct numbers *numbers = &bench->numbers;
    int code = rsn_cli_model_open(&bench->model_options, &bench->model);
    if (code == RSN_CLI_OK)
        code = rsn_cli_model_int(bench->model, "n_parameters", &numbers->n_parameters);
    if (code == RSN_CLI_OK)
        code = rsn_cli_model_int(bench->model, "decode_bytes_per_token",
                                 &numbers->bytes_per_token);
    if (code == RSN_CLI_OK)
        code = rsn_cli_speed_open(&bench->own.plan, &bench->model_options, bench->model,
                                  bench->pool, &bench->speed);
    return code;
}

static int measure(struct bench *bench) {
    struct numbers *numbers = &bench->numbers;
    bool speed = bench->own.plan.n_prompt != 0 || bench->own.plan.n_decode > 0;
    int code = RSN_CLI_OK;
    if (speed) code = open_all(bench);
    if (speed && code == RSN_CLI_OK) code = measure_speed(bench);
    if (code != RSN_CLI_OK) return code;
    numbers->rss_bytes = rsn_cli_rss();
    bench->machine.size = sizeof bench->machine;
    if (reason_machine_measure(bench->pool, &bench->machine) != REASON_OK)
        return rsn_cli_fail_library();
    /* The weights are read once for all sequences. */
    numbers->bandwidth_share = (double)numbers->bytes_per_token * numbers->decode_tok_s /
                               bench->own.plan.n_batch / bench->machine.read_bytes_s;
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
    if (bench->speed.plan.n_prompt > 0)
        rsn_cli_print("prefill %6ld     %10.2f tokens/s   %5.1f%% of the int8 peak\n",
                      (long)bench->speed.plan.n_prompt, numbers->prefill_tok_s,
                      100 * numbers->int8_peak_share);
    if (bench->speed.plan.n_decode > 0)
        rsn_cli_print(
            "decode  %6ld     %10.2f tokens/s   %5.1f%% of the read bandwidth\n",
            (long)bench->speed.plan.n_decode, numbers->decode_tok_s,
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

static int measure_one(struct bench *bench) {
    int code = measure(bench);
    if (code == RSN_CLI_OK)
        code = bench->own.json ? print_json(bench) : print_table(bench);
    rsn_cli_speed_close(&bench->speed);
    reason_model_free(bench->model);
    return code;
}

static int measure_several(struct bench *bench) {
    const struct bench_options *own = &bench->own;
    struct rsn_cli_comparison what = {.models = own->models,
                                      .text = own->text,
                                      .separator = own->separator,
                                      .n_chunks = own->n_chunks,
                                      .special = own->special,
                                      .json = own->json,
                                      .plan = own->plan,
                                      .options = &bench->model_options,
                                      .pool = bench->pool};
    return rsn_cli_compare(&what);
}

static int check(const struct rsn_cli_command *self, const struct bench *bench) {
    const struct bench_options *own = &bench->own;
    bool nothing = own->plan.n_prompt == 0 && own->plan.n_decode == 0;
    if (own->models && (bench->model_options.path || own->machine))
        return rsn_cli_fail_usage(self, "--models goes without --model and --machine");
    if (!own->models && (own->text || own->separator || own->special || own->n_chunks))
        return rsn_cli_fail_usage(
            self, "--text, --chunks, --special and --separator go with --models");
    if (nothing && !own->machine && !own->models)
        return rsn_cli_fail_usage(self,
                                  "-p 0 and -n 0 without --machine leave nothing to do");
    return RSN_CLI_OK;
}

static int run(const struct rsn_cli_command *self, int argc, char **argv) {
    struct bench bench = {
        .own = {.plan = {.n_prompt = -1, .n_decode = 64, .n_batch = 1, .n_runs = 3}},
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
    code = check(self, &bench);
    if (code != RSN_CLI_OK) return code;
    if (reason_pool_new(bench.model_options.n_threads, &bench.pool) != REASON_OK)
        return rsn_cli_fail_library();
    code = bench.own.models ? measure_several(&bench) : measure_one(&bench);
    reason_pool_free(bench.pool);
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
    "--models tells of each model the size of its files, bits a weight, the speeds\n"
    "(runs of the models alternate), the memory that it added to the process and,\n"
    "with --text, its perplexity as `reason perplexity` measures it, and KL and the\n"
    "share of the same best tokens against the first of the models.\n"
    "\n"
    "--json: {\"prefill_tok_s\", \"decode_tok_s\", \"bytes_per_token\",\n"
    "\"bandwidth_share\", \"int8_peak_share\", \"rss_bytes\"} and, with --machine,\n"
    "\"machine\". With --models {\"model\", \"file_bytes\", \"bits_per_weight\",\n"
    "\"prefill_tok_s\", \"decode_tok_s\", \"rss_bytes\", \"perplexity\",\n"
    "\"perplexity_se\", \"kl_mean\", \"same_top\"} a line. What was not measured is\n"
    "null.\n"
    "\n"
    "Examples:\n"
    "  reason bench\n"
    "  reason bench -m model.gguf -p 128 -n 32 -t 4 --json\n"
    "  reason bench --machine -p 0 -n 0\n"
    "  reason bench --models f16.gguf,q4_k.gguf --text text.txt\n";

const struct rsn_cli_command rsn_cli_cmd_bench = {
    "bench", "tokens a second, and what the machine could do", "[OPTIONS]", notes, run};
