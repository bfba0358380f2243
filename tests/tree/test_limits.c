/* The limits that docs/SECURITY.md states are those of the code. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "format/gguf.h"
#include "format/hf_steps.h"
#include "text/bpe.h"
#include "text/pattern.h"
#include "text/special.h"
#include "text/template.h"
#include "text/tokens.h"
#include "text/vocab.h"

#define LIMIT(name) {"`" #name "` ", (uint64_t)name}

static const struct {
    const char *name;
    uint64_t value;
} LIMITS[] = {
    LIMIT(RSN_GGUF_MAX_RECORDS),
    LIMIT(RSN_GGUF_MAX_NAME),
    LIMIT(RSN_GGUF_MAX_DIMS),
    LIMIT(RSN_GGUF_MIN_ALIGNMENT),
    LIMIT(RSN_GGUF_MAX_ALIGNMENT),
    LIMIT(RSN_GGUF_MAX_PARTS),
    LIMIT(RSN_TOKENS_MAX),
    LIMIT(RSN_TOKENS_MAX_BYTES),
    LIMIT(RSN_RULES_MAX),
    LIMIT(RSN_SPECIAL_MAX_BYTES),
    LIMIT(RSN_VOCAB_MAX_TEXT),
    LIMIT(RSN_HF_MAX_FILL),
    LIMIT(RSN_HF_MAX_STEPS),
    LIMIT(RSN_HF_MAX_ENDS),
    LIMIT(RSN_HF_MAX_TEMPLATES),
    LIMIT(RSN_PATTERN_MAX),
    LIMIT(RSN_PATTERN_MAX_BYTES),
    LIMIT(RSN_PATTERN_MAX_REPEAT),
    LIMIT(RSN_JSON_MAX_DEPTH),
    LIMIT(RSN_TEMPLATE_MAX_SOURCE),
    LIMIT(RSN_TEMPLATE_MAX_NESTING),
    LIMIT(RSN_TEMPLATE_MAX_CALLS),
    LIMIT(RSN_TEMPLATE_MAX_VALUE_DEPTH),
    LIMIT(RSN_TEMPLATE_MAX_RANGE),
    LIMIT(RSN_TEMPLATE_MAX_STEPS),
    LIMIT(RSN_TEMPLATE_MAX_OUTPUT),
    LIMIT(RSN_TEMPLATE_MAX_MEMORY),
};

enum { N_LIMITS = sizeof LIMITS / sizeof *LIMITS, PAGE = 1 << 16 };

static void test_tree_limits__documented(void **state) {
    static char page[PAGE];
    char path[4096];
    const char *source = getenv("REASON_SRCDIR");
    size_t n_rows = 0;
    (void)state;
    (void)snprintf(path, sizeof path, "%s/docs/SECURITY.md", source ? source : ".");
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t n = fread(page, 1, sizeof page - 1, file);
    assert_true(n > 0 && n < sizeof page - 1);
    (void)fclose(file);
    for (size_t i = 0; i < N_LIMITS; i++) {
        const char *row = strstr(page, LIMITS[i].name);
        if (!row)
            fail_msg("%sis not in %s", LIMITS[i].name, path);
        unsigned long long said = strtoull(row + strlen(LIMITS[i].name), NULL, 10);
        if (said != LIMITS[i].value)
            fail_msg("%sis %llu in %s, %llu in the code", LIMITS[i].name, said, path,
                     (unsigned long long)LIMITS[i].value);
    }
    for (const char *at = page; (at = strstr(at, "| `RSN_")); at++)
        n_rows++;
    assert_int_equal(n_rows, N_LIMITS); /* no row that this list does not have */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tree_limits__documented),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
