/* Files of arrays: npy, npz, safetensors, GGUF. Tasks of jobs. */
#include "nif.h"

/* --- names and arrays ------------------------------------------------------------------------- */

/* {name, array}, ... in a list */
static bool insert_array(ErlNifEnv *env, mlx_map_string_to_array map, term pair_term) {
    const term *pair;
    int n;
    if (!enif_get_tuple(env, pair_term, &n, &pair) || n != 2)
        return mex_expected(env, "an entry", "{name, array}", pair_term);
    char *name = mex_text(env, pair[0]);
    mex_array *a = name ? mex_borrow(env, pair[1]) : NULL;
    bool fine = a && (!mlx_map_string_to_array_insert(map, name, a->handle) || mex_fail_mlx());
    if (a)
        mex_give_back(a);
    if (name)
        enif_free(name);
    return fine;
}

static bool insert_text(ErlNifEnv *env, mlx_map_string_to_string map, term pair_term) {
    const term *pair;
    int n;
    if (!enif_get_tuple(env, pair_term, &n, &pair) || n != 2)
        return mex_expected(env, "an entry of the metadata", "{name, text}", pair_term);
    char *name = mex_text(env, pair[0]), *text = name ? mex_text(env, pair[1]) : NULL;
    bool fine = text && (!mlx_map_string_to_string_insert(map, name, text) || mex_fail_mlx());
    if (text)
        enif_free(text);
    if (name)
        enif_free(name);
    return fine;
}

static bool read_arrays(ErlNifEnv *env, mlx_map_string_to_array map, term list) {
    term item;
    int k = 0;
    if (mex_length(env, list) < 0)
        return mex_expected(env, "the arrays", "a list of {name, array}", list);
    while (mex_next(env, &list, &k, &item))
        if (!insert_array(env, map, item))
            return false;
    return true;
}

static bool read_texts(ErlNifEnv *env, mlx_map_string_to_string map, term list) {
    term item;
    int k = 0;
    if (mex_length(env, list) < 0)
        return mex_expected(env, "the metadata", "a list of {name, text}", list);
    while (mex_next(env, &list, &k, &item))
        if (!insert_text(env, map, item))
            return false;
    return true;
}

static term text_term(ErlNifEnv *env, const char *text) {
    return mex_text_term(env, text, strlen(text));
}

/* The pairs of a map, last first: the caller's Elixir makes a map of them. */
static term arrays_term(ErlNifEnv *env, mlx_map_string_to_array map) {
    mlx_map_string_to_array_iterator it = mlx_map_string_to_array_iterator_new(map);
    term list = enif_make_list(env, 0);
    const char *key;
    mlx_array a = mlx_array_new();
    while (!mlx_map_string_to_array_iterator_next(&key, &a, it)) {
        term t = mex_array_term(env, a);
        a = mlx_array_new();
        if (!t) {
            list = 0;
            break;
        }
        list = enif_make_list_cell(env, enif_make_tuple2(env, text_term(env, key), t), list);
    }
    mlx_array_free(a);
    mlx_map_string_to_array_iterator_free(it);
    return list;
}

static term texts_term(ErlNifEnv *env, mlx_map_string_to_string map) {
    mlx_map_string_to_string_iterator it = mlx_map_string_to_string_iterator_new(map);
    term list = enif_make_list(env, 0);
    const char *key, *text;
    while (!mlx_map_string_to_string_iterator_next(&key, &text, it))
        list = enif_make_list_cell(env,
                                   enif_make_tuple2(env, text_term(env, key), text_term(env, text)),
                                   list);
    mlx_map_string_to_string_iterator_free(it);
    return list;
}

/* --- plain arrays ----------------------------------------------------------------------------- */

typedef struct call {
    ErlNifEnv *env, *from; /* for results; of the task */
    const term *task;
    char *path; /* the first argument */
    bool flag;  /* the last, where a row says so */
} call;

/* {:load_npy, path, mapped} */
static term load_npy(const call *c) {
    mlx_array a = mlx_array_new();
    int status = c->flag ? mlx_load_mapped(&a, c->path, (mlx_stream){NULL})
                         : mlx_load(&a, c->path, (mlx_stream){NULL});
    return status ? (mex_fail_mlx(), 0) : mex_array_term(c->env, a);
}

/* {:save_npy, path, array} */
static term save_npy(const call *c) {
    mex_array *a = mex_borrow(c->from, c->task[2]);
    if (!a)
        return 0;
    int status = mlx_save(c->path, a->handle);
    mex_give_back(a);
    return status ? (mex_fail_mlx(), 0) : mex_atom.ok;
}

/* {:load_npz, path} */
static term load_npz(const call *c) {
    mlx_map_string_to_array map = mlx_map_string_to_array_new();
    term t = mlx_load_npz(&map, c->path, (mlx_stream){NULL}) ? (mex_fail_mlx(), 0)
                                                             : arrays_term(c->env, map);
    mlx_map_string_to_array_free(map);
    return t;
}

