/* libcurl, without its header: the numbers below are its ABI, which has not changed since 7.32
 * (curl/curl.h, https://curl.se/libcurl/c/symbols-in-versions.html). */
#include "hub/http.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/status.h"

typedef void curl; /* a handle */

enum { LONG = 0, POINTER = 10000, FUNCTION = 20000 };
enum {
    OPT_WRITEDATA = POINTER + 1,
    OPT_URL = POINTER + 2,
    OPT_RANGE = POINTER + 7,
    OPT_ERRORBUFFER = POINTER + 10,
    OPT_USERAGENT = POINTER + 18,
    OPT_HTTPHEADER = POINTER + 23,
    OPT_XFERINFODATA = POINTER + 57,
    OPT_WRITEFUNCTION = FUNCTION + 11,
    OPT_XFERINFOFUNCTION = FUNCTION + 219,
    OPT_LOW_SPEED_LIMIT = LONG + 19,
    OPT_LOW_SPEED_TIME = LONG + 20,
    OPT_NOPROGRESS = LONG + 43,
    OPT_FAILONERROR = LONG + 45,
    OPT_FOLLOWLOCATION = LONG + 52,
    OPT_MAXREDIRS = LONG + 68,
    OPT_CONNECTTIMEOUT = LONG + 78,
    OPT_NOSIGNAL = LONG + 99,
    OPT_PROTOCOLS = LONG + 181,
    OPT_REDIR_PROTOCOLS = LONG + 182,
    INFO_RESPONSE_CODE = 0x200000 + 2,
    PROTOCOL_HTTP = 1,
    PROTOCOL_HTTPS = 2,
    GLOBAL_DEFAULT = 3
};
/* What is worth another try: connections that break, time that runs out. */
enum { E_PARTIAL_FILE = 18, E_OPERATION_TIMEDOUT = 28, E_GOT_NOTHING = 52, E_SEND_ERROR = 55 };
enum { E_RECV_ERROR = 56, E_HTTP2 = 16, E_HTTP2_STREAM = 92 };

static struct {
    int (*global_init)(long flags);
    curl *(*init)(void);
    int (*setopt)(curl *h, int option, ...);
    int (*getinfo)(curl *h, int info, ...);
    int (*perform)(curl *h);
    void (*cleanup)(curl *h);
    const char *(*strerror)(int code);
    void *(*slist_append)(void *list, const char *line);
    void (*slist_free)(void *list);
    bool loaded;
} lib;

static pthread_once_t once = PTHREAD_ONCE_INIT;

