/* Profiles: which operations ran and what they cost. Tasks of jobs. */
#include "nif.h"

typedef struct profile {
    mlx_profile handle;
} profile;

void mex_profile_free(ErlNifEnv *env, void *object) {
    (void)env;
    mlx_profile_free(((profile *)object)->handle);
}

static mlx_profile *profile_of(ErlNifEnv *env, term t) {
    void *object;
    if (!enif_get_resource(env, t, mex_profile_type, &object))
        return mex_expected(env, "the profile", "a profile", t), NULL;
    return &((profile *)object)->handle;
}

static term text_term(ErlNifEnv *env, const char *text) {
    return text ? mex_text_term(env, text, strlen(text)) : mex_atom.nil;
}

static term bool_term(bool yes) {
    return yes ? mex_atom.yes : mex_atom.no;
}

/* {:profile_start, bytes of memory}: a profile that runs */
static term profile_start(ErlNifEnv *env, mex_job *job, const term *task) {
    uint64_t memory;
    if (!enif_get_uint64(job->env, task[1], &memory))
        return mex_expected(job->env, "memory", "a number of bytes", task[1]), 0;
    mlx_profile p = mlx_profile_new();
    profile *object = p.ctx && !mlx_profile_start(p, memory)
                          ? enif_alloc_resource(mex_profile_type, sizeof *object)
                          : NULL;
    if (!object)
        return mex_fail_mlx(), mlx_profile_free(p), 0;
    object->handle = p;
    term t = enif_make_resource(env, object);
    enif_release_resource(object);
    return t;
}

/* {:profile_stop, profile} */
static term profile_stop(ErlNifEnv *env, mex_job *job, const term *task) {
    mlx_profile *p = profile_of(job->env, task[1]);
    (void)env;
    return p && (!mlx_profile_stop(*p) || mex_fail_mlx()) ? mex_atom.ok : 0;
}

static term array_term(ErlNifEnv *env, const mlx_profile_array *a) {
    term shape = enif_make_list(env, 0);
    for (int i = a->ndim; i-- > 0;)
        shape = enif_make_list_cell(env, enif_make_int(env, a->shape[i]), shape);
    return enif_make_tuple2(env, mex_dtype_term(a->dtype), shape);
}

/* The arrays that event i was given, or gave. */
static term arrays_term(ErlNifEnv *env, mlx_profile p, size_t i, bool output, int n) {
    term list = enif_make_list(env, 0);
    mlx_profile_array a;
    while (n-- > 0) {
        if (mlx_profile_get_array(&a, p, i, output, n))
            return mex_fail_mlx(), 0;
        list = enif_make_list_cell(env, array_term(env, &a), list);
    }
    return list;
}

/* {name, source, start, duration, self, read, written, flops, active, thread, stream, depth, fused,
   failed, inputs, outputs} */
static term event_term(ErlNifEnv *env, mlx_profile p, size_t i) {
    mlx_profile_event e;
    if (mlx_profile_get(&e, p, i))
        return mex_fail_mlx(), 0;
    term in = arrays_term(env, p, i, false, e.input_count);
    term out = in ? arrays_term(env, p, i, true, e.output_count) : 0;
    term items[] = {text_term(env, e.name),
                    text_term(env, e.source),
                    enif_make_int64(env, e.start_ns),
                    enif_make_int64(env, e.duration_ns),
                    enif_make_int64(env, e.self_ns),
                    enif_make_uint64(env, e.bytes_read),
                    enif_make_uint64(env, e.bytes_written),
                    enif_make_double(env, e.flops),
                    enif_make_uint64(env, e.active),
                    enif_make_int64(env, e.thread),
                    enif_make_int(env, e.stream),
                    enif_make_int(env, e.depth),
                    bool_term(e.fused),
                    bool_term(e.failed),
                    in,
                    out};
    return out ? enif_make_tuple_from_array(env, items, sizeof items / sizeof *items) : 0;
}

/* {:profile_events, profile}: {events in the order in which they ended, how many gave way} */
static term profile_events(ErlNifEnv *env, mex_job *job, const term *task) {
    mlx_profile *p = profile_of(job->env, task[1]);
    uint64_t dropped;
    size_t n;
    if (!p || (mlx_profile_count(&n, &dropped, *p) && !mex_fail_mlx()))
        return 0;
    term list = enif_make_list(env, 0);
    while (n-- > 0) {
        term event = event_term(env, *p, n);
        if (!event)
            return 0;
        list = enif_make_list_cell(env, event, list);
    }
    return enif_make_tuple2(env, list, enif_make_uint64(env, dropped));
}

/* {:profile_rows, profile}: [{name, source, calls, self, bytes, flops, share}] */
static term profile_rows(ErlNifEnv *env, mex_job *job, const term *task) {
    mlx_profile *p = profile_of(job->env, task[1]);
    mlx_profile_row r;
    size_t n;
    if (!p || (mlx_profile_row_count(&n, *p) && !mex_fail_mlx()))
        return 0;
    term list = enif_make_list(env, 0);
    while (n-- > 0) {
        if (mlx_profile_get_row(&r, *p, n))
            return mex_fail_mlx(), 0;
        term row = enif_make_tuple7(env, text_term(env, r.name), text_term(env, r.source),
                                    enif_make_uint64(env, r.calls), enif_make_int64(env, r.self_ns),
                                    enif_make_uint64(env, r.bytes), mex_double_term(env, r.flops),
                                    mex_double_term(env, r.share));
        list = enif_make_list_cell(env, row, list);
    }
    return list;
}

/* {:profile_table, profile} */
static term profile_table(ErlNifEnv *env, mex_job *job, const term *task) {
    mlx_profile *p = profile_of(job->env, task[1]);
    mlx_string s = mlx_string_new();
    term t =
        p && (!mlx_profile_text(&s, *p) || mex_fail_mlx()) ? text_term(env, mlx_string_data(s)) : 0;
    mlx_string_free(s);
    return t;
}

/* {:profile_write, profile, path} */
static term profile_write(ErlNifEnv *env, mex_job *job, const term *task) {
    mlx_profile *p = profile_of(job->env, task[1]);
    char *path = p ? mex_text(job->env, task[2]) : NULL;
    (void)env;
    term t = path && (!mlx_profile_write(*p, path) || mex_fail_mlx()) ? mex_atom.ok : 0;
    enif_free(path);
    return t;
}

/* {:machine_limits}: {bytes a second from memory, float32 operations a second} */
static term machine_limits(ErlNifEnv *env, mex_job *job, const term *task) {
    double bandwidth, flops;
    (void)job, (void)task;
    if (mlx_machine_limits(&bandwidth, &flops))
        return mex_fail_mlx(), 0;
    return enif_make_tuple2(env, enif_make_double(env, bandwidth), enif_make_double(env, flops));
}

const mex_task_row mex_profile_tasks[] = {
    {"profile_start", 2, profile_start},   {"profile_stop", 2, profile_stop},
    {"profile_events", 2, profile_events}, {"profile_rows", 2, profile_rows},
    {"profile_table", 2, profile_table},   {"profile_write", 3, profile_write},
    {"machine_limits", 1, machine_limits}, {NULL, 0, NULL},
};
