/*
 * Owns the table of several models. Left to speed.c: timing; to the library: every figure
 * about a text. Invariant: runs of the models alternate, so that what disturbs the machine
 * for a while disturbs all of them.
 */
#include "compare.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "input.h"
#include "json_out.h"
#include "output.h"

enum { MAX_MODELS = 64 };

struct lane {
    char *path;
    reason_model *model;
    struct rsn_cli_speed speed;
    double prefill, decode; /* tokens a second */
    int64_t file_bytes;     /* of all its files; -1: they are not there any more */
    double bits;            /* of weights, by number of weights */
    int64_t rss_bytes;      /* that opening and a run added to the process; -1: unknown */
    reason_perplexity_result found; /* against the first lane, if that can be compared */
};

struct table {
    const struct rsn_cli_comparison *what;
    struct lane lanes[MAX_MODELS];
    size_t n;
    struct rsn_cli_buffer text, separator;
};

/* ------------------------------------------------------------ opening */

static int split_paths(struct table *t) {
    for (const char *at = t->what->models; at;) {
        const char *comma = strchr(at, ',');
        size_t n = comma ? (size_t)(comma - at) : strlen(at);
        if (n == 0) return rsn_cli_fail("'%s' has an empty path in it", t->what->models);
        if (t->n == MAX_MODELS)
            return rsn_cli_fail("more than %d models are not compared", MAX_MODELS);
        t->lanes[t->n].path = strndup(at, n);
        if (!t->lanes[t->n++].path) return rsn_cli_fail_memory();
        at = comma ? comma + 1 : NULL;
    }
    return RSN_CLI_OK;
}

static int64_t measure_file(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 ? (int64_t)info.st_size : -1;
}

/* A model in several files: NAME-00001-of-00003.gguf and so on. */
static int64_t measure_files(const char *path, int64_t n_parts) {
    char ending[64];
    size_t n = strlen(path), n_ending = strlen("-00001-of-00003.gguf");
    char *part = n > n_ending && n_parts < 100000 ? strdup(path) : NULL;
    int64_t sum = part ? 0 : -1;
    for (int64_t i = 1; part && i <= n_parts && sum >= 0; i++) {
        snprintf(ending, sizeof ending, "-%05d-of-%05d.gguf", (int)i, (int)n_parts);
        memcpy(part + n - n_ending, ending, n_ending);
        int64_t bytes = measure_file(part);
        sum = bytes < 0 ? -1 : sum + bytes;
    }
    free(part);
    return sum;
}

static int open_lane(struct table *t, struct lane *lane) {
    struct rsn_cli_model_options options = *t->what->options;
    int64_t before = rsn_cli_rss(), n_parts = 1, n_bytes = 0, n_weights = 0;
    options.path = lane->path;
    int code = rsn_cli_model_open(&options, &lane->model);
    if (code == RSN_CLI_OK)
        code = rsn_cli_model_int(lane->model, "weights_bytes", &n_bytes);
    if (code == RSN_CLI_OK)
        code = rsn_cli_model_int(lane->model, "n_parameters", &n_weights);
    if (code == RSN_CLI_OK)
        code = rsn_cli_speed_open(&t->what->plan, &options, lane->model, t->what->pool,
                                  &lane->speed);
    if (code != RSN_CLI_OK) return code;
    int64_t after = rsn_cli_rss();
    lane->rss_bytes = before < 0 || after < 0 ? -1 : after > before ? after - before : 0;
    lane->bits = 8.0 * (double)n_bytes / (double)n_weights;
    if (reason_model_get_int(lane->model, "split.count", &n_parts) != REASON_OK)
        n_parts = 1;
    lane->file_bytes =
        n_parts > 1 ? measure_files(lane->path, n_parts) : measure_file(lane->path);
    return RSN_CLI_OK;
}

/* ------------------------------------------------------------ measuring */

static int judge(struct table *t, struct lane *lane) {
    const struct rsn_cli_comparison *what = t->what;
    reason_perplexity_options o;
    if (reason_perplexity_options_init(&o, sizeof o) != REASON_OK)
        return rsn_cli_fail_library();
    o.n_ctx = what->options->n_ctx;
    o.n_chunks = what->n_chunks;
    o.special = what->special;
    o.separator = t->separator.data;
    o.pool = what->pool;
    o.kv_type = (reason_kv_type)what->options->kv_type;
    o.against = lane == t->lanes ? NULL : t->lanes[0].model;
    lane->found.size = sizeof lane->found;
    reason_status status = reason_perplexity(
        lane->model, t->text.data, (int64_t)t->text.n_bytes, &o, &lane->found);
    if (status == REASON_ERR_MISMATCH && o.against) { /* another vocabulary */
        o.against = NULL;
        status = reason_perplexity(lane->model, t->text.data, (int64_t)t->text.n_bytes, &o,
                                   &lane->found);
    }
    return status == REASON_OK ? RSN_CLI_OK : rsn_cli_fail_library();
}

