/* Structures that answers are held to. The last ones are kept: programs ask for the same again and
 * again, and the masks of their states are found once. */
#include <stdlib.h>
#include <string.h>

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

/* The place of this one, or of the one that was not used for longest. */
static engine_structure *place_of(srv_engine *e, const srv_ask *a) {
    engine_structure *oldest = e->structures;
    for (size_t i = 0; i < KEPT_STRUCTURES; i++) {
        engine_structure *k = &e->structures[i];
        if (is_same(k, a))
            return k;
        if (k->used < oldest->used)
            oldest = k;
    }
    let_go(oldest);
    return oldest;
}

static bool fill(engine_structure *k, const srv_ask *a, srv_fault *f) {
    const char *text = a->structure_text ? a->structure_text : "";
    if (k->structure.ctx)
        return true;
    k->kind = a->structure;
    k->structure = mlx_structure_new();
    k->text = strdup(text);
    if (!k->text)
        return srv_fail(f, 500, "out of memory");
    if (open_kind(&k->structure, a->structure, text) == 0)
        return true;
    f->code = "invalid_structure";
    return engine_fail(f);
}

bool engine_structure_lend(srv_engine *e, const srv_ask *a, mlx_structure *s, srv_fault *f) {
    *s = mlx_structure_new();
    if (a->structure == SRV_FREE)
        return true;
    pthread_mutex_lock(&e->structure_lock);
    engine_structure *k = place_of(e, a);
    if (fill(k, a, f)) {
        k->used = ++e->uses;
        *s = k->structure;
        return true;
    }
    let_go(k);
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
}
