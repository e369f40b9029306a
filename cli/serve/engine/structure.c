/* Structures that answers are held to. The last ones are kept: programs ask for the same again and
 * again, and the masks of their states are found once. They are made outside of the lock, on the
 * thread of who asks, by turns, so that nobody waits long for another's; made twice at the same
 * time, one goes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "serve/engine/engine_own.h"

static mlx_vector_string choices_of(const char *text) {
    json_t *list = json_loads(text, 0, NULL), *one;
    mlx_vector_string texts = mlx_vector_string_new();
    size_t i;
    json_array_foreach(list, i, one) mlx_vector_string_append_value(texts, json_string_value(one));
    json_decref(list);
    return texts;
}

static int open_choices(mlx_structure *s, const char *text) {
    mlx_vector_string texts = choices_of(text);
    int failed = mlx_structure_open_choices(s, texts);
    mlx_vector_string_free(texts);
    return failed;
}

static int open_kind(mlx_structure *s, srv_structure kind, const char *text) {
    switch (kind) {
    case SRV_JSON: return mlx_structure_open_json(s, true, MLX_STRUCTURE_SPACED);
    case SRV_SCHEMA: return mlx_structure_open_schema(s, text, MLX_STRUCTURE_SPACED);
    case SRV_REGEX: return mlx_structure_open_regex(s, text);
    case SRV_GRAMMAR: return mlx_structure_open_gbnf(s, text);
    default: return open_choices(s, text);
    }
}

static bool is_same(const engine_structure *k, const srv_ask *a) {
    return k->structure.ctx && k->kind == a->structure &&
           strcmp(k->text, a->structure_text ? a->structure_text : "") == 0;
}

static void let_go(engine_structure *k) {
    mlx_structure_free(k->structure);
    free(k->text);
    *k = (engine_structure){0};
}

static engine_structure *find(srv_engine *e, const srv_ask *a) {
    for (size_t i = 0; i < KEPT_STRUCTURES; i++)
        if (is_same(&e->structures[i], a))
            return &e->structures[i];
    return NULL;
}

/* In the place of the one that was not used for longest. */
static engine_structure *keep(srv_engine *e, engine_structure made) {
    engine_structure *oldest = e->structures;
    for (size_t i = 1; i < KEPT_STRUCTURES; i++)
        if (e->structures[i].used < oldest->used)
            oldest = &e->structures[i];
    let_go(oldest);
    *oldest = made;
    return oldest;
}

/* What this thread makes one for; queue NULL: it makes none. */
static _Thread_local struct {
    srv_queue *queue;
    srv_turns *turns;
    srv_turn turn;
} asking;

/* Making one ends with its request: its client has gone, its time is over, the server ends. */
static bool has_ended(void *unused) {
    (void)unused;
    return cli_interrupted() || (asking.queue && srv_queue_stopped(asking.queue));
}

static int has_to_stop(void *unused) {
    return has_ended(unused) ||
           (asking.queue && !srv_turns_pass(asking.turns, &asking.turn, has_ended, NULL));
}

void engine_structure_begin(srv_engine *e) {
    srv_turns_begin(&e->turns);
    pthread_mutex_init(&e->structure_lock, NULL);
    mlx_structure_limit_steps(&(uint64_t){0}, STRUCTURE_STEPS);
    mlx_set_interrupt_check_within(has_to_stop, NULL);
}

/* False: the library's error. */
static bool open_for(srv_engine *e, engine_structure *made, const srv_ask *a, bool *ended) {
    asking.queue = a->to;
    asking.turns = &e->turns;
    *ended = !srv_turns_take(&e->turns, &asking.turn, has_ended, NULL);
    int failed = *ended || open_kind(&made->structure, a->structure, made->text);
    srv_turns_give(&e->turns, &asking.turn);
    asking.queue = NULL;
    return !failed;
}

static bool make(srv_engine *e, engine_structure *made, const srv_ask *a, srv_fault *f) {
    bool ended;
    const char *text = a->structure_text ? a->structure_text : "";
    *made = (engine_structure){a->structure, strdup(text), mlx_structure_new(), 0};
    if (!made->text)
        return srv_fail(f, 500, "out of memory");
    if (open_for(e, made, a, &ended))
        return true;
    if (ended || mlx_last_error_code() == MLX_ERROR_INTERRUPTED)
        return srv_fail_stopped(f);
    return engine_fail(f);
}

/* One of several that nothing matches would be left out of the whole without a word, and what is
   wrong with one has its place there. */
static bool check_schemas(srv_engine *e, const srv_ask *a, srv_fault *f) {
    for (const srv_schema *s = a->schemas; s && s->text; s++) {
        engine_structure made;
        srv_ask one = {.structure = SRV_SCHEMA, .structure_text = s->text, .to = a->to};
        bool ok = make(e, &made, &one, f);
        let_go(&made);
        if (!ok && !*f->field)
            snprintf(f->field, sizeof f->field, "%s", s->field);
        if (!ok)
            return false;
    }
    return true;
}

/* Under the lock, which is let go of while one is made. NULL: a fault. */
static engine_structure *find_or_make(srv_engine *e, const srv_ask *a, srv_fault *f) {
    engine_structure *there = find(e, a), made = {0};
    if (there)
        return there;
    pthread_mutex_unlock(&e->structure_lock);
    bool ok = check_schemas(e, a, f) && make(e, &made, a, f);
    pthread_mutex_lock(&e->structure_lock);
    there = ok ? find(e, a) : NULL;
    if (ok && !there)
        return keep(e, made);
    let_go(&made);
    return there;
}

bool engine_structure_lend(srv_engine *e, const srv_ask *a, mlx_structure *s, srv_fault *f) {
    *s = mlx_structure_new();
    if (a->structure == SRV_FREE)
        return true;
    pthread_mutex_lock(&e->structure_lock);
    engine_structure *k = find_or_make(e, a, f);
    if (k) {
        k->used = ++e->uses;
        *s = k->structure;
        return true;
    }
    pthread_mutex_unlock(&e->structure_lock);
    return false;
}

void engine_structure_back(srv_engine *e, const srv_ask *a) {
    if (a->structure != SRV_FREE)
        pthread_mutex_unlock(&e->structure_lock);
}

void engine_structure_close(srv_engine *e) {
    for (size_t i = 0; i < KEPT_STRUCTURES; i++)
        let_go(&e->structures[i]);
    pthread_mutex_destroy(&e->structure_lock);
    srv_turns_end(&e->turns);
}
