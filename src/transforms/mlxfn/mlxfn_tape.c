/* Writing the tape of a trace: see mlxfn.h. */
#include <string.h>

#include "base/mem.h"
#include "base/vec.h"
#include "transforms/mlxfn/mlxfn.h"

const mx_fn_info mx_fn_infos[MX_FN_OPS] = {
#define OP(Name, text, state, least, most, outputs) {text, state, least, most, outputs},
#include "transforms/mlxfn/mlxfn_ops.def"
};

/* --- numbers ---------------------------------------------------------------------- */

static void put_little(mx_text *t, uint64_t v, int bytes) {
    char b[8];
    for (int i = 0; i < bytes; i++)
        b[i] = (char)(v >> 8 * i & 255);
    mx_text_put(t, b, (size_t)bytes);
}

void mx_fn_put_u64(mx_text *t, uint64_t v) {
    put_little(t, v, 8);
}

static void put_i32(mx_text *t, int64_t v) {
    put_little(t, (uint64_t)v, 4);
}

static void put_u8(mx_text *t, int v) {
    put_little(t, (uint64_t)v, 1);
}

static void put_float(mx_text *t, float v) {
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    put_little(t, bits, 4);
}

static void put_double(mx_text *t, double v) {
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    put_little(t, bits, 8);
}

void mx_fn_put_string(mx_text *t, const char *s) {
    size_t n = strlen(s);
    mx_fn_put_u64(t, n);
    mx_text_put(t, s, n);
}

void mx_fn_put_shape(mx_text *t, const int *shape, int ndim) {
    mx_fn_put_u64(t, (uint64_t)ndim);
    for (int i = 0; i < ndim; i++)
        put_i32(t, shape[i]);
}

void mx_fn_put_dtype(mx_text *t, mx_dtype d) {
    put_i32(t, d);
    put_u8(t, (int)mx_dtype_size(d));
}

static void put_longs(mx_text *t, mx_longs list) {
    mx_fn_put_u64(t, (uint64_t)list.n);
    for (int i = 0; i < list.n; i++)
        mx_fn_put_u64(t, (uint64_t)list.v[i]);
}

static void put_ids(mx_text *t, const uint64_t *id, int n) {
    mx_fn_put_u64(t, (uint64_t)n);
    for (int i = 0; i < n; i++)
        mx_fn_put_u64(t, id[i]);
}

static void put_arg(mx_text *t, char letter, const mx_fn_arg *a) {
    switch (letter) {
    case 'i': put_i32(t, a->i); break;
    case 'b':
    case 'z': put_u8(t, a->i != 0); break;
    case 'q': mx_fn_put_u64(t, (uint64_t)a->i); break;
    case 't': mx_fn_put_dtype(t, (mx_dtype)a->i); break;
    case 'd': put_double(t, a->d); break;
    case 'f': put_float(t, (float)a->d); break;
    case 's': mx_fn_put_string(t, a->s); break;
    case 'I':
    case 'S': mx_fn_put_shape(t, a->ints.v, a->ints.n); break;
    default: put_longs(t, a->longs); // L and Q
    }
}

/* --- entries ---------------------------------------------------------------------- */

static void begin(mx_fn_tape *t, uint64_t id, int operation) {
    t->count++;
    mx_fn_put_u64(&t->bytes, id);
    put_u8(&t->bytes, operation);
}

void mx_fn_tape_input(mx_fn_tape *t, uint64_t id) {
    begin(t, id, 0);
    put_u8(&t->bytes, 0);
}

void mx_fn_tape_const_again(mx_fn_tape *t, uint64_t id) {
    begin(t, id, 0);
    put_u8(&t->bytes, 1);
}

bool mx_fn_tape_const(mx_fn_tape *t, uint64_t id, mx_array *a, mx_array *key) {
    if (!mx_grow(&t->constant, &t->room, t->constants + 1, sizeof *t->constant))
        return false;
    mx_fn_tape_const_again(t, id);
    mx_fn_put_shape(&t->bytes, a->shape, a->ndim);
    mx_fn_put_dtype(&t->bytes, mx_dtype_of(a));
    t->constant[t->constants++] =
        (mx_fn_tape_constant){t->bytes.len, id, mx_array_retain(a), mx_array_retain(key)};
    return true;
}

static void put_outputs(mx_text *t, const mx_fn_out *out, int n) {
    mx_fn_put_u64(t, (uint64_t)n - 1);
    if (n > 1) {
        mx_fn_put_u64(t, (uint64_t)n);
        for (int j = 0; j < n; j++)
            mx_fn_put_u64(t, out[j].id);
        mx_fn_put_u64(t, (uint64_t)n);
    }
    for (int j = 0; j < n; j++)
        mx_fn_put_shape(t, out[j].shape, out[j].ndim);
    if (n > 1)
        mx_fn_put_u64(t, (uint64_t)n);
    for (int j = 0; j < n; j++)
        mx_fn_put_dtype(t, out[j].dtype);
}

uint64_t mx_fn_tape_op(mx_fn_tape *t, mx_fn_op op, const uint64_t *in, int nin,
                       const mx_fn_arg *args, mx_fn_out *out, int nout) {
    for (int j = 0; j < nout; j++)
        if (!out[j].id)
            out[j].id = t->next++;
    begin(t, out[0].id, 1);
    put_ids(&t->bytes, in, nin);
    for (int i = 0; i < 3; i++) // a stream: its number, its device's kind and number
        put_i32(&t->bytes, 0);
    mx_fn_put_string(&t->bytes, mx_fn_infos[op].name);
    for (const char *c = mx_fn_infos[op].state; *c; c++)
        put_arg(&t->bytes, *c, args++);
    put_outputs(&t->bytes, out, nout);
    return out[0].id;
}

void mx_fn_tape_free(mx_fn_tape *t) {
    for (size_t i = 0; i < t->constants; i++) {
        mx_array_release(t->constant[i].a);
        mx_array_release(t->constant[i].key);
    }
    mx_free(t->constant);
    mx_text_free(&t->bytes);
    *t = (mx_fn_tape){0};
}
