/* What can take the VM down: addresses, and code of others. Tasks of jobs. */
#include <dlfcn.h>

#include "nif.h"

/* --- memory ----------------------------------------------------------------------------------- */

/* NULL with a note. */
static void *address_of(ErlNifEnv *env, term t) {
    uint64_t address = 0;
    if (!enif_get_uint64(env, t, &address) || !address)
        return mex_expected(env, "the address", "a positive integer", t), NULL;
    return (void *)(uintptr_t)address;
}

static bool in_row_order(mlx_array a) {
    const int *shape = mlx_array_shape(a);
    const size_t *strides = mlx_array_strides(a);
    size_t step = 1;
    for (size_t i = mlx_array_ndim(a); i-- > 0; step *= (size_t)shape[i])
        if (shape[i] != 1 && strides[i] != step)
            return false;
    return true;
}

/* {:pointer, array}: {address, bytes} of an array that was evaluated and lies in row order */
static term pointer(ErlNifEnv *env, mex_job *job, const term *task) {
    mex_array *a = mex_borrow(job->env, task[1]);
    if (!a)
        return 0;
    const void *data = mlx_array_data_uint8(a->handle);
    uint64_t bytes = mlx_array_nbytes(a->handle);
    bool fine = !bytes || (data && in_row_order(a->handle));
    mex_give_back(a);
    if (!fine)
        return mex_fail("invalid", "the elements are not in row order: see Mlx.contiguous"), 0;
    return enif_make_tuple2(env, enif_make_uint64(env, (uint64_t)(uintptr_t)data),
                            enif_make_uint64(env, bytes));
}

/* The sizes of a list, which the caller frees (enif_free); NULL with a note. */
static int *sizes_of(ErlNifEnv *env, int *n, term list) {
    long length = mex_length(env, list);
    int *sizes = length < 0 ? NULL : enif_alloc(((size_t)length + 1) * sizeof *sizes);
    if (!sizes)
        return mex_expected(env, "the shape", "a list or tuple of integers", list), NULL;
    if (mex_ints(env, sizes, (int)length, n, list))
        return sizes;
    enif_free(sizes);
    return NULL;
}

/* {:from_pointer, address, shape, dtype}: an array in memory of somebody else's */
static term from_pointer(ErlNifEnv *env, mex_job *job, const term *task) {
    mlx_dtype dtype;
    void *data = address_of(job->env, task[1]);
    int n, *shape = data && mex_dtype(job->env, &dtype, task[3]) ? sizes_of(job->env, &n, task[2])
                                                                 : NULL;
    if (!shape)
        return 0;
    mlx_array a = mlx_array_new_data_managed(data, shape, n, dtype, NULL);
    enif_free(shape);
    return a.ctx ? mex_array_term(env, a) : (mex_fail_mlx(), 0);
}

/* {:read, address, bytes} */
static term read_memory(ErlNifEnv *env, mex_job *job, const term *task) {
    uint64_t n;
    void *data = address_of(job->env, task[1]);
    if (!data)
        return 0;
    if (!enif_get_uint64(job->env, task[2], &n))
        return mex_expected(job->env, "the size", "a number of bytes", task[2]), 0;
    return mex_text_term(env, data, n);
}

/* {:write, address, binary} */
static term write_memory(ErlNifEnv *env, mex_job *job, const term *task) {
    ErlNifBinary bin;
    void *data = address_of(job->env, task[1]);
    (void)env;
    if (!data)
        return 0;
    if (!enif_inspect_binary(job->env, task[2], &bin))
        return mex_expected(job->env, "the bytes", "a binary", task[2]), 0;
    if (bin.size)
        memcpy(data, bin.data, bin.size);
    return mex_atom.ok;
}

/* --- plug-ins --------------------------------------------------------------------------------- */

/* A public function of libmlxc, which is not in the program's own scope. */
static void *symbol(const char *name) {
    Dl_info info;
    void *library = dladdr((void *)(uintptr_t)mlx_array_new, &info)
                        ? dlopen(info.dli_fname, RTLD_LAZY | RTLD_NOLOAD)
                        : NULL;
    return library && !strncmp(name, "mlx_", 4) ? dlsym(library, name) : NULL;
}

static bool enter(const char *path, void *library) {
    static const mlx_plugin_host host = {sizeof host, mlx_format_register, mlx_storage_register,
                                         mlx_operation_register, symbol};
    const mlx_plugin *(*entry)(void);
    *(void **)&entry = dlsym(library, "mlx_plugin_entry");
    const mlx_plugin *plugin = entry ? entry() : NULL;
    if (!plugin)
        return mex_fail("format", "%s has no mlx_plugin_entry", path);
    if (plugin->abi != MLX_PLUGIN_ABI)
        return mex_fail("unsupported", "%s is of ABI %d, not %d", path, plugin->abi,
                        MLX_PLUGIN_ABI);
    return !plugin->init(&host) || mex_fail_mlx();
}

/* {:plugin_load, path}: what the library registers stays, and so does it */
static term plugin_load(ErlNifEnv *env, mex_job *job, const term *task) {
    char *path = mex_text(job->env, task[1]);
    void *library = path ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
    (void)env;
    bool fine = library ? enter(path, library)
                        : path && mex_fail("io", "%s cannot be loaded: %s", path, dlerror());
    enif_free(path);
    return fine ? mex_atom.ok : 0;
}

/* {:plugin_call, name, arguments, options} */
static term plugin_call(ErlNifEnv *env, mex_job *job, const term *task) {
    char *name = mex_text(job->env, task[1]);
    const mlx_operation *op = name ? mlx_plugin_operation_find(name) : NULL;
    if (name && !op)
        mex_fail("range", "no plug-in has an operation %s", name);
    enif_free(name);
    // terms are read from the job's environment, and results belong to the message
    term t = op ? mex_call_operation(job->env, op, task[2], task[3]) : 0;
    return t ? enif_make_copy(env, t) : 0;
}

const mex_task_row mex_unsafe_tasks[] = {
    {"pointer", 2, pointer},
    {"from_pointer", 4, from_pointer},
    {"read", 3, read_memory},
    {"write", 3, write_memory},
    {"plugin_load", 2, plugin_load},
    {"plugin_call", 4, plugin_call},
    {NULL, 0, NULL},
};
