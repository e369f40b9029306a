/* The arguments of a call become values: by position, by keyword, by default. */
#include <limits.h>
#include <stdio.h>

#include "nif.h"

#define BIT(kind) (1u << MLX_VALUE_##kind)

static const char *name_of(const mlx_parameter *p, char *to, size_t size) {
    snprintf(to, size, "the argument %.*s", p->name.length, p->name.start);
    return to;
}

/* Add a text and what stands before it: ", " or, before the last one, " or ". */
static void add(char *to, size_t size, const char *before, const char *text) {
    size_t n = strlen(to);
    snprintf(to + n, size - n, "%s%s", n ? before : "", text);
}

/* What a parameter takes, in Elixir's words. */
static void type_words(const mlx_parameter *p, char *to, size_t size) {
    static const struct {
        unsigned bits, unless;
        const char *words;
    } rows[] = {{BIT(ARRAY), 0, "an array"},
                {BIT(ARRAY) | BIT(FLOAT), 0, "a number"},
                {BIT(INT), BIT(ARRAY) | BIT(FLOAT), "an integer"},
                {BIT(BOOL), 0, "true or false"},
                {BIT(STRING), 0, "a string or an atom"},
                {BIT(DTYPE), 0, "a dtype as :float32 or {:f, 32}"},
                {BIT(INTS), 0, "a list of integers"},
                {BIT(ARRAYS) | BIT(TUPLE), 0, "a list of arrays"},
                {BIT(LIST), 0, "a list"},
                {BIT(GROUP), 0, "a group of processes"},
                {BIT(NONE), 0, "nil"}};
    const char *found[sizeof rows / sizeof *rows];
    int n = 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (p->accepts & rows[i].bits && !(p->accepts & rows[i].unless))
            found[n++] = rows[i].words;
    *to = 0;
    for (int i = 0; i < n; i++)
        add(to, size, i == n - 1 ? " or " : ", ", found[i]);
}

static bool wrong(ErlNifEnv *env, const mlx_parameter *p, term t) {
    char what[80], type[160];
    type_words(p, type, sizeof type);
    return mex_expected(env, name_of(p, what, sizeof what), type, t);
}

static bool named(const mlx_parameter *p, const char *start) {
    return !strncmp(p->name.start, start, strlen(start));
}

/* --- numbers ---------------------------------------------------------------------------------- */

static bool too_large(ErlNifEnv *env, const mlx_parameter *p) {
    (void)env;
    return mex_fail("range", "the argument %.*s is too large", p->name.length, p->name.start);
}

/* Seeds have 64 bits, limits 63, the diagonal k is cut to what any matrix has, all else are sizes
   and axes. */
static bool fits_int(mlx_value *v, const mlx_parameter *p) {
    int64_t i = v->as.integer;
    if (p->accepts & (BIT(FLOAT) | BIT(ARRAY)) || i == (int)i || named(p, "seed:") ||
        named(p, "limit:"))
        return true;
    if (!named(p, "k: int = 0"))
        return false;
    v->as.integer = i < 0 ? INT_MIN + 1 : INT_MAX;
    return true;
}

static bool integer_value(ErlNifEnv *env, mlx_value *v, const mlx_parameter *p, term t) {
    int64_t i;
    uint64_t u;
    if (enif_get_int64(env, t, &i)) {
        *v = (mlx_value){.kind = MLX_VALUE_INT, .as.integer = i};
        if (named(p, "seed:") && i < 0)
            return mex_fail("range", "the argument seed must be from 0, not %lld", (long long)i);
        return fits_int(v, p) || too_large(env, p);
    }
    if (!enif_get_uint64(env, t, &u) || !(p->accepts & BIT(ARRAY) || named(p, "seed:")))
        return too_large(env, p);
    *v = (mlx_value){.kind = p->accepts & BIT(ARRAY) ? MLX_VALUE_UINT : MLX_VALUE_INT,
                     .as.integer = (int64_t)u};
    return true;
}

