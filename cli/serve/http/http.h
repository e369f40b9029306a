/* The server in HTTP.
 *
 *     libmicrohttpd: a thread for each connection ──▶ request.c ──▶ srv_handle
 *     the caller's thread: watch.c ──▶ connections that are too slow or have gone, models that
 *                                      nobody uses any more, signals
 */
#ifndef SERVE_HTTP_H
#define SERVE_HTTP_H

#include <pthread.h>

#include "serve/http/mhd.h"
#include "serve/serve.h"

typedef struct http_options {
    const char *host; /* a name or an address */
    int port;         /* 0: any that is free */
    int64_t connections;
    double read, request,
        drain; /* seconds for reading a request, for all of it, for the last ones */
    bool log;
} http_options;

/* Why a connection's request was ended from outside. */
enum { HTTP_GOES_ON, HTTP_GONE, HTTP_LATE };

/* Under the server's lock. */
typedef struct http_connection {
    struct http_connection *next, **link;
    int fd;
    double deadline; /* for what it does now; infinite: none */
    srv_queue
        *queue; /* of the request that is answered; NULL: it is being read, or there is none */
    int why;
    bool
        interim; /* what comes before the answer may be sent: nothing of it has been, by HTTP/1.1 */
    bool asked;  /* a client that has closed its side was sent that */
    bool cut;    /* the socket was shut down */
} http_connection;

typedef struct http_server {
    const mhd_library *lib;
    srv_server *server;
    http_options o;
    int socket, port;
    mhd_daemon *daemon;
    pthread_mutex_t lock;
    http_connection *connections;
    int64_t answering; /* requests that are, or whose answer is being sent */
} http_server;

/* Listen; h->port is where. False and a fault. */
bool http_open(http_server *h, srv_server *server, const http_options *o, srv_fault *f);
/* Answer until a signal comes and the last requests have ended. */
void http_run(http_server *h);
/* Every request that is answered ends; nothing is answered any more. */
void http_close(http_server *h);

/* --- between the files of this room ----------------------------------------------------------- */

mhd_access http_access;
mhd_unescape http_unescape;
mhd_completed http_completed;
mhd_notify http_notify;

/* The headers as RFC 9112 and 9110 ask: what two readers could take for two things (where the body
   ends, whose the request is) is refused. False: a fault, after which the connection is closed. */
bool http_check_headers(http_server *h, mhd_connection *c, const char *version, srv_fault *f);

/* From now on signals end http_run. */
void http_take_signals(void);
void http_register(http_server *h, http_connection *c, int fd);
void http_forget(http_server *h, http_connection *c);
/* A request is answered from here on, by a whole (interim) or a stream; it has ended, and another
   may come. */
void http_begin(http_server *h, http_connection *c, srv_queue *q, bool interim);
void http_begin_stream(http_server *h, http_connection *c);
int http_end(http_server *h, http_connection *c);
/* Its answer was sent, or will not be: the server need not wait for it any more. */
void http_sent(http_server *h);

#endif
