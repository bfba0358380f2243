/* Owns the bytes of tiny adapters: factors that follow from a seed and a tensor's name.
 * Invariant: what tiny_adapter_add() multiplies is what the file says. */
#include "support/tiny_adapter.h"

#include <stdlib.h>
#include <string.h>

/* Tensors that are changed, and the sizes of a matrix. */
typedef struct changed {
    char name[sizeof((tiny_tensor *)0)->name];
    uint64_t cols, rows;
    bool flipped; /* of the embedding: a has a row a token, b one a dimension */
} changed;

static uint64_t next(uint64_t *state) {
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *state >> 33;
}

/* Which of the model's tensors are changed; returns how many. */
static size_t list_changed(const tiny_adapter *a, changed *list) {
    size_t n = 0;
    for (size_t i = 0; i <= a->m->n_tensors; i++) {
        bool extra = i == a->m->n_tensors;
        const tiny_tensor *t = extra ? tiny_model_find(a->m, "token_embd.weight")
                                     : &a->m->tensors[i];
        const char *name = extra ? "output.weight" : t->name;
        if (t->ne[1] == 1 || (extra && !a->o.output) ||
            (a->o.only && !strstr(name, a->o.only)))
            continue;
        changed *c = &list[n++];
        memset(c, 0, sizeof *c);
        memcpy(c->name, name, strlen(name) + 1);
        c->cols = t->ne[0];
        c->rows = t->ne[1];
        c->flipped = strcmp(name, "token_embd.weight") == 0;
    }
    return n;
}

/* Shape of a factor, 'a' or 'b'. */
static void shape_of(const tiny_adapter *a, const changed *c, char factor, uint64_t *ne) {
    bool is_a = factor == 'a';
    ne[0] = is_a && !c->flipped ? c->cols : a->o.rank;
    if (is_a)
        ne[1] = c->flipped ? c->rows : a->o.rank;
    else
        ne[1] = c->flipped ? c->cols : c->rows;
}

/* Bytes of a factor, to be freed. */
static uint8_t *make_factor(const tiny_adapter *a, const changed *c, char factor) {
    uint64_t ne[2], state = a->o.seed * 977 + (uint64_t)factor;
    shape_of(a, c, factor, ne);
    for (const char *p = c->name; *p; p++)
        state = (state ^ (unsigned char)*p) * UINT64_C(1099511628211);
    size_t n = (size_t)(ne[0] * ne[1]);
    double *x = calloc(n, sizeof *x);
    uint8_t *bytes = calloc(1, gguf_weight_bytes(a->o.type, n));
    if (!x || !bytes)
        abort();
    for (size_t i = 0; i < n; i++)
        x[i] = ((double)next(&state) / 2147483648.0 - 0.5) * 0.25;
    gguf_encode(a->o.type, x, n, bytes);
    free(x);
    return bytes;
}

static size_t aligned(size_t n) {
    return (n + 31) / 32 * 32;
}

static void put_tensors(tiny_adapter *a, const changed *list, size_t n) {
    gguf_bytes *b = &a->file;
    size_t offset = 0;
    for (size_t i = 0; i < 2 * n; i++) {
        char name[64], factor = i % 2 ? 'b' : 'a';
        uint64_t ne[2];
        strcpy(name, list[i / 2].name);
        strcat(name, factor == 'a' ? ".lora_a" : ".lora_b");
        shape_of(a, &list[i / 2], factor, ne);
        gguf_put_tensor(b, name, 2, ne, a->o.type, offset);
        offset += aligned(gguf_weight_bytes(a->o.type, (size_t)(ne[0] * ne[1])));
    }
    gguf_pad(b, 32);
    for (size_t i = 0; i < 2 * n; i++) {
        uint64_t ne[2];
        char factor = i % 2 ? 'b' : 'a';
        shape_of(a, &list[i / 2], factor, ne);
        uint8_t *bytes = make_factor(a, &list[i / 2], factor);
        gguf_put(b, bytes, gguf_weight_bytes(a->o.type, (size_t)(ne[0] * ne[1])));
        gguf_pad(b, 32);
        free(bytes);
    }
}

void tiny_adapter_make(const tiny_model *m, const tiny_adapter_options *options,
                       tiny_adapter *a) {
    changed list[TINY_MAX_TENSORS];
    memset(a, 0, sizeof *a);
    a->m = m;
    if (options)
        a->o = *options;
    if (a->o.rank == 0)
        a->o.rank = 4;
    size_t n = list_changed(a, list);
    gguf_put_header(&a->file, 3, 2 * n, a->o.alpha != 0 ? 4 : 3);
    gguf_put_string(&a->file, "general.architecture", a->o.arch ? a->o.arch : m->arch);
    gguf_put_string(&a->file, "general.type", "adapter");
    gguf_put_string(&a->file, "adapter.type", "lora");
    if (a->o.alpha != 0)
        gguf_put_f32(&a->file, "adapter.lora.alpha", a->o.alpha);
    put_tensors(a, list, n);
}

const char *tiny_adapter_save(tiny_adapter *a) {
    gguf_remove(a->path);
    a->path = gguf_save(&a->file);
    return a->path;
}

void tiny_adapter_free(tiny_adapter *a) {
    gguf_remove(a->path);
    gguf_free(&a->file);
}

static double *read_factor(const tiny_adapter *a, const changed *c, char factor) {
    uint64_t ne[2];
    shape_of(a, c, factor, ne);
    uint8_t *bytes = make_factor(a, c, factor);
    double *x = calloc((size_t)(ne[0] * ne[1]), sizeof *x);
    if (!x)
        abort();
    gguf_decode(a->o.type, bytes, (size_t)(ne[0] * ne[1]), x);
    free(bytes);
    return x;
}

bool tiny_adapter_add(const tiny_adapter *a, const char *tensor, double scale,
                      double *sum) {
    changed list[TINY_MAX_TENSORS];
    size_t n = list_changed(a, list), at = 0, rank = a->o.rank;
    while (at < n && strcmp(list[at].name, tensor) != 0)
        at++;
    if (at == n)
        return false;
    const changed *c = &list[at];
    double *fa = read_factor(a, c, 'a'), *fb = read_factor(a, c, 'b');
    if (a->o.alpha != 0)
        scale *= (double)a->o.alpha / (double)rank;
    for (size_t r = 0; r < c->rows; r++)
        for (size_t i = 0; i < c->cols; i++)
            for (size_t k = 0; k < rank; k++)
                sum[r * c->cols + i] +=
                    scale * (c->flipped ? fa[r * rank + k] * fb[i * rank + k]
                                        : fb[r * rank + k] * fa[k * c->cols + i]);
    free(fa);
    free(fb);
    return true;
}