static bool number_value(ErlNifEnv *env, mlx_value *v, const mlx_parameter *p, term t) {
    unsigned scalar = p->accepts & BIT(ARRAY);
    double x, im;
    bool whole = enif_is_number(env, t) && !enif_get_double(env, t, &x);
    if ((t == mex_atom.yes || t == mex_atom.no) && (scalar || p->accepts & BIT(BOOL))) {
        *v = (mlx_value){.kind = MLX_VALUE_BOOL, .as.boolean = t == mex_atom.yes};
        return true;
    }
    if (whole && (scalar || p->accepts & BIT(INT)))
        return integer_value(env, v, p, t);
    if ((scalar || p->accepts & BIT(FLOAT)) && mex_number(env, &x, t)) {
        *v = (mlx_value){.kind = MLX_VALUE_FLOAT, .as.number = x};
        return true;
    }
    if ((scalar || p->accepts & BIT(COMPLEX)) && mex_complex(env, &x, &im, t)) {
        *v = (mlx_value){.kind = MLX_VALUE_COMPLEX, .as.complex_number = {(float)x, (float)im}};
        return true;
    }
    return wrong(env, p, t);
}

/* --- arrays and texts ------------------------------------------------------------------------- */

static bool array_value(ErlNifEnv *env, mex_frame *f, mlx_value *v, term t) {
    mex_array *a = mex_borrow(env, t);
    if (!a)
        return false;
    f->borrowed[f->borrowed_count++] = a;
    *v = (mlx_value){.kind = MLX_VALUE_ARRAY, .as.array = a->handle};
    return true;
}

static bool string_value(ErlNifEnv *env, mex_frame *f, mlx_value *v, term t) {
    char *text = mex_text(env, t);
    if (!text)
        return false;
    f->strings[f->string_count++] = text;
    *v = (mlx_value){.kind = MLX_VALUE_STRING, .as.string = text};
    return true;
}

/* --- sequences -------------------------------------------------------------------------------- */

static int *room_for_ints(mex_frame *f, mlx_value *v, size_t n) {
    if (n > (size_t)(MEX_INTS - f->used))
        return mlx_value_new_ints(v, n) ? mex_fail_mlx(), NULL : v->as.ints;
    *v = (mlx_value){.kind = MLX_VALUE_INTS, .count = (int)n, .as.ints = f->ints + f->used};
    f->used += (int)n;
    return v->as.ints;
}

static bool is_whole(ErlNifEnv *env, term t) {
    double x;
    return enif_is_number(env, t) && !enif_get_double(env, t, &x);
}

static bool ints_value(ErlNifEnv *env, mex_frame *f, mlx_value *v, const mlx_parameter *p, term t) {
    long n = mex_length(env, t);
    int *ints = room_for_ints(f, v, (size_t)n);
    term item;
    if (!ints)
        return false;
    for (int i = 0, k = 0; mex_next(env, &t, &k, &item); i++)
        if (!enif_get_int(env, item, &ints[i]))
            return is_whole(env, item) ? too_large(env, p) : wrong(env, p, item);
    return true;
}

/* An array, or a number that becomes one. */
static bool append(ErlNifEnv *env, mlx_vector_array v, const mlx_parameter *p, term t) {
    mlx_parameter scalar = *p;
    mlx_value value = {.kind = MLX_VALUE_NONE};
    mex_array *a = mex_is_array(env, t) ? mex_borrow(env, t) : NULL;
    if (a) {
        int status = mlx_vector_array_append_value(v, a->handle);
        mex_give_back(a);
        return status ? mex_fail_mlx() : true;
    }
    if (mex_is_array(env, t))
        return false;
    scalar.accepts = BIT(ARRAY);
    if (!number_value(env, &value, &scalar, t))
        return false;
    bool fine = !mlx_value_to_array(&value) && !mlx_vector_array_append_value(v, value.as.array);
    mlx_value_free(&value);
    return fine || mex_fail_mlx();
}

