/* Language models and tokenizers: tasks of jobs. */
#include <pthread.h>

#include "lm.h"

/* --- handles ---------------------------------------------------------------------------------- */

/* Weights and caches may be large: giving them back is no work for a scheduler. */
typedef struct later {
    void (*call)(void *handle);
    void *handle;
} later;

static void *free_now(void *argument) {
    later *l = argument;
    l->call(l->handle);
    enif_free(l);
    return NULL;
}

void mex_free_later(void (*call)(void *handle), void *handle) {
    pthread_t thread;
    later *l = handle ? enif_alloc(sizeof *l) : NULL;
    if (!handle)
        return;
    if (l)
        *l = (later){call, handle};
    if (l && !pthread_create(&thread, NULL, free_now, l)) {
        pthread_detach(thread);
        return;
    }
    enif_free(l);
    call(handle);
}

static void free_lm(void *handle) {
    mlx_lm_free((mlx_lm){handle});
}

void mex_lm_free(ErlNifEnv *env, void *object) {
    (void)env;
    mex_free_later(free_lm, ((mex_lm *)object)->handle.ctx);
}

void mex_tokenizer_free(ErlNifEnv *env, void *object) {
    (void)env;
    mlx_tokenizer_free(((mex_tokenizer *)object)->handle);
}

mlx_lm *mex_lm_of(ErlNifEnv *env, term t) {
    void *object;
    if (!enif_get_resource(env, t, mex_lm_type, &object))
        return mex_expected(env, "the model", "a language model", t), NULL;
    return &((mex_lm *)object)->handle;
}

static mlx_tokenizer *tokenizer_of(ErlNifEnv *env, term t) {
    void *object;
    if (!enif_get_resource(env, t, mex_tokenizer_type, &object))
        return mex_expected(env, "the tokenizer", "a tokenizer", t), NULL;
    return &((mex_tokenizer *)object)->handle;
}

static term tokenizer_term(ErlNifEnv *env, mlx_tokenizer handle) {
    mex_tokenizer *object = enif_alloc_resource(mex_tokenizer_type, sizeof *object);
    if (!object)
        return mlx_tokenizer_free(handle), mex_fail("memory", "no memory for a tokenizer"), 0;
    object->handle = handle;
    term t = enif_make_resource(env, object);
    enif_release_resource(object);
    return t;
}

/* --- what crosses ----------------------------------------------------------------------------- */

bool mex_bytes(ErlNifEnv *env, ErlNifBinary *out, const char *what, term t) {
    return enif_inspect_binary(env, t, out) || mex_expected(env, what, "a string", t);
}

int *mex_token_list(ErlNifEnv *env, size_t *n, term list) {
    unsigned length;
    term item;
    if (!enif_get_list_length(env, list, &length))
        return mex_expected(env, "the tokens", "a list of integers", list), NULL;
    int *tokens = enif_alloc(((size_t)length + 1) * sizeof *tokens);
    if (!tokens)
        return mex_fail("memory", "no memory for %u tokens", length), NULL;
    for (*n = 0; enif_get_list_cell(env, list, &item, &list); ++*n)
        if (!enif_get_int(env, item, &tokens[*n])) {
            enif_free(tokens);
            return mex_expected(env, "a token", "an integer", item), NULL;
        }
    return tokens;
}

term mex_token_terms(ErlNifEnv *env, const int *tokens, size_t n) {
    term list = enif_make_list(env, 0);
    while (n--)
        list = enif_make_list_cell(env, enif_make_int(env, tokens[n]), list);
    return list;
}

/* What encoding made, which is freed. */
static term tokens_term(ErlNifEnv *env, int status, mlx_tokens tokens) {
    const int *data;
    size_t n;
    term t = status || mlx_tokens_data(&data, &n, tokens) ? (mex_fail_mlx(), 0)
                                                          : mex_token_terms(env, data, n);
    mlx_tokens_free(tokens);
    return t;
}

static term text_term(ErlNifEnv *env, const char *text) {
    return text ? mex_text_term(env, text, strlen(text)) : mex_atom.nil;
}

