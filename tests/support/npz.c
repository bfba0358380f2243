/* Owns a reader of .npz files: the zip's directory, inflating (RFC 1951), the .npy
 * header. Files are the project's own. Invariant: nothing outside of the buffers is
 * touched. */
#include "support/npz.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct bytes {
    uint8_t *data;
    size_t n;
} bytes;

static void need(bool condition, const char *what) {
    if (condition)
        return;
    (void)fprintf(stderr, "npz: %s\n", what);
    abort();
}

static bytes claim(size_t n) {
    bytes b = {calloc(n ? n : 1, 1), n};
    need(b.data != NULL, "out of memory");
    return b;
}

static uint32_t number_at(bytes b, size_t at, size_t n_bytes) {
    uint32_t value = 0;
    need(at <= b.n && n_bytes <= b.n - at, "a number behind the end");
    for (size_t i = 0; i < n_bytes; i++)
        value |= (uint32_t)b.data[at + i] << 8 * i;
    return value;
}

/* --- inflating ---------------------------------------------------------------------- */

typedef struct stream {
    bytes in, out;
    size_t bit; /* next one of in */
    size_t n;   /* bytes written */
} stream;

enum { MAX_BITS = 15, N_LITERALS = 288, N_DISTANCES = 30 };

/* Codes in the order of their values: how many there are of each length, and what they
 * stand for. */
typedef struct code {
    unsigned count[MAX_BITS + 1];
    unsigned symbol[N_LITERALS];
} code;

static unsigned take(stream *s, unsigned n) {
    unsigned value = 0;
    for (unsigned i = 0; i < n; i++, s->bit++) {
        need(s->bit / 8 < s->in.n, "deflated data end early");
        value |= (unsigned)(s->in.data[s->bit / 8] >> s->bit % 8 & 1) << i;
    }
    return value;
}

static void put(stream *s, uint8_t byte) {
    need(s->n < s->out.n, "more data than the directory says");
    s->out.data[s->n++] = byte;
}

static void make_code(code *c, const uint8_t *lengths, unsigned n) {
    unsigned at[MAX_BITS + 2] = {0};
    memset(c, 0, sizeof *c);
    for (unsigned i = 0; i < n; i++)
        c->count[lengths[i]]++;
    c->count[0] = 0;
    for (unsigned l = 1; l <= MAX_BITS; l++)
        at[l + 1] = at[l] + c->count[l];
    for (unsigned i = 0; i < n; i++)
        if (lengths[i])
            c->symbol[at[lengths[i]]++] = i;
}

static unsigned take_symbol(stream *s, const code *c) {
    unsigned value = 0, first = 0, at = 0;
    for (unsigned l = 1; l <= MAX_BITS; l++) {
        value = value << 1 | take(s, 1);
        if (value - first < c->count[l])
            return c->symbol[at + value - first];
        at += c->count[l];
        first = (first + c->count[l]) << 1;
    }
    need(false, "bits that are no code");
    return 0;
}

/* The codes of a block: lengths of lengths, lengths, codes. */
static void take_codes(stream *s, code *literals, code *distances) {
    static const uint8_t order[19] = {16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
                                      11, 4,  12, 3, 13, 2, 14, 1, 15};
    uint8_t lengths[N_LITERALS + 32 + 138] = {0}, short_lengths[19] = {0};
    unsigned n_literals = take(s, 5) + 257, n_distances = take(s, 5) + 1;
    unsigned n_short = take(s, 4) + 4, n = 0;
    code c;
    for (unsigned i = 0; i < n_short; i++)
        short_lengths[order[i]] = (uint8_t)take(s, 3);
    make_code(&c, short_lengths, 19);
    while (n < n_literals + n_distances) {
        unsigned symbol = take_symbol(s, &c), times = 1;
        uint8_t length = (uint8_t)symbol;
        if (symbol >= 16) {
            length = symbol == 16 && n > 0 ? lengths[n - 1] : 0;
            times = symbol == 16   ? 3 + take(s, 2)
                    : symbol == 17 ? 3 + take(s, 3)
                                   : 11 + take(s, 7);
        }
        while (times-- > 0)
            lengths[n++] = length;
    }
    need(n_literals <= N_LITERALS, "too many codes");
    make_code(literals, lengths, n_literals);
    make_code(distances, lengths + n_literals, n_distances);
}

static void fixed_codes(code *literals, code *distances) {
    uint8_t lengths[N_LITERALS];
    for (unsigned i = 0; i < N_LITERALS; i++)
        lengths[i] = i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8;
    make_code(literals, lengths, N_LITERALS);
    memset(lengths, 5, N_DISTANCES);
    make_code(distances, lengths, N_DISTANCES);
}

