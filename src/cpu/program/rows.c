/* Programs of one instruction whose operands lie in rows: along the last axis each is contiguous,
 * or one number for the whole row, as where a column meets a row or a scalar an array. A kernel
 * takes a row where it lies; nothing is copied into registers.
 */
#include "cpu/memory/layout.h"
#include "cpu/program/narrow.h"

enum {
#ifdef MX_TORTURE
    SHORTEST = 3,
    SHORTEST_NUMBER = 2
#else
    SHORTEST = 256, /* elements of a row for which a call is no loss beside registers */
    SHORTEST_NUMBER = 64
#endif
};

typedef struct rows {
    mx_k_pw fn;
    mx_k_with_number *with_number; /* or NULL, and fn is called */
    int number;                    /* the operand that is one */
    cpu_narrow narrow;             /* of the other, where it is one row for all numbers */
    int arity;
    cpu_layout l; /* of the operands */
    char *out, *in[3];
    int64_t out_item, item[3]; /* bytes of an element */
} rows;

static void lay_out(rows *r, const mx_program *p) {
    int64_t strides[3][MX_MAX_NDIM];
    const int64_t *all[3] = {strides[0], strides[1], strides[2]};
    for (int k = 0; k < r->arity; k++)
        cpu_broadcast_strides(p->in[p->instr[0].arg[k]], p->shape, p->ndim, strides[k]);
    cpu_layout_collapse(&r->l, p->shape, p->ndim, r->arity, all);
}

static int64_t along(const rows *r, int k) {
    return r->l.stride[k][r->l.ndim - 1];
}

/* Chooses the kernel, where one fits how the operands lie. */
static bool choose(rows *r, const mx_program *p) {
    const mx_instr *in = &p->instr[0];
    const mx_kernels *kernels = mx_kernels_get();
    int numbers = 0, others = 0;
    for (int k = 0; k < r->arity; k++) {
        numbers += along(r, k) == 0;
        others += along(r, k) == 1;
        r->number = along(r, k) == 0 ? k : r->number;
    }
    if (numbers + others < r->arity || numbers > 1 || (numbers && r->arity != 2))
        return false;
    r->fn = cpu_instr_kernel(kernels, in);
    if (numbers)
        r->with_number = kernels->chain->number[in->op][in->dtype];
    int64_t least = numbers ? SHORTEST_NUMBER : SHORTEST;
    return (!numbers || r->with_number) && r->l.shape[r->l.ndim - 1] >= least;
}

static bool fit(rows *r, const mx_program *p) {
    if (p->n_instr != 1 || p->n_out != 1 || p->out_value[0] != p->n_in)
        return false;
    *r = (rows){.arity = cpu_instr_arity(&p->instr[0])};
    lay_out(r, p);
    return r->l.ndim > 0 && choose(r, p);
}

static void place(rows *r, const mx_program *p) {
    r->out = p->out[0]->data;
    r->out_item = (int64_t)mx_itemsize(p->out[0]);
    for (int k = 0; k < r->arity; k++) {
        const mx_array *a = p->in[p->instr[0].arg[k]];
        r->in[k] = a->data;
        r->item[k] = (int64_t)mx_itemsize(a);
    }
}

/* Of operand k: element `i` of the row. */
static char *at(const rows *r, int k, int64_t row, int64_t i) {
    const cpu_layout *l = &r->l;
    int64_t offset = i * along(r, k);
    for (int axis = l->ndim - 2; axis > 0; axis--) {
        offset += row % l->shape[axis] * l->stride[k][axis];
        row /= l->shape[axis];
    }
    if (l->ndim > 1)
        offset += row * l->stride[k][0];
    return r->in[k] + offset * r->item[k];
}

static bool make_narrow(rows *r, const mx_program *p) {
    int row = !r->number, last = r->l.ndim - 1;
    for (int axis = 0; axis < last; axis++)
        if (r->l.stride[row][axis])
            return true;
    int64_t n = r->l.shape[last];
    return cpu_narrow_open(&r->narrow, &p->instr[0], r->in[row], n, p->size / n);
}

/* n elements of a row from the i-th on. */
static void run_row(const rows *r, char *out, int64_t row, int64_t i, size_t n) {
    char *a = at(r, 0, row, i), *b = r->arity > 1 ? at(r, 1, row, i) : NULL;
    if (r->narrow.narrow)
        cpu_narrow_compare(&r->narrow, out, r->number ? b : a, i, n, !r->number);
    else if (r->with_number)
        r->with_number(out, r->number ? a : b, r->number ? b : a, n, !r->number);
    else if (r->arity == 1)
        r->fn.unary(out, a, n);
    else if (r->arity == 2)
        r->fn.binary(out, a, b, n);
    else
        r->fn.ternary(out, a, b, at(r, 2, row, i), n);
}

static void run_piece(void *ctx, int64_t begin, int64_t end) {
    const rows *r = ctx;
    int64_t length = r->l.shape[r->l.ndim - 1], row = begin / length, i = begin % length;
    while (begin < end) {
        int64_t n = length - i < end - begin ? length - i : end - begin;
        run_row(r, r->out + begin * r->out_item, row, i, (size_t)n);
        begin += n;
        row++;
        i = 0;
    }
}

bool cpu_rows_run(const mx_program *p, bool *fits) {
    rows r;
    if (!(*fits = fit(&r, p)))
        return false;
    place(&r, p);
    if (r.with_number && !make_narrow(&r, p))
        return false;
    bool ok = cpu_outputs_compute(p, p->size, CPU_PROGRAM_GRAIN / 2, run_piece, &r);
    cpu_narrow_close(&r.narrow);
    return ok;
}
