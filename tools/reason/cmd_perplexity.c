/*
 * `reason perplexity`: how well a model tells a text beforehand, and how far it is from
 * another one, usually the one it was quantized from. Left to the library: every figure.
 */
#include "input.h"
#include "interrupt.h"
#include "json_out.h"
#include "model.h"
#include "output.h"
#include "progress.h"

struct perplexity_options {
    const char *against, *separator;
    int32_t n_ctx, n_chunks;
    bool all, special, json;
};

struct perplexity {
    struct rsn_cli_model_options model;
    struct perplexity_options own;
    struct rsn_cli_buffer text;
    reason_perplexity_result found;
};

#define AT(field) offsetof(struct perplexity_options, field)

static const struct rsn_cli_option rows[] = {
    {"against", 0, RSN_CLI_TEXT, AT(against), 0, 0, NULL, "MODEL",
     "compare with this model, of the same vocabulary"},
    {"ctx", 0, RSN_CLI_INT, AT(n_ctx), 0, INT32_MAX, NULL, "N",
     "tokens of a chunk; default 0: 512, or the model's context\nif that is shorter"},
    {"chunks", 0, RSN_CLI_INT, AT(n_chunks), 0, INT32_MAX, NULL, "N",
     "only the first N chunks; default 0: all"},
    {"all", 0, RSN_CLI_FLAG, AT(all), 0, 0, NULL, NULL,
     "score all tokens of a chunk but the first, not only those\nof its second half"},
    {"special", 0, RSN_CLI_FLAG, AT(special), 0, 0, NULL, NULL,
     "spellings of special tokens in the text are those tokens"},
    {"separator", 0, RSN_CLI_TEXT, AT(separator), 0, 0, NULL, "LINE",
     "documents stand between such lines; default: one document"},
    {"json", 0, RSN_CLI_FLAG, AT(json), 0, 0, NULL, NULL, "one JSON object"},
};

/* ------------------------------------------------------------ measuring */

static int measure(struct perplexity *p, reason_model *model, reason_model *against) {
    struct rsn_cli_progress progress;
    struct rsn_cli_buffer separator = {0};
    reason_perplexity_options o;
    if (reason_perplexity_options_init(&o, sizeof o) != REASON_OK)
        return rsn_cli_fail_library();
    if (!rsn_cli_line_of(p->own.separator, &separator)) return rsn_cli_fail_memory();
    rsn_cli_progress_start(&progress);
    o.n_ctx = p->own.n_ctx;
    o.n_chunks = p->own.n_chunks;
    o.all_positions = p->own.all;
    o.special = p->own.special;
    o.separator = separator.data;
    o.against = against;
    o.n_threads = p->model.n_threads;
    o.kv_type = (reason_kv_type)p->model.kv_type;
    o.cancel = rsn_cli_interrupt_token();
    o.progress = rsn_cli_progress_show;
    o.progress_user = &progress;
    p->found.size = sizeof p->found;
    reason_status status = reason_perplexity(model, p->text.data,
                                             (int64_t)p->text.n_bytes, &o, &p->found);
    rsn_cli_progress_end(&progress);
    rsn_cli_buffer_free(&separator);
    return status == REASON_OK ? RSN_CLI_OK : rsn_cli_fail_library();
}

static int open_and_measure(struct perplexity *p) {
    reason_model *model = NULL, *against = NULL;
    int code = rsn_cli_model_open(&p->model, &model);
    if (code == RSN_CLI_OK && p->own.against) {
        struct rsn_cli_model_options other = p->model;
        other.path = p->own.against;
        other.adapters.n_items = 0;
        code = rsn_cli_model_open(&other, &against);
    }
    if (code == RSN_CLI_OK) code = measure(p, model, against);
    reason_model_free(model);
    reason_model_free(against);
    return code;
}

/* ------------------------------------------------------------ printing */

static void print_figure(const char *name, double value, double se, const char *unit) {
    rsn_cli_print("%-14s %12.5f +/- %.5f%s\n", name, value, se, unit);
}

static int print_text(const struct perplexity *p) {
    const reason_perplexity_result *r = &p->found;
    print_figure("perplexity", r->perplexity, r->perplexity_se, "");
    rsn_cli_print("%-14s %12.5f\n", "bits per token", r->bits_per_token);
    rsn_cli_print("%-14s %12llu tokens of %llu in %llu chunks of %llu\n", "scored",
                  (unsigned long long)r->n_scored, (unsigned long long)r->n_text,
                  (unsigned long long)r->n_chunks, (unsigned long long)r->n_ctx);
    rsn_cli_print("%-14s %12.1f tokens/s\n", "speed", r->tokens_s);
    if (!p->own.against) return RSN_CLI_OK;
    print_figure("against", r->against_perplexity, r->against_perplexity_se, "");
    print_figure("ratio", r->ratio, r->ratio_se, "");
    print_figure("KL mean", r->kl_mean, r->kl_se, " nats");
    rsn_cli_print("%-14s %12.5f nats\n", "KL median", r->kl_median);
    rsn_cli_print("%-14s %12.5f nats\n", "KL 99%", r->kl_p99);
    rsn_cli_print("%-14s %12.5f nats\n", "KL largest", r->kl_max);
    print_figure("same top", 100 * r->same_top, 100 * r->same_top_se, " %");
    print_figure("p difference", 100 * r->p_difference, 100 * r->p_difference_se, " %");
    return RSN_CLI_OK;
}

