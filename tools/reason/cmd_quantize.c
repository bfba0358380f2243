/*
 * `reason quantize`: a model in other types. Left to the library: everything about
 * weights and files. Invariant: what is printed is the library's report, nothing else is
 * on standard output.
 */
#include <string.h>

#include "adapters.h"
#include "interrupt.h"
#include "json_out.h"
#include "options.h"
#include "output.h"

struct quantize_options {
    const char *type, *imatrix;
    struct rsn_cli_list rules, adapter_texts;
    struct rsn_cli_adapters adapters;
    bool pure, requantize, json, quiet;
    int32_t n_threads;
    int cpu, i2_s;
};

static const struct rsn_cli_choice cpus[] = {{"auto", REASON_CPU_AUTO},
                                             {"generic", REASON_CPU_GENERIC},
                                             {"avx2", REASON_CPU_AVX2},
                                             {"avxvnni", REASON_CPU_AVXVNNI},
                                             {"avx512", REASON_CPU_AVX512},
                                             {"neon", REASON_CPU_NEON},
                                             {NULL, 0}};
static const struct rsn_cli_choice layouts[] = {
    {"a", REASON_I2_S_A}, {"b", REASON_I2_S_B}, {NULL, 0}};

#define AT(field) offsetof(struct quantize_options, field)

static const struct rsn_cli_option rows[] = {
    {"type", 0, RSN_CLI_TEXT, AT(type), 0, 0, NULL, "TYPE",
     "Q4_K_M (default), Q4_K_S, Q5_K_M, Q6_K, Q8_0, F16 ...;\nman reason-quantize has all"},
    {"imatrix", 0, RSN_CLI_TEXT, AT(imatrix), 0, 0, NULL, "FILE",
     "how much each weight matters, from reason imatrix"},
    {"rule", 0, RSN_CLI_LIST, AT(rules), 0, 0, NULL, "PATTERN=TYPE",
     "another type for matrices whose name matches;\nmay be given several times, the first "
     "match counts"},
    RSN_CLI_ADAPTER_ROW(AT(adapter_texts)),
    {"pure", 0, RSN_CLI_FLAG, AT(pure), 0, 0, NULL, NULL,
     "all matrices in the one type, embedding and output too"},
    {"requantize", 0, RSN_CLI_FLAG, AT(requantize), 0, 0, NULL, NULL,
     "allow a source that is quantized; errors add up"},
    {"threads", 't', RSN_CLI_INT, AT(n_threads), 0, 1024, NULL, "N",
     "threads; default 0: as many as this process may use"},
    {"cpu", 0, RSN_CLI_CHOICE, AT(cpu), 0, 0, cpus, "LEVEL",
     "highest instruction set to use: auto, generic, avx2,\navxvnni, avx512, neon"},
    {"i2s", 0, RSN_CLI_CHOICE, AT(i2_s), 0, 0, layouts, "LAYOUT",
     "of I2_S weights in the source: a (default), or b for\nfiles made on ARM"},
    {"quiet", 'q', RSN_CLI_FLAG, AT(quiet), 0, 0, NULL, NULL, "no line for each tensor"},
    {"json", 0, RSN_CLI_FLAG, AT(json), 0, 0, NULL, NULL,
     "one JSON object a line for each tensor: {\"name\", \"shape\",\n\"from\", \"to\", "
     "\"reason\", \"rmse\", \"relative\",\n\"weighted_rmse\", \"max_error\", \"n_nan\"}"},
};

static void print_json(const reason_quantize_tensor *t) {
    struct rsn_cli_object object = rsn_cli_object_new();
    json_t *shape = json_array();
    for (int32_t d = 0; d < t->n_dims; d++)
        if (json_array_append_new(shape, json_integer(t->shape[d])) != 0)
            object.failed = true;
    rsn_cli_object_text(&object, "name", t->name, strlen(t->name));
    rsn_cli_object_set(&object, "shape", shape);
    rsn_cli_object_text(&object, "from", t->from, strlen(t->from));
    rsn_cli_object_text(&object, "to", t->to, strlen(t->to));
    rsn_cli_object_text(&object, "reason", t->reason, strlen(t->reason));
    rsn_cli_object_real(&object, "rmse", t->rmse);
    rsn_cli_object_real(&object, "relative", t->relative);
    rsn_cli_object_real(&object, "weighted_rmse", t->weighted_rmse);
    rsn_cli_object_real(&object, "max_error", t->max_error);
    rsn_cli_object_int(&object, "n_nan", (int64_t)t->n_nan);
    (void)rsn_cli_object_print(&object);
}

