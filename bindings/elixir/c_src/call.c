/* Any operation of the catalog, called by its row. */
#include <math.h>

#include "nif.h"

static mex_row *rows;
static int row_count;

/* --- the rows --------------------------------------------------------------------------------- */

static void set_names(ErlNifEnv *env, mex_row *row) {
    const mlx_signature *s = &row->signature;
    for (int i = 0; i < s->count; i++) {
        const mlx_parameter *p = &s->parameters[i];
        row->names[i] = enif_make_atom_len(env, p->name.start, (size_t)p->name.length);
        if (p->place != MLX_PLACE_KEYWORD)
            row->positional = i + 1;
        if (p->place == MLX_PLACE_REST || !p->fallback.length)
            row->required |= 1u << i;
    }
}

static bool is_called(const mex_row *row, const char *name) {
    mlx_text own = row->signature.name;
    return own.length == (int)strlen(name) && !memcmp(own.start, name, strlen(name));
}

static bool is_named(const mex_row *row, const char *name) {
    return is_called(row, name) && !strcmp(row->op->module, "mlx.core");
}

static bool fills(const mex_row *row) {
    static const char *const names[] = {"astype", "full",           "full_like", "linspace",
                                        "pad",    "put_along_axis", "randint"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (is_called(row, names[i]))
            return true;
    return false;
}

static bool same_name(const mex_row *a, const mex_row *b) {
    mlx_text x = a->signature.name, y = b->signature.name;
    return !strcmp(a->op->module, b->op->module) && x.length == y.length &&
           !memcmp(x.start, y.start, (size_t)x.length);
}

static void link_row(int i) {
    rows[i].next = -1;
    for (int k = i - 1; k >= 0; k--)
        if (same_name(&rows[k], &rows[i])) {
            rows[k].next = i;
            return;
        }
}

bool mex_rows_load(ErlNifEnv *env) {
    row_count = (int)mlx_catalog_size();
    rows = enif_alloc((size_t)row_count * sizeof *rows);
    if (!rows)
        return false;
    memset(rows, 0, (size_t)row_count * sizeof *rows);
    for (int i = 0; i < row_count; i++) {
        rows[i].op = mlx_catalog_get((size_t)i);
        if (mlx_signature_parse(&rows[i].signature, rows[i].op->signature))
            return false;
        set_names(env, &rows[i]);
        rows[i].splits = is_named(&rows[i], "split") || is_named(&rows[i], "unstack");
        rows[i].fills = fills(&rows[i]);
        link_row(i);
    }
    return true;
}

/* --- results ---------------------------------------------------------------------------------- */

static term value_term(ErlNifEnv *env, mlx_value *v);

static term ints_term(ErlNifEnv *env, const mlx_value *v) {
    term list = enif_make_list(env, 0);
    for (int i = v->count; i-- > 0;)
        list = enif_make_list_cell(env, enif_make_int(env, v->as.ints[i]), list);
    return list;
}

/* Items among results: a list. */
static term inner_list_term(ErlNifEnv *env, mlx_value *v) {
    term list = enif_make_list(env, 0);
    for (int i = v->count; i-- > 0;) {
        term item = value_term(env, &v->as.items[i]);
        if (!item)
            return 0;
        list = enif_make_list_cell(env, item, list);
    }
    return list;
}

/* Several results: a tuple; a list in it is a list. */
static term list_term(ErlNifEnv *env, mlx_value *v) {
    term items[MLX_PARAMETERS_MAX];
    if (v->count > MLX_PARAMETERS_MAX)
        return inner_list_term(env, v);
    for (int i = 0; i < v->count; i++) {
        mlx_value *item = &v->as.items[i];
        items[i] =
            item->kind == MLX_VALUE_LIST ? inner_list_term(env, item) : value_term(env, item);
        if (!items[i])
            return 0;
    }
    return enif_make_tuple_from_array(env, items, (unsigned)v->count);
}

static term array_term(ErlNifEnv *env, mlx_value *v) {
    mlx_array a = v->as.array;
    if (!v->owned) {
        a = mlx_array_new();
        if (mlx_array_set(&a, v->as.array))
            return mex_fail_mlx(), 0;
    }
    v->kind = MLX_VALUE_NONE;
    return mex_array_term(env, a);
}

static term value_term(ErlNifEnv *env, mlx_value *v) {
    switch (v->kind) {
    case MLX_VALUE_ARRAY: return array_term(env, v);
    case MLX_VALUE_BOOL: return v->as.boolean ? mex_atom.yes : mex_atom.no;
    case MLX_VALUE_INT: return enif_make_int64(env, v->as.integer);
    case MLX_VALUE_FLOAT: return mex_double_term(env, v->as.number);
    case MLX_VALUE_STRING: return mex_text_term(env, v->as.string, strlen(v->as.string));
    case MLX_VALUE_DTYPE: return mex_dtype_term(v->as.dtype);
    case MLX_VALUE_INTS: return ints_term(env, v);
    case MLX_VALUE_LIST: return list_term(env, v);
    case MLX_VALUE_ARRAYS: return mex_arrays_term(env, v->as.arrays, false);
    case MLX_VALUE_TUPLE: return mex_arrays_term(env, v->as.arrays, true);
    default: return mex_atom.nil;
    }
}

/* --- calls ------------------------------------------------------------------------------------ */

/* The first of the numbers that is none of integers'; 0: there is none. */
static double odd_one(const mex_row *row, const mex_frame *frame) {
    for (int i = 0; row->fills && i < row->signature.count; i++)
        if (frame->values[i].kind == MLX_VALUE_FLOAT && !isfinite(frame->values[i].as.number))
            return frame->values[i].as.number;
    return 0;
}

/* Does the result have the numbers that it was to be filled with? */
static bool is_filled(const mlx_value *result, double odd) {
    mlx_dtype t = result->kind == MLX_VALUE_ARRAY ? mlx_array_dtype(result->as.array) : MLX_FLOAT32;
    return odd == 0 || t >= MLX_FLOAT16 ||
           mex_fail("invalid", "%g is no %s", odd, mex_dtype_name(t));
}

static term run(ErlNifEnv *env, const mex_row *row, mex_frame *frame) {
    mlx_value result = {.kind = MLX_VALUE_NONE};
    double odd = odd_one(row, frame);
    term t = 0;
    if (mlx_operation_call(&result, row->op, frame->values)) {
        // what fails in an evaluation may be an operation of a graph that was given
        row->op->evaluates ? mex_fail_mlx() : mex_fail_call();
    } else {
        // an adapter's array is the caller's, whatever the value says
        if (result.kind == MLX_VALUE_ARRAY)
            result.owned = true;
        t = is_filled(&result, odd) ? value_term(env, &result) : 0;
    }
    mlx_value_free(&result);
    return t;
}

static bool has_all(ErlNifEnv *env, const mex_row *row, term options) {
    mex_row alone = *row;
    alone.next = -1;
    return mex_options_known(env, &alone, 0, options);
}

/* Note why no row of the chain took the arguments: what the first says that has all options. */
static void explain(ErlNifEnv *env, mex_frame *frame, int first, term args, term options) {
    int i = first;
    if (!mex_options_known(env, rows, first, options))
        return;
    while (i >= 0 && !has_all(env, &rows[i], options))
        i = rows[i].next;
    mex_bind(env, frame, &rows[i >= 0 ? i : first], args, options);
    mex_frame_free(frame);
}

/* The first row of the chain that takes the arguments, bound; NULL with a note. */
static const mex_row *bind(ErlNifEnv *env, mex_frame *frame, int first, term args, term options) {
    for (int i = first; i >= 0; i = rows[i].next) {
        if (mex_bind(env, frame, &rows[i], args, options))
            return &rows[i];
        mex_frame_free(frame);
        if (frame->too_long)
            return NULL;
    }
    explain(env, frame, first, args, options);
    return NULL;
}

static long longest_axis(mlx_array a) {
    long n = 1;
    for (size_t axis = 0; axis < mlx_array_ndim(a); axis++)
        n = mlx_array_dim(a, (int)axis) > n ? mlx_array_dim(a, (int)axis) : n;
    return n;
}

/* Has the call more arrays to give than a scheduler has time for? */
static bool gives_many(const mex_row *row, const mex_frame *frame) {
    const mlx_value *a = &frame->values[0], *sections = &frame->values[1];
    if (!row->splits || a->kind != MLX_VALUE_ARRAY || longest_axis(a->as.array) <= MEX_LONG)
        return false;
    return is_named(row, "unstack") || sections->kind != MLX_VALUE_INT ||
           sections->as.integer > MEX_LONG;
}

term mex_call(ErlNifEnv *env, int i, term args, term options, mex_patience patience,
              bool *too_long) {
    mex_frame frame = {.patient = patience != MEX_SCHEDULER};
    if (i < 0 || i >= row_count)
        return mex_fail("range", "there is no operation %d", i), 0;
    const mex_row *row = bind(env, &frame, i, args, options);
    *too_long = frame.too_long;
    if (!row)
        return 0;
    if (patience == MEX_SCHEDULER && gives_many(row, &frame)) {
        mex_frame_free(&frame);
        *too_long = true;
        return 0;
    }
    bool wait = row->op->evaluates && patience != MEX_JOB;
    term t = wait ? mex_atom.evaluates : run(env, row, &frame);
    mex_frame_free(&frame);
    return t;
}

term mex_call_operation(ErlNifEnv *env, const mlx_operation *op, term args, term options) {
    mex_frame frame = {.patient = true};
    mex_row row = {.op = op, .next = -1};
    if (mlx_signature_parse(&row.signature, op->signature))
        return mex_fail_mlx(), 0;
    set_names(env, &row);
    bool bound =
        mex_options_known(env, &row, 0, options) && mex_bind(env, &frame, &row, args, options);
    term t = bound ? run(env, &row, &frame) : 0;
    mex_frame_free(&frame);
    return t;
}

static term call(ErlNifEnv *env, int argc, const term argv[], mex_patience patience,
                 bool *too_long) {
    int i;
    if (argc != 3 || !enif_get_int(env, argv[0], &i))
        return enif_make_badarg(env);
    term t = mex_call(env, i, argv[1], argv[2], patience, too_long);
    return t || *too_long ? t : mex_raise(env);
}

static MEX_NIF(call_dirty) {
    bool too_long = false;
    return call(env, argc, argv, MEX_DIRTY, &too_long);
}

/* call(row, {argument, ...}, [name: value, ...]): what the operation gives, or :evaluates where it
   would wait for a computation, which is a job's to do. */
MEX_NIF(mex_nif_call) {
    bool too_long = false;
    term t = call(env, argc, argv, MEX_SCHEDULER, &too_long);
    return too_long
               ? enif_schedule_nif(env, "call", ERL_NIF_DIRTY_JOB_CPU_BOUND, call_dirty, argc, argv)
               : t;
}

/* --- the catalog as Elixir reads it ----------------------------------------------------------- */

static term text_term(ErlNifEnv *env, mlx_text t) {
    return mex_text_term(env, t.start, (size_t)t.length);
}

/* {name, type, fallback or nil, place} */
static term parameter_term(ErlNifEnv *env, const mlx_parameter *p) {
    static const char *const places[] = {"position", "either", "keyword", "rest"};
    return enif_make_tuple4(env, enif_make_atom_len(env, p->name.start, (size_t)p->name.length),
                            text_term(env, p->type),
                            p->fallback.length ? text_term(env, p->fallback) : mex_atom.nil,
                            enif_make_atom(env, places[p->place < 4 ? p->place : 0]));
}

static term manual_term(ErlNifEnv *env, const mlx_operation *op) {
    mlx_string manual = mlx_string_new();
    const char *text = mlx_operation_manual(&manual, op) == 0 ? mlx_string_data(manual) : "";
    term t = mex_text_term(env, text, strlen(text));
    mlx_string_free(manual);
    return t;
}

/* {row, module, name, signature, doc or nil, result, evaluates, [parameter], manual} */
static term row_term(ErlNifEnv *env, int i) {
    const mex_row *row = &rows[i];
    const mlx_signature *s = &row->signature;
    const char *doc = row->op->doc;
    term parameters[MLX_PARAMETERS_MAX];
    for (int k = 0; k < s->count; k++)
        parameters[k] = parameter_term(env, &s->parameters[k]);
    return enif_make_tuple9(
        env, enif_make_int(env, i), mex_text_term(env, row->op->module, strlen(row->op->module)),
        enif_make_atom_len(env, s->name.start, (size_t)s->name.length),
        mex_text_term(env, row->op->signature, strlen(row->op->signature)),
        doc ? mex_text_term(env, doc, strlen(doc)) : mex_atom.nil, text_term(env, s->result),
        row->op->evaluates ? mex_atom.yes : mex_atom.no,
        enif_make_list_from_array(env, parameters, (unsigned)s->count), manual_term(env, row->op));
}

/* {module, name, of, its module} */
static term alias_term(ErlNifEnv *env, const mlx_operation_alias *a) {
    const char *from = a->from ? a->from : a->module;
    return enif_make_tuple4(env, mex_text_term(env, a->module, strlen(a->module)),
                            enif_make_atom(env, a->name), enif_make_atom(env, a->of),
                            mex_text_term(env, from, strlen(from)));
}

MEX_NIF(mex_nif_catalog) {
    term list = enif_make_list(env, 0), aliases = enif_make_list(env, 0);
    const mlx_operation_alias *alias;
    (void)argc, (void)argv;
    for (int i = row_count; i-- > 0;)
        list = enif_make_list_cell(env, row_term(env, i), list);
    for (size_t i = 0; (alias = mlx_catalog_alias(i)); i++)
        aliases = enif_make_list_cell(env, alias_term(env, alias), aliases);
    return enif_make_tuple2(env, list, aliases);
}
