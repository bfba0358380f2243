/* Owns the way from one file to another: what is opened, what each tensor becomes, what
 * the host is told. The work on weights is quantize_tensor.c's, types are targets.c's.
 * Invariant: nothing is under the target's name before all of it was written and
 * compared. */
#include "convert/quantize.h"

#include <math.h>
#include <string.h>

#include "base/log.h"
#include "format/gguf_write.h"
#include "format/source.h"
#include "model/adapter.h"

/* Pairs that the result may have more than the source. */
enum { MORE_PAIRS = 8 };

/* From this relative error on, a ternary tensor is worth a warning. */
#define TERNARY_WARN 1e-3

typedef struct run {
    rsn_quantize *q;
    rsn_gguf g;
    rsn_gguf_files files;
    rsn_blob *parts; /* [g.n_parts], mapped */
    rsn_importance imp;
    rsn_arena arena;
    rsn_adapters adapters;    /* [q->n_adapters] */
    const rsn_lowrank **lows; /* [g.n_tensors], what they add to each */
    rsn_gguf_content to; /* tensor i of it is tensor i of g */
    const char **reasons;
    rsn_gguf_writer writer;
    rsn_requant_room room;
    uint64_t done, total; /* bytes of the source */
    size_t n_lossy;       /* ternary tensors that were none before */
    double worst;
    const char *worst_name;
} run;

static reason_status tell(const run *r, const char *stage, uint64_t done,
                          uint64_t total) {
    const rsn_quantize *q = r->q;
    if (rsn_cancelled(q->cancel) ||
        (q->progress && q->progress(q->progress_user, stage, done, total) != 0))
        return rsn_fail(REASON_ERR_CANCELLED,
                        "cancelled at %s, %llu of %llu bytes; %s is as it was", stage,
                        (unsigned long long)done, (unsigned long long)total, q->out);
    return REASON_OK;
}

/* --- opening ------------------------------------------------------------------------ */

static reason_status check_paths(const run *r) {
    for (size_t i = 0; i < r->g.n_parts; i++)
        if (rsn_same_file(r->g.parts[i].path, r->q->out))
            return rsn_fail(REASON_ERR_INVALID_ARG,
                            "%s is the source itself; give another name", r->q->out);
    if (r->q->imatrix && rsn_same_file(r->q->imatrix, r->q->out))
        return rsn_fail(REASON_ERR_INVALID_ARG,
                        "%s is the importance file; give another name", r->q->out);
    for (size_t i = 0; i < r->q->n_adapters; i++)
        if (rsn_same_file(r->q->adapters[i], r->q->out))
            return rsn_fail(REASON_ERR_INVALID_ARG,
                            "%s is an adapter's file; give another name", r->q->out);
    return REASON_OK;
}

static reason_status open_source(run *r) {
    reason_status status =
        rsn_source_open(r->q->in, r->q->i2_s_b, NULL, NULL, &r->g, &r->files);
    if (status != REASON_OK)
        return status;
    if ((status = check_paths(r)) != REASON_OK)
        return status;
    r->parts = rsn_calloc2(r->g.n_parts, sizeof *r->parts);
    if (!r->parts)
        return REASON_ERR_NO_MEMORY;
    for (size_t i = 0; i < r->g.n_parts && status == REASON_OK; i++) {
        status = rsn_source_load(&r->g, &r->files, i, true, r->q->cancel, &r->parts[i]);
        if (status != REASON_OK && status != REASON_ERR_NO_MEMORY)
            rsn_fail_within(status, r->g.parts[i].path);
    }
    if (status == REASON_OK && r->q->imatrix)
        status = rsn_importance_read(r->q->imatrix, &r->imp);
    return status;
}

/* --- adapters ----------------------------------------------------------------------- */

/* Where one tensor is both, a change of the embedding or of the output alone cannot be in
 * it. */
static reason_status check_tied(const run *r, const rsn_adapter *ad) {
    static const char *const names[] = {"token_embd.weight", "output.weight"};
    for (size_t i = 0; i < 2; i++)
        if (!rsn_gguf_find_tensor(&r->g, "output.weight") &&
            rsn_adapter_find(ad, names[i]))
            return rsn_fail(REASON_ERR_UNSUPPORTED,
                            "%s: it changes %s, which cannot be merged into a model whose "
                            "embedding is the output too",
                            ad->path, names[i]);
    return REASON_OK;
}