/* {:save_npz, path, arrays, compressed} */
static term save_npz(const call *c) {
    mlx_map_string_to_array map = mlx_map_string_to_array_new();
    bool fine = read_arrays(c->from, map, c->task[2]) &&
                (!mlx_save_npz(c->path, map, c->flag) || mex_fail_mlx());
    mlx_map_string_to_array_free(map);
    return fine ? mex_atom.ok : 0;
}

/* {:load_safetensors, path, mapped}: {arrays, metadata} */
static term load_safetensors(const call *c) {
    mlx_map_string_to_array map = mlx_map_string_to_array_new();
    mlx_map_string_to_string words = mlx_map_string_to_string_new();
    int status = c->flag ? mlx_load_safetensors_mapped(&map, &words, c->path, (mlx_stream){NULL})
                         : mlx_load_safetensors(&map, &words, c->path, (mlx_stream){NULL});
    term arrays = status ? (mex_fail_mlx(), 0) : arrays_term(c->env, map);
    term t = arrays ? enif_make_tuple2(c->env, arrays, texts_term(c->env, words)) : 0;
    mlx_map_string_to_array_free(map);
    mlx_map_string_to_string_free(words);
    return t;
}

/* {:save_safetensors, path, arrays, metadata} */
static term save_safetensors(const call *c) {
    mlx_map_string_to_array map = mlx_map_string_to_array_new();
    mlx_map_string_to_string words = mlx_map_string_to_string_new();
    bool fine = read_arrays(c->from, map, c->task[2]) && read_texts(c->from, words, c->task[3]) &&
                (!mlx_save_safetensors(c->path, map, words) || mex_fail_mlx());
    mlx_map_string_to_array_free(map);
    mlx_map_string_to_string_free(words);
    return fine ? mex_atom.ok : 0;
}

/* --- GGUF ------------------------------------------------------------------------------------- */

static term gguf_arrays(ErlNifEnv *env, mlx_io_gguf file) {
    mlx_vector_string keys = mlx_vector_string_new();
    term list = mlx_io_gguf_get_keys(&keys, file) ? 0 : enif_make_list(env, 0);
    for (size_t i = 0; list && i < mlx_vector_string_size(keys); i++) {
        mlx_array a = mlx_array_new();
        char *key = NULL;
        term t = mlx_vector_string_get(&key, keys, i) || mlx_io_gguf_get_array(&a, file, key)
                     ? 0
                     : mex_array_term(env, a);
        list = t ? enif_make_list_cell(env, enif_make_tuple2(env, text_term(env, key), t), list)
                 : (mlx_array_free(a), 0);
    }
    mlx_vector_string_free(keys);
    return list ? list : (mex_fail_mlx(), 0);
}

/* A text, a list of texts, or an array. */
static term gguf_value(ErlNifEnv *env, mlx_io_gguf file, const char *key) {
    mlx_array a = mlx_array_new();
    const char *text;
    size_t length;
    bool single = false;
    if (!mlx_io_gguf_get_metadata_array(&a, file, key))
        return mex_array_term(env, a);
    mlx_array_free(a);
    if (!mlx_io_gguf_has_metadata_string(&single, file, key) && single)
        return mlx_io_gguf_get_metadata_item(&text, &length, file, key, 0)
                   ? (mex_fail_mlx(), 0)
                   : mex_text_term(env, text, length);
    mlx_vector_string texts = mlx_vector_string_new();
    term list =
        mlx_io_gguf_get_metadata_vector_string(&texts, file, key) ? 0 : enif_make_list(env, 0);
    for (size_t i = list ? mlx_vector_string_size(texts) : 0; list && i-- > 0;)
        list = mlx_io_gguf_get_metadata_item(&text, &length, file, key, i)
                   ? 0
                   : enif_make_list_cell(env, mex_text_term(env, text, length), list);
    mlx_vector_string_free(texts);
    return list ? list : mex_atom.nil;
}

static term gguf_metadata(ErlNifEnv *env, mlx_io_gguf file) {
    mlx_vector_string keys = mlx_vector_string_new();
    term list = mlx_io_gguf_get_metadata_keys(&keys, file) ? 0 : enif_make_list(env, 0);
    for (size_t i = 0; list && i < mlx_vector_string_size(keys); i++) {
        char *key = NULL;
        term t = mlx_vector_string_get(&key, keys, i) ? 0 : gguf_value(env, file, key);
        list =
            t ? enif_make_list_cell(env, enif_make_tuple2(env, text_term(env, key), t), list) : 0;
    }
    mlx_vector_string_free(keys);
    return list ? list : (mex_fail_mlx(), 0);
}