/* The number that a symbol begins: `step` symbols share a count of extra bits. */
static unsigned take_number(stream *s, unsigned symbol, unsigned step) {
    unsigned extra = symbol < 2 * step ? 0 : symbol / step - 1;
    unsigned base = symbol < 2 * step ? symbol : (step + symbol % step) << extra;
    return base + take(s, extra);
}

static void inflate_block(stream *s, const code *literals, const code *distances) {
    unsigned symbol;
    while ((symbol = take_symbol(s, literals)) != 256) {
        if (symbol < 256) {
            put(s, (uint8_t)symbol);
            continue;
        }
        unsigned length = symbol == 285 ? 258 : 3 + take_number(s, symbol - 257, 4);
        unsigned distance = 1 + take_number(s, take_symbol(s, distances), 2);
        need(distance <= s->n, "a copy from before the start");
        while (length-- > 0)
            put(s, s->out.data[s->n - distance]);
    }
}

static void copy_block(stream *s) {
    s->bit = (s->bit + 7) / 8 * 8;
    unsigned length = take(s, 16);
    need((take(s, 16) ^ length) == 0xFFFF, "a stored block without its length");
    while (length-- > 0)
        put(s, (uint8_t)take(s, 8));
}

static void inflate(bytes in, bytes out) {
    stream s = {.in = in, .out = out};
    code literals, distances;
    for (bool last = false; !last;) {
        last = take(&s, 1);
        unsigned kind = take(&s, 2);
        need(kind < 3, "a block of no kind");
        if (kind == 0) {
            copy_block(&s);
            continue;
        }
        if (kind == 1)
            fixed_codes(&literals, &distances);
        else
            take_codes(&s, &literals, &distances);
        inflate_block(&s, &literals, &distances);
    }
    need(s.n == out.n, "less data than the directory says");
}

/* --- the archive -------------------------------------------------------------------- */

static bytes read_file(const char *path) {
    FILE *file = fopen(path, "rb");
    need(file != NULL, path);
    need(fseek(file, 0, SEEK_END) == 0, path);
    long size = ftell(file);
    need(size >= 0 && fseek(file, 0, SEEK_SET) == 0, path);
    bytes b = claim((size_t)size);
    need(fread(b.data, 1, b.n, file) == b.n && fclose(file) == 0, path);
    return b;
}

/* The contents of the archive's file "NAME.npy"; data NULL if it has none. */
static bytes extract(bytes zip, const char *name) {
    need(zip.n >= 22 && number_at(zip, zip.n - 22, 4) == 0x06054B50, "no directory");
    size_t n_files = number_at(zip, zip.n - 22 + 10, 2), length = strlen(name);
    size_t at = number_at(zip, zip.n - 22 + 16, 4);
    for (size_t i = 0; i < n_files; i++) {
        size_t n_name = number_at(zip, at + 28, 2);
        size_t entry = at, end = at + 46 + n_name;
        need(number_at(zip, at, 4) == 0x02014B50 && end <= zip.n, "no directory entry");
        at = end + number_at(zip, entry + 30, 2) + number_at(zip, entry + 32, 2);
        if (n_name != length + 4 || memcmp(zip.data + entry + 46, name, length) != 0)
            continue;
        unsigned method = number_at(zip, entry + 10, 2);
        size_t n = number_at(zip, entry + 20, 4), local = number_at(zip, entry + 42, 4);
        size_t start = local + 30 + number_at(zip, local + 26, 2) +
                       number_at(zip, local + 28, 2);
        need(start <= zip.n && n <= zip.n - start, "contents behind the end");
        bytes in = {zip.data + start, n}, out = claim(number_at(zip, entry + 24, 4));
        need(method == 8 || (method == 0 && in.n == out.n), "a way of packing");
        if (method == 8)
            inflate(in, out);
        else
            memcpy(out.data, in.data, out.n);
        return out;
    }
    return (bytes){NULL, 0};
}

void *npz_read(const char *path, const char *name, const char *dtype, size_t *n) {
    bytes zip = read_file(path), npy = extract(zip, name);
    char quoted[16];
    free(zip.data);
    *n = 0;
    if (!npy.data)
        return NULL;
    need(npy.n > 10 && memcmp(npy.data, "\x93NUMPY\x01", 7) == 0, "no array");
    size_t header = number_at(npy, 8, 2), start = 10 + header;
    need(start <= npy.n && (npy.n - start) % 4 == 0, "an array that is cut short");
    (void)snprintf(quoted, sizeof quoted, "'%s'", dtype);
    npy.data[start - 1] = '\0'; /* a line's end */
    need(strstr((char *)npy.data + 10, quoted) != NULL, "another type of items");
    *n = (npy.n - start) / 4;
    memmove(npy.data, npy.data + start, npy.n - start);
    return npy.data;
}
