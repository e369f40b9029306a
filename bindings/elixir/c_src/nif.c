/* The table of functions, and what happens when the library is loaded. */
#include "nif.h"

ErlNifResourceType *mex_array_type, *mex_buffer_type, *mex_closure_type, *mex_stream_type,
    *mex_imported_type, *mex_job_type, *mex_cell_type, *mex_lm_type, *mex_tokenizer_type,
    *mex_batch_type, *mex_ticket_type, *mex_profile_type, *mex_group_type, *mex_exporter_type;

static void free_array(ErlNifEnv *env, void *object) {
    (void)env;
    mex_array_drop(object);
}

static bool open_types(ErlNifEnv *env, ErlNifResourceFlags flags) {
    static const struct {
        ErlNifResourceType **type;
        const char *name;
        ErlNifResourceDtor *free;
        ErlNifResourceDown *down;
    } rows[] = {
        {&mex_array_type, "array", free_array, NULL},
        {&mex_buffer_type, "buffer", mex_buffer_free, NULL},
        {&mex_closure_type, "closure", mex_closure_free, NULL},
        {&mex_stream_type, "stream", mex_stream_free, NULL},
        {&mex_imported_type, "imported", mex_imported_free, NULL},
        {&mex_job_type, "job", mex_job_free, mex_job_down},
        {&mex_cell_type, "cell", mex_cell_free, NULL},
        {&mex_lm_type, "lm", mex_lm_free, NULL},
        {&mex_tokenizer_type, "tokenizer", mex_tokenizer_free, NULL},
        {&mex_batch_type, "batch", mex_batch_free, NULL},
        {&mex_ticket_type, "ticket", mex_ticket_free, NULL},
        {&mex_profile_type, "profile", mex_profile_free, NULL},
        {&mex_group_type, "group", mex_group_free, NULL},
        {&mex_exporter_type, "exporter", mex_exporter_free, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ErlNifResourceTypeInit init = {.dtor = rows[i].free, .down = rows[i].down};
        ErlNifResourceType *type = enif_open_resource_type_x(env, rows[i].name, &init, flags, NULL);
        if (!type)
            return false;
        *rows[i].type = type;
    }
    return true;
}

/* Errors are notes of the thread; nothing is printed. */
static void quiet(const char *message, void *data) {
    (void)message, (void)data;
}

static bool loaded;

static int load(ErlNifEnv *env, void **data, term info) {
    (void)data, (void)info;
    mlx_set_error_handler(quiet, NULL, NULL);
    mex_atoms_load(env);
    mex_dtypes_load(env);
    if (!open_types(env, ERL_NIF_RT_CREATE) || !mex_rows_load(env))
        return 1;
    mex_jobs_load();
    loaded = true;
    return 0;
}

/* The module is loaded anew: by this very library, whose arrays and threads go on, or not at all.
   Another build's might have other structures. */
static int upgrade(ErlNifEnv *env, void **data, void **former, term info) {
    (void)data, (void)former, (void)info;
    return loaded && open_types(env, ERL_NIF_RT_CREATE | ERL_NIF_RT_TAKEOVER) ? 0 : 1;
}

static ErlNifFunc functions[] = {
    {"call_row", 3, mex_nif_call, 0},
    {"catalog", 0, mex_nif_catalog, ERL_NIF_DIRTY_JOB_CPU_BOUND},
    {"from_binary", 3, mex_nif_from_binary, 0},
    {"from_numbers", 3, mex_nif_from_numbers, 0},
    {"info", 1, mex_nif_info, 0},
    {"available?", 1, mex_nif_available, 0},
    {"binary", 1, mex_nif_binary, 0},
    {"numbers", 1, mex_nif_numbers, 0},
    {"part", 2, mex_nif_part, 0},
    {"deallocate", 1, mex_nif_deallocate, 0},
    {"start", 3, mex_nif_start, 0},
    {"answer", 2, mex_nif_answer, 0},
    {"cancel", 1, mex_nif_cancel, 0},
    {"cancel_process", 1, mex_nif_cancel_process, 0},
    {"eval_small", 1, mex_nif_eval_small, 0},
    {"apply_closure", 2, mex_nif_apply, 0},
    {"relieved", 0, mex_nif_relieved, ERL_NIF_DIRTY_JOB_CPU_BOUND},
    {"closure", 1, mex_nif_closure, 0},
    {"transform", 3, mex_nif_transform, 0},
    {"cell_new", 1, mex_nif_cell_new, 0},
    {"cell_get", 1, mex_nif_cell_get, 0},
    {"cell_put", 2, mex_nif_cell_put, 0},
    {"place", 2, mex_nif_place, 0},
    {"lm_cancel", 1, mex_nif_lm_cancel, 0},
    {"stats", 0, mex_nif_stats, ERL_NIF_DIRTY_JOB_CPU_BOUND},
};

/* No unload: threads run in this library, which is linked to stay. */
ERL_NIF_INIT(Elixir.Mlx.Native, functions, load, NULL, upgrade, NULL)
