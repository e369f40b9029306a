/* Which models there are, and which are in memory. */
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "cli.h"
#include "serve/engine/engine_own.h"

enum { MOST_MODELS = 10000 };

/* --- one model -------------------------------------------------------------------------------- */

static void free_model(srv_model *m) {
    if (!m)
        return;
    free(m->path);
    free(m->id);
    pthread_mutex_destroy(&m->lock);
    pthread_cond_destroy(&m->came);
    free(m);
}

/* Of a file, or of all files that lie in a folder. */
static uint64_t bytes_of(const char *path, const struct stat *s) {
    DIR *d = S_ISDIR(s->st_mode) ? opendir(path) : NULL;
    uint64_t sum = S_ISREG(s->st_mode) ? (uint64_t)s->st_size : 0;
    const struct dirent *e;
    struct stat one;
    while (d && (e = readdir(d)))
        if (!fstatat(dirfd(d), e->d_name, &one, 0) && S_ISREG(one.st_mode))
            sum += (uint64_t)one.st_size;
    if (d)
        closedir(d);
    return sum;
}

static srv_model *make_model(srv_engine *e, const char *path, const char *id, size_t id_num) {
    srv_model *m = calloc(1, sizeof *m);
    struct stat s;
    if (!m)
        return NULL;
    pthread_mutex_init(&m->lock, NULL);
    pthread_cond_init(&m->came, NULL);
    m->engine = e;
    m->path = strdup(path);
    m->id = strndup(id, id_num);
    if (!m->path || !m->id || stat(path, &s)) {
        free_model(m);
        return NULL;
    }
    m->created = (int64_t)s.st_mtime;
    m->file_bytes = bytes_of(path, &s);
    return m;
}

/* --- its parts -------------------------------------------------------------------------------- */

static void unload(srv_model *m) {
    engine_batch_close(m);
    mlx_structure_vocabulary_free(m->vocabulary);
    mlx_template_free(m->template);
    mlx_tokenizer_free(m->tokenizer);
    mlx_lm_free(m->lm);
    m->about = (srv_about){0};
}

/* A model without a template is no fault: it may be asked for completions. */
static bool open_template(srv_model *m) {
    mlx_vector_string names = mlx_vector_string_new();
    bool some = mlx_template_names(&names, m->path) == 0 && mlx_vector_string_size(names) > 0;
    size_t n;
    mlx_vector_string_free(names);
    if (!some)
        return true;
    return mlx_template_open(&m->template, m->path, NULL) == 0 &&
           mlx_template_text(&m->about.chat, &n, m->template) == 0;
}

static bool read_about(srv_model *m) {
    mlx_lm_info info;
    if (mlx_lm_about(&info, m->lm))
        return false;
    int64_t context = m->engine->o.context;
    m->about = (srv_about){.id = m->id,
                           .family = info.family,
                           .context = context && context < info.context ? context : info.context,
                           .vocabulary = info.vocabulary,
                           .hidden = info.hidden,
                           .layers = info.layers,
                           .parameters = info.parameters,
                           .bytes = info.bytes,
                           .encoder = info.encoder,
                           .vector = info.vector,
                           .classes = info.classes};
    return info.encoder || mlx_structure_vocabulary_open(&m->vocabulary, m->tokenizer,
                                                         info.end_tokens, info.end_token_num) == 0;
}

/* A path that a reason may have, and the name in its place. */
typedef struct named {
    const char *path, *name;
} named;

static bool is_quote(char c) {
    return c == '\'' || c == '"' || c == '`';
}

/* How much of why at `at` is that path, or its beginning; 0: it is none, but part of a word or of
   another path. One without a slash may be a word, which ends otherwise. */
static size_t path_at(const char *why, const char *at, const char *path) {
    size_t n = path ? strlen(path) : 0;
    while (n > 1 && path[n - 1] == '/')
        n--;
    if (n == 0 || strncmp(at, path, n) != 0 || (at > why && at[-1] != ' ' && !is_quote(at[-1])))
        return 0;
    char next = at[n];
    bool ends = !next || next == '/' || next == ':' || is_quote(next);
    bool is_long = memchr(path, '/', n) && (next == ' ' || next == ',');
    return ends || is_long ? n : 0;
}

