/* .mlxfn: see fuzz.h. What can be loaded is also called, where its arrays are small. */
#include "fuzz.h"

#include <stdio.h>
#include <unistd.h>

#include "ops/ops.h"
#include "transforms/mlxfn/export.h"
#include "transforms/mlxfn/import_read.h"
#include "own_folder.h"

enum { SMALL = 1 << 12 };

static bool is_small(const mx_fn_out *o) {
    int64_t size;
    return mx_shape_size(o->shape, o->ndim, 8, &size) && size <= SMALL;
}

static bool all_small(const mx_fn_trace *t) {
    bool ok = t->n_entry < 1000;
    for (int i = 0; ok && i < t->n_in; i++)
        ok = is_small(&t->in[i]);
    for (int32_t i = 0; ok && i < t->n_entry; i++)
        for (int j = 0; ok && j < t->entry[i].nout; j++)
            ok = is_small(&t->entry[i].given[j]);
    return ok;
}

static void call(mx_imported *f, const mx_fn_trace *t) {
    mx_array *in[16];
    mx_arrays out = {0};
    int n = t->n_in;
    for (int i = 0; i < n && i < 16; i++)
        in[i] = mx_ones(t->in[i].shape, t->in[i].ndim, t->in[i].dtype);
    if (n <= 16 && mx_imported_call(f, in, n - t->n_keys, t->key, t->n_keys, &out))
        mx_eval(out.item, (int)out.count);
    mx_arrays_free(&out);
    mx_error_clear();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    mx_scope scope = mx_scope_open();
    mx_source s;
    if (fuzz_source(&s, data, size)) {
        mx_fn_file file = {0};
        mx_imported *f = mx_import_source(&s);
        mx_error_clear();
        if (f && mx_fn_read(&s, &file) && !file.shapeless)
            for (int32_t i = 0; i < file.n_trace && i < 4; i++)
                if (all_small(&file.trace[i]))
                    call(f, &file.trace[i]);
        mx_fn_file_free(&file);
        mx_imported_free(f);
        mx_source_close(&s);
    }
    mx_error_clear();
    mx_scope_close(scope);
    return 0;
}

/* --- seeds ------------------------------------------------------------------------- */

static bool pointwise(mx_closure *self, mx_array *const *in, int n, mx_arrays *out) {
    (void)self, (void)n;
    mx_array *x = mx_add(mx_mul(in[0], mx_sin(in[1])), mx_scalar(2, MX_FLOAT32));
    return mx_arrays_add(out, mx_where(mx_greater(x, in[1]), x, mx_sum_axis(x, 0, true)));
}

static bool products(mx_closure *self, mx_array *const *in, int n, mx_arrays *out) {
    mx_array *parts[2];
    (void)self, (void)n;
    mx_array *y = mx_softmax(mx_matmul(in[0], mx_transpose(in[1])), (int[]){-1}, 1, true);
    return mx_split_equal(mx_sort(y, 0), 2, 1, parts) && mx_arrays_add(out, parts[1]) &&
           mx_arrays_add(out, mx_take(y, mx_arange(0, 2, 1, MX_INT32), 0)) &&
           mx_arrays_add(out, in[1]);
}

static bool indices(mx_closure *self, mx_array *const *in, int n, mx_arrays *out) {
    (void)self, (void)n;
    mx_array *rows = mx_arange(0, 2, 1, MX_INT32), *u = mx_ones((int[]){2, 1, 4}, 3, MX_FLOAT32);
    mx_array *y = mx_scatter(MX_SCATTER_SUM, in[0], &rows, u, (int[]){0}, 1);
    mx_array *at = mx_argsort(in[1], 1);
    return mx_arrays_add(out, mx_take_along_axis(y, at, 1)) &&
           mx_arrays_add(out, mx_pad(y, (int[]){0}, 1, (int[]){1}, (int[]){2}, NULL, "constant")) &&
           mx_arrays_add(out, mx_scan(MX_CUMSUM, mx_reshape(y, (int[]){2, -1}, 2), 1, false, true));
}

static void add_function(fuzz_add *add, mx_closure_fn *fn, bool shapeless) {
    char folder[128], path[160], bytes[1 << 14];
    mx_closure k = mx_closure_local(fn, NULL);
    mx_array *in[2] = {mx_ones((int[]){4, 4}, 2, MX_FLOAT32),
                       mx_ones((int[]){4, 4}, 2, MX_FLOAT32)};
    snprintf(path, sizeof path, "%s/seed.mlxfn", own_folder(folder, sizeof folder, "fuzz_mlxfn"));
    mx_exporter *e = mx_exporter_open(path, shapeless, "seed");
    bool ok = e && mx_exporter_add(e, &k, in, 1, (const char *[]){"name"}, 1);
    FILE *f = mx_exporter_close(e) && ok ? fopen(path, "rb") : NULL;
    if (f) {
        add(bytes, fread(bytes, 1, sizeof bytes, f));
        fclose(f);
    }
    unlink(path);
    rmdir(folder);
}

void fuzz_seeds(fuzz_add *add) {
    for (int shapeless = 0; shapeless < 2; shapeless++) {
        add_function(add, pointwise, shapeless);
        add_function(add, products, shapeless);
        add_function(add, indices, shapeless);
    }
}
