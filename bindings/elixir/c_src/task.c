/* What a job does: {name, argument, ...}. */
#include "nif.h"

/* --- evaluation ------------------------------------------------------------------------------- */

/* Elixir's collector does not see what arrays hold. When evaluations have left that much more than
   after the last collection, the process is told to collect. */
enum { ROOM = 256 * 1024 * 1024 };
static atomic_size_t pressed_at = ROOM;

static bool is_pressed(void) {
    size_t active = 0;
    return !mlx_get_active_memory(&active) && active > atomic_load(&pressed_at);
}

/* relieved(): garbage was collected; the bytes that arrays hold now */
MEX_NIF(mex_nif_relieved) {
    size_t active = 0;
    (void)argc, (void)argv;
    mex_reap_settle();
    mlx_get_active_memory(&active);
    atomic_store(&pressed_at, active + active / 2 + ROOM);
    return enif_make_uint64(env, active);
}

static term evaluated(void) {
    return is_pressed() ? mex_atom.pressure : mex_atom.ok;
}

static term eval(ErlNifEnv *env, mex_job *job, const term *task) {
    mlx_vector_array v;
    (void)env;
    mex_operation("eval", 4);
    bool fine = mex_arrays(job->env, &v, task[1]) && (!mlx_eval(v) || mex_fail_mlx());
    mlx_vector_array_free(v);
    return fine ? evaluated() : 0;
}

/* What a scheduler computes itself: fewer operations on elements than a thread's waking takes, or
   not many more. */
enum { SMALL_WORK = 30 * 1000, SMALL_LIST = 256 };

/* eval_small(arrays): :ok or :pressure, or :later where it is a job's to do */
MEX_NIF(mex_nif_eval_small) {
    mlx_vector_array v;
    bool done = false;
    long n = argc == 1 ? mex_length(env, argv[0]) : -1;
    if (n < 0 || n > SMALL_LIST)
        return mex_atom.later;
    mex_operation("eval", 4);
    bool fine =
        mex_arrays(env, &v, argv[0]) && (!mlx_eval_small(&done, v, SMALL_WORK) || mex_fail_mlx());
    mlx_vector_array_free(v);
    return !fine ? mex_raise(env) : done ? evaluated() : mex_atom.later;
}

/* {:call, row, arguments, options}: an operation that evaluates */
static term call(ErlNifEnv *env, mex_job *job, const term *task) {
    bool too_long;
    int row;
    if (!mex_int(job->env, &row, task[1]))
        return 0;
    // terms are read from the job's environment, and results belong to the message
    term t = mex_call(job->env, row, task[2], task[3], MEX_JOB, &too_long);
    return t ? enif_make_copy(env, t) : 0;
}

/* {:part, name, arguments} */
static term part(ErlNifEnv *env, mex_job *job, const term *task) {
    return mex_part(env, job->env, task[1], task[2]);
}

/* {:text, array} */
static term text(ErlNifEnv *env, mex_job *job, const term *task) {
    mlx_string s = mlx_string_new();
    mex_array *a = mex_borrow(job->env, task[1]);
    term t = 0;
    if (!a)
        return 0;
    if (mlx_array_tostring(&s, a->handle))
        mex_fail_mlx();
    else
        t = mex_text_term(env, mlx_string_data(s), strlen(mlx_string_data(s)));
    mlx_string_free(s);
    mex_give_back(a);
    return t;
}

/* --- transforms ------------------------------------------------------------------------------- */

/* Two vectors as a tuple of lists, or one as a list; both are freed. */
static term results(ErlNifEnv *env, int status, mlx_vector_array a, mlx_vector_array *b) {
    term x = status ? (mex_fail_mlx(), 0) : mex_arrays_term(env, a, false), y = 0;
    if (x && b)
        y = mex_arrays_term(env, *b, false);
    mlx_vector_array_free(a);
    if (b)
        mlx_vector_array_free(*b);
    return !x || (b && !y) ? 0 : b ? enif_make_tuple2(env, x, y) : x;
}

