/* POST /v1/embeddings, and /v1/rerank as Jina and Cohere have it. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "serve/openai/openai.h"
#include "serve/vectors.h"

typedef struct body {
    const char *model, *format, *query;
    const json_t *input, *documents;
    int64_t dimensions, top;
    bool give_back;
} body;

#define AT(member) offsetof(body, member)

/* --- embeddings ------------------------------------------------------------------------------- */

static const srv_field fields[] = {
    {"model", SRV_TEXT, AT(model), .count = 512},
    {"input", SRV_TEXT | SRV_LIST, AT(input), .items = SRV_TEXT | SRV_INT | SRV_LIST, .zeros = true,
     .required = true},
    {"encoding_format", SRV_TEXT, AT(format), .words = "float|base64"},
    {"dimensions", SRV_INT, AT(dimensions), .least = 1, .most = 1 << 20},
    {"user", SRV_TEXT, SRV_NOWHERE, .count = 512},
    {0}};

/* RFC 4648, section 4. */
static json_t *base64(const unsigned char *bytes, size_t n) {
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *text = malloc(n / 3 * 4 + 8), *to = text;
    for (size_t i = 0; text && i < n; i += 3) {
        size_t left = n - i;
        uint32_t word = (uint32_t)bytes[i] << 16 | (uint32_t)(left > 1 ? bytes[i + 1] : 0) << 8 |
                        (uint32_t)(left > 2 ? bytes[i + 2] : 0);
        *to++ = letters[word >> 18];
        *to++ = letters[word >> 12 & 63];
        *to++ = left > 1 ? letters[word >> 6 & 63] : '=';
        *to++ = left > 2 ? letters[word & 63] : '=';
    }
    json_t *value = text ? json_stringn(text, (size_t)(to - text)) : NULL;
    free(text);
    return value;
}

static bool is_one(const json_t *input) {
    return json_is_string(input) || json_is_integer(json_array_get(input, 0));
}

static bool check_input(const body *b, const srv_about *about, srv_fault *f) {
    size_t n = is_one(b->input) ? 1 : json_array_size(b->input), i;
    const json_t *item, *id;
    size_t k;
    if (n == 0 || n > SRV_MOST_TEXTS)
        return srv_fail_field(f, "input", "there are 1 to %d texts", SRV_MOST_TEXTS);
    if (!srv_check_dimensions(about, b->dimensions, f))
        return false;
    json_array_foreach(b->input, i, item) {
        if (json_is_integer(item) != (n == 1 && is_one(b->input)))
            return srv_fail_field(f, "input", "its items are of several types");
        json_array_foreach(item, k, id) if (
            !json_is_integer(id) || json_integer_value(id) < 0 ||
            json_integer_value(id) >=
                about->vocabulary) return srv_fail_field(f, "input",
                                                         "a list of tokens has tokens alone");
    }
    return true;
}

static json_t *usage(const srv_call *c) {
    return json_pack("{s:I, s:I}", "prompt_tokens", (json_int_t)c->prompt, "total_tokens",
                     (json_int_t)c->prompt);
}

static json_t *row(const body *b, const float *v, size_t n, size_t i) {
    bool packed = b->format && strcmp(b->format, "base64") == 0;
    json_t *value =
        packed ? base64((const unsigned char *)v, n * sizeof *v) : srv_vector_json(v, n);
    return json_pack("{s:s, s:i, s:o}", "object", "embedding", "index", (int)i, "embedding", value);
}

static json_t *embed_all(srv_call *c, srv_model *m, const body *b) {
    size_t n = is_one(b->input) ? 1 : json_array_size(b->input);
    size_t width = (size_t)srv_model_about(m)->vector;
    const json_t *items[SRV_MOST_TEXTS] = {NULL};
    for (size_t i = 0; i < n; i++)
        items[i] = is_one(b->input) ? b->input : json_array_get(b->input, i);
    float *v = srv_vectors_of(c, m, items, n, "input");
    if (!v)
        return NULL;
    json_t *rows = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(rows, row(b, v + i * width, width, i));
    free(v);
    return json_pack("{s:s, s:s, s:o, s:o}", "object", "list", "model", srv_model_about(m)->id,
                     "data", rows, "usage", usage(c));
}

bool srv_openai_embeddings(srv_call *c) {
    body b = {.dimensions = -1};
    double seconds;
    srv_model *m = srv_fields_read(fields, c->json, &b, &c->fault)
                       ? srv_take_encoder(c, b.model, &seconds)
                       : NULL;
    json_t *doc = m && check_input(&b, srv_model_about(m), &c->fault) ? embed_all(c, m, &b) : NULL;
    if (m)
        srv_engine_give(c->server->engine, m, -1);
    return doc ? srv_answer_vectors(c, doc) : srv_answer_fault(c);
}

/* --- rerank ----------------------------------------------------------------------------------- */

static const srv_field document_fields[] = {
    {"text", SRV_TEXT, SRV_NOWHERE, .zeros = true, .required = true}, {0}};