static int measure(struct table *t) {
    int code = split_paths(t);
    if (code == RSN_CLI_OK && t->what->text)
        code = rsn_cli_read_all(t->what->text, RSN_CLI_LIMIT_TEXT, &t->text);
    if (code == RSN_CLI_OK && !rsn_cli_line_of(t->what->separator, &t->separator))
        code = rsn_cli_fail_memory();
    for (size_t i = 0; i < t->n && code == RSN_CLI_OK; i++)
        code = open_lane(t, &t->lanes[i]);
    for (int32_t run = 0; run < t->what->plan.n_runs; run++)
        for (size_t i = 0; i < t->n && code == RSN_CLI_OK; i++)
            code = rsn_cli_speed_run(&t->lanes[i].speed);
    for (size_t i = 0; i < t->n && code == RSN_CLI_OK; i++) {
        t->lanes[i].prefill = rsn_cli_speed_prefill(&t->lanes[i].speed);
        t->lanes[i].decode = rsn_cli_speed_decode(&t->lanes[i].speed);
        if (t->what->text) code = judge(t, &t->lanes[i]);
    }
    return code;
}

/* ------------------------------------------------------------ printing */

static void print_cell(int width, int digits, double value) {
    if (isnan(value))
        rsn_cli_print(" %*s", width, "-");
    else
        rsn_cli_print(" %*.*f", width, digits, value);
}

static double mebibytes(int64_t n_bytes) {
    return n_bytes < 0 ? (double)NAN : (double)n_bytes / 1048576.0;
}

static void print_table(const struct table *t) {
    size_t width = 5;
    for (size_t i = 0; i < t->n; i++)
        width = strlen(t->lanes[i].path) > width ? strlen(t->lanes[i].path) : width;
    rsn_cli_print("%-*s %10s %6s %10s %10s %10s", (int)width, "model", "MiB", "bits",
                  "prefill/s", "decode/s", "RSS MiB");
    rsn_cli_print(t->what->text ? " %10s %9s %9s %7s\n" : "\n", "perplexity", "+/-", "KL",
                  "same %");
    for (size_t i = 0; i < t->n; i++) {
        const struct lane *lane = &t->lanes[i];
        rsn_cli_print("%-*s", (int)width, lane->path);
        print_cell(10, 1, mebibytes(lane->file_bytes));
        print_cell(6, 3, lane->bits);
        print_cell(10, 2, lane->prefill);
        print_cell(10, 2, lane->decode);
        print_cell(10, 1, mebibytes(lane->rss_bytes));
        if (t->what->text) {
            print_cell(10, 4, lane->found.perplexity);
            print_cell(9, 4, lane->found.perplexity_se);
            print_cell(9, 5, lane->found.kl_mean);
            print_cell(7, 2, 100 * lane->found.same_top);
        }
        rsn_cli_print("\n");
    }
}

static json_t *bytes_or_null(int64_t n_bytes) {
    return n_bytes < 0 ? json_null() : json_integer(n_bytes);
}

static int print_json(const struct table *t) {
    int code = RSN_CLI_OK;
    for (size_t i = 0; i < t->n && code == RSN_CLI_OK; i++) {
        const struct lane *lane = &t->lanes[i];
        bool text = t->what->text != NULL;
        struct rsn_cli_object object = rsn_cli_object_new();
        rsn_cli_object_text(&object, "model", lane->path, strlen(lane->path));
        rsn_cli_object_set(&object, "file_bytes", bytes_or_null(lane->file_bytes));
        rsn_cli_object_real(&object, "bits_per_weight", lane->bits);
        rsn_cli_object_real(&object, "prefill_tok_s", lane->prefill);
        rsn_cli_object_real(&object, "decode_tok_s", lane->decode);
        rsn_cli_object_set(&object, "rss_bytes", bytes_or_null(lane->rss_bytes));
        rsn_cli_object_real(&object, "perplexity",
                            text ? lane->found.perplexity : (double)NAN);
        rsn_cli_object_real(&object, "perplexity_se",
                            text ? lane->found.perplexity_se : (double)NAN);
        rsn_cli_object_real(&object, "kl_mean", text ? lane->found.kl_mean : (double)NAN);
        rsn_cli_object_real(&object, "same_top",
                            text ? lane->found.same_top : (double)NAN);
        code = rsn_cli_object_print(&object);
    }
    return code;
}

/* ------------------------------------------------------------ run */

int rsn_cli_compare(const struct rsn_cli_comparison *what) {
    struct table *t = calloc(1, sizeof *t);
    if (!t) return rsn_cli_fail_memory();
    t->what = what;
    int code = measure(t);
    if (code == RSN_CLI_OK && what->json)
        code = print_json(t);
    else if (code == RSN_CLI_OK)
        print_table(t);
    for (size_t i = 0; i < t->n; i++) {
        rsn_cli_speed_close(&t->lanes[i].speed);
        reason_model_free(t->lanes[i].model);
        free(t->lanes[i].path);
    }
    rsn_cli_buffer_free(&t->text);
    rsn_cli_buffer_free(&t->separator);
    free(t);
    return code;
}
