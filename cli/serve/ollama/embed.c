/* POST /api/embed; /api/embeddings, as it was before. */
#include <stdlib.h>

#include "serve/ollama/ollama.h"
#include "serve/vectors.h"

typedef struct body {
    const char *model;
    const json_t *keep;
    int64_t dimensions;
} body;

#define AT(member) offsetof(body, member)

#define COMMON                                                      \
    {"model", SRV_TEXT, AT(model), .count = 512, .required = true}, \
        {"keep_alive", SRV_TEXT | SRV_REAL, AT(keep)}, {            \
        "options", SRV_OBJECT, SRV_NOWHERE, .inner = no_options     \
    }

static const srv_field no_options[] = {{0}};
static const srv_field embed_fields[] = {
    COMMON,
    {"input", SRV_TEXT | SRV_LIST, SRV_NOWHERE, .items = SRV_TEXT, .zeros = true, .required = true},
    {"truncate", SRV_BOOL, SRV_NOWHERE, .only = "true"},
    {"dimensions", SRV_INT, AT(dimensions), .least = 1, .most = 1 << 20},
    {0}};
static const srv_field prompt_fields[] = {
    COMMON, {"prompt", SRV_TEXT, SRV_NOWHERE, .zeros = true, .required = true}, {0}};

static json_t *list_of(const float *v, size_t count, size_t width) {
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, srv_vector_json(v + i * width, width));
    return list;
}

/* The vectors of the input, a text or a list, as a list of lists. NULL and a fault. */
static json_t *embed(srv_call *c, srv_model *m, const body *b, const char *field) {
    const json_t *input = json_object_get(c->json, field);
    const srv_about *about = srv_model_about(m);
    const json_t *items[SRV_MOST_TEXTS] = {input};
    size_t n = json_is_string(input) ? 1 : json_array_size(input);
    if (n > SRV_MOST_TEXTS)
        return srv_fail_field(&c->fault, field, "there are %d texts at most", SRV_MOST_TEXTS), NULL;
    if (!srv_check_dimensions(about, b->dimensions, &c->fault))
        return NULL;
    for (size_t i = 0; json_is_array(input) && i < n; i++)
        items[i] = json_array_get(input, i);
    float *v = srv_vectors_of(c, m, items, n, field);
    json_t *list = v ? list_of(v, n, (size_t)about->vector) : NULL;
    free(v);
    return list;
}

static json_t *named(srv_call *c, const srv_model *m, json_t *vectors, double loaded) {
    return json_pack("{s:s, s:o, s:I, s:I, s:I}", "model", srv_model_about(m)->id, "embeddings",
                     vectors, "total_duration", srv_ollama_nanoseconds(cli_seconds() - c->began),
                     "load_duration", srv_ollama_nanoseconds(loaded), "prompt_eval_count",
                     (json_int_t)c->prompt);
}

/* What /api/embeddings answers has the one vector alone. */
static json_t *alone(json_t *vectors) {
    json_t *doc = json_pack("{s:O}", "embedding", json_array_get(vectors, 0));
    json_decref(vectors);
    return doc;
}

static bool answer(srv_call *c, const srv_field *table, const char *field) {
    body b = {.dimensions = -1};
    double loaded, keep = -1;
    bool ok = srv_fields_read(table, c->json, &b, &c->fault) &&
              (!b.keep || srv_ollama_seconds(b.keep, &keep, &c->fault));
    srv_model *m = ok ? srv_take_encoder(c, b.model, &loaded) : NULL;
    json_t *v = m ? embed(c, m, &b, field) : NULL;
    json_t *doc = !v ? NULL : table == embed_fields ? named(c, m, v, loaded) : alone(v);
    if (m)
        srv_engine_give(c->server->engine, m, keep);
    return doc ? srv_answer_vectors(c, doc) : srv_answer_fault(c);
}

bool srv_ollama_embed(srv_call *c) {
    return answer(c, embed_fields, "input");
}

bool srv_ollama_embeddings(srv_call *c) {
    return answer(c, prompt_fields, "prompt");
}
