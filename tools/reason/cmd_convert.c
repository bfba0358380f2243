/*
 * `reason convert`: a model in another kind of file: a Hugging Face folder as GGUF, or the
 * other way. Left to the library: everything about files. Invariant: OUT's name says which
 * way.
 */
#include <string.h>

#include "interrupt.h"
#include "options.h"
#include "output.h"
#include "progress.h"

struct convert_options {
    const char *type;
    int32_t n_threads;
};

#define AT(field) offsetof(struct convert_options, field)

static const struct rsn_cli_option rows[] = {
    {"type", 0, RSN_CLI_TEXT, AT(type), 0, 0, NULL, "TYPE",
     "of weight matrices: keep (default), or of a GGUF file\nwhatever reason quantize "
     "writes, of a folder F32, F16, BF16"},
    {"threads", 't', RSN_CLI_INT, AT(n_threads), 0, 1024, NULL, "N",
     "threads; default 0: as many as this process may use"},
};

static bool is_gguf(const char *path) {
    size_t n = strlen(path);
    return n > 5 && strcmp(path + n - 5, ".gguf") == 0;
}

static reason_status write_gguf(const struct convert_options *own, char **files,
                                struct rsn_cli_progress *progress) {
    reason_quantize_options how;
    reason_status status = reason_quantize_options_init(&how, sizeof how);
    if (status != REASON_OK) return status;
    how.type = own->type ? own->type : "keep";
    how.n_threads = own->n_threads;
    how.cancel = rsn_cli_interrupt_token();
    how.progress = rsn_cli_progress_show;
    how.progress_user = progress;
    return reason_quantize(files[0], files[1], &how);
}

static reason_status write_folder(const struct convert_options *own, char **files,
                                  struct rsn_cli_progress *progress) {
    reason_export_options how;
    reason_status status = reason_export_options_init(&how, sizeof how);
    if (status != REASON_OK) return status;
    how.type = own->type && strcmp(own->type, "keep") != 0 ? own->type : NULL;
    how.cancel = rsn_cli_interrupt_token();
    how.progress = rsn_cli_progress_show;
    how.progress_user = progress;
    return reason_export(files[0], files[1], &how);
}

static int convert(const struct convert_options *own, char **files) {
    struct rsn_cli_progress progress;
    rsn_cli_progress_start(&progress);
    reason_set_log(rsn_cli_say_warning, NULL);
    reason_status status = is_gguf(files[1]) ? write_gguf(own, files, &progress)
                                             : write_folder(own, files, &progress);
    reason_set_log(NULL, NULL);
    rsn_cli_progress_end(&progress);
    return status == REASON_OK ? RSN_CLI_OK : rsn_cli_fail_library();
}

static int run(const struct rsn_cli_command *self, int argc, char **argv) {
    struct convert_options own = {0};
    struct rsn_cli_arguments arguments;
    int code = RSN_CLI_OK;
    const struct rsn_cli_group groups[] = {
        {"Options:", rows, RSN_CLI_COUNT(rows), &own},
    };
    if (!rsn_cli_options_parse(self, groups, RSN_CLI_COUNT(groups), argc, argv,
                               &arguments, &code))
        return code;
    if (arguments.n_items != 2)
        return rsn_cli_fail_usage(self, "two names are needed, IN and OUT");
    code = rsn_cli_interrupt_catch();
    if (code == RSN_CLI_OK) code = convert(&own, arguments.items);
    if (code != RSN_CLI_OK) code = rsn_cli_interrupt_code(code);
    rsn_cli_interrupt_release();
    return code;
}

static const char notes[] =
    "IN is a GGUF file, a Hugging Face folder, or a safetensors file in one. OUT is a\n"
    "GGUF file if its name ends so, else a folder. It appears whole or not at all.\n"
    "\n"
    "Examples:\n"
    "  reason convert Qwen3-0.6B qwen3.gguf\n"
    "  reason convert Qwen3-0.6B qwen3.gguf --type Q4_K_M\n"
    "  reason convert model.gguf folder --type BF16\n";

const struct rsn_cli_command rsn_cli_cmd_convert = {
    "convert", "a Hugging Face folder as GGUF, or the other way", "[OPTIONS] IN OUT", notes,
    run};
