/* Functions of Elixir's as closures, transforms of closures, and cells, which keep a term. */
#include <pthread.h>

#include "nif.h"

atomic_long mex_live_closures;
_Thread_local bool mex_asked;

/* --- bodies ----------------------------------------------------------------------------------- */

/* A function, in an environment of its own. */
typedef struct body {
    ErlNifEnv *env;
    term function;
} body;

static void free_body(void *payload) {
    body *b = payload;
    enif_free_env(b->env);
    enif_free(b);
    atomic_fetch_sub(&mex_live_closures, 1);
}

static body *new_body(ErlNifEnv *env, term function) {
    body *b = enif_is_fun(env, function) ? enif_alloc(sizeof *b) : NULL;
    if (!b)
        return mex_expected(env, "the argument", "a function", function), NULL;
    b->env = enif_alloc_env();
    b->function = enif_make_copy(b->env, function);
    atomic_fetch_add(&mex_live_closures, 1);
    return b;
}

/* {:ok, arrays} */
static bool take_answer(mlx_vector_array *res, ErlNifEnv *env, term answer) {
    mlx_vector_array v = {NULL};
    const term *pair;
    int n;
    if (!enif_get_tuple(env, answer, &n, &pair) || n != 2 || pair[0] != mex_atom.ok)
        return false;
    bool fine = mex_arrays(env, &v, pair[1]) && !mlx_vector_array_set(res, v);
    mlx_vector_array_free(v);
    return fine;
}

/* The process on whose behalf this thread works calls the function, with one list of arrays or a
   list of several. */
static int ask(mlx_vector_array *res, const body *b, const mlx_vector_array *inputs, int n) {
    mex_job *job = mex_job_here();
    ErlNifEnv *env = NULL;
    term answer;
    mex_asked = true;
    if (!job) {
        mlx_error("[function] no process waits that could call the function");
        return 1;
    }
    bool fine = mex_job_ask(job, b->function, inputs, n, &env, &answer);
    if (!fine) {
        mlx_error("[function] it was stopped while it waited for a function");
    } else if (!take_answer(res, env, answer)) {
        job->raised = true;
        mlx_error("[function] it did not give arrays");
        fine = false;
    }
    if (env)
        enif_free_env(env);
    return !fine;
}

static int call_body(mlx_vector_array *res, const mlx_vector_array inputs, void *payload) {
    return ask(res, payload, &inputs, 1);
}

/* --- closures --------------------------------------------------------------------------------- */

void mex_closure_free(ErlNifEnv *env, void *object) {
    (void)env;
    mlx_closure_free(((mex_closure *)object)->handle);
}

bool mex_closure_of(ErlNifEnv *env, mlx_closure *out, term t) {
    void *object;
    if (!enif_get_resource(env, t, mex_closure_type, &object))
        return mex_expected(env, "the argument", "a closure", t);
    *out = ((mex_closure *)object)->handle;
    return true;
}

static term closure_term(ErlNifEnv *env, int status, mlx_closure c) {
    mex_closure *object = status ? NULL : enif_alloc_resource(mex_closure_type, sizeof *object);
    if (!object) {
        mlx_closure_free(c);
        return mex_fail_mlx(), mex_raise(env);
    }
    object->handle = c;
    term t = enif_make_resource(env, object);
    enif_release_resource(object);
    return t;
}

/* closure(function): of a list of arrays that gives a list of arrays */
MEX_NIF(mex_nif_closure) {
    body *b = argc == 1 ? new_body(env, argv[0]) : NULL;
    if (!b)
        return mex_raise_as(env, "closure");
    mlx_closure c = mlx_closure_new_func_payload(call_body, b, free_body);
    return closure_term(env, !c.ctx, c);
}

/* --- custom derivatives ----------------------------------------------------------------------- */

/* The rule of a derivative is a function of inputs, cotangents and outputs. */
static int call_rule(mlx_vector_array *res, const mlx_vector_array inputs,
                     const mlx_vector_array cotangents, const mlx_vector_array outputs,
                     void *payload) {
    const mlx_vector_array all[] = {inputs, cotangents, outputs};
    return ask(res, payload, all, 3);
}

