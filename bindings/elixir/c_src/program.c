/* Programs: compiled graphs with loops and choices between them, which values decide.
 * Mlx.Compiler makes them of expressions of Nx's; a job runs one without its process.
 *
 *     program   {registers, [part], results}            registers are numbered from 0; the first
 *                                                       have the program's arguments
 *     part      {:graph, closure, from, to}             the registers that it reads and writes
 *               {:while, from, condition, body, to}     programs of the state
 *               {:if, condition, from, then, else, to}  a register, and programs of the others
 *
 * A condition is one number. All of a loop's state is computed in every round, so that it does not
 * grow.
 */
#include "nif.h"

enum { MOST_DEPTH = 64, MOST_REGISTERS = 1 << 20 };

typedef struct frame {
    ErlNifEnv *env; /* has the terms */
    mex_job *job;
    mlx_array *registers;
    int count, depth;
} frame;

static bool run(ErlNifEnv *env, mex_job *job, int depth, term program, mlx_vector_array in,
                mlx_vector_array *out);

static bool malformed(ErlNifEnv *env, term t) {
    return mex_expected(env, "the program", "made by Mlx.Compiler", t);
}

/* --- registers -------------------------------------------------------------------------------- */

static mlx_array *register_of(const frame *f, term t) {
    int i;
    if (enif_get_int(f->env, t, &i) && i >= 0 && i < f->count)
        return &f->registers[i];
    return malformed(f->env, t), NULL;
}

/* The arrays of registers, added to a vector. */
static bool take(const frame *f, term list, mlx_vector_array to) {
    term item;
    for (int i = 0; mex_next(f->env, &list, &i, &item);) {
        const mlx_array *r = register_of(f, item);
        if (!r || (mlx_vector_array_append_value(to, *r) && !mex_fail_mlx()))
            return false;
    }
    return true;
}

static bool put(const frame *f, term list, mlx_vector_array from) {
    size_t n = 0;
    term item;
    for (int i = 0; mex_next(f->env, &list, &i, &item); n++) {
        mlx_array *r = register_of(f, item);
        if (!r || (mlx_vector_array_get(r, from, n) && !mex_fail_mlx()))
            return false;
    }
    return n == mlx_vector_array_size(from) || malformed(f->env, list);
}

/* --- parts ------------------------------------------------------------------------------------ */

/* {:graph, closure, from, to} */
static bool run_graph(frame *f, const term *part) {
    mlx_vector_array in = mlx_vector_array_new(), out = mlx_vector_array_new();
    mlx_closure closure;
    bool fine = mex_closure_of(f->env, &closure, part[1]) && take(f, part[2], in) &&
                (!mlx_closure_apply(&out, closure, in) || mex_fail_mlx()) && put(f, part[3], out);
    mlx_vector_array_free(in);
    mlx_vector_array_free(out);
    return fine;
}

/* Computes a condition and what is wanted with it. */
static bool is_true(mlx_vector_array condition, mlx_vector_array with, bool *answer) {
    mlx_array first = mlx_array_new();
    bool fine = !mlx_vector_array_get(&first, condition, 0) &&
                !mlx_vector_array_append_value(with, first) && !mlx_eval(with) &&
                !mlx_array_item_bool(answer, first);
    mlx_array_free(first);
    return fine || mex_fail_mlx();
}

/* Does the loop go on? Its state is computed. */
static bool goes_on(const frame *f, term condition, mlx_vector_array state, bool *on) {
    mlx_vector_array test = mlx_vector_array_new(), all = mlx_vector_array_new();
    bool fine = (!mex_job_stopped(f->job) || mex_fail("interrupted", "it was stopped")) &&
                run(f->env, f->job, f->depth + 1, condition, state, &test) &&
                (!mlx_vector_array_set(&all, state) || mex_fail_mlx()) && is_true(test, all, on);
    mlx_vector_array_free(test);
    mlx_vector_array_free(all);
    return fine;
}

/* The next state instead of this one. */
static bool go_round(const frame *f, term body, mlx_vector_array *state) {
    mlx_vector_array next = mlx_vector_array_new();
    bool fine = run(f->env, f->job, f->depth + 1, body, *state, &next);
    mlx_vector_array_free(*state);
    *state = next;
    return fine;
}