static bool arrays_value(ErlNifEnv *env, mlx_value *v, const mlx_parameter *p, term t) {
    term item;
    int k = 0;
    *v = (mlx_value){.kind = MLX_VALUE_ARRAYS, .owned = true, .as.arrays = mlx_vector_array_new()};
    if (!v->as.arrays.ctx)
        return *v = (mlx_value){.kind = MLX_VALUE_NONE}, mex_fail_mlx();
    while (mex_next(env, &t, &k, &item))
        if (!append(env, v->as.arrays, p, item))
            return false;
    return true;
}

/* In a list of values: an integer, integers, a float where those are meant, or for a rest parameter
   whatever it takes. */
static bool item_value(ErlNifEnv *env, mex_frame *f, mlx_value *v, const mlx_parameter *p,
                       unsigned accepts, term t) {
    mlx_parameter item = *p;
    item.accepts = accepts;
    mlx_dtype dtype;
    if (accepts & BIT(INTS) && mex_length(env, t) >= 0)
        return ints_value(env, f, v, p, t);
    if (accepts & BIT(ARRAY) && mex_is_array(env, t)) {
        // more than a frame has places for: a reference of its own
        mex_array *a = mex_borrow(env, t);
        mlx_array held = mlx_array_new();
        int status = a ? mlx_array_set(&held, a->handle) : 1;
        if (a)
            mex_give_back(a);
        *v = (mlx_value){.kind = MLX_VALUE_ARRAY, .owned = true, .as.array = held};
        return !status || (a && mex_fail_mlx());
    }
    if (accepts & BIT(DTYPE) && mex_dtype(env, &dtype, t))
        return *v = (mlx_value){.kind = MLX_VALUE_DTYPE, .as.dtype = dtype}, true;
    return number_value(env, v, &item, t);
}

static bool list_value(ErlNifEnv *env, mex_frame *f, mlx_value *v, const mlx_parameter *p,
                       unsigned accepts, term t) {
    term item;
    int k = 0;
    if (mlx_value_new_list(v, (size_t)mex_length(env, t)))
        return mex_fail_mlx();
    for (int i = 0; mex_next(env, &t, &k, &item); i++)
        if (!item_value(env, f, &v->as.items[i], p, accepts, item))
            return false;
    return true;
}

static bool has_floats(const mlx_parameter *p) {
    const char *end = p->type.start + p->type.length;
    for (const char *at = p->type.start; at + 15 <= end; at++)
        if (!strncmp(at, "Sequence[float]", 15))
            return true;
    return false;
}

static bool is_sequence(ErlNifEnv *env, term t) {
    return mex_length(env, t) >= 0;
}

static term first_of(ErlNifEnv *env, term t) {
    term item = mex_atom.nil;
    int k = 0;
    mex_next(env, &t, &k, &item);
    return item;
}

static bool is_short(mex_frame *f, long n) {
    f->too_long |= n > MEX_LONG && !f->patient;
    return !f->too_long;
}

static bool sequence_value(ErlNifEnv *env, mex_frame *f, mlx_value *v, const mlx_parameter *p,
                           term t) {
    long n = mex_length(env, t);
    unsigned floats = has_floats(p) ? BIT(FLOAT) : 0;
    if (!is_short(f, n))
        return false;
    if (p->accepts & BIT(ARRAYS))
        return arrays_value(env, v, p, t);
    bool nested = n && is_sequence(env, first_of(env, t));
    if (p->accepts & BIT(LIST) && n && (!(p->accepts & BIT(INTS)) || nested))
        return list_value(env, f, v, p, BIT(INTS) | BIT(INT) | floats, t);
    return ints_value(env, f, v, p, t);
}

/* *shape takes integers, *arrays arrays, *others what each of them may be: in one list here. */
static bool rest_value(ErlNifEnv *env, mex_frame *f, mlx_value *v, const mlx_parameter *p, term t) {
    long n = mex_length(env, t);
    if (n < 0)
        return wrong(env, p, t);
    if (!is_short(f, n))
        return false;
    if (p->accepts == BIT(ARRAY))
        return arrays_value(env, v, p, t);
    return p->accepts == BIT(INT) ? ints_value(env, f, v, p, t)
                                  : list_value(env, f, v, p, p->accepts, t);
}

/* --- one argument ----------------------------------------------------------------------------- */