static term bool_term(bool yes) {
    return yes ? mex_atom.yes : mex_atom.no;
}

/* --- models ----------------------------------------------------------------------------------- */

/* {:lm_open, path, adapter or nil} */
static term lm_open(ErlNifEnv *env, mex_job *job, const term *task) {
    char *path = mex_text(job->env, task[1]);
    char *adapter = path && task[2] != mex_atom.nil ? mex_text(job->env, task[2]) : NULL;
    bool fine = path && (adapter || task[2] == mex_atom.nil);
    mlx_lm lm = mlx_lm_new();
    if (fine && mlx_lm_open(&lm, path, &(mlx_lm_options){.adapter = adapter}))
        fine = mex_fail_mlx();
    enif_free(path);
    enif_free(adapter);
    mex_lm *object = fine ? enif_alloc_resource(mex_lm_type, sizeof *object) : NULL;
    if (!object)
        return mlx_lm_free(lm), fine && mex_fail("memory", "no memory for a model"), 0;
    object->handle = lm;
    term t = enif_make_resource(env, object);
    enif_release_resource(object);
    return t;
}

/* {:lm_about, model}: {family, name, context, vocabulary, hidden, layers, parameters, bytes,
   encoder, end tokens} */
static term lm_about(ErlNifEnv *env, mex_job *job, const term *task) {
    mlx_lm *lm = mex_lm_of(job->env, task[1]);
    mlx_lm_info i;
    if (!lm || (mlx_lm_about(&i, *lm) && !mex_fail_mlx()))
        return 0;
    term items[] = {text_term(env, i.family),
                    text_term(env, i.name),
                    enif_make_int64(env, i.context),
                    enif_make_int64(env, i.vocabulary),
                    enif_make_int64(env, i.hidden),
                    enif_make_int64(env, i.layers),
                    enif_make_uint64(env, i.parameters),
                    enif_make_uint64(env, i.bytes),
                    bool_term(i.encoder),
                    mex_token_terms(env, i.end_tokens, i.end_token_num)};
    return enif_make_tuple_from_array(env, items, sizeof items / sizeof *items);
}

/* {:lm_tokenizer, model} */
static term lm_tokenizer(ErlNifEnv *env, mex_job *job, const term *task) {
    mlx_lm *lm = mex_lm_of(job->env, task[1]);
    mlx_tokenizer t = mlx_tokenizer_new();
    if (lm && !mlx_lm_tokenizer(&t, *lm))
        return tokenizer_term(env, t);
    if (lm)
        mex_fail_mlx();
    return mlx_tokenizer_free(t), 0;
}

/* {:lm_chat, model, variables as JSON} */
static term lm_chat(ErlNifEnv *env, mex_job *job, const term *task) {
    mlx_lm *lm = mex_lm_of(job->env, task[1]);
    ErlNifBinary json;
    if (!lm || !mex_bytes(job->env, &json, "the variables", task[2]))
        return 0;
    mlx_tokens tokens = mlx_tokens_new();
    return tokens_term(env, mlx_lm_chat(&tokens, *lm, (const char *)json.data, json.size), tokens);
}

/* {:lm_logits, model, tokens} */
static term lm_logits(ErlNifEnv *env, mex_job *job, const term *task) {
    mlx_lm *lm = mex_lm_of(job->env, task[1]);
    size_t n;
    int *tokens = lm ? mex_token_list(job->env, &n, task[2]) : NULL;
    mlx_array a = mlx_array_new();
    if (!tokens)
        return 0;
    int status = mlx_lm_logits(&a, *lm, tokens, n);
    enif_free(tokens);
    return status ? (mlx_array_free(a), mex_fail_mlx(), 0) : mex_array_term(env, a);
}

/* Texts in a list, borrowed from the job's environment; the caller frees both. */
typedef struct texts {
    const char **data;
    size_t *lengths, *ends, count;
} texts;

static void texts_free(texts *t) {
    enif_free(t->data);
    enif_free(t->lengths);
    enif_free(t->ends);
}