/* A closure that is read from one environment, as its results in another; 0 with a note. */
static term applied(ErlNifEnv *env, ErlNifEnv *from, term closure, term arrays) {
    mlx_vector_array inputs = {NULL}, out = mlx_vector_array_new();
    mlx_closure f;
    bool fine = mex_closure_of(from, &f, closure) && mex_arrays(from, &inputs, arrays);
    term t = fine ? results(env, mlx_closure_apply(&out, f, inputs), out, NULL)
                  : (mlx_vector_array_free(out), 0);
    mlx_vector_array_free(inputs);
    return t;
}

/* {:apply, closure, arrays} */
static term apply(ErlNifEnv *env, mex_job *job, const term *task) {
    return applied(env, job->env, task[1], task[2]);
}

/* apply(closure, arrays): what a compiled closure gives, or :later where that takes a function of
   Elixir's, which is a job's to ask */
MEX_NIF(mex_nif_apply) {
    mex_operation("apply", 5);
    mex_asked = false;
    term t = argc == 2 ? applied(env, env, argv[0], argv[1]) : enif_make_badarg(env);
    return t ? t : mex_asked ? mex_atom.later : mex_raise(env);
}

/* Ints of any number, which the caller frees; NULL with a note. */
static int *ints_of(ErlNifEnv *env, int *n, term list) {
    long count = mex_length(env, list);
    int *ints = count < 0 ? NULL : enif_alloc(((size_t)count + 1) * sizeof *ints);
    if (!ints)
        return mex_expected(env, "the axes", "a list of integers", list), NULL;
    if (mex_ints(env, ints, (int)count, n, list))
        return ints;
    enif_free(ints);
    return NULL;
}

static term value_and_grad_of(ErlNifEnv *env, mlx_closure f, mlx_vector_array inputs,
                              const int *argnums, int n) {
    mlx_closure_value_and_grad both = mlx_closure_value_and_grad_new();
    mlx_vector_array values = mlx_vector_array_new(), grads = mlx_vector_array_new();
    int status = mlx_value_and_grad(&both, f, argnums, (size_t)n) ||
                 mlx_closure_value_and_grad_apply(&values, &grads, both, inputs);
    term t = results(env, status, values, &grads);
    mlx_closure_value_and_grad_free(both);
    return t;
}

/* {:value_and_grad, closure, argnums, arrays}: {values, gradients} */
static term value_and_grad(ErlNifEnv *env, mex_job *job, const term *task) {
    mlx_vector_array inputs = {NULL};
    int n, *argnums = NULL;
    mlx_closure f;
    bool fine = mex_closure_of(job->env, &f, task[1]) &&
                (argnums = ints_of(job->env, &n, task[2])) &&
                mex_arrays(job->env, &inputs, task[3]);
    term t = fine ? value_and_grad_of(env, f, inputs, argnums, n) : 0;
    mlx_vector_array_free(inputs);
    if (argnums)
        enif_free(argnums);
    return t;
}

typedef int product(mlx_vector_array *, mlx_vector_array *, const mlx_closure,
                    const mlx_vector_array, const mlx_vector_array);

/* {:vjp or :jvp, closure, primals, cotangents or tangents}: {outputs, products} */
static term products(ErlNifEnv *env, mex_job *job, const term *task, product *of) {
    mlx_vector_array primals = {NULL}, others = {NULL};
    mlx_closure f;
    term t = 0;
    if (mex_closure_of(job->env, &f, task[1]) && mex_arrays(job->env, &primals, task[2]) &&
        mex_arrays(job->env, &others, task[3])) {
        mlx_vector_array out = mlx_vector_array_new(), result = mlx_vector_array_new();
        t = results(env, of(&out, &result, f, primals, others), out, &result);
    }
    mlx_vector_array_free(primals);
    mlx_vector_array_free(others);
    return t;
}

static term vjp(ErlNifEnv *env, mex_job *job, const term *task) {
    return products(env, job, task, mlx_vjp);
}

static term jvp(ErlNifEnv *env, mex_job *job, const term *task) {
    return products(env, job, task, mlx_jvp);
}