static bool is_text(ErlNifEnv *env, term t) {
    return enif_is_binary(env, t) ||
           (enif_is_atom(env, t) && t != mex_atom.yes && t != mex_atom.no && t != mex_atom.nil);
}

static bool stream_value(ErlNifEnv *env, mlx_value *v, term t) {
    *v = (mlx_value){.kind = MLX_VALUE_STREAM};
    return mex_stream_of(env, &v->as.stream, t);
}

static bool group_value(ErlNifEnv *env, mlx_value *v, const mlx_parameter *p, term t) {
    const mex_group *g = t == mex_atom.nil ? NULL : mex_held(env, t, mex_group_type);
    *v = (mlx_value){.kind = MLX_VALUE_GROUP};
    if (g)
        v->as.group = g->handle;
    return g || t == mex_atom.nil || wrong(env, p, t);
}

static bool plain_value(ErlNifEnv *env, mex_frame *f, mlx_value *v, const mlx_parameter *p,
                        term t) {
    double x;
    bool number = p->accepts & (BIT(ARRAY) | BIT(FLOAT)) && mex_number(env, &x, t);
    if (p->accepts & BIT(DTYPE) && (p->accepts & (BIT(ARRAY) | BIT(STRING))) == 0) {
        *v = (mlx_value){.kind = MLX_VALUE_DTYPE};
        mlx_dtype dtype;
        return mex_dtype(env, &dtype, t) ? (v->as.dtype = dtype, true) : wrong(env, p, t);
    }
    if (p->accepts & BIT(STRING) && is_text(env, t) && !number)
        return string_value(env, f, v, t);
    bool pair = p->accepts & BIT(ARRAY) && !(p->accepts & (BIT(INTS) | BIT(LIST) | BIT(ARRAYS)));
    if (is_sequence(env, t) && !pair && p->accepts & (BIT(INTS) | BIT(ARRAYS) | BIT(LIST)))
        return sequence_value(env, f, v, p, t);
    if (p->accepts & BIT(DTYPE) && is_text(env, t) && !number)
        return item_value(env, f, v, p, p->accepts, t);
    return number_value(env, v, p, t);
}

static bool convert(ErlNifEnv *env, mex_frame *f, mlx_value *v, const mlx_parameter *p, term t) {
    *v = (mlx_value){.kind = MLX_VALUE_NONE};
    if (p->place == MLX_PLACE_REST)
        return rest_value(env, f, v, p, t);
    if (p->accepts & BIT(STREAM))
        return stream_value(env, v, t);
    if (p->accepts & BIT(ARRAY) && mex_is_array(env, t))
        return array_value(env, f, v, t);
    if (p->accepts & BIT(GROUP))
        return group_value(env, v, p, t);
    if (t == mex_atom.nil && p->accepts & BIT(NONE))
        return true;
    return plain_value(env, f, v, p, t);
}

/* --- all arguments ---------------------------------------------------------------------------- */

static bool bind_positions(ErlNifEnv *env, mex_frame *f, const mex_row *row, term args) {
    const term *items;
    int n;
    if (!enif_get_tuple(env, args, &n, &items))
        return mex_expected(env, "the arguments", "a tuple", args);
    if (n > row->positional)
        return mex_fail("invalid", "at most %d arguments are taken, and options; %d were given",
                        row->positional, n);
    for (int i = 0; i < n; i++) {
        f->given[i] = true;
        if (!convert(env, f, &f->values[i], &row->signature.parameters[i], items[i]))
            return false;
    }
    return true;
}

static int place_of(const mex_row *row, term name) {
    for (int i = 0; i < row->signature.count; i++)
        if (row->names[i] == name)
            return i;
    return -1;
}

/* {name, value}; NULL with a note */
static const term *pair_of(ErlNifEnv *env, term option) {
    const term *pair;
    int n;
    if (enif_get_tuple(env, option, &n, &pair) && n == 2 && enif_is_atom(env, pair[0]))
        return pair;
    return mex_expected(env, "options", "a keyword list", option), NULL;
}