static int print_tensor(void *user, const reason_quantize_tensor *t) {
    const struct quantize_options *own = user;
    if (own->json) {
        print_json(t);
    } else if (!own->quiet) {
        rsn_cli_print("%-32s %lld x %lld  %s -> %s (%s)", t->name, (long long)t->shape[0],
                      (long long)(t->shape[1] * t->shape[2] * t->shape[3]), t->from,
                      t->to, t->reason);
        if (t->rmse > 0)
            rsn_cli_print("  error %.3g, %.2f%%", t->rmse, 100 * t->relative);
        if (t->n_nan > 0)
            rsn_cli_print("  %llu are NaN or infinite", (unsigned long long)t->n_nan);
        rsn_cli_print("\n");
    }
    return rsn_cli_output_failed();
}

static int quantize(struct quantize_options *own, char **files) {
    reason_quantize_options how;
    if (reason_quantize_options_init(&how, sizeof how) != REASON_OK)
        return rsn_cli_fail_library();
    if (own->type) how.type = own->type;
    how.imatrix = own->imatrix;
    how.rules = own->rules.items;
    how.n_rules = own->rules.n_items;
    how.adapters = (const char *const *)own->adapters.paths;
    how.adapter_scales = own->adapters.scales;
    how.n_adapters = own->adapters.n;
    how.pure = own->pure;
    how.requantize = own->requantize;
    how.n_threads = own->n_threads;
    how.cpu = (reason_cpu)own->cpu;
    how.i2_s = (reason_i2_s)own->i2_s;
    how.report = print_tensor;
    how.report_user = own;
    how.cancel = rsn_cli_interrupt_token();
    reason_set_log(rsn_cli_say_warning, NULL);
    reason_status status = reason_quantize(files[0], files[1], &how);
    reason_set_log(NULL, NULL);
    return status == REASON_OK ? RSN_CLI_OK : rsn_cli_fail_library();
}

static int run(const struct rsn_cli_command *self, int argc, char **argv) {
    struct quantize_options own = {0};
    struct rsn_cli_arguments arguments;
    int code = RSN_CLI_OK;
    const struct rsn_cli_group groups[] = {
        {"Options:", rows, RSN_CLI_COUNT(rows), &own},
    };
    if (!rsn_cli_options_parse(self, groups, RSN_CLI_COUNT(groups), argc, argv,
                               &arguments, &code))
        return code;
    if (arguments.n_items != 2)
        return rsn_cli_fail_usage(self, "two files are needed, IN and OUT");
    code = rsn_cli_interrupt_catch();
    if (code == RSN_CLI_OK) code = rsn_cli_adapters_read(&own.adapter_texts, &own.adapters);
    if (code == RSN_CLI_OK) code = quantize(&own, arguments.items);
    rsn_cli_adapters_free(&own.adapters);
    if (code != RSN_CLI_OK) code = rsn_cli_interrupt_code(code);
    rsn_cli_interrupt_release();
    return code;
}

static const char notes[] =
    "Writes the GGUF file OUT with the weights of IN in other types. OUT appears\n"
    "whole, after it was read back and compared, or not at all.\n"
    "\n"
    "Examples:\n"
    "  reason quantize model.f16.gguf model.q4_k_m.gguf\n"
    "  reason quantize model.f16.gguf model.gguf --type Q4_K_M --imatrix model.imatrix\n"
    "  reason quantize model.f16.gguf model.gguf --type Q4_K_S --rule 'ffn_down=Q6_K'\n"
    "  reason quantize model.f16.gguf merged.gguf --type F16 --adapter lora.gguf\n";

const struct rsn_cli_command rsn_cli_cmd_quantize = {
    "quantize", "a model in types that take less memory", "[OPTIONS] IN OUT", notes, run};
