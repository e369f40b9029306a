/* GET /v1/models, /v1/models/{id} */
#include <string.h>

#include "serve/openai/openai.h"

static json_t *model_json(const srv_listed *m) {
    return json_pack("{s:s, s:s, s:I, s:s, s:b}", "id", m->id, "object", "model", "created",
                     (json_int_t)m->created, "owned_by", "mlx", "loaded", m->loaded);
}

bool srv_openai_models(srv_call *c) {
    json_t *list = json_array();
    for (size_t i = 0; i < srv_engine_count(c->server->engine); i++) {
        srv_listed m = srv_engine_at(c->server->engine, i);
        json_array_append_new(list, model_json(&m));
    }
    return srv_answer_json(c, json_pack("{s:s, s:o}", "object", "list", "data", list));
}

bool srv_openai_model(srv_call *c) {
    const char *name = c->path + strlen("/v1/models/");
    int64_t i = srv_engine_find(c->server->engine, name);
    if (i >= 0) {
        srv_listed m = srv_engine_at(c->server->engine, (size_t)i);
        return srv_answer_json(c, model_json(&m));
    }
    c->fault.code = "model_not_found";
    srv_fail(&c->fault, 404, "there is no model '%.200s' here", name);
    return srv_answer_fault(c);
}
