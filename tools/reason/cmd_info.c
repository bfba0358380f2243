/*
 * `reason info`: what a model is, what its file says, and the memory it needs. Left to
 * the library: every value. Invariant: the text shown is one line per fact, whatever
 * bytes the file's metadata holds.
 */
#include <string.h>

#include "json_out.h"
#include "model.h"
#include "output.h"

/* The parts of the memory that a session takes. */
static const struct {
    const char *key, *title;
    size_t offset;
} parts[] = {
    {"weights_bytes", "  weights", offsetof(reason_memory, weights_bytes)},
    {"model_bytes", "  vocabulary", offsetof(reason_memory, model_bytes)},
    {"kv_bytes", "  keys and values", offsetof(reason_memory, kv_bytes)},
    {"work_bytes", "  working memory", offsetof(reason_memory, work_bytes)},
    {"total_bytes", "  together", offsetof(reason_memory, total_bytes)},
};

static int64_t part_of(const reason_memory *memory, size_t i) {
    uint64_t value;
    memcpy(&value, (const char *)memory + parts[i].offset, sizeof value);
    return value > INT64_MAX ? INT64_MAX : (int64_t)value;
}

/* Characters of a metadata text that are shown in a line. */
enum { TEXT_SHOWN = 72 };

static const struct rsn_cli_option rows[] = {
    {"json", 0, RSN_CLI_FLAG, 0, 0, 0, NULL, NULL, "one JSON object"},
};

static const char *const text_keys[] = {
    "architecture", "path",         "cpu",          "think_family",
    "think_source", "think_open",   "think_close",  "think_switch",
    "think_effort", "think_opener", "think_closer", "think_silence",
    "answer_marks", "end_tokens",   "head",         "head_activation",
    "head_transform"};
static const char *const int_keys[] = {
    "n_parameters",      "n_vocab",    "n_layers",  "n_embd",
    "n_heads",           "n_heads_kv", "head_dim",  "n_ff",
    "context_length",    "bos_token",  "eos_token", "weights_bytes",
    "kv_bytes_per_token", "activation_bits", "head_outputs", "head_step_token"};
static const char *const bool_keys[] = {"has_weights", "has_template", "has_thinking",
                                        "hadamard", "has_logits"};

/* Keys of a model that lacks the thing (tags, weights) are left out, not invented. */
static bool get_text(const reason_model *model, const char *key, const char **text,
                     size_t *n_bytes) {
    return reason_model_get_text(model, key, text, n_bytes) == REASON_OK;
}

static bool get_int(const reason_model *model, const char *key, int64_t *value) {
    return reason_model_get_int(model, key, value) == REASON_OK;
}

static bool get_float(const reason_model *model, const char *key, double *value) {
    return reason_model_get_float(model, key, value) == REASON_OK;
}

/* All zeros for a model without weights, which cannot have a session. */
static int measure_memory(const reason_model *model,
                          const struct rsn_cli_model_options *options, int64_t *n_ctx,
                          reason_memory *memory) {
    reason_session_options how;
    int64_t has_weights = 0;
    *memory = (reason_memory){.size = sizeof *memory};
    *n_ctx = options->n_ctx;
    get_int(model, "has_weights", &has_weights);
    if (!has_weights) return RSN_CLI_OK;
    if (options->n_ctx == 0) get_int(model, "context_length", n_ctx);
    int code = rsn_cli_session_options(options, NULL, &how);
    if (code != RSN_CLI_OK) return code;
    if (reason_session_memory(model, &how, memory) == REASON_OK) return RSN_CLI_OK;
    return rsn_cli_fail_library();
}

/* ------------------------------------------------------------ text */

static void print_text(const char *text, size_t n_bytes) {
    size_t shown = n_bytes < TEXT_SHOWN ? n_bytes : TEXT_SHOWN;
    /* Not in the middle of a character. */
    while (shown > 0 && shown < n_bytes && ((unsigned char)text[shown] & 0xc0) == 0x80)
        shown--;
    for (size_t i = 0; i < shown; i++) {
        unsigned char c = (unsigned char)text[i];
        bool c1 = c == 0xc2 && i + 1 < shown && (unsigned char)text[i + 1] < 0xa0;
        if (c == '\n') {
            rsn_cli_print("\\n");
        } else if (c < 0x20 || c == 0x7f || c1) {
            rsn_cli_print("\\x%02x", c);
        } else {
            rsn_cli_write(stdout, &text[i], 1);
        }
    }
    if (shown < n_bytes) rsn_cli_print("... (%zu bytes)", n_bytes);
}

static void print_size(const char *name, int64_t n_bytes) {
    rsn_cli_print("%-20s %lld (%.1f MiB)\n", name, (long long)n_bytes,
                  (double)n_bytes / 1048576.0);
}

static void print_facts(const reason_model *model) {
    for (size_t i = 0; i < RSN_CLI_COUNT(text_keys); i++) {
        const char *text = NULL;
        size_t n_bytes = 0;
        if (!get_text(model, text_keys[i], &text, &n_bytes) || n_bytes == 0) continue;
        rsn_cli_print("%-20s ", text_keys[i]);
        print_text(text, n_bytes);
        rsn_cli_print("\n");
    }
    for (size_t i = 0; i < RSN_CLI_COUNT(int_keys); i++) {
        int64_t value = 0;
        if (get_int(model, int_keys[i], &value))
            rsn_cli_print("%-20s %lld\n", int_keys[i], (long long)value);
    }
    for (size_t i = 0; i < RSN_CLI_COUNT(bool_keys); i++) {
        int64_t value = 0;
        if (get_int(model, bool_keys[i], &value))
            rsn_cli_print("%-20s %s\n", bool_keys[i], value ? "yes" : "no");
    }
}

