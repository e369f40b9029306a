/* Answers: a document, or an error in the words of the request's protocol. */
#include <stdio.h>

#include "serve/serve.h"

static const struct {
    int status;
    const char *openai, *anthropic;
} kinds[] = {{400, "invalid_request_error", "invalid_request_error"},
             {401, "authentication_error", "authentication_error"},
             {403, "permission_error", "permission_error"},
             {404, "not_found_error", "not_found_error"},
             {405, "invalid_request_error", "invalid_request_error"},
             {413, "invalid_request_error", "request_too_large"},
             {415, "invalid_request_error", "invalid_request_error"},
             {429, "rate_limit_error", "rate_limit_error"},
             {503, "service_unavailable_error", "overloaded_error"},
             {504, "timeout_error", "timeout_error"},
             {500, "server_error", "api_error"}};

static size_t kind_of(int status) {
    size_t i = 0;
    while (kinds[i].status != status && kinds[i].status != 500)
        i++;
    return i;
}

static json_t *text_or_null(const char *text) {
    return text && *text ? cli_json_text(text) : json_null();
}

/* "messages[0].role: it is missing" */
static json_t *message_of(const srv_fault *f) {
    char text[sizeof f->field + sizeof f->text + 4];
    snprintf(text, sizeof text, "%s%s%s", f->field, *f->field ? ": " : "", f->text);
    return cli_json_text(text);
}

json_t *srv_fault_json(const srv_call *c, const srv_fault *f) {
    size_t kind = kind_of(f->status);
    if (c->dialect == SRV_OLLAMA)
        return json_pack("{s:o}", "error", message_of(f));
    if (c->dialect == SRV_ANTHROPIC)
        return json_pack("{s:s, s:{s:s, s:o}, s:s}", "type", "error", "error", "type",
                         kinds[kind].anthropic, "message", message_of(f), "request_id", c->id);
    return json_pack("{s:{s:o, s:s, s:o, s:o}}", "error", "message", message_of(f), "type",
                     kinds[kind].openai, "param", text_or_null(f->field), "code",
                     text_or_null(f->code));
}

bool srv_answer_fault(srv_call *c) {
    srv_text_free(&c->out);
    c->status = c->fault.status ? c->fault.status : 500;
    c->type = "application/json";
    srv_text_json(&c->out, srv_fault_json(c, &c->fault));
    return !c->out.failed;
}

static bool answer(srv_call *c, json_t *doc, int digits) {
    c->status = 200;
    c->type = "application/json";
    srv_text_json_digits(&c->out, doc, digits);
    if (!c->out.failed)
        return true;
    srv_fail(&c->fault, 500, "out of memory");
    return srv_answer_fault(c);
}

bool srv_answer_json(srv_call *c, json_t *doc) {
    return answer(c, doc, 17);
}

bool srv_answer_vectors(srv_call *c, json_t *doc) {
    return answer(c, doc, 9);
}
