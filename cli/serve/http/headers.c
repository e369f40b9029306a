/* The headers of a request, looked at as a whole. */
#include <string.h>
#include <strings.h>

#include "serve/http/http.h"

/* Those that may stand there once. */
enum { HOST, LENGTH, CODING, ORIGIN, AUTHORIZATION, KEY, SINGLES };
static const char *const singles[SINGLES] = {"Host",   "Content-Length", "Transfer-Encoding",
                                             "Origin", "Authorization",  "x-api-key"};

typedef struct headers {
    int count[SINGLES];
    bool other_coding; /* than chunked */
    bool packed;       /* the body, by gzip or another content coding */
    srv_fault *fault;
} headers;

/* RFC 9110, 5.6.2. */
static bool is_token(const char *text, size_t n) {
    static const char signs[] = "!#$%&'*+-.^_`|~0123456789"
                                "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    return n > 0 && strspn(text, signs) == n;
}

/* RFC 9110, 5.5: a CR that ends no line would end it for somebody else. */
static bool is_value(const char *text, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (((unsigned char)text[i] < ' ' && text[i] != '\t') || text[i] == 0x7F)
            return false;
    return true;
}

static int look(void *data, int kind, const char *key, size_t key_num, const char *value,
                size_t value_num) {
    headers *h = data;
    (void)kind;
    if (!is_token(key, key_num))
        srv_fail(h->fault, 400, "a header's name is no token (RFC 9110, 5.6.2)");
    else if (!value || !is_value(value, value_num))
        srv_fail(h->fault, 400, "the header %.100s has a control character", key);
    for (int i = 0; i < SINGLES && !h->fault->status; i++)
        h->count[i] += strcasecmp(key, singles[i]) == 0;
    if (!h->fault->status && strcasecmp(key, singles[CODING]) == 0)
        h->other_coding |= strcasecmp(value, "chunked") != 0;
    if (!h->fault->status && strcasecmp(key, "Content-Encoding") == 0)
        h->packed |= strcasecmp(value, "identity") != 0;
    return !h->fault->status;
}

/* RFC 9112, 6.1 and 6.3: who counts the length and who reads chunks see the body's end at
   different places. */
static bool check_body(const headers *h, bool old, srv_fault *f) {
    if (h->count[CODING] && (h->count[LENGTH] || old))
        return srv_fail(f, 400,
                        old ? "HTTP/1.0 has no Transfer-Encoding"
                            : "a request has Content-Length or Transfer-Encoding, not both");
    if (h->other_coding)
        return srv_fail(f, 501, "of transfer codings this server knows 'chunked' alone");
    return !h->packed || srv_fail(f, 415, "a body comes as it is, without a Content-Encoding");
}

bool http_check_headers(http_server *server, mhd_connection *c, const char *version, srv_fault *f) {
    headers h = {.fault = f};
    bool old = strcmp(version, "HTTP/1.0") == 0;
    server->lib->headers(c, MHD_HEADER_KIND, look, &h);
    for (int i = 0; i < SINGLES && !f->status; i++)
        if (h.count[i] > 1)
            return srv_fail(f, 400, "the header %s stands there %d times", singles[i], h.count[i]);
    if (f->status)
        return false;
    if (!old && !h.count[HOST])
        return srv_fail(f, 400, "a request of HTTP/1.1 has a Host (RFC 9112, 3.2)");
    return check_body(&h, old, f);
}
