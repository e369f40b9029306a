/* Requests of HTTP: read, answered, counted. */
#include <arpa/inet.h>
#include <math.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "serve/http/http.h"
#include "serve/routes.h"

/* One request. */
typedef struct request {
    srv_call call;
    http_server *h;
    http_connection *connection;
    srv_text body;
    char *method, *path;
    char *authority;                  /* of a target that names it, else NULL */
    bool too_large, answering, begun; /* begun: it counts among those of the server */
    bool newer;                       /* HTTP/1.1, which knows interim responses */
    bool closes;                      /* the connection, after the answer */
    int outside;                      /* why it was ended from outside */
    srv_text out;                     /* of a stream: what was not sent */
    size_t sent;                      /* of it */
    uint64_t bytes;
} request;

enum { STREAM_BLOCK = 8192 };

/* --- answers ---------------------------------------------------------------------------------- */

static void add(const request *r, mhd_response *answer, const char *key, const char *value) {
    r->h->lib->add_header(answer, key, value);
}

static void add_origin(const request *r, mhd_response *answer) {
    const srv_call *c = &r->call;
    if (c->server->o.cors_count)
        add(r, answer, "Vary", "Origin");
    if (!c->allow_origin)
        return;
    add(r, answer, "Access-Control-Allow-Origin", c->origin);
    add(r, answer, "Access-Control-Expose-Headers", "x-request-id, retry-after");
    if (c->status != 204)
        return;
    add(r, answer, "Access-Control-Allow-Methods", "GET, POST");
    add(r, answer, "Access-Control-Allow-Headers",
        "authorization, content-type, x-api-key, anthropic-version, anthropic-beta");
    add(r, answer, "Access-Control-Max-Age", "600");
}

static void add_headers(const request *r, mhd_response *answer) {
    const srv_call *c = &r->call;
    char text[64];
    if (c->type)
        add(r, answer, "Content-Type", c->type);
    add(r, answer, c->dialect == SRV_ANTHROPIC ? "request-id" : "x-request-id", c->id);
    add(r, answer, "X-Content-Type-Options", "nosniff");
    add(r, answer, "Content-Security-Policy",
        *c->policy ? c->policy : "default-src 'none'; frame-ancestors 'none'");
    add(r, answer, "Cache-Control", "no-store");
    add_origin(r, answer);
    if (r->closes)
        add(r, answer, "Connection", "close");
    if (c->fault.retry) {
        snprintf(text, sizeof text, "%d", c->fault.retry);
        add(r, answer, "Retry-After", text);
    }
    if (c->status == 401)
        add(r, answer, "WWW-Authenticate", "Bearer");
    if (c->status == 405) {
        srv_route_methods(r->path, text, sizeof text);
        add(r, answer, "Allow", text);
    }
}

/* The answer is there, as far as the engine is asked: a client that goes now misses nothing. */
static void end_answer(request *r) {
    if (r->answering)
        r->outside = http_end(r->h, r->connection);
    r->answering = false;
}

static ssize_t end_stream(request *r, bool whole) {
    end_answer(r);
    return whole ? MHD_END_OF_STREAM : MHD_END_WITH_ERROR;
}

/* What is to be sent next, as the library asks for it. */
static ssize_t read_stream(void *data, uint64_t at, char *out, size_t room) {
    request *r = data;
    srv_call *c = &r->call;
    (void)at;
    if (r->sent == r->out.n) {
        r->out.n = r->sent = 0;
        if (!c->stream->next(c->stream, &r->out))
            return end_stream(r, !r->out.failed);
        if (r->out.n == 0)
            return end_stream(r, true);
    }
    size_t n = r->out.n - r->sent < room ? r->out.n - r->sent : room;
    memcpy(out, r->out.data + r->sent, n);
    r->sent += n;
    r->bytes += n;
    return (ssize_t)n;
}

static int send_answer(request *r, mhd_connection *c) {
    const mhd_library *lib = r->h->lib;
    srv_call *call = &r->call;
    mhd_response *answer =
        call->stream
            ? lib->of_reader(UINT64_MAX, STREAM_BLOCK, read_stream, r, NULL)
            : lib->of_buffer(call->out.n, call->out.n ? call->out.data : (char *)"", MHD_MUST_COPY);
    if (!answer)
        return MHD_NO;
    if (!call->stream) {
        r->bytes = call->out.n;
        srv_text_free(&call->out);
    }
    add_headers(r, answer);
    int status = lib->answer(c, (unsigned)call->status, answer);
    lib->release(answer);
    return status;
}

