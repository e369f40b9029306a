#include "base/dtype.h"

typedef struct row {
    const char *name;
    size_t size;
    mx_category category;
} row;

static const row rows[MX_DTYPE_COUNT] = {
#define X(name, text, type, cat) {text, sizeof(type), cat},
    MX_DTYPES(X)
#undef X
};

size_t mx_dtype_size(mx_dtype t) {
    return rows[t].size;
}

const char *mx_dtype_name(mx_dtype t) {
    return mx_dtype_valid(t) ? rows[t].name : "invalid";
}

mx_category mx_dtype_category(mx_dtype t) {
    return rows[t].category;
}

mx_dtype mx_dtype_compute(mx_dtype t) {
    return t == MX_FLOAT16 || t == MX_BFLOAT16 ? MX_FLOAT32 : t;
}

bool mx_dtype_is_float(mx_dtype t) {
    return rows[t].category == MX_CAT_FLOAT;
}

bool mx_dtype_is_inexact(mx_dtype t) {
    return rows[t].category >= MX_CAT_FLOAT;
}

bool mx_dtype_is_integer(mx_dtype t) {
    return rows[t].category == MX_CAT_UNSIGNED || rows[t].category == MX_CAT_SIGNED;
}

mx_dtype mx_dtype_to_inexact(mx_dtype t) {
    return mx_dtype_is_inexact(t) ? t : MX_FLOAT32;
}

/* Unsigned u with signed s: the smallest signed type that holds both, and float32 where none
   does. */
static mx_dtype promote_mixed(mx_dtype u, mx_dtype s) {
    if (u == MX_UINT64)
        return MX_FLOAT32;
    if (rows[u].size < rows[s].size)
        return s;
    return u == MX_UINT8 ? MX_INT16 : u == MX_UINT16 ? MX_INT32 : MX_INT64;
}

static mx_dtype promote_floats(mx_dtype a, mx_dtype b) {
    return a == MX_FLOAT64 || b == MX_FLOAT64 ? MX_FLOAT64 : MX_FLOAT32;
}

/* The lattice: bool < integers < floats < complex64. Across categories the higher one wins, so
   that an integer never widens a float; within one the wider type does. */
mx_dtype mx_dtype_promote(mx_dtype a, mx_dtype b) {
    if (a == b)
        return a;
    mx_category ca = rows[a].category, cb = rows[b].category;
    if (ca == MX_CAT_UNSIGNED && cb == MX_CAT_SIGNED)
        return promote_mixed(a, b);
    if (ca == MX_CAT_SIGNED && cb == MX_CAT_UNSIGNED)
        return promote_mixed(b, a);
    if (ca != cb)
        return ca > cb ? a : b;
    return ca == MX_CAT_FLOAT ? promote_floats(a, b) : rows[a].size > rows[b].size ? a : b;
}