static const srv_field rerank_fields[] = {
    {"model", SRV_TEXT, AT(model), .count = 512},
    {"query", SRV_TEXT, AT(query), .required = true},
    {"documents", SRV_LIST, AT(documents), .items = SRV_TEXT | SRV_OBJECT, .inner = document_fields,
     .zeros = true, .count = SRV_MOST_TEXTS, .required = true},
    {"top_n", SRV_INT, AT(top), .least = 1, .most = SRV_MOST_TEXTS},
    {"return_documents", SRV_BOOL, AT(give_back)},
    {"max_tokens_per_doc", SRV_REFUSED, SRV_NOWHERE, .words = "documents are not cut"},
    {0}};

typedef struct score {
    size_t index;
    double value;
} score;

/* The best first, of equals the first. */
static int compare(const void *a, const void *b) {
    const score *x = a, *y = b;
    if (x->value != y->value)
        return x->value < y->value ? 1 : -1;
    return x->index < y->index ? -1 : 1;
}

static const json_t *text_of(const json_t *document) {
    return json_is_object(document) ? json_object_get(document, "text") : document;
}

/* Of vectors of length 1, which are rounded: the sum of their products may be a little more. */
static double cosine(const float *a, const float *b, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)a[i] * (double)b[i];
    return fmin(fmax(sum, -1), 1);
}

/* The cosine of query and document. */
static bool compare_vectors(srv_call *c, srv_model *m, const body *b, score *scores) {
    size_t n = json_array_size(b->documents), width = (size_t)srv_model_about(m)->vector;
    const json_t *items[SRV_MOST_TEXTS] = {NULL};
    json_t *query = json_string(b->query);
    for (size_t i = 0; i < n; i++)
        items[i] = text_of(json_array_get(b->documents, i));
    float *q = query ? srv_vectors_of(c, m, (const json_t *const[]){query}, 1, "query") : NULL,
          *v = q ? srv_vectors_of(c, m, items, n, "documents") : NULL;
    for (size_t i = 0; v && i < n; i++)
        scores[i] = (score){i, cosine(q, v + i * width, width)};
    bool ok = v;
    json_decref(query);
    free(q);
    free(v);
    return ok;
}

/* Some documents at a time, so that who has gone is seen. */
static bool classify_some(srv_call *c, srv_model *m, const body *b, score *scores, size_t first,
                          size_t n) {
    const char *text[SRV_TOGETHER];
    size_t length[SRV_TOGETHER], tokens = 0;
    for (size_t i = 0; i < n; i++) {
        const json_t *document = text_of(json_array_get(b->documents, first + i));
        text[i] = json_string_value(document);
        length[i] = json_string_length(document);
    }
    if (srv_queue_stopped(c->queue))
        return srv_fail_stopped(&c->fault);
    float *v =
        srv_model_classify(m, b->query, strlen(b->query), text, length, n, &tokens, &c->fault);
    c->prompt += (int64_t)tokens;
    for (size_t i = 0; v && i < n; i++)
        scores[first + i] = (score){first + i, 1 / (1 + exp(-(double)v[i]))};
    free(v);
    return !c->fault.status;
}

/* A classifier of one class (a cross-encoder) reads query and document together. */
static bool score_all(srv_call *c, srv_model *m, const body *b, score *scores) {
    const srv_about *about = srv_model_about(m);
    size_t n = json_array_size(b->documents);
    if (!about->classes)
        return compare_vectors(c, m, b, scores);
    if (about->classes > 1)
        return srv_fail_field(&c->fault, "model", "'%s' tells %lld classes of texts: it ranks none",
                              about->id, (long long)about->classes);
    for (size_t i = 0; i < n; i += SRV_TOGETHER)
        if (!classify_some(c, m, b, scores, i, n - i < SRV_TOGETHER ? n - i : SRV_TOGETHER))
            return false;
    return true;
}

static json_t *results(const body *b, const score *scores, size_t n) {
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++) {
        const json_t *document = json_array_get(b->documents, scores[i].index);
        json_t *one = json_pack("{s:I, s:f}", "index", (json_int_t)scores[i].index,
                                "relevance_score", scores[i].value);
        if (one && b->give_back)
            json_object_set_new(one, "document", json_pack("{s:O}", "text", text_of(document)));
        json_array_append_new(list, one);
    }
    return list;
}

static json_t *rerank(srv_call *c, srv_model *m, const body *b) {
    size_t n = json_array_size(b->documents);
    score *scores = malloc((n + 1) * sizeof *scores);
    json_t *doc = NULL;
    char id[48];
    srv_make_id(id, sizeof id, "rerank-");
    if (scores && score_all(c, m, b, scores)) {
        qsort(scores, n, sizeof *scores, compare);
        n = b->top >= 0 && (size_t)b->top < n ? (size_t)b->top : n;
        doc = json_pack("{s:s, s:s, s:o, s:o}", "id", id, "model", srv_model_about(m)->id,
                        "results", results(b, scores, n), "usage", usage(c));
    }
    free(scores);
    return doc;
}

bool srv_rerank(srv_call *c) {
    body b = {.top = -1};
    double seconds;
    srv_model *m = srv_fields_read(rerank_fields, c->json, &b, &c->fault)
                       ? srv_take_encoder(c, b.model, &seconds)
                       : NULL;
    json_t *doc = m ? rerank(c, m, &b) : NULL;
    if (m)
        srv_engine_give(c->server->engine, m, -1);
    return doc ? srv_answer_json(c, doc) : srv_answer_fault(c);
}