static reason_status open_adapters(run *r) {
    const rsn_quantize *q = r->q;
    rsn_adapter **list = rsn_arena_calloc2(&r->arena, q->n_adapters, sizeof *list);
    reason_status status = list ? REASON_OK : REASON_ERR_NO_MEMORY;
    r->adapters = (rsn_adapters){.list = list, .scales = q->adapter_scales};
    while (status == REASON_OK && r->adapters.n < q->n_adapters) {
        size_t i = r->adapters.n;
        status = rsn_adapter_open(q->adapters[i], &r->g, q->cancel, &list[i]);
        r->adapters.n += status == REASON_OK;
        if (status == REASON_OK)
            status = check_tied(r, list[i]);
    }
    return status == REASON_OK ? rsn_adapters_check(&r->adapters, &r->g) : status;
}

static reason_status gather_changes(run *r) {
    size_t n = r->g.n_tensors;
    reason_status status = REASON_OK;
    r->lows = rsn_arena_calloc2(&r->arena, n, sizeof *r->lows);
    if (!r->lows)
        return REASON_ERR_NO_MEMORY;
    for (size_t i = 0; i < n && r->adapters.n > 0 && status == REASON_OK; i++) {
        const rsn_gguf_tensor *t = &r->g.tensors[i];
        rsn_lowrank *low;
        status = rsn_adapters_gather(&r->adapters, t->name.data, 0, (size_t)t->ne[1],
                                     NULL, &r->arena, &low);
        r->lows[i] = low;
    }
    return status;
}

/* --- planning ----------------------------------------------------------------------- */

static rsn_requant requant_of(const run *r, size_t i) {
    const rsn_gguf_tensor *from = &r->g.tensors[i];
    return (rsn_requant){.from = from,
                         .bytes = rsn_tensor_bytes(&r->g, r->parts, from),
                         .low = r->lows[i],
                         .to = r->to.tensors[i].type,
                         .n_matrices = 1,
                         .exact = true};
}

static reason_status find_importance(const run *r, rsn_requant *t) {
    const rsn_gguf_tensor *from = t->from;
    const rsn_importance_entry *e =
        rsn_importance_find(&r->imp, from->name.data, from->name.n);
    if (!e || (t->to == from->type && !t->low))
        return REASON_OK;
    if (e->n != from->ne[0] && e->n != from->ne[0] * from->ne[2])
        return rsn_fail(REASON_ERR_MISMATCH,
                        "%s: entry %s has %zu values, the tensor's rows have %llu",
                        r->q->imatrix, rsn_quote(e->name.data, e->name.n).text, e->n,
                        (unsigned long long)from->ne[0]);
    t->importance = e->mean_square;
    t->n_matrices = e->n / (size_t)from->ne[0];
    return REASON_OK;
}

/* Widths are compared before the first byte is written. */
static reason_status check_importance(const run *r) {
    size_t n_found = 0;
    for (size_t i = 0; i < r->g.n_tensors; i++) {
        rsn_requant t = requant_of(r, i);
        reason_status status = find_importance(r, &t);
        if (status != REASON_OK)
            return status;
        n_found += t.importance != NULL;
    }
    if (r->q->imatrix && n_found == 0)
        rsn_log(REASON_LOG_WARNING, "quantize: %s has nothing about the model's matrices",
                r->q->imatrix);
    return REASON_OK;
}

static reason_status fail_quantized(const rsn_gguf_tensor *t) {
    return rsn_fail(REASON_ERR_INVALID_ARG,
                    "tensor %s is %s, quantized already; errors would add up, which has "
                    "to be allowed (requantize)",
                    rsn_quote(t->name.data, t->name.n).text, t->type->name);
}

