/*
 * Owns reading: whole files, lines, and the list-of-ids format. Meaning is left to the
 * subcommands. Invariant: no input makes a buffer larger than its limit plus one block.
 */
#include "input.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BLOCK = 1 << 14 };

bool rsn_cli_buffer_append(struct rsn_cli_buffer *buffer, const char *bytes,
                           size_t n_bytes) {
    if (n_bytes > SIZE_MAX / 4 || buffer->n_bytes > SIZE_MAX / 4) return false;
    size_t need = buffer->n_bytes + n_bytes + 1;
    if (need > buffer->cap) {
        size_t cap = need < 256 ? 256 : need + need / 2;
        char *data = realloc(buffer->data, cap);
        if (!data) return false;
        buffer->data = data;
        buffer->cap = cap;
    }
    if (n_bytes) memcpy(buffer->data + buffer->n_bytes, bytes, n_bytes);
    buffer->n_bytes += n_bytes;
    buffer->data[buffer->n_bytes] = 0;
    return true;
}

void rsn_cli_buffer_free(struct rsn_cli_buffer *buffer) {
    free(buffer->data);
    *buffer = (struct rsn_cli_buffer){0};
}

static const char *name_of(const char *path) {
    return strcmp(path, "-") == 0 ? "standard input" : path;
}

static int read_stream(FILE *from, const char *name, size_t limit,
                       struct rsn_cli_buffer *buffer) {
    char block[BLOCK];
    for (;;) {
        errno = 0;
        size_t n = fread(block, 1, sizeof block, from);
        if (!rsn_cli_buffer_append(buffer, block, n)) return rsn_cli_fail_memory();
        if (buffer->n_bytes > limit)
            return rsn_cli_fail("'%s' is larger than the %zu MiB allowed here", name,
                                limit >> 20);
        if (n == sizeof block) continue;
        if (ferror(from))
            return rsn_cli_fail("cannot read '%s': %s", name,
                                strerror(errno ? errno : EIO));
        return RSN_CLI_OK;
    }
}

int rsn_cli_read_all(const char *path, size_t limit, struct rsn_cli_buffer *buffer) {
    bool standard = strcmp(path, "-") == 0;
    FILE *from = standard ? stdin : fopen(path, "rb");
    if (!from) return rsn_cli_fail("cannot open '%s': %s", path, strerror(errno));
    int code = read_stream(from, name_of(path), limit, buffer);
    if (!standard) fclose(from);
    if (code != RSN_CLI_OK) rsn_cli_buffer_free(buffer);
    return code;
}

int rsn_cli_read_text(const char *path, size_t limit, struct rsn_cli_buffer *buffer) {
    int code = rsn_cli_read_all(path, limit, buffer);
    if (code != RSN_CLI_OK) return code;
    const char *nul = memchr(buffer->data, 0, buffer->n_bytes);
    if (!nul) return RSN_CLI_OK;
    rsn_cli_fail("'%s' holds a NUL byte at offset %zu; text without NUL is needed",
                 name_of(path), (size_t)(nul - buffer->data));
    rsn_cli_buffer_free(buffer);
    return RSN_CLI_FAILED;
}

static bool is_separator(char c) {
    return c == ',' || c == ' ' || (c >= '\t' && c <= '\r');
}

/* Reads digits up to a separator or the end; false if there is anything else or too much.
 */
static bool read_id(const char *text, size_t n_bytes, size_t *at, int32_t *id) {
    int64_t value = 0;
    for (; *at < n_bytes && !is_separator(text[*at]); (*at)++) {
        if (text[*at] < '0' || text[*at] > '9') return false;
        value = value * 10 + (text[*at] - '0');
        if (value > INT32_MAX) return false;
    }
    *id = (int32_t)value;
    return true;
}

static size_t count_ids(const char *text, size_t n_bytes) {
    size_t n = 0;
    for (size_t i = 0; i < n_bytes; i++)
        if (!is_separator(text[i]) && (i == 0 || is_separator(text[i - 1]))) n++;
    return n;
}

