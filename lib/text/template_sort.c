/* Owns sorting, and the way from an item to the key that it is sorted, grouped or
 * mapped by. Invariant: sorting is stable and compares at most n log n times. */
#include <string.h>

#include "text/template_native.h"
#include "text/template_value.h"

/* ---- the way from an item to its key ---- */

static reason_status add_step(rsn_tpl_run *run, rsn_tpl_path *path, const char *s,
                              size_t n) {
    int64_t index = 0;
    bool digits = n > 0 && n < 18;
    for (size_t i = 0; i < n && digits; i++) {
        digits = s[i] >= '0' && s[i] <= '9';
        index = index * 10 + (s[i] - '0');
    }
    rsn_tv *step = &path->parts[path->n++];
    *step = rsn_tv_int(index);
    return digits ? REASON_OK : rsn_tv_share(run, s, n, step);
}

reason_status rsn_tpl_read_steps(rsn_tpl_run *run, const char *s, size_t n,
                                 rsn_tpl_path *path) {
    size_t dots = 1, from = 0;
    for (size_t i = 0; i < n; i++) dots += s[i] == '.';
    path->parts = rsn_tpl_alloc(run, dots, sizeof *path->parts);
    if (!path->parts || rsn_tpl_charge_bytes(run, n)) return run->failed;
    for (size_t i = 0; i <= n; i++) {
        if (i < n && s[i] != '.') continue;
        if (add_step(run, path, s + from, i - from)) return run->failed;
        from = i + 1;
    }
    return REASON_OK;
}

reason_status rsn_tpl_read_path(rsn_tpl_run *run, const rsn_tv *attribute,
                                rsn_tpl_path *path) {
    path->n = 0;
    path->parts = NULL;
    if (!rsn_tv_given(attribute)) return REASON_OK;
    if (attribute->kind == RSN_TV_STR) {
        return rsn_tpl_read_steps(run, attribute->as.s->data, attribute->as.s->n, path);
    }
    path->parts = rsn_tpl_alloc(run, 1, sizeof *path->parts);
    if (!path->parts) return run->failed;
    path->parts[path->n++] = *attribute;
    return REASON_OK;
}

reason_status rsn_tpl_follow(rsn_tpl_run *run, const rsn_tpl_path *path, const rsn_tv *v,
                             rsn_tv *out) {
    *out = *v;
    for (size_t i = 0; i < path->n; i++) {
        rsn_tv object = *out;
        if (rsn_tpl_charge(run, 1) ||
            rsn_tv_subscript(run, &object, &path->parts[i], out)) {
            return run->failed;
        }
        if (out->kind == RSN_TV_UNDEFINED && rsn_tv_given(&path->otherwise)) {
            *out = path->otherwise;
        }
    }
    if (!path->lower || out->kind != RSN_TV_STR) return REASON_OK;
    return rsn_tpl_change_case(run, out->as.s, RSN_CASE_LOWER, out);
}

/* ---- sorting ---- */

static reason_status merge(rsn_tpl_run *run, const rsn_tv *keys, const size_t *from,
                           size_t *to, size_t lo, size_t mid, size_t hi, bool reverse) {
    size_t a = lo, b = mid;
    for (size_t k = lo; k < hi; k++) {
        int order = 0;
        bool take_b = a == mid;
        if (a < mid && b < hi) {
            /* the later one goes first only if it is strictly less (or greater) */
            const rsn_tv *x = &keys[from[reverse ? a : b]],
                         *y = &keys[from[reverse ? b : a]];
            if (rsn_tpl_charge(run, 1) || rsn_tv_order(run, x, y, "<", &order)) {
                return run->failed;
            }
            take_b = order == -1;
        }
        to[k] = take_b ? from[b++] : from[a++];
    }
    return REASON_OK;
}

reason_status rsn_tpl_sort(rsn_tpl_run *run, rsn_tv *items, rsn_tv *keys, size_t n,
                           bool reverse) {
    size_t *from = rsn_tpl_alloc(run, n, sizeof *from),
           *to = rsn_tpl_alloc(run, n, sizeof *to);
    rsn_tv *sorted = rsn_tpl_alloc(run, n, 2 * sizeof *sorted);
    if (run->failed) return run->failed;
    for (size_t i = 0; i < n; i++) from[i] = i;
    for (size_t width = 1; width < n; width *= 2) {
        for (size_t lo = 0; lo < n; lo += 2 * width) {
            size_t mid = lo + width < n ? lo + width : n;
            size_t hi = mid + width < n ? mid + width : n;
            if (merge(run, keys, from, to, lo, mid, hi, reverse)) return run->failed;
        }
        size_t *swap = from;
        from = to;
        to = swap;
    }
    for (size_t i = 0; i < n; i++) {
        sorted[i] = items[from[i]];
        sorted[n + i] = keys[from[i]];
    }
    if (n) {
        memcpy(items, sorted, n * sizeof *items);
        memcpy(keys, sorted + n, n * sizeof *keys);
    }
    return rsn_tpl_charge(run, n);
}