/* The name of the longest path at `at`, which has *length bytes; NULL: there is none. */
static const char *name_at(const char *why, const char *at, const named *all, size_t count,
                           size_t *length) {
    const char *name = NULL;
    *length = 0;
    for (size_t i = 0; i < count; i++) {
        size_t n = path_at(why, at, all[i].path);
        if (n > *length)
            *length = n, name = all[i].name;
    }
    return name;
}

/* A reason with names where it has paths, which are none of a client's business. */
static void name_paths(char *text, size_t room, const char *why, const named *all, size_t count) {
    size_t n = 0, length;
    for (const char *at = why; *at && n + 1 < room;) {
        const char *name = name_at(why, at, all, count, &length);
        if (name)
            n += (size_t)snprintf(text + n, room - n, "%s", name);
        else
            text[n++] = *at;
        at += name ? length : 1;
    }
    text[n < room ? n : room - 1] = 0;
}

/* The reason without the library's word for who says it. */
static const char *reason(void) {
    const char *why = mlx_last_error_message(), *end = *why == '[' ? strstr(why, "] ") : NULL;
    return end ? end + 2 : why;
}

/* Told to a client. */
static bool load_failed(const srv_model *m, srv_fault *f) {
    const named paths[] = {{m->path, m->id}, {m->engine->o.adapter, "adapter"}};
    char text[sizeof f->text];
    name_paths(text, sizeof text, reason(), paths, 2);
    return srv_fail(f, 500, "the model '%s' cannot be loaded: %s", m->id, text);
}

/* Told to who begins the server: paths stay. */
static bool begin_failed(const srv_model *m, srv_fault *f) {
    return srv_fail(f, 500, "the model '%s' cannot be loaded: %s", m->id, reason());
}

typedef bool failing(const srv_model *m, srv_fault *f);

/* All of it, with the thread that computes. */
static bool load(srv_model *m, failing *fail, srv_fault *f) {
    m->lm = mlx_lm_new();
    m->tokenizer = mlx_tokenizer_new();
    m->template = mlx_template_new();
    m->vocabulary = mlx_structure_vocabulary_new();
    m->batch = mlx_lm_batch_new();
    mlx_lm_options o = {.adapter = m->engine->o.adapter};
    bool ok = mlx_lm_open(&m->lm, m->path, &o) == 0 &&
              mlx_lm_tokenizer(&m->tokenizer, m->lm) == 0 && read_about(m) &&
              (m->about.encoder || (open_template(m) && engine_batch_open(m, f)));
    if (ok)
        return true;
    if (!f->status)
        fail(m, f);
    unload(m);
    return false;
}

/* Could it be loaded? What was named and is no model, or cannot be served so, is refused before
   anybody asks for it. */
static bool check(srv_model *m, srv_fault *f) {
    bool ok = load(m, begin_failed, f);
    if (ok)
        unload(m);
    return ok;
}

/* --- which there are -------------------------------------------------------------------------- */

/* The name without its ending. */
static size_t id_length(const char *name) {
    return cli_has_ending(name, ".gguf") ? strlen(name) - 5 : strlen(name);
}

/* The last word of a path. */
static const char *base_of(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash && slash[1] ? slash + 1 : path;
}

static bool add(srv_engine *e, const char *path, const char *name, srv_fault *f) {
    size_t n = id_length(name);
    for (size_t i = 0; i < e->count; i++)
        if (strncmp(e->models[i]->id, name, n) == 0 && !e->models[i]->id[n])
            return srv_fail(f, 400, "two models are called '%s': %s and %s", e->models[i]->id,
                            e->models[i]->path, path);
    if (e->count == MOST_MODELS)
        return srv_fail(f, 400, "there are more than %d models", MOST_MODELS);
    srv_model **more = realloc(e->models, (e->count + 1) * sizeof *more);
    if (!more)
        return srv_fail(f, 500, "out of memory");
    e->models = more;
    srv_model *m = make_model(e, path, name, n);
    if (!m)
        return srv_fail(f, 500, "'%s': %s", path, strerror(errno));
    e->models[e->count++] = m;
    return true;
}

