/*
 * `reason logits`: the raw logits after each of a list of tokens, to a file. Left to
 * output.c: the file appears whole or not at all. Invariant: what the file holds does not
 * depend on the size of the pieces that it is computed in.
 */
#include <stdlib.h>
#include <string.h>

#include "input.h"
#include "interrupt.h"
#include "json_out.h"
#include "model.h"
#include "output.h"

struct logits_options {
    const char *tokens, *tokens_file, *out;
    bool json;
};

/* What is computed, and for whom. */
struct logits {
    struct rsn_cli_model_options model;
    struct logits_options own;
    int32_t *ids;
    size_t n_ids;
    size_t n_vocab;
};

/* Rows held in memory at once; a large vocabulary takes half a megabyte each. */
enum { PIECE_ROWS = 32 };

#define AT(field) offsetof(struct logits_options, field)

static const struct rsn_cli_option rows[] = {
    {"tokens", 0, RSN_CLI_TEXT, AT(tokens), 0, 0, NULL, "IDS", "token ids: 1,2,3"},
    {"tokens-file", 0, RSN_CLI_TEXT, AT(tokens_file), 0, 0, NULL, "FILE",
     "or a file of ids, apart by white space or commas;\n\"-\" for standard input"},
    {"out", 'o', RSN_CLI_TEXT, AT(out), 0, 0, NULL, "FILE",
     "where the numbers go; \"-\" for standard output"},
    {"json", 0, RSN_CLI_FLAG, AT(json), 0, 0, NULL, NULL,
     "one JSON object: {\"n_tokens\", \"n_vocab\", \"out\"}"},
};

static int read_ids(struct logits *logits) {
    const struct logits_options *own = &logits->own;
    if (own->tokens)
        return rsn_cli_parse_ids("--tokens", own->tokens, strlen(own->tokens),
                                 &logits->ids, &logits->n_ids);
    struct rsn_cli_buffer list = {0};
    int code = rsn_cli_read_all(own->tokens_file, RSN_CLI_LIMIT_TEXT, &list);
    if (code == RSN_CLI_OK)
        code = rsn_cli_parse_ids(own->tokens_file, list.data, list.n_bytes, &logits->ids,
                                 &logits->n_ids);
    rsn_cli_buffer_free(&list);
    return code;
}

static int write_rows(const struct logits *logits, reason_session *session,
                      struct rsn_cli_file *file, float *piece) {
    for (size_t at = 0; at < logits->n_ids;) {
        size_t n = logits->n_ids - at < PIECE_ROWS ? logits->n_ids - at : PIECE_ROWS;
        if (rsn_cli_interrupt_signal())
            return rsn_cli_fail("stopped; no file was written");
        if (reason_session_logits(session, logits->ids + at, n, piece) != REASON_OK)
            return rsn_cli_fail_library();
        int code = rsn_cli_file_write(file, piece, n * logits->n_vocab * sizeof *piece);
        if (code != RSN_CLI_OK) return code;
        at += n;
    }
    return RSN_CLI_OK;
}

static int write_file(const struct logits *logits, reason_session *session) {
    struct rsn_cli_file file = {0};
    float *piece = calloc(logits->n_vocab, PIECE_ROWS * sizeof *piece);
    if (!piece) return rsn_cli_fail_memory();
    int code = rsn_cli_file_create(logits->own.out, &file);
    if (code == RSN_CLI_OK) code = write_rows(logits, session, &file, piece);
    if (code == RSN_CLI_OK) {
        code = rsn_cli_file_commit(&file);
    } else {
        rsn_cli_file_abandon(&file);
    }
    free(piece);
    return code;
}

static int print_json(const struct logits *logits) {
    struct rsn_cli_object object = rsn_cli_object_new();
    rsn_cli_object_int(&object, "n_tokens", (int64_t)logits->n_ids);
    rsn_cli_object_int(&object, "n_vocab", (int64_t)logits->n_vocab);
    rsn_cli_object_text(&object, "out", logits->own.out, strlen(logits->own.out));
    return rsn_cli_object_print(&object);
}

static int compute(struct logits *logits) {
    reason_model *model = NULL;
    reason_session *session = NULL;
    int64_t n_vocab = 0, context = 0;
    int code = rsn_cli_model_open(&logits->model, &model);
    if (code == RSN_CLI_OK) code = rsn_cli_model_int(model, "n_vocab", &n_vocab);
    if (code == RSN_CLI_OK) code = rsn_cli_model_int(model, "context_length", &context);
    if (code == RSN_CLI_OK) {
        /* A context of just these tokens; too many of them is the library's to say. */
        logits->model.n_ctx =
            (int64_t)logits->n_ids <= context ? (int32_t)logits->n_ids : 0;
        logits->model.kv_type = REASON_KV_F32;
        logits->n_vocab = (size_t)n_vocab;
        code = rsn_cli_session_open(&logits->model, model, NULL, &session);
    }
    if (code == RSN_CLI_OK) code = write_file(logits, session);
    if (code == RSN_CLI_OK && logits->own.json) code = print_json(logits);
    reason_session_free(session);
    reason_model_free(model);
    return code;
}

static int run(const struct rsn_cli_command *self, int argc, char **argv) {
    struct logits logits = {0};
    struct rsn_cli_arguments arguments;
    int code = RSN_CLI_OK;
    const struct rsn_cli_group groups[] = {
        {"Options:", rows, RSN_CLI_COUNT(rows), &logits.own},
        RSN_CLI_MODEL_GROUP(&logits.model),
    };
    if (!rsn_cli_options_parse(self, groups, RSN_CLI_COUNT(groups), argc, argv,
                               &arguments, &code) ||
        !rsn_cli_options_no_arguments(self, &arguments, &code))
        return code;
    const struct logits_options *own = &logits.own;
    if ((own->tokens == NULL) == (own->tokens_file == NULL))
        return rsn_cli_fail_usage(self, "one of --tokens and --tokens-file is needed");
    if (!own->out) return rsn_cli_fail_usage(self, "--out is needed");
    if (own->json && strcmp(own->out, "-") == 0)
        return rsn_cli_fail_usage(self, "--json and --out - both want standard output");
    code = read_ids(&logits);
    if (code == RSN_CLI_OK && logits.n_ids == 0)
        code = rsn_cli_fail("no token ids; at least one is needed");
    if (code == RSN_CLI_OK) code = rsn_cli_interrupt_catch();
    if (code == RSN_CLI_OK) code = compute(&logits);
    if (code != RSN_CLI_OK) code = rsn_cli_interrupt_code(code);
    rsn_cli_interrupt_release();
    free(logits.ids);
    return code;
}

static const char notes[] =
    "Writes float32 numbers, row by row: [number of tokens, size of the\n"
    "vocabulary], the row of a token being the raw logits after it. Keys and values\n"
    "are kept in float32. Nothing is added to the ids. A file appears whole or not\n"
    "at all.\n"
    "\n"
    "Examples:\n"
    "  reason logits --tokens 1,2,3 --out logits.f32\n"
    "  printf 'What is 37 * 24?' | reason tokenize |\n"
    "      reason logits --tokens-file - --out logits.f32\n";

const struct rsn_cli_command rsn_cli_cmd_logits = {
    "logits", "raw logits of a list of tokens to a file",
    "[OPTIONS] --tokens IDS --out FILE", notes, run};
