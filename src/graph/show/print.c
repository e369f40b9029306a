/* Arrays as text: see print.h. */
#include "graph/show/print.h"

#include <inttypes.h>
#include <math.h>
#include <stdatomic.h>

#include "graph/eval/eval.h"
#include "graph/array/read.h"

enum { EDGE = 3, DEFAULT_DIGITS = 6, INDENT = 6 /* of "array(" */ };

static atomic_int precision = -1;

void mx_print_set_precision(int digits) {
    atomic_store(&precision, digits);
}

int mx_print_precision(void) {
    return atomic_load(&precision);
}

static void print_float(mx_text *t, double v) {
    int digits = mx_print_precision();
    if (isnan(v))
        mx_text_str(t, "nan"); /* whatever its sign bit */
    else if (digits < 0)
        mx_text_num(t, v, DEFAULT_DIGITS);
    else
        mx_text_fixed(t, v, digits);
}

static void print_complex(mx_text *t, const mx_complex64 *z) {
    print_float(t, (double)z->re);
    if (isnan(z->im) || !signbit(z->im))
        mx_text_char(t, '+');
    print_float(t, (double)z->im);
    mx_text_char(t, 'j');
}

static void print_element(mx_text *t, const void *p, mx_dtype d) {
    switch (mx_dtype_category(d)) {
    case MX_CAT_BOOL: mx_text_str(t, *(const uint8_t *)p ? "True" : "False"); break;
    case MX_CAT_UNSIGNED: mx_text_add(t, "%" PRIu64, (uint64_t)mx_read_int64(p, d)); break;
    case MX_CAT_SIGNED: mx_text_add(t, "%" PRId64, mx_read_int64(p, d)); break;
    case MX_CAT_FLOAT: print_float(t, mx_read_double(p, d)); break;
    case MX_CAT_COMPLEX: print_complex(t, p); break;
    }
}

static void print_separator(mx_text *t, int depth, bool innermost) {
    mx_text_str(t, innermost ? ", " : ",\n");
    for (int i = 0; !innermost && i < INDENT + depth + 1; i++)
        mx_text_char(t, ' ');
}

/* Axis `depth` and what is below it; at most MX_MAX_NDIM calls deep. */
static void print_axis(mx_text *t, const mx_array *a, int depth, const char *p) {
    if (depth == a->ndim) {
        print_element(t, p, mx_dtype_of(a));
        return;
    }
    int n = a->shape[depth];
    int64_t step = a->strides[depth] * (int64_t)mx_itemsize(a);
    bool innermost = depth == a->ndim - 1;
    mx_text_char(t, '[');
    for (int i = 0; i < n && !t->failed; i++) {
        if (i)
            print_separator(t, depth, innermost);
        if (n > 2 * EDGE && i == EDGE) {
            mx_text_str(t, "...");
            i = n - EDGE - 1;
        } else {
            print_axis(t, a, depth + 1, p + i * step);
        }
    }
    mx_text_char(t, ']');
}

bool mx_array_print(mx_text *t, mx_array *a) {
    if (!mx_eval1(a))
        return false;
    mx_text_str(t, "array(");
    print_axis(t, a, 0, a->data);
    mx_text_add(t, ", dtype=%s)", mx_dtype_name(mx_dtype_of(a)));
    return !t->failed;
}