static bool has_config(const char *folder) {
    char path[4096];
    struct stat s;
    int n = snprintf(path, sizeof path, "%s/config.json", folder);
    return n > 0 && n < (int)sizeof path && stat(path, &s) == 0;
}

/* A model inside of a folder: a GGUF file, of shards the first, or a folder with a config.json. */
static bool is_model(const char *path, const char *name) {
    struct stat s;
    const char *of = strstr(name, "-of-");
    if (*name == '.' || stat(path, &s))
        return false;
    if (S_ISDIR(s.st_mode))
        return has_config(path);
    return cli_has_ending(name, ".gguf") &&
           (!of || of - name < 6 || strncmp(of - 6, "-00001", 6) == 0);
}

static int by_name(const struct dirent **a, const struct dirent **b) {
    return strcmp((*a)->d_name, (*b)->d_name);
}

static bool add_all(srv_engine *e, const char *folder, srv_fault *f) {
    struct dirent **list;
    char path[4096];
    size_t before = e->count;
    int n = scandir(folder, &list, NULL, by_name);
    if (n < 0)
        return srv_fail(f, 500, "'%s': %s", folder, strerror(errno));
    for (int i = 0; i < n; i++) {
        int length = snprintf(path, sizeof path, "%s/%s", folder, list[i]->d_name);
        if (!f->status && length < (int)sizeof path && is_model(path, list[i]->d_name))
            add(e, path, list[i]->d_name, f);
        free(list[i]);
    }
    free(list);
    if (!f->status && e->count == before)
        return srv_fail(f, 400, "'%s' is no model, and has none inside", folder);
    return !f->status;
}

/* "org/model" keeps its name; of a path it is the last word. */
static const char *name_of(const srv_source *s) {
    return strcmp(s->path, s->name) == 0 ? base_of(s->path) : s->name;
}

static bool add_source(srv_engine *e, const srv_source *s, srv_fault *f) {
    struct stat at;
    size_t n = strlen(s->path);
    while (n > 1 && s->path[n - 1] == '/') // base_of looks for the last word
        s->path[--n] = 0;
    if (stat(s->path, &at))
        return srv_fail(f, 400, "'%s': %s", s->path, strerror(errno));
    bool several = S_ISDIR(at.st_mode) && !has_config(s->path);
    if (several && e->o.adapter)
        return srv_fail(f, 400, "'%s' is a folder of models, and an adapter is of one", s->path);
    if (several)
        return add_all(e, s->path, f);
    if (!add(e, s->path, name_of(s), f))
        return false;
    srv_model *m = e->models[e->count - 1];
    m->alone = e->o.model_count == 1;
    return check(m, f);
}

srv_engine *srv_engine_open(const srv_engine_options *o, srv_fault *f) {
    srv_engine *e = calloc(1, sizeof *e);
    if (!e) {
        srv_fail(f, 500, "out of memory");
        return NULL;
    }
    e->o = *o;
    pthread_mutex_init(&e->lock, NULL);
    engine_structure_begin(e);
    pthread_cond_init(&e->changed, NULL);
    for (size_t i = 0; i < o->model_count && !f->status; i++)
        add_source(e, &o->models[i], f);
    if (!f->status)
        return e;
    srv_engine_close(e);
    return NULL;
}

size_t srv_engine_count(const srv_engine *e) {
    return e->count;
}

srv_listed srv_engine_at(srv_engine *e, size_t i) {
    const srv_model *m = e->models[i];
    pthread_mutex_lock(&e->lock);
    srv_listed listed = {m->id, m->created, m->file_bytes, m->state == MODEL_THERE};
    pthread_mutex_unlock(&e->lock);
    return listed;
}