/* {:vmap_trace, closure, arrays, axes}: {stand-ins for inputs, for outputs}; axis -1: none */
static term vmap_trace(ErlNifEnv *env, mex_job *job, const term *task) {
    mlx_vector_array inputs = {NULL}, in = mlx_vector_array_new(), out = mlx_vector_array_new();
    mlx_closure f;
    int n, *axes = NULL;
    mex_operation("vmap", 4);
    bool fine = mex_closure_of(job->env, &f, task[1]) && mex_arrays(job->env, &inputs, task[2]) &&
                (axes = ints_of(job->env, &n, task[3]));
    int status = fine ? mlx_detail_vmap_trace(&in, &out, f, inputs, axes, (size_t)n) : 1;
    if (fine && status)
        mex_fail_mlx();
    term x = status ? 0 : mex_arrays_term(env, in, false);
    term y = x ? mex_arrays_term(env, out, false) : 0;
    mlx_vector_array_free(inputs);
    mlx_vector_array_free(in);
    mlx_vector_array_free(out);
    if (axes)
        enif_free(axes);
    return y ? enif_make_tuple2(env, x, y) : 0;
}

typedef struct replacing {
    mlx_vector_array inputs, in, out;
    int *in_axes, *out_axes, n, m;
} replacing;

static bool read_replacing(ErlNifEnv *from, replacing *r, const term *task) {
    return mex_arrays(from, &r->inputs, task[1]) && mex_arrays(from, &r->in, task[2]) &&
           mex_arrays(from, &r->out, task[3]) && (r->in_axes = ints_of(from, &r->n, task[4])) &&
           (r->out_axes = ints_of(from, &r->m, task[5]));
}

/* {:vmap_replace, arrays, stand-ins for inputs, for outputs, axes, axes of results} */
static term vmap_replace(ErlNifEnv *env, mex_job *job, const term *task) {
    replacing r = {.inputs = {NULL}};
    term t = 0;
    mex_operation("vmap", 4);
    if (read_replacing(job->env, &r, task)) {
        mlx_vector_array result = mlx_vector_array_new();
        t = results(env,
                    mlx_detail_vmap_replace(&result, r.inputs, r.in, r.out, r.in_axes, (size_t)r.n,
                                            r.out_axes, (size_t)r.m),
                    result, NULL);
    }
    mlx_vector_array_free(r.inputs);
    mlx_vector_array_free(r.in);
    mlx_vector_array_free(r.out);
    if (r.in_axes)
        enif_free(r.in_axes);
    if (r.out_axes)
        enif_free(r.out_axes);
    return t;
}

/* --- which ------------------------------------------------------------------------------------ */

static const mex_task_row rows[] = {
    {"eval", 2, eval},
    {"call", 4, call},
    {"text", 2, text},
    {"apply", 3, apply},
    {"vjp", 4, vjp},
    {"jvp", 4, jvp},
    {"value_and_grad", 4, value_and_grad},
    {"part", 3, part},
    {"vmap_trace", 4, vmap_trace},
    {"vmap_replace", 6, vmap_replace},
    {NULL, 0, NULL},
};

static const mex_task_row *find(const mex_task_row *row, const char *name, int arity) {
    while (row->name && (row->arity != arity || strcmp(row->name, name)))
        row++;
    return row->name ? row : NULL;
}

term mex_task(ErlNifEnv *env, mex_job *job) {
    static const mex_task_row *const lists[] = {rows,
                                                mex_lm_tasks,
                                                mex_profile_tasks,
                                                mex_program_tasks,
                                                mex_export_tasks,
                                                mex_unsafe_tasks};
    const term *task;
    char name[32];
    int n;
    if (!enif_get_tuple(job->env, job->task, &n, &task) || n < 1 ||
        !enif_get_atom(job->env, task[0], name, sizeof name, ERL_NIF_LATIN1))
        return mex_expected(job->env, "the task", "a tuple", job->task), 0;
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        const mex_task_row *row = find(lists[i], name, n);
        if (row)
            return row->call(env, job, task);
    }
    return mex_file_task(env, job, name, n, task);
}