static int send_fault(request *r, mhd_connection *c) {
    return srv_answer_fault(&r->call) ? send_answer(r, c) : MHD_NO;
}

/* --- names ------------------------------------------------------------------------------------ */

static int digit(char c) {
    static const char digits[] = "0123456789abcdef";
    const char *at = c ? strchr(digits, c | 0x20) : NULL;
    return at && (c >= '0') ? (int)(at - digits) : -1;
}

/* %41 is A; a zero stays as it is written, for it would end the text. */
size_t http_unescape(void *data, mhd_connection *c, char *text) {
    char *to = text;
    (void)data, (void)c;
    for (const char *at = text; *at; at++) {
        int high = *at == '%' ? digit(at[1]) : -1, low = high >= 0 ? digit(at[2]) : -1;
        if (low >= 0 && (high | low) != 0) {
            *to++ = (char)(high << 4 | low);
            at += 2;
        } else
            *to++ = *at;
    }
    *to = 0;
    return (size_t)(to - text);
}

/* --- reading ---------------------------------------------------------------------------------- */

static const char *header(http_server *h, mhd_connection *c, const char *key) {
    return h->lib->header(c, MHD_HEADER_KIND, key);
}

static const char *key_of(http_server *h, mhd_connection *c) {
    const char *bearer = header(h, c, "Authorization");
    if (bearer && strncasecmp(bearer, "Bearer ", 7) == 0)
        return bearer + 7 + strspn(bearer + 7, " ");
    return bearer ? bearer : header(h, c, "x-api-key");
}

static void free_request(request *r) {
    srv_call_clear(&r->call);
    srv_queue_release(r->call.queue);
    srv_text_free(&r->body);
    srv_text_free(&r->out);
    free(r->method);
    free(r->path);
    free(r->authority);
    free(r);
}

/* RFC 9112, 3.2.2: a target may be http://name/path, whose name counts in place of Host. */
static bool take_target(request *r, const char *url) {
    size_t scheme = strncasecmp(url, "http://", 7) == 0    ? 7
                    : strncasecmp(url, "https://", 8) == 0 ? 8
                                                           : 0;
    size_t n = scheme ? strcspn(url + scheme, "/") : 0;
    const char *path = n ? url + scheme + n : url;
    r->authority = n ? strndup(url + scheme, n) : NULL;
    r->path = strdup(*path ? path : "/");
    return r->path && (n == 0 || r->authority);
}

static request *make_request(http_server *h, mhd_connection *c, const char *url,
                             const char *method) {
    request *r = calloc(1, sizeof *r);
    const mhd_info *context = h->lib->info(c, MHD_INFO_SOCKET_CONTEXT);
    if (!r)
        return NULL;
    r->h = h;
    r->connection = context ? context->pointer : NULL;
    r->method = strdup(method);
    bool ok = r->method && take_target(r, url);
    r->call = (srv_call){.server = h->server,
                         .method = r->method,
                         .path = r->path,
                         .dialect = srv_route_dialect(ok ? r->path : url),
                         .host = r->authority ? r->authority : header(h, c, "Host"),
                         .origin = header(h, c, "Origin"),
                         .key = key_of(h, c),
                         .began = cli_seconds(),
                         .queue = srv_queue_new()};
    srv_call_id(&r->call);
    if (ok && r->connection && r->call.queue)
        return r;
    free_request(r);
    return NULL;
}

static bool is_too_large(const request *r, mhd_connection *c) {
    const char *text = header(r->h, c, "Content-Length");
    return text && strtoull(text, NULL, 10) > r->h->server->o.body;
}

static void fail_size(request *r) {
    srv_fail(&r->call.fault, 413, "the body has more than %llu bytes",
             (unsigned long long)r->h->server->o.body);
}

/* The headers are there: what is refused without its body is refused now. */
static int begin(http_server *h, mhd_connection *c, const char *url, const char *method,
                 const char *version, void **to) {
    request *r = make_request(h, c, url, method);
    if (!r)
        return MHD_NO;
    *to = r;
    r->newer = strcmp(version, "HTTP/1.1") == 0;
    r->closes = !http_check_headers(h, c, version, &r->call.fault);
    if (r->closes || !srv_admit(&r->call))
        return send_fault(r, c);
    if (!is_too_large(r, c))
        return MHD_YES;
    fail_size(r);
    return send_fault(r, c);
}

