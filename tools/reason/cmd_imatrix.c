/*
 * `reason imatrix`: an importance matrix of a model, from a text, for a quantizer. Left to
 * the library: all of it, the file included.
 */
#include <string.h>

#include "input.h"
#include "interrupt.h"
#include "json_out.h"
#include "model.h"
#include "output.h"
#include "progress.h"

struct imatrix_options {
    const char *separator;
    int32_t n_ctx, n_chunks;
    bool special, json;
};

struct imatrix {
    struct rsn_cli_model_options model;
    struct imatrix_options own;
    const char *in, *out;
    struct rsn_cli_buffer text;
    reason_imatrix_result made;
};

#define AT(field) offsetof(struct imatrix_options, field)

static const struct rsn_cli_option rows[] = {
    {"ctx", 0, RSN_CLI_INT, AT(n_ctx), 0, INT32_MAX, NULL, "N",
     "tokens of a chunk; default 0: 512, or the model's context\nif that is shorter"},
    {"chunks", 0, RSN_CLI_INT, AT(n_chunks), 0, INT32_MAX, NULL, "N",
     "only the first N chunks; default 0: all"},
    {"special", 0, RSN_CLI_FLAG, AT(special), 0, 0, NULL, NULL,
     "spellings of special tokens in the text are those tokens"},
    {"separator", 0, RSN_CLI_TEXT, AT(separator), 0, 0, NULL, "LINE",
     "documents stand between such lines; default: one document"},
    {"json", 0, RSN_CLI_FLAG, AT(json), 0, 0, NULL, NULL, "one JSON object"},
};

/* What the file calls the text: its name without the folder. */
static const char *name_of(const char *path) {
    const char *slash = strrchr(path, '/');
    return strcmp(path, "-") == 0 ? "standard input" : slash ? slash + 1 : path;
}

static int make(struct imatrix *m, reason_model *model) {
    struct rsn_cli_progress progress;
    struct rsn_cli_buffer separator = {0};
    reason_imatrix_options o;
    if (reason_imatrix_options_init(&o, sizeof o) != REASON_OK)
        return rsn_cli_fail_library();
    if (!rsn_cli_line_of(m->own.separator, &separator)) return rsn_cli_fail_memory();
    rsn_cli_progress_start(&progress);
    o.n_ctx = m->own.n_ctx;
    o.n_chunks = m->own.n_chunks;
    o.special = m->own.special;
    o.separator = separator.data;
    o.dataset = name_of(m->in);
    o.n_threads = m->model.n_threads;
    o.cancel = rsn_cli_interrupt_token();
    o.progress = rsn_cli_progress_show;
    o.progress_user = &progress;
    m->made.size = sizeof m->made;
    reason_status status = reason_imatrix(model, m->text.data, (int64_t)m->text.n_bytes,
                                          m->out, &o, &m->made);
    rsn_cli_progress_end(&progress);
    rsn_cli_buffer_free(&separator);
    return status == REASON_OK ? RSN_CLI_OK : rsn_cli_fail_library();
}

static int open_and_make(struct imatrix *m) {
    reason_model *model = NULL;
    int code = rsn_cli_model_open(&m->model, &model);
    if (code == RSN_CLI_OK) code = make(m, model);
    reason_model_free(model);
    return code;
}

static int print_json(const struct imatrix *m) {
    const reason_imatrix_result *made = &m->made;
    struct rsn_cli_object object = rsn_cli_object_new();
    rsn_cli_object_text(&object, "out", m->out, strlen(m->out));
    rsn_cli_object_int(&object, "n_text", (int64_t)made->n_text);
    rsn_cli_object_int(&object, "n_chunks", (int64_t)made->n_chunks);
    rsn_cli_object_int(&object, "n_ctx", (int64_t)made->n_ctx);
    rsn_cli_object_int(&object, "n_tokens", (int64_t)made->n_tokens);
    rsn_cli_object_int(&object, "n_tensors", (int64_t)made->n_tensors);
    return rsn_cli_object_print(&object);
}

static int print_text(const struct imatrix *m) {
    const reason_imatrix_result *made = &m->made;
    rsn_cli_print("%s: %llu tensors, over %llu tokens in %llu chunks\n", m->out,
                  (unsigned long long)made->n_tensors,
                  (unsigned long long)made->n_tokens,
                  (unsigned long long)made->n_chunks);
    return RSN_CLI_OK;
}

static int run(const struct rsn_cli_command *self, int argc, char **argv) {
    struct imatrix m = {0};
    struct rsn_cli_arguments arguments;
    int code = RSN_CLI_OK;
    const struct rsn_cli_group groups[] = {
        {"Options:", rows, RSN_CLI_COUNT(rows), &m.own},
        RSN_CLI_MODEL_GROUP(&m.model),
    };
    if (!rsn_cli_options_parse(self, groups, RSN_CLI_COUNT(groups), argc, argv,
                               &arguments, &code))
        return code;
    if (arguments.n_items != 2)
        return rsn_cli_fail_usage(self, "TEXT and OUT are expected, found %zu arguments",
                                  arguments.n_items);
    m.in = arguments.items[0];
    m.out = arguments.items[1];
    code = rsn_cli_read_all(m.in, RSN_CLI_LIMIT_TEXT, &m.text);
    if (code == RSN_CLI_OK) code = rsn_cli_interrupt_catch();
    if (code == RSN_CLI_OK) code = open_and_make(&m);
    if (code == RSN_CLI_OK) code = m.own.json ? print_json(&m) : print_text(&m);
    if (code != RSN_CLI_OK) code = rsn_cli_interrupt_code(code);
    rsn_cli_interrupt_release();
    rsn_cli_buffer_free(&m.text);
    return code;
}

static const char notes[] =
    "TEXT is a file, \"-\" for standard input; it is cut as `reason perplexity` does it.\n"
    "All tokens are run through the model, and for every matrix of weights the squares\n"
    "of each input column are added up. OUT is a GGUF file with NAME.in_sum2 and\n"
    "NAME.counts for each; it appears whole or not at all. It depends on the text, the\n"
    "model and N only. Take the model in its best form, and a text like those that it\n"
    "will read and write.\n"
    "\n"
    "--json: {\"out\", \"n_text\", \"n_chunks\", \"n_ctx\", \"n_tokens\", \"n_tensors\"}.\n"
    "\n"
    "Examples:\n"
    "  reason imatrix text.txt out.imatrix.gguf -m model.gguf\n"
    "  reason imatrix --special --separator %% conversations.txt out.imatrix.gguf\n";

const struct rsn_cli_command rsn_cli_cmd_imatrix = {
    "imatrix", "which weights matter to a model over a text", "[OPTIONS] TEXT OUT", notes,
    run};
