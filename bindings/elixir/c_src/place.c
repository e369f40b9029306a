/* Devices and streams: nil, :cpu, :gpu, or %Mlx.Stream{}; groups of processes: nil or
 * %Mlx.Distributed.Group{}. */
#include "nif.h"

static _Atomic(void *) defaults[2];

void mex_stream_free(ErlNifEnv *env, void *object) {
    (void)env;
    mlx_stream_free(((mex_stream *)object)->handle);
}

/* The default stream of a device, made when it is first asked for and kept. */
static bool device_stream(mlx_stream *out, int gpu) {
    void *expected = NULL;
    out->ctx = atomic_load(&defaults[gpu]);
    if (out->ctx)
        return true;
    mlx_stream made = gpu ? mlx_default_gpu_stream_new() : mlx_default_cpu_stream_new();
    if (!made.ctx)
        return mex_fail_mlx();
    if (!atomic_compare_exchange_strong(&defaults[gpu], &expected, made.ctx)) {
        mlx_stream_free(made);
        made.ctx = expected;
    }
    *out = made;
    return true;
}

bool mex_stream_of(ErlNifEnv *env, mlx_stream *out, term t) {
    *out = (mlx_stream){NULL};
    if (t == mex_atom.nil)
        return true;
    if (t == mex_atom.cpu || t == mex_atom.gpu)
        return device_stream(out, t == mex_atom.gpu);
    const mex_stream *stream = mex_held(env, t, mex_stream_type);
    if (!stream)
        return mex_expected(env, "the stream", "nil, :cpu, :gpu or a stream", t);
    *out = stream->handle;
    return true;
}

/* --- what can be asked and done --------------------------------------------------------------- */

static bool device_of(ErlNifEnv *env, mlx_device *out, term t) {
    if (t != mex_atom.cpu && t != mex_atom.gpu)
        return mex_expected(env, "the device", ":cpu or :gpu", t);
    *out = mlx_device_new_type(t == mex_atom.gpu ? MLX_GPU : MLX_CPU, 0);
    return out->ctx || mex_fail_mlx();
}

static term stream_term(ErlNifEnv *env, mlx_stream s) {
    mex_stream *object = s.ctx ? enif_alloc_resource(mex_stream_type, sizeof *object) : NULL;
    if (!object)
        return mlx_stream_free(s), mex_fail_mlx(), 0;
    object->handle = s;
    return mex_holder_term(env, mex_atom.stream_module, object);
}

static term default_device(ErlNifEnv *env, term unused) {
    mlx_device device = mlx_device_new();
    mlx_device_type type = MLX_CPU;
    (void)env, (void)unused;
    int status = mlx_get_default_device(&device) || mlx_device_get_type(&type, device);
    mlx_device_free(device);
    return status ? (mex_fail_mlx(), 0) : type == MLX_GPU ? mex_atom.gpu : mex_atom.cpu;
}

static term set_default_device(ErlNifEnv *env, term t) {
    mlx_device device;
    if (!device_of(env, &device, t))
        return 0;
    int status = mlx_set_default_device(device);
    mlx_device_free(device);
    return status ? (mex_fail_mlx(), 0) : mex_atom.ok;
}

static term is_available(ErlNifEnv *env, term t) {
    mlx_device device;
    bool yes = false;
    if (!device_of(env, &device, t))
        return 0;
    int status = mlx_device_is_available(&yes, device);
    mlx_device_free(device);
    return status ? (mex_fail_mlx(), 0) : yes ? mex_atom.yes : mex_atom.no;
}

static term new_stream(ErlNifEnv *env, term t) {
    mlx_device device;
    if (!device_of(env, &device, t))
        return 0;
    mlx_stream s = mlx_stream_new_device(device);
    mlx_device_free(device);
    return stream_term(env, s);
}

static term set_default_stream(ErlNifEnv *env, term t) {
    mlx_stream s;
    if (!mex_stream_of(env, &s, t))
        return 0;
    if (!s.ctx)
        return mex_expected(env, "the stream", ":cpu, :gpu or a stream", t), 0;
    return mlx_set_default_stream_for_all(s) ? (mex_fail_mlx(), 0) : mex_atom.ok;
}