/* {:load_gguf, path, mapped}: {arrays, metadata} */
static term load_gguf(const call *c) {
    mlx_io_gguf file = mlx_io_gguf_new();
    int status = c->flag ? mlx_load_gguf_mapped(&file, c->path, (mlx_stream){NULL})
                         : mlx_load_gguf(&file, c->path, (mlx_stream){NULL});
    term arrays = status ? (mex_fail_mlx(), 0) : gguf_arrays(c->env, file);
    term metadata = arrays ? gguf_metadata(c->env, file) : 0;
    mlx_io_gguf_free(file);
    return metadata ? enif_make_tuple2(c->env, arrays, metadata) : 0;
}

static bool set_texts(ErlNifEnv *env, mlx_io_gguf file, const char *key, term list) {
    mlx_vector_string texts = mlx_vector_string_new();
    term item;
    bool fine = true;
    while (fine && enif_get_list_cell(env, list, &item, &list)) {
        char *text = mex_text(env, item);
        fine = text && (!mlx_vector_string_append_value(texts, text) || mex_fail_mlx());
        if (text)
            enif_free(text);
    }
    fine = fine && (!mlx_io_gguf_set_metadata_vector_string(file, key, texts) || mex_fail_mlx());
    mlx_vector_string_free(texts);
    return fine;
}

static bool set_metadata(ErlNifEnv *env, mlx_io_gguf file, const char *key, term value) {
    if (enif_is_list(env, value))
        return set_texts(env, file, key, value);
    if (mex_is_array(env, value)) {
        mex_array *a = mex_borrow(env, value);
        int status = a ? mlx_io_gguf_set_metadata_array(file, key, a->handle) : 0;
        if (a)
            mex_give_back(a);
        return a && (!status || mex_fail_mlx());
    }
    char *text = mex_text(env, value);
    bool fine = text && (!mlx_io_gguf_set_metadata_string(file, key, text) || mex_fail_mlx());
    if (text)
        enif_free(text);
    return fine;
}

static bool set_array(ErlNifEnv *env, mlx_io_gguf file, const char *key, term value) {
    mex_array *a = mex_borrow(env, value);
    if (!a)
        return false;
    int status = mlx_io_gguf_set_array(file, key, a->handle);
    mex_give_back(a);
    return !status || mex_fail_mlx();
}

static bool fill_gguf(ErlNifEnv *env, mlx_io_gguf file, term list,
                      bool (*set)(ErlNifEnv *, mlx_io_gguf, const char *, term)) {
    const term *pair;
    term item;
    int n, k = 0;
    bool fine = mex_length(env, list) >= 0 || mex_expected(env, "the entries", "a list", list);
    while (fine && mex_next(env, &list, &k, &item)) {
        if (!enif_get_tuple(env, item, &n, &pair) || n != 2)
            return mex_expected(env, "an entry", "{name, value}", item);
        char *key = mex_text(env, pair[0]);
        fine = key && set(env, file, key, pair[1]);
        if (key)
            enif_free(key);
    }
    return fine;
}

/* {:save_gguf, path, arrays, metadata} */
static term save_gguf(const call *c) {
    mlx_io_gguf file = mlx_io_gguf_new();
    bool fine = fill_gguf(c->from, file, c->task[2], set_array) &&
                fill_gguf(c->from, file, c->task[3], set_metadata) &&
                (!mlx_save_gguf(c->path, file) || mex_fail_mlx());
    mlx_io_gguf_free(file);
    return fine ? mex_atom.ok : 0;
}

/* --- which ------------------------------------------------------------------------------------ */

typedef struct row {
    const char *name;
    int arity;
    bool flagged; /* the last argument is true or false */
    term (*call)(const call *);
} row;

static const row rows[] = {
    {"load_npy", 3, true, load_npy},
    {"save_npy", 3, false, save_npy},
    {"load_npz", 2, false, load_npz},
    {"save_npz", 4, true, save_npz},
    {"load_safetensors", 3, true, load_safetensors},
    {"save_safetensors", 4, false, save_safetensors},
    {"load_gguf", 3, true, load_gguf},
    {"save_gguf", 4, false, save_gguf},
};

static term run(const row *r, call *c) {
    mex_operation(r->name, (int)strlen(r->name));
    if (r->flagged && !mex_bool(c->from, &c->flag, c->task[r->arity - 1]))
        return 0;
    c->path = mex_text(c->from, c->task[1]);
    term t = c->path ? r->call(c) : 0;
    if (c->path)
        enif_free(c->path);
    return t;
}

term mex_file_task(ErlNifEnv *env, mex_job *job, const char *name, int arity, const term *task) {
    call c = {.env = env, .from = job->env, .task = task};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].arity == arity && !strcmp(rows[i].name, name)) {
            term t = run(&rows[i], &c);
            job->lasting = t == mex_atom.ok; // who loads gets more
            return t;
        }
    return mex_fail("invalid", "there is no task %s of %d arguments", name, arity - 1), 0;
}
