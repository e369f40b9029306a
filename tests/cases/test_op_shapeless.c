/* Every row of the case table compiled shapeless: traced with one size, called with others. The
 * result is that of the function itself, or the call is refused with its reason. With arguments:
 * only the rows of these names. */
#include "op_case_run.h"

#include "transforms/compile.h"

static const int traced[] = {1, 2, 3};
static const int called[] = {0, 1, 2, 3, 7};

/* Rows whose functions read sizes as numbers, which stay those of the trace. */
static const char *const read_sizes[] = {"broadcast_to", "full", "random_bits", "scatter_add_axis",
                                         NULL};

static bool reads_sizes(const op_case *c) {
    for (int i = 0; read_sizes[i]; i++)
        if (strcmp(read_sizes[i], c->name) == 0)
            return true;
    return false;
}

static bool call(mx_closure *self, mx_array *const *in, int n, mx_arrays *out) {
    (void)n;
    return mx_arrays_add(out, ((const op_case *)self->payload)->f(in));
}

static bool call_summed(mx_closure *self, mx_array *const *in, int n, mx_arrays *out) {
    (void)n;
    mx_array *y = ((const op_case *)self->payload)->f(in);
    return mx_arrays_add(out, mx_sum_all(mx_square(y && y->dtype == MX_COMPLEX64 ? mx_abs(y) : y)));
}

/* The gradients of a sum of squares. */
static bool call_gradient(mx_closure *self, mx_array *const *in, int n, mx_arrays *out) {
    const op_case *c = self->payload;
    mx_closure k = mx_closure_local(call_summed, self->payload);
    mx_arrays value = {0};
    int args[CASE_INPUTS], count = 0;
    for (int i = 0; i < n; i++)
        if (differentiable(&c->in[i]))
            args[count++] = i;
    bool ok = mx_value_and_grad(&k, in, n, args, count, &value, out);
    mx_arrays_free(&value);
    return ok;
}

/* NULL: refused, with the error recorded. */
static mx_array *result(mx_closure *f, const op_case *c, mx_array *const *in) {
    mx_arrays out = {0};
    bool ok =
        f->call(f, in, inputs_of(c), &out) && !mx_failed() && mx_eval(out.item, (int)out.count);
    // the others are made the same way
    mx_array *y = ok && out.count ? mx_own(mx_array_retain(out.item[0])) : NULL;
    mx_arrays_free(&out);
    return y;
}

static int right, refused;

static void check_call(const op_case *c, mx_closure *f, mx_closure *plain, int from, int to) {
    mx_array *in[CASE_INPUTS];
    char how[64];
    snprintf(how, sizeof how, "traced with %d, called with %d", from, to);
    make_inputs(c, to, 5, MX_FLOAT32, in);
    mx_array *want = result(plain, c, in);
    mx_error_clear();
    mx_array *y = result(f, c, in);
    if (y && CHECK_MSG(want != NULL, "%s, %s: computed what is refused eagerly", c->name, how)) {
        right++;
        CHECK_MSG(y->dtype == want->dtype, "%s, %s: another dtype", c->name, how);
        same(c, how, y, want, 100 * tolerance(c, MX_FLOAT32));
        return;
    }
    refused++;
    CHECK_MSG(from != to || !want, "%s, %s: %s", c->name, how, mx_error_message());
    CHECK_MSG(y || (mx_failed() && *mx_error_message()), "%s, %s: refused without a reason",
              c->name, how);
    mx_error_clear();
}

static void check_traced(const op_case *c, int from,
                         bool (*f_of)(mx_closure *, mx_array *const *, int, mx_arrays *)) {
    mx_closure plain = mx_closure_local(f_of, (void *)(uintptr_t)c);
    mx_closure *f = mx_compile(&plain, true);
    if (f)
        check_call(c, f, &plain, from, from);
    for (size_t k = 0; f && k < sizeof called / sizeof *called; k++)
        if (!(c->flags & NO_EMPTY) || called[k])
            check_call(c, f, &plain, from, called[k]);
    if (f)
        mx_object_release(&f->object);
}

static bool wanted(const op_case *c, int argc, char **argv) {
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], c->name) == 0)
            return true;
    return argc < 2 && !reads_sizes(c);
}

int main(int argc, char **argv) {
    for (size_t i = 0; i < sizeof families / sizeof *families; i++)
        for (const op_case *c = families[i]; c->name; c++) {
            check_where = c->name;
            for (size_t k = 0; k < sizeof traced / sizeof *traced && wanted(c, argc, argv); k++) {
                mx_scope s = mx_scope_open();
                check_traced(c, traced[k], call);
                if (!(c->flags & NO_GRAD))
                    check_traced(c, traced[k], call_gradient);
                mx_scope_close(s);
            }
        }
    printf("%d results right, %d calls refused\n", right, refused);
    return check_done();
}
