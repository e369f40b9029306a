/* Devices and streams: nil, :cpu, :gpu, or %Mlx.Stream{}. */
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
    void *object;
    term ref;
    *out = (mlx_stream){NULL};
    if (t == mex_atom.nil)
        return true;
    if (t == mex_atom.cpu || t == mex_atom.gpu)
        return device_stream(out, t == mex_atom.gpu);
    if (!enif_is_map(env, t) || !enif_get_map_value(env, t, mex_atom.ref, &ref) ||
        !enif_get_resource(env, ref, mex_stream_type, &object))
        return mex_expected(env, "the stream", "nil, :cpu, :gpu or a stream", t);
    *out = ((mex_stream *)object)->handle;
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
    term keys[] = {mex_atom.struct_, mex_atom.ref};
    term values[] = {mex_atom.stream_module, enif_make_resource(env, object)}, t = 0;
    enif_release_resource(object);
    enif_make_map_from_arrays(env, keys, values, 2, &t);
    return t;
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
    return mlx_set_default_stream(s) ? (mex_fail_mlx(), 0) : mex_atom.ok;
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
                {"set_default_stream", set_default_stream}};
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