int rsn_cli_parse_ids(const char *source, const char *text, size_t n_bytes, int32_t **ids,
                      size_t *n_ids) {
    *n_ids = 0;
    *ids = calloc(count_ids(text, n_bytes) + 1, sizeof **ids);
    if (!*ids) return rsn_cli_fail_memory();
    for (size_t at = 0; at < n_bytes;) {
        if (is_separator(text[at])) {
            at++;
            continue;
        }
        size_t start = at;
        if (read_id(text, n_bytes, &at, &(*ids)[*n_ids])) {
            (*n_ids)++;
            continue;
        }
        while (at < n_bytes && !is_separator(text[at])) at++;
        free(*ids);
        *ids = NULL;
        *n_ids = 0;
        return rsn_cli_fail(
            "%s: '%.*s' at offset %zu is no token id; ids are whole numbers "
            "from 0 to %d",
            source, (int)(at - start < 40 ? at - start : 40), text + start, start,
            INT32_MAX);
    }
    return RSN_CLI_OK;
}

void rsn_cli_drop_line_end(struct rsn_cli_buffer *buffer) {
    size_t n = buffer->n_bytes;
    if (n && buffer->data[n - 1] == '\n') n--;
    if (n < buffer->n_bytes && n && buffer->data[n - 1] == '\r') n--;
    if (buffer->data) buffer->data[n] = 0;
    buffer->n_bytes = n;
}

/* Fills the block. A signal ends the wait: poll() is never restarted, read() might be. */
static enum rsn_cli_line fill_block(struct rsn_cli_lines *lines) {
    struct pollfd waiting = {.fd = lines->fd, .events = POLLIN};
    lines->at = lines->n_bytes = 0;
    ssize_t n = poll(&waiting, 1, -1);
    if (n >= 0) n = read(lines->fd, lines->block, sizeof lines->block);
    if (n < 0) return errno == EINTR ? RSN_CLI_LINE_INTERRUPTED : RSN_CLI_LINE_FAILED;
    lines->n_bytes = (size_t)n;
    return n > 0 ? RSN_CLI_LINE_OK : RSN_CLI_LINE_END;
}

enum rsn_cli_line rsn_cli_read_line(struct rsn_cli_lines *lines, size_t limit,
                                    struct rsn_cli_buffer *buffer) {
    bool any = false, too_long = false, ended = false;
    buffer->n_bytes = 0;
    while (!ended) {
        if (lines->at == lines->n_bytes) {
            enum rsn_cli_line filled = fill_block(lines);
            if (filled == RSN_CLI_LINE_END && any) break;
            if (filled != RSN_CLI_LINE_OK) return filled;
        }
        const char *from = lines->block + lines->at;
        size_t n = lines->n_bytes - lines->at;
        const char *newline = memchr(from, '\n', n);
        if (newline) n = (size_t)(newline - from) + 1;
        ended = newline != NULL;
        any = true;
        lines->at += n;
        too_long = too_long || buffer->n_bytes + n > limit;
        if (!too_long && !rsn_cli_buffer_append(buffer, from, n)) {
            errno = ENOMEM;
            return RSN_CLI_LINE_FAILED;
        }
    }
    if (too_long) return RSN_CLI_LINE_LONG;
    rsn_cli_drop_line_end(buffer);
    return RSN_CLI_LINE_OK;
}

bool rsn_cli_line_of(const char *line, struct rsn_cli_buffer *buffer) {
    return !line || (rsn_cli_buffer_append(buffer, "\n", 1) &&
                     rsn_cli_buffer_append(buffer, line, strlen(line)) &&
                     rsn_cli_buffer_append(buffer, "\n", 1));
}

int rsn_cli_gather_prompt(const struct rsn_cli_command *self,
                          const struct rsn_cli_arguments *arguments,
                          struct rsn_cli_buffer *prompt) {
    bool dash = arguments->n_items == 1 && strcmp(arguments->items[0], "-") == 0;
    if (arguments->n_items == 0 && isatty(STDIN_FILENO) == 1)
        return rsn_cli_fail_usage(self, "no prompt; give it as an argument");
    if (arguments->n_items == 0 || dash) {
        int code = rsn_cli_read_text("-", RSN_CLI_LIMIT_PROMPT, prompt);
        if (code != RSN_CLI_OK) return code;
        rsn_cli_drop_line_end(prompt);
    }
    for (size_t i = 0; !dash && i < arguments->n_items; i++) {
        const char *word = arguments->items[i];
        if ((i > 0 && !rsn_cli_buffer_append(prompt, " ", 1)) ||
            !rsn_cli_buffer_append(prompt, word, strlen(word)))
            return rsn_cli_fail_memory();
    }
    if (prompt->n_bytes == 0) return rsn_cli_fail("the prompt is empty");
    return RSN_CLI_OK;
}