static term describe(ErlNifEnv *env, term t) {
    mlx_string s = mlx_string_new();
    mlx_stream stream;
    if (!mex_stream_of(env, &stream, t) || !stream.ctx)
        return mlx_string_free(s), mex_expected(env, "the stream", "a stream", t), 0;
    term result = mlx_stream_tostring(&s, stream)
                      ? (mex_fail_mlx(), 0)
                      : mex_text_term(env, mlx_string_data(s), strlen(mlx_string_data(s)));
    mlx_string_free(s);
    return result;
}

/* --- groups ----------------------------------------------------------------------------------- */

void mex_group_free(ErlNifEnv *env, void *object) {
    (void)env;
    mlx_distributed_group_free(((mex_group *)object)->handle);
}

static term group_term(ErlNifEnv *env, int status, mlx_distributed_group g) {
    mex_group *object = status ? NULL : enif_alloc_resource(mex_group_type, sizeof *object);
    if (!object) {
        mlx_distributed_group_free(g);
        return status ? mex_fail_mlx() : mex_fail("memory", "no memory for a group"), 0;
    }
    object->handle = g;
    return mex_holder_term(env, mex_atom.group_module, object);
}

/* nil is the group of all. */
static bool group_of(ErlNifEnv *env, mlx_distributed_group *out, term t) {
    const mex_group *g = t == mex_atom.nil ? NULL : mex_held(env, t, mex_group_type);
    *out = g ? g->handle : (mlx_distributed_group){NULL};
    return g || t == mex_atom.nil || mex_expected(env, "the group", "nil or a group", t);
}

/* A tuple of n; NULL with a note. */
static const term *members(ErlNifEnv *env, term t, int n) {
    const term *items;
    int arity;
    if (enif_get_tuple(env, t, &arity, &items) && arity == n)
        return items;
    return mex_expected(env, "the argument", "a tuple", t), NULL;
}

/* {strict, backend} */
static term init_group(ErlNifEnv *env, term t) {
    mlx_distributed_group g = mlx_distributed_group_new();
    const term *items = members(env, t, 2);
    bool strict;
    char *backend = items && mex_bool(env, &strict, items[0]) ? mex_text(env, items[1]) : NULL;
    if (!backend)
        return 0;
    int status = mlx_distributed_init(&g, strict, backend);
    enif_free(backend);
    return group_term(env, status, g);
}

/* {group, color, key} */
static term split(ErlNifEnv *env, term t) {
    mlx_distributed_group g, part = mlx_distributed_group_new();
    const term *items = members(env, t, 3);
    int color, key;
    if (!items || !group_of(env, &g, items[0]) || !mex_int(env, &color, items[1]) ||
        !mex_int(env, &key, items[2]))
        return 0;
    return group_term(env, mlx_distributed_group_split(&part, g, color, key), part);
}

static term rank(ErlNifEnv *env, term t) {
    mlx_distributed_group g;
    return group_of(env, &g, t) ? enif_make_int(env, mlx_distributed_group_rank(g)) : 0;
}

static term size(ErlNifEnv *env, term t) {
    mlx_distributed_group g;
    return group_of(env, &g, t) ? enif_make_int(env, mlx_distributed_group_size(g)) : 0;
}

/* --- which ------------------------------------------------------------------------------------ */

/* place(name, argument) */
MEX_NIF(mex_nif_place) {
    static const struct {
        const char *name;
        term (*call)(ErlNifEnv *, term);
    } rows[] = {{"default_device", default_device},
                {"set_default_device", set_default_device},
                {"available", is_available},
                {"new_stream", new_stream},
                {"describe", describe},
                {"set_default_stream", set_default_stream},
                {"init", init_group},
                {"split", split},
                {"rank", rank},
                {"size", size}};
    char name[32] = "";
    if (argc == 2)
        enif_get_atom(env, argv[0], name, sizeof name, ERL_NIF_LATIN1);
    mex_operation(name, (int)strlen(name));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (!strcmp(rows[i].name, name)) {
            term t = rows[i].call(env, argv[1]);
            return t ? t : mex_raise(env);
        }
    return enif_make_badarg(env);
}
