/*
 * `reason tokenize` and `reason detokenize`: text to ids and back. Left to the library:
 * how text is split. Invariant: bytes go through unchanged, so `tokenize --no-special`
 * and then `detokenize` give any input back.
 */
#include <stdlib.h>

#include "input.h"
#include "json_out.h"
#include "model.h"
#include "output.h"

struct tokens_options {
    bool json, no_special;
};

#define AT(field) offsetof(struct tokens_options, field)

/* Options and the model, which both subcommands need before anything else. */
static bool start(const struct rsn_cli_command *self, const struct rsn_cli_option *rows,
                  size_t n_rows, struct tokens_options *own, int argc, char **argv,
                  reason_model **model, int *code) {
    struct rsn_cli_model_options options = {0};
    struct rsn_cli_arguments arguments;
    const struct rsn_cli_group groups[] = {
        {"Options:", rows, n_rows, own},
        RSN_CLI_MODEL_GROUP(&options),
    };
    if (!rsn_cli_options_parse(self, groups, RSN_CLI_COUNT(groups), argc, argv,
                               &arguments, code) ||
        !rsn_cli_options_no_arguments(self, &arguments, code))
        return false;
    *code = rsn_cli_model_open(&options, model);
    return *code == RSN_CLI_OK;
}

/* ------------------------------------------------------------ tokenize */

static const struct rsn_cli_option tokenize_rows[] = {
    {"no-special", 0, RSN_CLI_FLAG, AT(no_special), 0, 0, NULL, NULL,
     "add nothing; the spelling of a special token is text"},
    {"json", 0, RSN_CLI_FLAG, AT(json), 0, 0, NULL, NULL,
     "one JSON object: {\"ids\": [...]}"},
};

static int print_ids_json(const int32_t *ids, size_t n_ids) {
    struct rsn_cli_object object = rsn_cli_object_new();
    json_t *list = json_array();
    for (size_t i = 0; i < n_ids; i++)
        if (json_array_append_new(list, json_integer(ids[i])) != 0) object.failed = true;
    rsn_cli_object_set(&object, "ids", list);
    return rsn_cli_object_print(&object);
}

static int print_ids(const int32_t *ids, size_t n_ids) {
    for (size_t i = 0; i < n_ids && !rsn_cli_output_failed(); i++)
        rsn_cli_print(i == 0 ? "%ld" : " %ld", (long)ids[i]);
    rsn_cli_print("\n");
    return RSN_CLI_OK;
}

static int run_tokenize(const struct rsn_cli_command *self, int argc, char **argv) {
    struct tokens_options own = {0};
    reason_model *model = NULL;
    struct rsn_cli_buffer text = {0};
    int32_t *ids = NULL;
    size_t n_ids = 0;
    int code = RSN_CLI_OK;
    if (!start(self, tokenize_rows, RSN_CLI_COUNT(tokenize_rows), &own, argc, argv,
               &model, &code))
        return code;
    code = rsn_cli_read_all("-", RSN_CLI_LIMIT_TEXT, &text);
    if (code == RSN_CLI_OK) {
        uint32_t flags =
            own.no_special ? 0 : REASON_TOKENS_SPECIAL | REASON_TOKENS_BOS_EOS;
        if (reason_tokenize(model, text.data, (int64_t)text.n_bytes, flags, &ids,
                            &n_ids) != REASON_OK)
            code = rsn_cli_fail_library();
    }
    if (code == RSN_CLI_OK)
        code = own.json ? print_ids_json(ids, n_ids) : print_ids(ids, n_ids);
    reason_free(ids);
    rsn_cli_buffer_free(&text);
    reason_model_free(model);
    return code;
}

static const char tokenize_notes[] =
    "Reads standard input to its end, as bytes, and prints one line of ids. By\n"
    "default the spelling of a special token becomes that token, and begin and end\n"
    "of text are added as the model wants them.\n"
    "\n"
    "Examples:\n"
    "  printf 'What is 37 * 24?' | reason tokenize\n"
    "  reason tokenize --no-special < text.txt > ids.txt\n";

const struct rsn_cli_command rsn_cli_cmd_tokenize = {
    "tokenize", "text on standard input to token ids", "[OPTIONS] < TEXT", tokenize_notes,
    run_tokenize};

/* ------------------------------------------------------------ detokenize */

static const struct rsn_cli_option detokenize_rows[] = {
    {"no-special", 0, RSN_CLI_FLAG, AT(no_special), 0, 0, NULL, NULL,
     "leave special tokens out"},
    {"json", 0, RSN_CLI_FLAG, AT(json), 0, 0, NULL, NULL,
     "one JSON object: {\"text\": ...}"},
};

static int print_text(const char *text, size_t n_bytes, bool json) {
    if (!json) {
        rsn_cli_write(stdout, text, n_bytes);
        return RSN_CLI_OK;
    }
    struct rsn_cli_object object = rsn_cli_object_new();
    rsn_cli_object_text(&object, "text", text, n_bytes);
    return rsn_cli_object_print(&object);
}

static int run_detokenize(const struct rsn_cli_command *self, int argc, char **argv) {
    struct tokens_options own = {0};
    reason_model *model = NULL;
    struct rsn_cli_buffer list = {0};
    int32_t *ids = NULL;
    char *text = NULL;
    size_t n_ids = 0, n_bytes = 0;
    int code = RSN_CLI_OK;
    if (!start(self, detokenize_rows, RSN_CLI_COUNT(detokenize_rows), &own, argc, argv,
               &model, &code))
        return code;
    code = rsn_cli_read_all("-", RSN_CLI_LIMIT_TEXT, &list);
    if (code == RSN_CLI_OK)
        code = rsn_cli_parse_ids("standard input", list.data, list.n_bytes, &ids, &n_ids);
    if (code == RSN_CLI_OK) {
        uint32_t flags = own.no_special ? 0 : REASON_TOKENS_SPECIAL;
        if (reason_detokenize(model, ids, n_ids, flags, &text, &n_bytes) != REASON_OK)
            code = rsn_cli_fail_library();
    }
    if (code == RSN_CLI_OK) code = print_text(text, n_bytes, own.json);
    reason_free(text);
    free(ids);
    rsn_cli_buffer_free(&list);
    reason_model_free(model);
    return code;
}

static const char detokenize_notes[] =
    "Reads ids, apart by white space or commas, and writes the bytes of their\n"
    "tokens, nothing added. Special tokens are spelt out. With --json bytes that\n"
    "are no UTF-8 become U+FFFD.\n"
    "\n"
    "Examples:\n"
    "  echo 100 101 102 | reason detokenize\n"
    "  reason tokenize --no-special < text.txt | reason detokenize | cmp - text.txt\n";

const struct rsn_cli_command rsn_cli_cmd_detokenize = {
    "detokenize", "token ids on standard input to text", "[OPTIONS] < IDS",
    detokenize_notes, run_detokenize};