static void print_metadata(const reason_model *model) {
    rsn_cli_print("\nmetadata\n");
    for (size_t i = 0; i < reason_model_n_keys(model); i++) {
        const char *key = reason_model_key(model, i), *text = NULL;
        size_t n_bytes = 0;
        int64_t whole = 0;
        double real = 0;
        rsn_cli_print("  ");
        print_text(key, strlen(key));
        if (get_text(model, key, &text, &n_bytes)) {
            rsn_cli_print(" = ");
            print_text(text, n_bytes);
        } else if (get_int(model, key, &whole)) {
            rsn_cli_print(" = %lld", (long long)whole);
        } else if (get_float(model, key, &real)) {
            rsn_cli_print(" = %.9g", real);
        } else {
            rsn_cli_print(" (list)");
        }
        rsn_cli_print("\n");
    }
}

static int print_as_text(const reason_model *model, int64_t n_ctx,
                         const reason_memory *memory) {
    print_facts(model);
    rsn_cli_print("\nmemory of a session of %lld tokens\n", (long long)n_ctx);
    for (size_t i = 0; i < RSN_CLI_COUNT(parts); i++)
        print_size(parts[i].title, part_of(memory, i));
    print_metadata(model);
    return RSN_CLI_OK;
}

/* ------------------------------------------------------------ JSON */

static void put_metadata(struct rsn_cli_object *object, const reason_model *model) {
    struct rsn_cli_object metadata = rsn_cli_object_new();
    for (size_t i = 0; i < reason_model_n_keys(model); i++) {
        const char *key = reason_model_key(model, i), *text = NULL;
        size_t n_bytes = 0;
        int64_t whole = 0;
        double real = 0;
        if (get_text(model, key, &text, &n_bytes)) {
            rsn_cli_object_text(&metadata, key, text, n_bytes);
        } else if (get_int(model, key, &whole)) {
            rsn_cli_object_int(&metadata, key, whole);
        } else if (get_float(model, key, &real)) {
            rsn_cli_object_real(&metadata, key, real);
        } else {
            rsn_cli_object_set(&metadata, key, json_null());
        }
    }
    rsn_cli_object_put(object, "metadata", &metadata);
}

static int print_as_json(const reason_model *model, int64_t n_ctx,
                         const reason_memory *memory) {
    struct rsn_cli_object object = rsn_cli_object_new();
    for (size_t i = 0; i < RSN_CLI_COUNT(text_keys); i++) {
        const char *text = NULL;
        size_t n_bytes = 0;
        if (get_text(model, text_keys[i], &text, &n_bytes))
            rsn_cli_object_text(&object, text_keys[i], text, n_bytes);
    }
    for (size_t i = 0; i < RSN_CLI_COUNT(int_keys); i++) {
        int64_t value = 0;
        if (get_int(model, int_keys[i], &value))
            rsn_cli_object_int(&object, int_keys[i], value);
    }
    for (size_t i = 0; i < RSN_CLI_COUNT(bool_keys); i++) {
        int64_t value = 0;
        if (get_int(model, bool_keys[i], &value))
            rsn_cli_object_bool(&object, bool_keys[i], value != 0);
    }
    struct rsn_cli_object inner = rsn_cli_object_new();
    rsn_cli_object_int(&inner, "n_ctx", n_ctx);
    for (size_t i = 0; i < RSN_CLI_COUNT(parts); i++)
        rsn_cli_object_int(&inner, parts[i].key, part_of(memory, i));
    rsn_cli_object_put(&object, "memory", &inner);
    put_metadata(&object, model);
    return rsn_cli_object_print(&object);
}

static int run(const struct rsn_cli_command *self, int argc, char **argv) {
    struct rsn_cli_model_options options = {0};
    bool json = false;
    struct rsn_cli_arguments arguments;
    int code = RSN_CLI_OK;
    const struct rsn_cli_group groups[] = {
        {"Options:", rows, RSN_CLI_COUNT(rows), &json},
        RSN_CLI_MODEL_GROUP(&options),
        RSN_CLI_SESSION_GROUP(&options),
    };
    if (!rsn_cli_options_parse(self, groups, RSN_CLI_COUNT(groups), argc, argv,
                               &arguments, &code))
        return code;
    if (!rsn_cli_options_no_arguments(self, &arguments, &code)) return code;
    reason_model *model = NULL;
    code = rsn_cli_model_open(&options, &model);
    if (code != RSN_CLI_OK) return code;
    int64_t n_ctx = 0;
    reason_memory memory;
    code = measure_memory(model, &options, &n_ctx, &memory);
    if (code == RSN_CLI_OK)
        code = json ? print_as_json(model, n_ctx, &memory)
                    : print_as_text(model, n_ctx, &memory);
    reason_model_free(model);
    return code;
}

static const char notes[] =
    "Shows architecture, sizes, the thinking tags, the family they were found by,\n"
    "its switches and forced texts (docs/THINKING.md), the tokens that end a turn, the\n"
    "memory that a session of --ctx tokens needs, and the file's metadata. A long\n"
    "text is cut and an empty one left out; --json has all. Lists are not shown, in\n"
    "JSON they are null.\n"
    "\n"
    "Examples:\n"
    "  reason info\n"
    "  reason info -m model.gguf --ctx 4096 --kv f32\n"
    "  reason info --json\n";

const struct rsn_cli_command rsn_cli_cmd_info = {
    "info", "what a model is and the memory it needs", "[OPTIONS]", notes, run};