static bool texts_of(ErlNifEnv *env, texts *t, term list) {
    unsigned n;
    term item;
    ErlNifBinary bin;
    *t = (texts){NULL};
    if (!enif_get_list_length(env, list, &n))
        return mex_expected(env, "the texts", "a list of strings", list);
    t->data = enif_alloc((n + 1) * sizeof *t->data);
    t->lengths = enif_alloc((n + 1) * sizeof *t->lengths);
    t->ends = enif_alloc((n + 1) * sizeof *t->ends);
    if (!t->data || !t->lengths || !t->ends)
        return mex_fail("memory", "no memory for %u texts", n);
    for (; enif_get_list_cell(env, list, &item, &list); t->count++) {
        if (!mex_bytes(env, &bin, "a text", item))
            return false;
        t->data[t->count] = (const char *)bin.data;
        t->lengths[t->count] = bin.size;
    }
    return true;
}

static bool embed(mlx_array *a, mlx_lm lm, const texts *t) {
    mlx_tokenizer tokenizer = mlx_tokenizer_new();
    mlx_tokens tokens = mlx_tokens_new();
    const int *data = NULL;
    size_t n;
    bool fine =
        !mlx_lm_tokenizer(&tokenizer, lm) &&
        !mlx_tokenizer_encode_all(&tokens, t->ends, tokenizer, t->data, t->lengths, t->count, 0) &&
        !mlx_tokens_data(&data, &n, tokens) && !mlx_lm_embed(a, lm, data, NULL, t->ends, t->count);
    if (!fine)
        mex_fail_mlx();
    mlx_tokens_free(tokens);
    mlx_tokenizer_free(tokenizer);
    return fine;
}

/* {:lm_embed, model, texts} */
static term lm_embed(ErlNifEnv *env, mex_job *job, const term *task) {
    mlx_lm *lm = mex_lm_of(job->env, task[1]);
    mlx_array a = mlx_array_new();
    texts t;
    if (!lm)
        return 0;
    bool fine = texts_of(job->env, &t, task[2]) && embed(&a, *lm, &t);
    texts_free(&t);
    return fine ? mex_array_term(env, a) : (mlx_array_free(a), 0);
}

/* --- tokenizers ------------------------------------------------------------------------------- */

/* {:tokenizer_open, path} */
static term tokenizer_open(ErlNifEnv *env, mex_job *job, const term *task) {
    char *path = mex_text(job->env, task[1]);
    mlx_tokenizer t = mlx_tokenizer_new();
    if (!path)
        return 0;
    int status = mlx_tokenizer_open(&t, path);
    enif_free(path);
    return status ? (mlx_tokenizer_free(t), mex_fail_mlx(), 0) : tokenizer_term(env, t);
}

/* {:tokenizer_bytes, name, bytes} */
static term tokenizer_bytes(ErlNifEnv *env, mex_job *job, const term *task) {
    char *name = mex_text(job->env, task[1]);
    ErlNifBinary bin;
    bool fine = name && mex_bytes(job->env, &bin, "the tokenizer", task[2]);
    mlx_tokenizer t = mlx_tokenizer_new();
    if (fine && mlx_tokenizer_open_bytes(&t, name, (const char *)bin.data, bin.size))
        fine = mex_fail_mlx();
    enif_free(name);
    return fine ? tokenizer_term(env, t) : (mlx_tokenizer_free(t), 0);
}

static term role_term(ErlNifEnv *env, mlx_tokenizer t, mlx_token_role role) {
    int token = -1;
    return mlx_tokenizer_role(&token, t, role) || token < 0 ? mex_atom.nil
                                                            : enif_make_int(env, token);
}

