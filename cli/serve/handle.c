/* From a request to its endpoint, and errors in the words of its protocol. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "serve/routes.h"

enum { MOST_DEPTH = 64 };

/* --- errors ----------------------------------------------------------------------------------- */

static const struct {
    int status;
    const char *openai, *anthropic;
} kinds[] = {{400, "invalid_request_error", "invalid_request_error"},
             {401, "authentication_error", "authentication_error"},
             {403, "permission_error", "permission_error"},
             {404, "not_found_error", "not_found_error"},
             {405, "invalid_request_error", "invalid_request_error"},
             {413, "invalid_request_error", "request_too_large"},
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

bool srv_answer_json(srv_call *c, json_t *doc) {
    c->status = 200;
    c->type = "application/json";
    srv_text_json(&c->out, doc);
    if (!c->out.failed)
        return true;
    srv_fail(&c->fault, 500, "out of memory");
    return srv_answer_fault(c);
}

/* --- who may ask ------------------------------------------------------------------------------ */

/* The host of "name:port" or "[::1]:port". */
static void host_name(const char *host, char *out, size_t room) {
    size_t n = *host == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":");
    n = n < room ? n : room - 1;
    memcpy(out, host, n);
    out[n] = 0;
}

/* Names of this machine; others may be names that a page's owner has pointed here. */
static bool is_local(const char *host) {
    char name[256];
    if (!host)
        return true; // HTTP/1.0
    host_name(host, name, sizeof name);
    return strcasecmp(name, "localhost") == 0 || strcmp(name, "[::1]") == 0 ||
           (strncmp(name, "127.", 4) == 0 && strspn(name, "0123456789.") == strlen(name));
}

static bool is_same_origin(const char *origin, const char *host) {
    const char *at = strstr(origin, "://");
    return at && host && strcasecmp(at + 3, host) == 0;
}

/* Pages of other origins may not ask, not even where they could not read the answer. */
static bool check_origin(srv_call *c) {
    const char *cors = c->server->o.cors;
    if (c->server->o.local && !is_local(c->host))
        return srv_fail(&c->fault, 403, "this server answers to names of its own machine alone");
    c->allow_origin = c->origin && cors && (strcmp(cors, "*") == 0 || strcmp(cors, c->origin) == 0);
    if (!c->origin || c->allow_origin || is_same_origin(c->origin, c->host))
        return true;
    return srv_fail(&c->fault, 403, "pages of other origins may not ask: see --cors");
}

static bool check_key(srv_call *c, const srv_route *r) {
    if (r->open || !c->server->keys)
        return true;
    if (c->key && srv_keys_has(c->server->keys, c->key))
        return true;
    c->fault.code = "invalid_api_key";
    return srv_fail(&c->fault, 401, c->key ? "the API key is not right" : "an API key is needed");
}

static bool check_method(srv_call *c, bool known) {
    char methods[64];
    if (!known)
        return srv_fail(&c->fault, 404, "there is nothing at %.200s", c->path);
    srv_route_methods(c->path, methods, sizeof methods);
    return srv_fail(&c->fault, 405, "%.20s is not possible here; %s is", c->method, methods);
}

static bool check_draining(srv_call *c, const srv_route *r) {
    if (!c->server->draining || !r->body)
        return true;
    c->fault.retry = 5;
    return srv_fail(&c->fault, 503, "the server is about to end");
}

static bool is_preflight(const srv_call *c) {
    return strcmp(c->method, "OPTIONS") == 0 && c->origin && c->server->o.cors;
}

bool srv_admit(srv_call *c) {
    bool known;
    c->dialect = srv_route_dialect(c->path);
    const srv_route *r = srv_route_find(c->method, c->path, &known);
    c->route = r ? r->path : "other";
    if (is_preflight(c))
        return check_origin(c);
    return check_origin(c) && (r || check_method(c, known)) && check_key(c, r) &&
           check_draining(c, r);
}

/* --- the body --------------------------------------------------------------------------------- */

static bool read_body(srv_call *c) {
    json_error_t error;
    if (!cli_json_is_shallow(c->body, c->body_num, MOST_DEPTH))
        return srv_fail(&c->fault, 400, "the body is nested deeper than %d", MOST_DEPTH);
    c->json = json_loadb(c->body, c->body_num, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    if (!c->json)
        return srv_fail(&c->fault, 400, "the body is no JSON: %s, at byte %d", error.text,
                        error.position);
    return json_is_object(c->json) || srv_fail(&c->fault, 400, "the body is no JSON object");
}

bool srv_handle(srv_call *c) {
    bool known;
    if (!srv_admit(c))
        return srv_answer_fault(c);
    if (is_preflight(c)) {
        c->status = 204;
        return true;
    }
    const srv_route *r = srv_route_find(c->method, c->path, &known);
    if (r->body && !read_body(c))
        return srv_answer_fault(c);
    return r->answer(c);
}

void srv_call_clear(srv_call *c) {
    if (c->stream)
        c->stream->free(c->stream);
    c->stream = NULL;
    srv_text_free(&c->out);
    json_decref(c->json);
    c->json = NULL;
}