int64_t srv_engine_find(const srv_engine *e, const char *name) {
    static const char latest[] = ":latest";
    size_t n = name ? strlen(name) : 0, k = sizeof latest - 1;
    if (n == 0)
        return e->count ? 0 : -1;
    if (n > k && strcmp(name + n - k, latest) == 0)
        n -= k;
    for (size_t i = 0; i < e->count; i++)
        if (strncmp(e->models[i]->id, name, n) == 0 && !e->models[i]->id[n])
            return (int64_t)i;
    return -1;
}

/* --- loading ---------------------------------------------------------------------------------- */

/* One thread loads, others wait for it. False: it could not, and says why. */
static bool come(srv_engine *e, srv_model *m, srv_fault *f) {
    while (m->state == MODEL_LOADING)
        pthread_cond_wait(&e->changed, &e->lock);
    if (m->state == MODEL_THERE)
        return true;
    m->state = MODEL_LOADING;
    pthread_mutex_unlock(&e->lock);
    bool ok = load(m, load_failed, f);
    pthread_mutex_lock(&e->lock);
    m->state = ok ? MODEL_THERE : MODEL_AWAY;
    pthread_cond_broadcast(&e->changed);
    return ok;
}

srv_model *srv_engine_take(srv_engine *e, size_t i, srv_fault *f) {
    srv_model *m = e->models[i];
    pthread_mutex_lock(&e->lock);
    bool ok = come(e, m, f);
    m->holders += ok;
    pthread_mutex_unlock(&e->lock);
    return ok ? m : NULL;
}

void srv_engine_give(srv_engine *e, srv_model *m, double keep) {
    double idle = keep >= 0 ? keep : e->o.idle > 0 ? e->o.idle : INFINITY;
    pthread_mutex_lock(&e->lock);
    m->holders--;
    m->leaves = cli_seconds() + idle;
    pthread_mutex_unlock(&e->lock);
}

/* Loading is a state in which nobody takes it; so is going. */
static void leave(srv_engine *e, srv_model *m) {
    m->state = MODEL_LOADING;
    pthread_mutex_unlock(&e->lock);
    unload(m);
    mlx_clear_cache();
    pthread_mutex_lock(&e->lock);
    m->state = MODEL_AWAY;
    pthread_cond_broadcast(&e->changed);
}

void srv_engine_tick(srv_engine *e) {
    double now = cli_seconds();
    pthread_mutex_lock(&e->lock);
    for (size_t i = 0; i < e->count; i++) {
        srv_model *m = e->models[i];
        if (m->state == MODEL_THERE && m->holders == 0 && now > m->leaves)
            leave(e, m);
    }
    pthread_mutex_unlock(&e->lock);
}

void srv_engine_close(srv_engine *e) {
    if (!e)
        return;
    for (size_t i = 0; i < e->count; i++) {
        if (e->models[i]->state == MODEL_THERE)
            unload(e->models[i]);
        free_model(e->models[i]);
    }
    free(e->models);
    engine_structure_close(e);
    pthread_mutex_destroy(&e->lock);
    pthread_cond_destroy(&e->changed);
    free(e);
}

const srv_about *srv_model_about(const srv_model *m) {
    return &m->about;
}

srv_state srv_engine_state(srv_engine *e) {
    srv_state sum = {0};
    mlx_lm_batch_state one;
    pthread_mutex_lock(&e->lock);
    for (size_t i = 0; i < e->count; i++) {
        srv_model *m = e->models[i];
        if (m->state != MODEL_THERE || m->about.encoder)
            continue;
        pthread_mutex_lock(&m->lock);
        bool known = mlx_lm_batch_about(&one, m->batch) == 0;
        pthread_mutex_unlock(&m->lock);
        if (!known)
            continue;
        sum.running += one.running;
        sum.waiting += one.waiting;
        sum.kv_bytes += one.kv_bytes;
    }
    pthread_mutex_unlock(&e->lock);
    return sum;
}