static int print_json(const struct perplexity *p) {
    const reason_perplexity_result *r = &p->found;
    const struct {
        const char *key;
        double value;
    } reals[] = {
        {"perplexity", r->perplexity},
        {"perplexity_se", r->perplexity_se},
        {"bits_per_token", r->bits_per_token},
        {"tokens_s", r->tokens_s},
        {"against_perplexity", r->against_perplexity},
        {"against_perplexity_se", r->against_perplexity_se},
        {"ratio", r->ratio},
        {"ratio_se", r->ratio_se},
        {"kl_mean", r->kl_mean},
        {"kl_se", r->kl_se},
        {"kl_median", r->kl_median},
        {"kl_p99", r->kl_p99},
        {"kl_max", r->kl_max},
        {"same_top", r->same_top},
        {"same_top_se", r->same_top_se},
        {"p_difference", r->p_difference},
        {"p_difference_se", r->p_difference_se},
    };
    struct rsn_cli_object object = rsn_cli_object_new();
    rsn_cli_object_int(&object, "n_text", (int64_t)r->n_text);
    rsn_cli_object_int(&object, "n_chunks", (int64_t)r->n_chunks);
    rsn_cli_object_int(&object, "n_ctx", (int64_t)r->n_ctx);
    rsn_cli_object_int(&object, "n_scored", (int64_t)r->n_scored);
    for (size_t i = 0; i < RSN_CLI_COUNT(reals); i++)
        rsn_cli_object_real(&object, reals[i].key, reals[i].value);
    return rsn_cli_object_print(&object);
}

/* ------------------------------------------------------------ run */

static int run(const struct rsn_cli_command *self, int argc, char **argv) {
    struct perplexity p = {0};
    struct rsn_cli_arguments arguments;
    int code = RSN_CLI_OK;
    const struct rsn_cli_group groups[] = {
        {"Options:", rows, RSN_CLI_COUNT(rows), &p.own},
        RSN_CLI_MODEL_GROUP(&p.model),
        RSN_CLI_KV_GROUP(&p.model),
    };
    if (!rsn_cli_options_parse(self, groups, RSN_CLI_COUNT(groups), argc, argv,
                               &arguments, &code))
        return code;
    if (arguments.n_items != 1)
        return rsn_cli_fail_usage(self, "one TEXT is expected, found %zu arguments",
                                  arguments.n_items);
    code = rsn_cli_read_all(arguments.items[0], RSN_CLI_LIMIT_TEXT, &p.text);
    if (code == RSN_CLI_OK) code = rsn_cli_interrupt_catch();
    if (code == RSN_CLI_OK) code = open_and_measure(&p);
    if (code == RSN_CLI_OK) code = p.own.json ? print_json(&p) : print_text(&p);
    if (code != RSN_CLI_OK) code = rsn_cli_interrupt_code(code);
    rsn_cli_interrupt_release();
    rsn_cli_buffer_free(&p.text);
    return code;
}

static const char notes[] =
    "TEXT is a file, \"-\" for standard input. It is one document or, with --separator,\n"
    "several. Each is cut into chunks of N tokens, which are run from an empty\n"
    "context; what is left behind the last whole chunk is dropped, but a document\n"
    "shorter than a chunk is one. Where the vocabulary puts a begin of text, it takes\n"
    "the place of a chunk's first token. Scored are the tokens of a chunk's second\n"
    "half.\n"
    "\n"
    "With --against the models are compared at every scored token: the ratio of\n"
    "perplexities, KL(against || model) over the whole vocabulary, how often the best\n"
    "token is the same, and what the probability of the text's own token gained. That\n"
    "model keeps keys and values in F16, so a --kv can be judged with the same model\n"
    "twice.\n"
    "\n"
    "--json: {\"n_text\", \"n_chunks\", \"n_ctx\", \"n_scored\", \"perplexity\",\n"
    "\"bits_per_token\", \"tokens_s\", \"against_perplexity\", \"ratio\", \"kl_mean\",\n"
    "\"kl_se\", \"kl_median\", \"kl_p99\", \"kl_max\", \"same_top\", \"p_difference\"} and\n"
    "\"KEY_se\" of perplexity, against_perplexity, ratio, same_top and p_difference.\n"
    "Those that compare are null without --against.\n"
    "\n"
    "Examples:\n"
    "  reason perplexity text.txt\n"
    "  reason perplexity --special --separator %% --all conversations.txt\n"
    "  reason perplexity -m small.gguf --against large.gguf text.txt --chunks 20\n"
    "  reason perplexity -m model.gguf --against model.gguf --kv q8_0 text.txt --json\n";

const struct rsn_cli_command rsn_cli_cmd_perplexity = {
    "perplexity", "how well a model tells a text, and how far from another one",
    "[OPTIONS] TEXT", notes, run};
