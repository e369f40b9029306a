/* Functions in files. Tasks of jobs. */
#include "nif.h"

/* --- one trace -------------------------------------------------------------------------------- */

/* {:export, path, closure, arrays, shapeless} */
static term export_function(ErlNifEnv *env, mex_job *job, const term *task) {
    mlx_vector_array inputs = {NULL};
    mlx_closure f;
    bool shapeless;
    (void)env;
    mex_operation("export", 6);
    char *path = mex_text(job->env, task[1]);
    bool fine = path && mex_closure_of(job->env, &f, task[2]) &&
                mex_arrays(job->env, &inputs, task[3]) && mex_bool(job->env, &shapeless, task[4]) &&
                (!mlx_export_function(path, f, inputs, shapeless) || mex_fail_mlx());
    mlx_vector_array_free(inputs);
    if (path)
        enif_free(path);
    job->lasting = fine;
    return fine ? mex_atom.ok : 0;
}

/* --- several ---------------------------------------------------------------------------------- */

/* One call at a time has it. */
typedef struct exporter {
    mlx_function_exporter handle; /* empty: it is closed */
    atomic_bool busy;
} exporter;

/* Nobody has it any more, and nobody has closed it: there is no file, and what was there stays. */
void mex_exporter_free(ErlNifEnv *env, void *object) {
    exporter *e = object;
    (void)env;
    if (e->handle.ctx)
        mlx_function_exporter_abandon(e->handle);
    mlx_function_exporter_free(e->handle);
}

static term exporter_term(ErlNifEnv *env, mlx_function_exporter handle) {
    exporter *e = handle.ctx ? enif_alloc_resource(mex_exporter_type, sizeof *e) : NULL;
    if (!e) {
        if (!handle.ctx)
            return mex_fail_mlx(), 0;
        mlx_function_exporter_free(handle); // nothing was added
        return mex_fail("memory", "no memory for an exporter"), 0;
    }
    e->handle = handle;
    atomic_init(&e->busy, false);
    term t = enif_make_resource(env, e);
    enif_release_resource(e);
    return t;
}

/* {:exporter, path, closure, shapeless}: what the other tasks take */
static term new_exporter(ErlNifEnv *env, mex_job *job, const term *task) {
    mlx_closure f;
    bool shapeless;
    mex_operation("exporter", 8);
    char *path = mex_text(job->env, task[1]);
    bool fine =
        path && mex_closure_of(job->env, &f, task[2]) && mex_bool(job->env, &shapeless, task[3]);
    term t = fine ? exporter_term(env, mlx_function_exporter_new(path, f, shapeless)) : 0;
    if (path)
        enif_free(path);
    return t;
}

/* To be let go of; NULL with a note. */
static exporter *hold(ErlNifEnv *env, term t) {
    void *object;
    exporter *e;
    mex_operation("exporter", 8);
    if (!enif_get_resource(env, t, mex_exporter_type, &object))
        return mex_expected(env, "the argument", "an exporter", t), NULL;
    e = object;
    if (!atomic_exchange(&e->busy, true))
        return e;
    return mex_fail("invalid", "the exporter is in the middle of another call"), NULL;
}

static void let_go(exporter *e) {
    atomic_store(&e->busy, false);
}

/* {:exporter_add, exporter, arrays} */
static term add_trace(ErlNifEnv *env, mex_job *job, const term *task) {
    mlx_vector_array inputs = {NULL};
    exporter *e = hold(job->env, task[1]);
    (void)env;
    if (!e)
        return 0;
    bool fine = (e->handle.ctx || mex_fail("invalid", "the exporter is closed")) &&
                mex_arrays(job->env, &inputs, task[2]) &&
                (!mlx_function_exporter_apply(e->handle, inputs) || mex_fail_mlx());
    mlx_vector_array_free(inputs);
    let_go(e);
    return fine ? mex_atom.ok : 0;
}

/* {:exporter_close, exporter, written}: with its file or without; once more it is nothing */
static term close_exporter(ErlNifEnv *env, mex_job *job, const term *task) {
    bool written;
    exporter *e = mex_bool(job->env, &written, task[2]) ? hold(job->env, task[1]) : NULL;
    (void)env;
    if (!e)
        return 0;
    mlx_function_exporter handle = e->handle;
    e->handle.ctx = NULL;
    bool fine = !handle.ctx || written || !mlx_function_exporter_abandon(handle);
    fine = !mlx_function_exporter_free(handle) && fine;
    let_go(e);
    job->lasting = fine;
    return fine ? mex_atom.ok : (mex_fail_mlx(), 0);
}

/* --- calls ------------------------------------------------------------------------------------ */

void mex_imported_free(ErlNifEnv *env, void *object) {
    (void)env;
    mlx_imported_function_free(((mex_imported *)object)->handle);
}

static term imported_term(ErlNifEnv *env, mlx_imported_function f) {
    mex_imported *object = f.ctx ? enif_alloc_resource(mex_imported_type, sizeof *object) : NULL;
    if (!object) {
        mlx_imported_function_free(f);
        return mex_fail_mlx(), 0;
    }
    object->handle = f;
    term t = enif_make_resource(env, object);
    enif_release_resource(object);
    return t;
}

/* {:import, path}: a function for {:call_imported, function, arrays} */
static term import_function(ErlNifEnv *env, mex_job *job, const term *task) {
    mex_operation("import", 6);
    char *path = mex_text(job->env, task[1]);
    term t = path ? imported_term(env, mlx_imported_function_new(path)) : 0;
    if (path)
        enif_free(path);
    return t;
}

static term call_imported(ErlNifEnv *env, mex_job *job, const term *task) {
    mlx_vector_array inputs = {NULL}, out = mlx_vector_array_new();
    void *object;
    term t = 0;
    mex_operation("import_function", 15);
    if (!enif_get_resource(job->env, task[1], mex_imported_type, &object))
        mex_expected(job->env, "the argument", "an imported function", task[1]);
    else if (mex_arrays(job->env, &inputs, task[2]))
        t = mlx_imported_function_apply(&out, ((mex_imported *)object)->handle, inputs)
                ? (mex_fail_call(), 0)
                : mex_arrays_term(env, out, false);
    mlx_vector_array_free(inputs);
    mlx_vector_array_free(out);
    return t;
}

const mex_task_row mex_export_tasks[] = {
    {"export", 5, export_function},
    {"exporter", 4, new_exporter},
    {"exporter_add", 3, add_trace},
    {"exporter_close", 3, close_exporter},
    {"import", 2, import_function},
    {"call_imported", 3, call_imported},
    {NULL, 0, NULL},
};