/* {:while, from, condition, body, to} */
static bool run_while(frame *f, const term *part) {
    mlx_vector_array state = mlx_vector_array_new();
    bool on = true, fine = take(f, part[1], state);
    while (fine && (fine = goes_on(f, part[2], state, &on)) && on)
        fine = go_round(f, part[3], &state);
    fine = fine && put(f, part[4], state);
    mlx_vector_array_free(state);
    return fine;
}

/* {:if, condition, from, then, else, to} */
static bool run_if(frame *f, const term *part) {
    mlx_vector_array in = mlx_vector_array_new(), out = mlx_vector_array_new(),
                     test = mlx_vector_array_new(), alone = mlx_vector_array_new();
    bool yes = false;
    bool fine = take(f, enif_make_list1(f->env, part[1]), test) && is_true(test, alone, &yes) &&
                take(f, part[2], in) &&
                run(f->env, f->job, f->depth + 1, part[yes ? 3 : 4], in, &out) &&
                put(f, part[5], out);
    mlx_vector_array_free(in);
    mlx_vector_array_free(out);
    mlx_vector_array_free(test);
    mlx_vector_array_free(alone);
    return fine;
}

static bool run_part(frame *f, term t) {
    static const struct {
        const char *name;
        int arity;
        bool (*run)(frame *, const term *);
    } kinds[] = {{"graph", 4, run_graph}, {"while", 5, run_while}, {"if", 6, run_if}};
    const term *part;
    char name[8];
    int n;
    if (!enif_get_tuple(f->env, t, &n, &part) || n < 1 ||
        !enif_get_atom(f->env, part[0], name, sizeof name, ERL_NIF_LATIN1))
        return malformed(f->env, t);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (!strcmp(kinds[i].name, name) && kinds[i].arity == n)
            return kinds[i].run(f, part);
    return malformed(f->env, t);
}

/* --- programs --------------------------------------------------------------------------------- */

static bool run_parts(frame *f, term parts, term results, mlx_vector_array out) {
    term part;
    for (int i = 0; mex_next(f->env, &parts, &i, &part);)
        if (!run_part(f, part))
            return false;
    return take(f, results, out);
}

static bool start(frame *f, mlx_vector_array in) {
    size_t n = mlx_vector_array_size(in);
    for (int i = 0; i < f->count; i++)
        f->registers[i] = mlx_array_new();
    for (size_t i = 0; i < n; i++)
        if (mlx_vector_array_get(&f->registers[i], in, i))
            return mex_fail_mlx();
    return true;
}

static bool run(ErlNifEnv *env, mex_job *job, int depth, term program, mlx_vector_array in,
                mlx_vector_array *out) {
    frame f = {.env = env, .job = job, .depth = depth};
    const term *p;
    int n;
    if (!enif_get_tuple(env, program, &n, &p) || n != 3 || !enif_get_int(env, p[0], &f.count) ||
        f.count < 0 || f.count > MOST_REGISTERS || mlx_vector_array_size(in) > (size_t)f.count ||
        depth > MOST_DEPTH || mex_length(env, p[1]) < 0 || mex_length(env, p[2]) < 0)
        return malformed(env, program);
    f.registers = enif_alloc(((size_t)f.count + 1) * sizeof *f.registers);
    if (!f.registers)
        return mex_fail("memory", "no memory for %d registers", f.count);
    bool fine = start(&f, in) && run_parts(&f, p[1], p[2], *out);
    for (int i = 0; i < f.count; i++)
        mlx_array_free(f.registers[i]);
    enif_free(f.registers);
    return fine;
}

/* {:program, program, arrays}: a list of its results */
static term run_program(ErlNifEnv *env, mex_job *job, const term *task) {
    mlx_vector_array in = {NULL}, out = mlx_vector_array_new();
    mex_operation("defn", 4);
    bool fine = mex_arrays(job->env, &in, task[2]) && run(job->env, job, 0, task[1], in, &out);
    term t = fine ? mex_arrays_term(env, out, false) : 0;
    mlx_vector_array_free(in);
    mlx_vector_array_free(out);
    return t;
}

const mex_task_row mex_program_tasks[] = {{"program", 3, run_program}, {NULL, 0, NULL}};