static reason_status plan_tensors(run *r) {
    rsn_targets *targets = &r->q->targets;
    size_t n = r->g.n_tensors;
    r->to.tensors = rsn_arena_calloc2(&r->arena, n, sizeof *r->to.tensors);
    r->reasons = rsn_arena_calloc2(&r->arena, n, sizeof *r->reasons);
    if (!r->to.tensors || !r->reasons)
        return REASON_ERR_NO_MEMORY;
    r->to.n_tensors = n;
    targets->has_importance = r->imp.n_entries > 0;
    reason_status status = rsn_targets_look(&r->g, targets);
    for (size_t i = 0; i < n && status == REASON_OK; i++) {
        const rsn_gguf_tensor *from = &r->g.tensors[i];
        rsn_gguf_tensor *to = &r->to.tensors[i];
        *to = *from;
        to->type = rsn_target_of(targets, from, &r->reasons[i]);
        if (to->type->type == RSN_TYPE_I2_S_B) /* which files cannot say */
            to->type = rsn_type_info_get(RSN_TYPE_I2_S);
        /* Layout B of I2_S becomes A without an error. */
        bool same = from->type == to->type || (from->type->type == RSN_TYPE_I2_S_B &&
                                               to->type->type == RSN_TYPE_I2_S);
        if (from->type->expand && (!same || r->lows[i]) && !r->q->requantize)
            status = fail_quantized(from);
        r->total += from->n_bytes;
    }
    for (size_t i = 0; i < targets->n_rules && status == REASON_OK; i++)
        if (targets->rules[i].n_matches == 0)
            rsn_log(REASON_LOG_WARNING, "quantize: rule %s matches no weight matrix",
                    targets->rules[i].text);
    return status;
}

/* Which type a file is of is not known better than before if matrices keep theirs. */
static bool keeps_types(const run *r) {
    return r->q->targets.mix->base == RSN_N_TYPES;
}