/* Of a body in chunks, whose size nobody said, the rest is passed over until it ends, or the time
   for reading a request. */
static int take_body(request *r, const char *data, size_t n) {
    r->too_large |= r->body.n + n > r->h->server->o.body;
    if (r->too_large)
        return MHD_YES;
    srv_text_put(&r->body, data, n);
    return r->body.failed ? MHD_NO : MHD_YES;
}

static int answer(request *r, mhd_connection *c) {
    srv_call *call = &r->call;
    if (r->too_large) {
        fail_size(r);
        return send_fault(r, c);
    }
    call->body = r->body.data ? r->body.data : "";
    call->body_num = r->body.n;
    r->answering = r->begun = true;
    http_begin(r->h, r->connection, call->queue, r->newer);
    r->bytes = 0;
    bool ok = srv_handle(call);
    srv_text_free(&r->body);
    if (call->stream)
        http_begin_stream(r->h, r->connection);
    else
        end_answer(r);
    return ok ? send_answer(r, c) : MHD_NO;
}

int http_access(void *data, mhd_connection *c, const char *url, const char *method,
                const char *version, const char *body, size_t *body_num, void **to) {
    request *r = *to;
    if (!r)
        return begin(data, c, url, method, version, to);
    if (*body_num == 0)
        return answer(r, c);
    size_t n = *body_num;
    *body_num = 0;
    return take_body(r, body, n);
}

/* --- the end ---------------------------------------------------------------------------------- */

static void client_of(const request *r, mhd_connection *c, char *out, size_t room) {
    const mhd_info *info = r->h->lib->info(c, MHD_INFO_CLIENT_ADDRESS);
    const struct sockaddr *a = info ? info->pointer : NULL;
    socklen_t n =
        a && a->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
    if (!a || getnameinfo(a, n, out, (socklen_t)room, NULL, 0, NI_NUMERICHOST))
        snprintf(out, room, "-");
}

/* One line; of what the client has sent only that it is a path that is there. */
static void log_line(const request *r, mhd_connection *c, int status) {
    const srv_call *call = &r->call;
    char when[32] = "", client[64];
    time_t now = time(NULL);
    struct tm parts;
    client_of(r, c, client, sizeof client);
    if (gmtime_r(&now, &parts))
        strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", &parts);
    fprintf(stderr, "%s %s %s %s %s %d %llu bytes, %lld + %lld tokens, %.3f s\n", when, call->id,
            client, call->route && strcmp(call->route, "other") != 0 ? call->method : "-",
            call->route ? call->route : "-", status, (unsigned long long)r->bytes,
            (long long)call->prompt, (long long)call->generated, cli_seconds() - call->began);
}

static void count(const request *r, int status) {
    const srv_call *c = &r->call;
    srv_metrics *m = &c->server->metrics;
    m->by_status[status >= 100 && status < 600 ? status / 100 : 0]++;
    m->prompt += (uint64_t)c->prompt;
    m->cached += (uint64_t)c->cached;
    m->generated += (uint64_t)c->generated;
    m->refused += status == 429;
    srv_histogram_add(&m->whole, cli_seconds() - c->began);
    if (c->first > 0)
        srv_histogram_add(&m->first, c->first);
}

/* 499, as others have it, where the client has gone. */
static int status_of(const request *r, int why) {
    if (r->outside == HTTP_GONE)
        return 499;
    return why != 0 && r->call.status < 400 ? 499 : r->call.status;
}

void http_completed(void *data, mhd_connection *c, void **to, int why) {
    request *r = *to;
    http_server *h = data;
    if (!r)
        return;
    end_answer(r);
    if (r->begun)
        http_sent(h);
    srv_call_clear(&r->call); // counts its tokens
    int status = status_of(r, why);
    if (status == 499)
        h->server->metrics.gone++;
    count(r, status);
    if (h->o.log)
        log_line(r, c, status);
    free_request(r);
    *to = NULL;
}

void http_notify(void *data, mhd_connection *c, void **context, int what) {
    http_server *h = data;
    if (what == MHD_CONNECTION_CLOSED) {
        http_forget(h, *context);
        free(*context);
        *context = NULL;
        return;
    }
    http_connection *made = calloc(1, sizeof *made);
    const mhd_info *info = h->lib->info(c, MHD_INFO_FD);
    if (made)
        http_register(h, made, info ? info->fd : -1);
    *context = made;
}