/* {:tokenizer_about, tokenizer}: {kind, size, [token of each role, or nil]} */
static term tokenizer_about(ErlNifEnv *env, mex_job *job, const term *task) {
    mlx_tokenizer *t = tokenizer_of(job->env, task[1]);
    const char *kind;
    size_t size;
    if (!t || ((mlx_tokenizer_kind(&kind, *t) || mlx_tokenizer_size(&size, *t)) && !mex_fail_mlx()))
        return 0;
    term roles = enif_make_list(env, 0);
    for (int role = MLX_TOKEN_MASK; role >= MLX_TOKEN_BOS; role--)
        roles = enif_make_list_cell(env, role_term(env, *t, (mlx_token_role)role), roles);
    return enif_make_tuple3(env, text_term(env, kind), enif_make_uint64(env, size), roles);
}

/* {:encode, tokenizer, text, flags} */
static term encode(ErlNifEnv *env, mex_job *job, const term *task) {
    mlx_tokenizer *t = tokenizer_of(job->env, task[1]);
    ErlNifBinary bin;
    int flags;
    if (!t || !mex_bytes(job->env, &bin, "the text", task[2]) ||
        !mex_int(job->env, &flags, task[3]))
        return 0;
    mlx_tokens tokens = mlx_tokens_new();
    return tokens_term(env,
                       mlx_tokenizer_encode(&tokens, *t, (const char *)bin.data, bin.size, flags),
                       tokens);
}

/* {:decode, tokenizer, tokens, special} */
static term decode(ErlNifEnv *env, mex_job *job, const term *task) {
    mlx_tokenizer *t = tokenizer_of(job->env, task[1]);
    bool special;
    size_t n, length;
    int *tokens =
        t && mex_bool(job->env, &special, task[3]) ? mex_token_list(job->env, &n, task[2]) : NULL;
    if (!tokens)
        return 0;
    mlx_string s = mlx_string_new();
    term text = mlx_tokenizer_decode(&s, &length, *t, tokens, n, special)
                    ? (mex_fail_mlx(), 0)
                    : mex_text_term(env, mlx_string_data(s), length);
    mlx_string_free(s);
    enif_free(tokens);
    return text;
}

/* {:piece, tokenizer, token}: {piece or nil, is it special?} */
static term piece(ErlNifEnv *env, mex_job *job, const term *task) {
    mlx_tokenizer *t = tokenizer_of(job->env, task[1]);
    const char *text = NULL;
    bool special = false;
    size_t n;
    int token;
    if (!t || !mex_int(job->env, &token, task[2]))
        return 0;
    if (mlx_tokenizer_piece(&text, &n, *t, token) || !text)
        return enif_make_tuple2(env, mex_atom.nil, mex_atom.no);
    mlx_tokenizer_is_special(&special, *t, token);
    return enif_make_tuple2(env, mex_text_term(env, text, n), bool_term(special));
}

/* {:token, tokenizer, piece}: its number, or nil */
static term token(ErlNifEnv *env, mex_job *job, const term *task) {
    mlx_tokenizer *t = tokenizer_of(job->env, task[1]);
    ErlNifBinary bin;
    int id = -1;
    if (!t || !mex_bytes(job->env, &bin, "the piece", task[2]))
        return 0;
    if (mlx_tokenizer_id(&id, *t, (const char *)bin.data, bin.size))
        return mex_fail_mlx(), 0;
    return id < 0 ? mex_atom.nil : enif_make_int(env, id);
}

const mex_task_row mex_lm_tasks[] = {
    {"lm_open", 3, lm_open},
    {"lm_about", 2, lm_about},
    {"lm_tokenizer", 2, lm_tokenizer},
    {"lm_chat", 3, lm_chat},
    {"lm_logits", 3, lm_logits},
    {"lm_embed", 3, lm_embed},
    {"tokenizer_open", 2, tokenizer_open},
    {"tokenizer_bytes", 3, tokenizer_bytes},
    {"tokenizer_about", 2, tokenizer_about},
    {"encode", 4, encode},
    {"decode", 4, decode},
    {"piece", 3, piece},
    {"token", 3, token},
    {"batch_open", 3, mex_batch_open},
    {"batch_about", 2, mex_batch_about},
    {"ask", 5, mex_ask},
    {NULL, 0, NULL},
};