static bool find_all(void *library) {
    const struct {
        void *to;
        const char *name;
    } rows[] = {{&lib.global_init, "curl_global_init"},  {&lib.init, "curl_easy_init"},
                {&lib.setopt, "curl_easy_setopt"},       {&lib.getinfo, "curl_easy_getinfo"},
                {&lib.perform, "curl_easy_perform"},     {&lib.cleanup, "curl_easy_cleanup"},
                {&lib.strerror, "curl_easy_strerror"},   {&lib.slist_append, "curl_slist_append"},
                {&lib.slist_free, "curl_slist_free_all"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        void *found = dlsym(library, rows[i].name);
        if (!found)
            return false;
        memcpy(rows[i].to, &found, sizeof found);
    }
    return true;
}

static void load(void) {
    static const char *const names[] = {"libcurl.so.4", "libcurl-gnutls.so.4", "libcurl.so"};
    for (size_t i = 0; i < sizeof names / sizeof *names && !lib.loaded; i++) {
        void *library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
        lib.loaded = library && find_all(library) && lib.global_init(GLOBAL_DEFAULT) == 0;
    }
}

bool mx_http_load(void) {
    pthread_once(&once, load);
    return lib.loaded || mx_fail(MX_UNSUPPORTED, "[hub] libcurl is not installed (libcurl.so.4; in "
                                                 "Debian the package libcurl4)");
}

/* --- a request ------------------------------------------------------------------------------ */

typedef struct transfer {
    const mx_http_request *request;
    curl *handle;
    bool stopped;
} transfer;

static size_t take(char *bytes, size_t one, size_t n, void *data) {
    transfer *t = data;
    long status = 0;
    lib.getinfo(t->handle, INFO_RESPONSE_CODE, &status);
    t->stopped = !t->request->body(t->request->to, (int)status, bytes, one * n);
    return t->stopped ? 0 : one * n;
}

static int tick(void *data, int64_t a, int64_t b, int64_t c, int64_t d) {
    transfer *t = data;
    (void)a, (void)b, (void)c, (void)d;
    t->stopped = t->stopped || (t->request->stop && t->request->stop(t->request->to));
    return t->stopped;
}

static void set_all(transfer *t, char *error) {
    const mx_http_request *r = t->request;
    curl *h = t->handle;
    // an answer may lead elsewhere, but not from TLS to none
    long safe = strncmp(r->url, "https:", 6) == 0 ? PROTOCOL_HTTPS : PROTOCOL_HTTP | PROTOCOL_HTTPS;
    lib.setopt(h, OPT_URL, r->url);
    lib.setopt(h, OPT_ERRORBUFFER, error);
    lib.setopt(h, OPT_USERAGENT, "cmlx");
    lib.setopt(h, OPT_WRITEFUNCTION, take);
    lib.setopt(h, OPT_WRITEDATA, t);
    lib.setopt(h, OPT_XFERINFOFUNCTION, tick);
    lib.setopt(h, OPT_XFERINFODATA, t);
    lib.setopt(h, OPT_NOPROGRESS, 0L);
    lib.setopt(h, OPT_FAILONERROR, 1L);
    lib.setopt(h, OPT_FOLLOWLOCATION, 1L);
    lib.setopt(h, OPT_MAXREDIRS, 10L);
    lib.setopt(h, OPT_CONNECTTIMEOUT, 15L);
    lib.setopt(h, OPT_LOW_SPEED_LIMIT, 1L);
    lib.setopt(h, OPT_LOW_SPEED_TIME, 30L);
    lib.setopt(h, OPT_NOSIGNAL, 1L);
    lib.setopt(h, OPT_PROTOCOLS, safe);
    lib.setopt(h, OPT_REDIR_PROTOCOLS, safe);
}

/* From a byte on. A server may answer with all of it, and says so by its status. */
static void set_range(const transfer *t) {
    char range[32];
    snprintf(range, sizeof range, "%llu-", (unsigned long long)t->request->from);
    if (t->request->from)
        lib.setopt(t->handle, OPT_RANGE, range); // libcurl keeps a copy
}

/* The line that says who asks; libcurl leaves it out where an answer leads to another host. */
static void *authorization(const char *token) {
    char line[4096];
    int n = token ? snprintf(line, sizeof line, "Authorization: Bearer %s", token) : 0;
    return n > 0 && n < (int)sizeof line ? lib.slist_append(NULL, line) : NULL;
}

static bool is_worth_another(int code) {
    static const int codes[] = {E_PARTIAL_FILE, E_OPERATION_TIMEDOUT, E_GOT_NOTHING,
                                E_SEND_ERROR,   E_RECV_ERROR,         E_HTTP2,
                                E_HTTP2_STREAM};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (codes[i] == code)
            return true;
    return false;
}

static mx_http_answer perform(transfer *t) {
    char error[256] = ""; // libcurl's size
    mx_http_answer a = {0};
    long status = 0;
    set_all(t, error);
    set_range(t);
    void *lines = authorization(t->request->token);
    if (lines)
        lib.setopt(t->handle, OPT_HTTPHEADER, lines);
    int code = lib.perform(t->handle);
    lib.getinfo(t->handle, INFO_RESPONSE_CODE, &status);
    a.status = (int)status;
    a.again = !t->stopped && is_worth_another(code);
    if (code && !t->stopped)
        snprintf(a.text, sizeof a.text, "%s", *error ? error : lib.strerror(code));
    if (lines)
        lib.slist_free(lines);
    return a;
}

mx_http_answer mx_http_get(const mx_http_request *r) {
    transfer t = {.request = r, .handle = lib.init()};
    if (!t.handle)
        return (mx_http_answer){.text = "out of memory"};
    mx_http_answer a = perform(&t);
    lib.cleanup(t.handle);
    return a;
}
