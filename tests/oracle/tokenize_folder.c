/* Tokenizes lines with the tokenizer of a Hugging Face folder or a GGUF file, for
 * compare_tokenizers.py: a line is a text in hexadecimal digits, its ids go out as one
 * line. With --write the tokenizer is written into another folder instead. Exit 1 with
 * the reason on standard error.  tokenize_folder [--no-special] [--no-edges] [--vocab N]
 * FOLDER|FILE < LINES tokenize_folder --write OTHER FOLDER|FILE */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "support/hf_plan.h"

static void demand(reason_status status) {
    if (status == REASON_OK)
        return;
    (void)fprintf(stderr, "tokenize_folder: %s: %s\n", rsn_status_name(status),
                  rsn_last_error());
    exit(1);
}

static int hex_digit(char c) {
    return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}

static void print_ids(const rsn_vocab *v, char *line, uint32_t flags) {
    rsn_vocab_ids ids = {0};
    size_t n = strspn(line, "0123456789abcdefABCDEF") / 2;
    for (size_t i = 0; i < n; i++)
        line[i] = (char)(hex_digit(line[2 * i]) << 4 | hex_digit(line[2 * i + 1]));
    demand(rsn_vocab_encode(v, line, n, flags, &ids));
    for (size_t i = 0; i < ids.n; i++)
        (void)printf(i ? " %d" : "%d", (int)ids.items[i]);
    (void)printf("\n");
    rsn_free(ids.items);
}

int main(int argc, char **argv) {
    const char *path = NULL, *to = NULL;
    uint32_t flags = REASON_TOKENS_SPECIAL | REASON_TOKENS_BOS_EOS;
    size_t n_vocab = 0;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--no-special") == 0)
            flags &= ~(uint32_t)REASON_TOKENS_SPECIAL;
        else if (strcmp(argv[i], "--no-edges") == 0)
            flags &= ~(uint32_t)REASON_TOKENS_BOS_EOS;
        else if (strcmp(argv[i], "--vocab") == 0 && i + 1 < argc)
            n_vocab = strtoul(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--write") == 0 && i + 1 < argc)
            to = argv[++i];
        else
            path = argv[i];
    }
    struct stat info;
    rsn_gguf g = {0};
    rsn_gguf_files files = {0};
    rsn_vocab *v = NULL;
    if (!path || stat(path, &info) != 0)
        return 2;
    if (S_ISDIR(info.st_mode))
        demand(hf_plan(path, n_vocab, &g));
    else
        demand(rsn_gguf_open_all(path, false, NULL, NULL, &g, &files));
    demand(rsn_vocab_load(&g, &v));
    char *line = NULL;
    size_t cap = 0;
    if (to)
        demand(hf_write(&g, v, to));
    while (!to && getline(&line, &cap, stdin) >= 0)
        print_ids(v, line, flags);
    free(line);
    rsn_vocab_free(v);
    rsn_arena_free(&g.arena);
    rsn_gguf_files_close(&files);
    return 0;
}
