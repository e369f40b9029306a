/* From a request to its endpoint. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "serve/routes.h"

/* --- who may ask ------------------------------------------------------------------------------ */

/* The host of "name:port" or "[::1]:port". False: it is none, or too long. */
static bool host_name(const char *host, char *out, size_t room) {
    size_t n = *host == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":");
    if (n > strlen(host) || n >= room)
        return false;
    const char *port = host + n + (host[n] == ':');
    memcpy(out, host, n);
    out[n] = 0;
    return strspn(port, "0123456789") == strlen(port);
}

/* Names of this machine; others may be names that a page's owner has pointed here. */
static bool is_local(const char *host) {
    char name[256];
    if (!host)
        return true; // HTTP/1.0
    if (!host_name(host, name, sizeof name))
        return false;
    return strcasecmp(name, "localhost") == 0 || strcmp(name, "[::1]") == 0 ||
           (strncmp(name, "127.", 4) == 0 && strspn(name, "0123456789.") == strlen(name));
}

static bool is_same_origin(const char *origin, const char *host) {
    const char *at = strstr(origin, "://");
    return at && host && strcasecmp(at + 3, host) == 0;
}

static bool is_let_in(const srv_options *o, const char *origin) {
    for (size_t i = 0; i < o->cors_count; i++)
        if (strcmp(o->cors[i], "*") == 0 || strcmp(o->cors[i], origin) == 0)
            return true;
    return false;
}

/* Pages of other origins may not ask, not even where they could not read the answer. */
static bool check_origin(srv_call *c) {
    if (c->server->o.local && !is_local(c->host))
        return srv_fail(&c->fault, 403, "this server answers to names of its own machine alone");
    c->allow_origin = c->origin && is_let_in(&c->server->o, c->origin);
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
    return strcmp(c->method, "OPTIONS") == 0 && c->origin && c->server->o.cors_count;
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
    c->json = srv_json_read(c->body, c->body_num, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL,
                            "the body is", &c->fault);
    return c->json &&
           (json_is_object(c->json) || srv_fail(&c->fault, 400, "the body is no JSON object"));
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
