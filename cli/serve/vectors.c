/* Vectors of texts: see vectors.h. */
#include "serve/vectors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "serve/job.h"

srv_model *srv_take_encoder(srv_call *c, const char *name, double *seconds) {
    srv_model *m = srv_take_model(c, name, seconds);
    if (!m || srv_model_about(m)->encoder)
        return m;
    srv_fail_field(&c->fault, "model", "'%s' makes text, no vectors", srv_model_about(m)->id);
    srv_engine_give(c->server->engine, m, -1);
    return NULL;
}

/* Texts that are computed together. */
typedef struct group {
    int *tokens; /* owned */
    size_t n, count, ends[SRV_TOGETHER];
} group;

static bool append(group *g, const int *tokens, size_t n) {
    int *more = realloc(g->tokens, (g->n + n + 1) * sizeof *more);
    if (!more)
        return false;
    memcpy(more + g->n, tokens, n * sizeof *tokens);
    g->tokens = more;
    g->n += n;
    g->ends[g->count++] = g->n;
    return true;
}

/* The tokens of a text, or of a list of them; for free. NULL and a fault. */
static int *tokens_of(srv_call *c, srv_model *m, const json_t *item, size_t *n) {
    size_t count = json_array_size(item);
    *n = 0;
    if (json_is_string(item))
        return srv_model_encode(m, json_string_value(item), json_string_length(item), false, n,
                                &c->fault);
    int *tokens = malloc((count + 1) * sizeof *tokens);
    for (; tokens && *n < count; ++*n)
        tokens[*n] = (int)json_integer_value(json_array_get(item, *n));
    return tokens;
}

static bool add_item(srv_call *c, srv_model *m, const json_t *item, const char *field, group *g) {
    const srv_about *about = srv_model_about(m);
    size_t n;
    int *tokens = tokens_of(c, m, item, &n);
    if (tokens && n == 0)
        srv_fail_field(&c->fault, field, "a text without tokens has no vector");
    else if (tokens && (int64_t)n > about->context)
        srv_fail_field(&c->fault, field, "a text has %zu tokens, the model takes %lld", n,
                       (long long)about->context);
    else if (!tokens || !append(g, tokens, n))
        srv_fail(&c->fault, 500, "out of memory"); // or what was said before
    free(tokens);
    return !c->fault.status;
}

float *srv_vectors_of(srv_call *c, srv_model *m, const json_t *const *items, size_t count,
                      const char *field) {
    size_t width = (size_t)srv_model_about(m)->vector;
    float *all = malloc((count * width + 1) * sizeof *all), *part = all;
    for (size_t i = 0; part && i < count; i += SRV_TOGETHER) {
        group g = {0};
        while (g.count < SRV_TOGETHER && i + g.count < count &&
               add_item(c, m, items[i + g.count], field, &g)) {
        }
        if (srv_queue_stopped(c->queue))
            srv_fail_stopped(&c->fault);
        part = c->fault.status ? NULL : srv_model_embed(m, g.tokens, g.ends, g.count, &c->fault);
        if (part)
            memcpy(all + i * width, part, g.count * width * sizeof *all);
        c->prompt += (int64_t)g.n;
        free(g.tokens);
        free(part);
    }
    if (part)
        return all;
    srv_fail(&c->fault, 500, "out of memory"); // or what was said before
    free(all);
    return NULL;
}

bool srv_check_dimensions(const srv_about *about, int64_t dimensions, srv_fault *f) {
    return dimensions < 0 || dimensions == about->vector ||
           srv_fail_field(f, "dimensions", "the model's vectors have %lld",
                          (long long)about->vector);
}

/* The shortest decimal that is the same float32. */
static double shortest(float x) {
    char text[32];
    for (int digits = 6; digits <= 9; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, (double)x);
        if (strtof(text, NULL) == x)
            break;
    }
    return strtod(text, NULL);
}

json_t *srv_vector_json(const float *v, size_t n) {
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, json_real(shortest(v[i])));
    return list;
}