static bool bind_option(ErlNifEnv *env, mex_frame *f, const mex_row *row, term option) {
    const term *pair = pair_of(env, option);
    char name[64];
    int i = pair ? place_of(row, pair[0]) : -1;
    if (!pair)
        return false;
    mex_atom_text(pair[0], name, sizeof name);
    if (i < 0)
        return mex_fail("invalid", "the option %s does not go with these arguments", name);
    if (f->given[i])
        return mex_fail("invalid", "%s was given twice", name);
    f->given[i] = true;
    return convert(env, f, &f->values[i], &row->signature.parameters[i], pair[1]);
}

static bool bind_options(ErlNifEnv *env, mex_frame *f, const mex_row *row, term options) {
    term option;
    unsigned n;
    if (!enif_get_list_length(env, options, &n) || n > 2 * MLX_PARAMETERS_MAX)
        return mex_expected(env, "options", "a keyword list", options);
    while (enif_get_list_cell(env, options, &option, &options))
        if (!bind_option(env, f, row, option))
            return false;
    return true;
}

/* Is it given by name alone, or as well? */
static bool is_option(const mex_row *row, int i) {
    return row->signature.parameters[i].place == MLX_PLACE_KEYWORD || !(row->required >> i & 1);
}

static bool fill(mex_frame *f, const mex_row *row) {
    const mlx_signature *s = &row->signature;
    for (int i = 0; i < s->count; i++)
        if (!f->given[i] && row->required >> i & 1)
            return mex_fail("invalid", "the %s%.*s is missing",
                            is_option(row, i) ? "option :" : "argument ",
                            s->parameters[i].name.length, s->parameters[i].name.start);
        else if (!f->given[i] && s->parameters[i].place != MLX_PLACE_REST)
            f->values[i] = s->parameters[i].value;
    return true;
}

/* --- options that there are not --------------------------------------------------------------- */

/* The options of a row that are not in the text yet. */
static void add_options(const mex_row *row, char *text, size_t size) {
    for (int i = 0; i < row->signature.count; i++) {
        mlx_text name = row->signature.parameters[i].name;
        char option[64], *at;
        snprintf(option, sizeof option, ":%.*s", name.length, name.start);
        size_t n = strlen(option);
        bool there = false;
        for (at = text; !there && (at = strstr(at, option)); at++)
            there = at[n] == ',' || !at[n];
        if (is_option(row, i) && !there)
            add(text, size, ", ", option);
    }
}

static bool no_option(const mex_row *rows, int first, term name) {
    char text[64], options[512] = "";
    mex_atom_text(name, text, sizeof text);
    for (int i = first; i >= 0; i = rows[i].next)
        add_options(&rows[i], options, sizeof options);
    if (!*options)
        return mex_fail("invalid", "there is no option %s, nor any other", text);
    return mex_fail("invalid", "there is no option %s; there are %s", text, options);
}

bool mex_options_known(ErlNifEnv *env, const mex_row *rows, int first, term options) {
    term option;
    while (enif_get_list_cell(env, options, &option, &options)) {
        const term *pair = pair_of(env, option);
        bool known = false;
        for (int i = first; pair && !known && i >= 0; i = rows[i].next)
            known = place_of(&rows[i], pair[0]) >= 0;
        if (!known)
            return pair ? no_option(rows, first, pair[0]) : false;
    }
    return true;
}

/* --- all -------------------------------------------------------------------------------------- */

bool mex_bind(ErlNifEnv *env, mex_frame *f, const mex_row *row, term args, term options) {
    bool patient = f->patient;
    memset(f, 0, offsetof(mex_frame, ints));
    f->patient = patient;
    mex_operation(row->signature.name.start, row->signature.name.length);
    return bind_positions(env, f, row, args) && bind_options(env, f, row, options) && fill(f, row);
}

void mex_frame_free(mex_frame *f) {
    for (int i = 0; i < MLX_PARAMETERS_MAX; i++)
        mlx_value_free(&f->values[i]);
    while (f->borrowed_count)
        mex_give_back(f->borrowed[--f->borrowed_count]);
    while (f->string_count)
        enif_free(f->strings[--f->string_count]);
}