static bool is_replaced(const run *r, rsn_text key) {
    static const char *const keys[] = {"general.quantization_version",
                                       "quantize.imatrix.file",
                                       "quantize.imatrix.dataset",
                                       "quantize.imatrix.entries_count",
                                       "quantize.imatrix.chunks_count"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (strcmp(key.data, keys[i]) == 0)
            return true;
    if (strcmp(key.data, "general.file_type") == 0)
        return !keeps_types(r);
    return strncmp(key.data, "split.", 6) == 0; /* all parts become one file */
}

/* The source's pairs in their order, and behind them what is new. */
static reason_status plan_pairs(run *r) {
    size_t n = 0;
    rsn_gguf_pair *pairs =
        rsn_arena_calloc2(&r->arena, r->g.n_pairs + MORE_PAIRS, sizeof *pairs);
    if (!pairs)
        return REASON_ERR_NO_MEMORY;
    for (size_t i = 0; i < r->g.n_pairs; i++)
        if (!is_replaced(r, r->g.pairs[i].key))
            pairs[n++] = r->g.pairs[i];
    if (!keeps_types(r))
        pairs[n++] =
            rsn_gguf_pair_u32("general.file_type", r->q->targets.mix->file_type);
    pairs[n++] = rsn_gguf_pair_u32("general.quantization_version", 2);
    if (r->q->imatrix) {
        pairs[n++] = rsn_gguf_pair_text("quantize.imatrix.file", r->q->imatrix);
        if (r->imp.n_datasets > 0)
            pairs[n++] = rsn_gguf_pair_text("quantize.imatrix.dataset",
                                            r->imp.datasets[0].data);
        pairs[n++] = rsn_gguf_pair_u32("quantize.imatrix.entries_count",
                                       (uint32_t)r->imp.n_entries);
        pairs[n++] =
            rsn_gguf_pair_u32("quantize.imatrix.chunks_count", r->imp.chunk_count);
    }
    r->to.pairs = pairs;
    r->to.n_pairs = n;
    return REASON_OK;
}

/* --- tensors ------------------------------------------------------------------------ */

static reason_status write_rows(void *user, const void *bytes, size_t n,
                                uint64_t n_source) {
    run *r = user;
    reason_status status = rsn_gguf_write_data(&r->writer, bytes, n);
    r->done += n_source;
    return status == REASON_OK ? tell(r, "quantize", r->done, r->total) : status;
}

static double root(double sum, double n) {
    return n > 0 ? sqrt(sum / n) : 0;
}

static reason_status report(run *r, size_t i, const rsn_requant *t,
                            const rsn_errors *e) {
    const rsn_gguf_tensor *from = t->from;
    double n = (double)from->ne[0] * (double)from->ne[1] * (double)from->ne[2] *
               (double)from->ne[3];
    reason_quantize_tensor out = {
        .size = sizeof out,
        .name = from->name.data,
        .n_dims = (int32_t)from->n_dims,
        .from = from->type->name,
        .to = t->to->name,
        .reason = r->reasons[i],
        .rmse = root(e->squares, n - (double)e->n_bad),
        .relative = root(e->squares, e->total),
        .weighted_rmse = t->importance ? root(e->weighted, e->weights) : NAN,
        .max_error = e->largest,
        .n_nan = e->n_bad};
    for (int d = 0; d < RSN_GGUF_MAX_DIMS; d++)
        out.shape[d] = (int64_t)from->ne[d];
    if (!t->exact && out.relative > TERNARY_WARN) {
        r->n_lossy++;
        if (out.relative > r->worst) {
            r->worst = out.relative;
            r->worst_name = out.name;
        }
    }
    if (r->q->report && r->q->report(r->q->report_user, &out) != 0)
        return rsn_fail(REASON_ERR_CANCELLED, "cancelled after tensor %s; %s is as it was",
                        out.name, r->q->out);
    return REASON_OK;
}

static reason_status do_tensor(run *r, size_t i) {
    rsn_requant t = requant_of(r, i);
    rsn_errors errors;
    reason_status status = find_importance(r, &t);
    if (status == REASON_OK)
        status = tell(r, "quantize", r->done, r->total);
    if (status != REASON_OK)
        return status;
    rsn_requant_look(&r->room, &t);
    status = rsn_requant_run(&r->room, &t, write_rows, r, &errors);
    return status == REASON_OK ? report(r, i, &t, &errors) : status;
}

static reason_status tell_verify(void *user, uint64_t done, uint64_t total) {
    return tell(user, "verify", done, total);
}

static reason_status write_all(run *r) {
    reason_status status = rsn_requant_room_make(r->q->pool, r->q->kernels, r->g.tensors,
                                                 r->to.tensors, r->g.n_tensors, &r->room);
    if (status == REASON_OK)
        status = rsn_gguf_write_begin(r->q->out, &r->to, &r->writer);
    for (size_t i = 0; i < r->g.n_tensors && status == REASON_OK; i++)
        status = do_tensor(r, i);
    if (status == REASON_OK)
        status = rsn_gguf_write_commit(&r->writer, tell_verify, r);
    if (status == REASON_OK && r->n_lossy > 0)
        rsn_log(REASON_LOG_WARNING,
                "quantize: %zu tensors were rounded to three values that did not have "
                "three before; the relative error is up to %.1f%% (%s)",
                r->n_lossy, 100 * r->worst, r->worst_name);
    return status;
}

static void clean_up(run *r) {
    rsn_gguf_write_abandon(&r->writer);
    rsn_requant_room_free(&r->room);
    for (size_t i = 0; r->parts && i < r->g.n_parts; i++)
        rsn_blob_free(&r->parts[i]);
    rsn_free(r->parts);
    rsn_importance_free(&r->imp);
    for (size_t i = 0; i < r->adapters.n; i++)
        rsn_adapter_release(r->adapters.list[i]);
    rsn_arena_free(&r->arena);
    rsn_gguf_free(&r->g);
    rsn_gguf_files_close(&r->files);
}

reason_status rsn_quantize_run(rsn_quantize *q) {
    run r = {.q = q, .writer = {.file = {.fd = -1}}};
    reason_status status = tell(&r, "quantize", 0, 0);
    if (status == REASON_OK)
        status = open_source(&r);
    if (status == REASON_OK)
        status = open_adapters(&r);
    if (status == REASON_OK)
        status = gather_changes(&r);
    if (status == REASON_OK)
        status = plan_tensors(&r);
    if (status == REASON_OK)
        status = check_importance(&r);
    if (status == REASON_OK)
        status = plan_pairs(&r);
    if (status == REASON_OK)
        status = write_all(&r);
    clean_up(&r);
    return status;
}
