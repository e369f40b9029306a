/* GET /api/tags, /api/ps, /api/version; POST /api/show */
#include <string.h>

#include "serve/ollama/ollama.h"

static json_t *list(srv_call *c, bool loaded) {
    json_t *models = json_array();
    char time[64];
    for (size_t i = 0; i < srv_engine_count(c->server->engine); i++) {
        srv_listed m = srv_engine_at(c->server->engine, i);
        srv_ollama_time(time, m.created, 0);
        if (!loaded || m.loaded)
            json_array_append_new(models,
                                  json_pack("{s:s, s:s, s:s, s:I}", "name", m.id, "model", m.id,
                                            "modified_at", time, "size", (json_int_t)m.bytes));
    }
    return json_pack("{s:o}", "models", models);
}

bool srv_ollama_tags(srv_call *c) {
    return srv_answer_json(c, list(c, false));
}

bool srv_ollama_ps(srv_call *c) {
    return srv_answer_json(c, list(c, true));
}

bool srv_ollama_version(srv_call *c) {
    return srv_answer_json(c, json_pack("{s:s}", "version", c->server->o.version));
}

/* --- show ------------------------------------------------------------------------------------- */

typedef struct body {
    const char *model, *name;
    bool verbose;
} body;

static const srv_field fields[] = {
    {"model", SRV_TEXT, offsetof(body, model), .count = 512},
    {"name", SRV_TEXT, offsetof(body, name), .count = 512}, // as it was called before
    {"verbose", SRV_BOOL, offsetof(body, verbose), .only = "false"},
    {0}};

static json_t *show(const srv_about *a) {
    json_t *can = json_pack("[s]", a->encoder ? "embedding" : "completion");
    if (a->chat && strcmp(cli_answer_style_name(cli_answer_style_of(a->chat)), "none") != 0)
        json_array_append_new(can, json_string("tools"));
    if (a->chat && strstr(a->chat, "think>"))
        json_array_append_new(can, json_string("thinking"));
    json_t *info =
        json_pack("{s:s, s:I, s:I, s:I, s:I, s:I}", "general.architecture", a->family,
                  "general.parameter_count", (json_int_t)a->parameters, "context_length",
                  (json_int_t)a->context, "embedding_length", (json_int_t)a->hidden, "block_count",
                  (json_int_t)a->layers, "vocabulary_size", (json_int_t)a->vocabulary);
    return json_pack("{s:s, s:{s:s}, s:o, s:o}", "template", a->chat ? a->chat : "", "details",
                     "family", a->family, "model_info", info, "capabilities", can);
}

bool srv_ollama_show(srv_call *c) {
    body b = {0};
    double seconds;
    bool ok = srv_fields_read(fields, c->json, &b, &c->fault);
    if (ok && !b.model && !b.name)
        ok = srv_fail_field(&c->fault, "model", "it is missing");
    srv_model *m = ok ? srv_take_model(c, b.model ? b.model : b.name, &seconds) : NULL;
    json_t *doc = m ? show(srv_model_about(m)) : NULL;
    if (m)
        srv_engine_give(c->server->engine, m, -1);
    return m ? srv_answer_json(c, doc) : srv_answer_fault(c);
}