static term custom_vjp(ErlNifEnv *env, mlx_closure f, term rule) {
    mlx_closure out = mlx_closure_new();
    body *b = new_body(env, rule);
    if (!b)
        return mex_raise(env);
    mlx_closure_custom c = mlx_closure_custom_new_func_payload(call_rule, b, free_body);
    int status = !c.ctx || mlx_custom_vjp(&out, f, c);
    mlx_closure_custom_free(c);
    return closure_term(env, status, out);
}

/* --- transforms ------------------------------------------------------------------------------- */

static term compile(ErlNifEnv *env, mlx_closure f, term option) {
    mlx_closure out = mlx_closure_new();
    bool shapeless;
    if (!mex_bool(env, &shapeless, option))
        return mex_raise(env);
    return closure_term(env, mlx_compile(&out, f, shapeless), out);
}

static term checkpoint(ErlNifEnv *env, mlx_closure f, term unused) {
    mlx_closure out = mlx_closure_new();
    (void)unused;
    return closure_term(env, mlx_checkpoint(&out, f), out);
}

/* transform(:compile, closure, shapeless), (:checkpoint, closure, nil) and (:custom_vjp, closure,
   function): a closure */
MEX_NIF(mex_nif_transform) {
    static const struct {
        const char *name;
        term (*call)(ErlNifEnv *, mlx_closure, term);
    } rows[] = {{"compile", compile}, {"checkpoint", checkpoint}, {"custom_vjp", custom_vjp}};
    char name[16] = "";
    mlx_closure f;
    if (argc != 3 || !mex_closure_of(env, &f, argv[1]))
        return mex_raise(env);
    enif_get_atom(env, argv[0], name, sizeof name, ERL_NIF_LATIN1);
    mex_operation(name, (int)strlen(name));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (!strcmp(rows[i].name, name))
            return rows[i].call(env, f, argv[2]);
    return mex_expected(env, "the transform", ":compile, :checkpoint or :custom_vjp", argv[0]),
           mex_raise(env);
}

/* --- cells ------------------------------------------------------------------------------------ */

/* A term that can be replaced, and lives as long as something refers to its cell: what compiled
   functions remember. */
typedef struct cell {
    pthread_mutex_t lock;
    ErlNifEnv *env;
    term value;
} cell;

void mex_cell_free(ErlNifEnv *env, void *object) {
    cell *c = object;
    (void)env;
    pthread_mutex_destroy(&c->lock);
    if (c->env)
        enif_free_env(c->env);
}

static cell *cell_of(ErlNifEnv *env, term t) {
    void *object;
    if (enif_get_resource(env, t, mex_cell_type, &object))
        return object;
    return mex_expected(env, "the argument", "a cell", t), NULL;
}

static void set_value(cell *c, ErlNifEnv *env, term value) {
    pthread_mutex_lock(&c->lock);
    ErlNifEnv *former = c->env;
    c->env = env;
    c->value = value;
    pthread_mutex_unlock(&c->lock);
    if (former)
        enif_free_env(former);
}

MEX_NIF(mex_nif_cell_new) {
    cell *c = enif_alloc_resource(mex_cell_type, sizeof *c);
    if (!c || argc != 1)
        return mex_fail("memory", "no memory for a cell"), mex_raise_as(env, "cell");
    pthread_mutex_init(&c->lock, NULL);
    c->env = enif_alloc_env();
    c->value = enif_make_copy(c->env, argv[0]);
    term t = enif_make_resource(env, c);
    enif_release_resource(c);
    return t;
}

MEX_NIF(mex_nif_cell_get) {
    cell *c = argc == 1 ? cell_of(env, argv[0]) : NULL;
    if (!c)
        return mex_raise_as(env, "cell");
    pthread_mutex_lock(&c->lock);
    term t = enif_make_copy(env, c->value);
    pthread_mutex_unlock(&c->lock);
    return t;
}

MEX_NIF(mex_nif_cell_put) {
    cell *c = argc == 2 ? cell_of(env, argv[0]) : NULL;
    if (!c)
        return mex_raise_as(env, "cell");
    ErlNifEnv *own = enif_alloc_env();
    set_value(c, own, enif_make_copy(own, argv[1]));
    return mex_atom.ok;
}
