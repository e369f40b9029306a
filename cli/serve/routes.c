/* The table of paths. */
#include "serve/routes.h"

#include <stdio.h>
#include <string.h>

const srv_route srv_routes[] = {
    {"GET", "/", SRV_OPENAI, true, false, srv_page},
    {"GET", "/health", SRV_OPENAI, true, false, srv_health},
    {"GET", "/v1/health", SRV_OPENAI, true, false, srv_health},
    {"GET", "/metrics", SRV_OPENAI, false, false, srv_metrics_page},
    {"POST", "/v1/chat/completions", SRV_OPENAI, false, true, srv_openai_chat},
    {"POST", "/v1/completions", SRV_OPENAI, false, true, srv_openai_completions},
    {"POST", "/v1/responses", SRV_OPENAI, false, true, srv_openai_responses},
    {"POST", "/v1/embeddings", SRV_OPENAI, false, true, srv_openai_embeddings},
    {"POST", "/v1/rerank", SRV_OPENAI, false, true, srv_rerank},
    {"POST", "/rerank", SRV_OPENAI, false, true, srv_rerank},
    {"GET", "/v1/models", SRV_OPENAI, false, false, srv_openai_models},
    {"GET", "/v1/models/", SRV_OPENAI, false, false, srv_openai_model},
    {"POST", "/v1/messages", SRV_ANTHROPIC, false, true, srv_anthropic_messages},
    {"POST", "/v1/messages/count_tokens", SRV_ANTHROPIC, false, true, srv_anthropic_count},
    {"POST", "/api/chat", SRV_OLLAMA, false, true, srv_ollama_chat},
    {"POST", "/api/generate", SRV_OLLAMA, false, true, srv_ollama_generate},
    {"POST", "/api/embed", SRV_OLLAMA, false, true, srv_ollama_embed},
    {"POST", "/api/embeddings", SRV_OLLAMA, false, true, srv_ollama_embeddings},
    {"GET", "/api/tags", SRV_OLLAMA, false, false, srv_ollama_tags},
    {"POST", "/api/show", SRV_OLLAMA, false, true, srv_ollama_show},
    {"GET", "/api/ps", SRV_OLLAMA, false, false, srv_ollama_ps},
    {"GET", "/api/version", SRV_OLLAMA, false, false, srv_ollama_version},
    {0}};

static bool matches(const srv_route *r, const char *path) {
    size_t n = strlen(r->path);
    bool rest = n > 1 && r->path[n - 1] == '/';
    return rest ? strncmp(path, r->path, n) == 0 && path[n] : strcmp(path, r->path) == 0;
}

const srv_route *srv_route_find(const char *method, const char *path, bool *known) {
    const char *wanted = strcmp(method, "HEAD") == 0 ? "GET" : method;
    *known = false;
    for (const srv_route *r = srv_routes; r->path; r++) {
        if (!matches(r, path))
            continue;
        *known = true;
        if (strcmp(r->method, wanted) == 0)
            return r;
    }
    return NULL;
}

srv_dialect srv_route_dialect(const char *path) {
    if (strncmp(path, "/api/", 5) == 0)
        return SRV_OLLAMA;
    return strncmp(path, "/v1/messages", 12) == 0 ? SRV_ANTHROPIC : SRV_OPENAI;
}

void srv_route_methods(const char *path, char *out, size_t room) {
    *out = 0;
    for (const srv_route *r = srv_routes; r->path; r++)
        if (matches(r, path))
            snprintf(out + strlen(out), room - strlen(out), "%s%s", *out ? ", " : "",
                     strcmp(r->method, "GET") == 0 ? "GET, HEAD" : r->method);
}
