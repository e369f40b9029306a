/* Connections, seen from outside: which are too slow, whose client has gone. */
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "serve/http/http.h"

static const double blink = 0.1;  /* seconds between looks */
static const double patience = 5; /* for an answer that was ended to go away */

/* --- the list --------------------------------------------------------------------------------- */

void http_register(http_server *h, http_connection *c, int fd) {
    pthread_mutex_lock(&h->lock);
    c->fd = fd;
    c->deadline = cli_seconds() + h->o.read;
    c->next = h->connections;
    c->link = &h->connections;
    if (c->next)
        c->next->link = &c->next;
    h->connections = c;
    h->server->metrics.connections++;
    pthread_mutex_unlock(&h->lock);
}

void http_forget(http_server *h, http_connection *c) {
    if (!c)
        return;
    pthread_mutex_lock(&h->lock);
    *c->link = c->next;
    if (c->next)
        c->next->link = c->link;
    h->server->metrics.connections--;
    pthread_mutex_unlock(&h->lock);
}

void http_begin(http_server *h, http_connection *c, srv_queue *q, bool interim) {
    pthread_mutex_lock(&h->lock);
    c->queue = q;
    c->interim = interim;
    c->asked = false;
    c->why = HTTP_GOES_ON;
    c->deadline = cli_seconds() + h->o.request;
    h->answering++;
    pthread_mutex_unlock(&h->lock);
}

void http_begin_stream(http_server *h, http_connection *c) {
    pthread_mutex_lock(&h->lock);
    c->interim = false;
    pthread_mutex_unlock(&h->lock);
}

int http_end(http_server *h, http_connection *c) {
    pthread_mutex_lock(&h->lock);
    int why = c->why;
    c->queue = NULL;
    c->deadline = cli_seconds() + h->o.read;
    pthread_mutex_unlock(&h->lock);
    return why;
}

void http_sent(http_server *h) {
    pthread_mutex_lock(&h->lock);
    h->answering--;
    pthread_mutex_unlock(&h->lock);
}

/* --- looks ------------------------------------------------------------------------------------ */

/* Its answer ends; what does not go away by itself is cut off. */
static void stop(http_connection *c, int why, double now) {
    srv_queue_stop(c->queue);
    c->why = c->why ? c->why : why;
    c->deadline = now + patience;
}

static void look_at_time(http_connection *c, double now) {
    if (now < c->deadline || c->cut)
        return;
    if (c->queue && !c->why) {
        stop(c, HTTP_LATE, now);
        return;
    }
    shutdown(c->fd, SHUT_RDWR);
    c->cut = true;
}

/* A client that has closed its side has gone, or waits for the answer as RFC 9112, 9.6, allows. */
static short events_of(const http_connection *c) {
    return c->asked ? 0 : POLLRDHUP;
}

/* Which of both is seen from what it does with an interim response (RFC 9110, 15.2): who has gone
   resets the connection, which is seen the next time. Of HTTP/1.0 and in streams, which others may
   be writing to now, it has gone. */
static bool has_gone(http_connection *c, short events) {
    static const char interim[] = "HTTP/1.1 100 Continue\r\n\r\n";
    if ((events & (POLLERR | POLLHUP | POLLNVAL)) || !c->interim)
        return true;
    c->asked = true;
    return send(c->fd, interim, sizeof interim - 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0;
}

/* The connections with an answer under way whose client is still there, as far as known. */
static size_t list_answering(http_server *h, struct pollfd **fds, size_t *room) {
    size_t n = 0;
    double now = cli_seconds();
    pthread_mutex_lock(&h->lock);
    for (http_connection *c = h->connections; c; c = c->next) {
        look_at_time(c, now);
        if (!c->queue || c->why)
            continue;
        if (n == *room) {
            struct pollfd *more = realloc(*fds, (*room * 2 + 16) * sizeof **fds);
            if (!more)
                break; // the others are looked at another time
            *fds = more;
            *room = *room * 2 + 16;
        }
        (*fds)[n++] = (struct pollfd){c->fd, events_of(c), 0};
    }
    pthread_mutex_unlock(&h->lock);
    return n;
}

/* By descriptors: those in the list now are those that were polled, or new ones that are asked
   again. */
static void stop_gone(http_server *h, const struct pollfd *fds, size_t n) {
    pthread_mutex_lock(&h->lock);
    for (size_t i = 0; i < n; i++)
        for (http_connection *c = fds[i].revents ? h->connections : NULL; c; c = c->next) {
            struct pollfd again = {c->fd, events_of(c), 0};
            if (c->fd == fds[i].fd && c->queue && poll(&again, 1, 0) > 0 &&
                has_gone(c, again.revents))
                stop(c, HTTP_GONE, cli_seconds());
        }
    pthread_mutex_unlock(&h->lock);
}

static int64_t answering(http_server *h) {
    pthread_mutex_lock(&h->lock);
    int64_t n = h->answering;
    pthread_mutex_unlock(&h->lock);
    return n;
}

static void stop_all(http_server *h) {
    pthread_mutex_lock(&h->lock);
    for (http_connection *c = h->connections; c; c = c->next)
        if (c->queue)
            stop(c, HTTP_LATE, cli_seconds());
    pthread_mutex_unlock(&h->lock);
}

/* --- signals ---------------------------------------------------------------------------------- */

static _Atomic int asked; // any thread may get the signal

static void ask(int number) {
    asked = 1;
    signal(number, SIG_DFL); // who asks twice does not want to wait
}

void http_take_signals(void) {
    struct sigaction action = {.sa_handler = ask}, now;
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    if (sigaction(SIGHUP, NULL, &now) == 0 && now.sa_handler != SIG_IGN) // as nohup wants it
        sigaction(SIGHUP, &action, NULL);
    signal(SIGPIPE, SIG_IGN); // clients that go are no news
}

void http_run(http_server *h) {
    struct pollfd *fds = NULL;
    size_t room = 0;
    double end = INFINITY;
    while (!asked || (answering(h) > 0 && cli_seconds() < end)) {
        size_t n = list_answering(h, &fds, &room);
        if (poll(fds, n, (int)(blink * 1000)) > 0) {
            stop_gone(h, fds, n);
            struct timespec pause = {0, 10000000}; // the same one may be there again
            nanosleep(&pause, NULL);
        }
        srv_engine_tick(h->server->engine);
        if (asked && !h->server->draining) {
            h->server->draining = true;
            end = cli_seconds() + h->o.drain;
        }
    }
    h->server->draining = true;
    free(fds);
}

/* Answers that were ended say so to their clients, if these take it. */
static void let_go(http_server *h) {
    double end = cli_seconds() + 1;
    struct timespec pause = {0, 10000000};
    stop_all(h);
    while (answering(h) > 0 && cli_seconds() < end)
        nanosleep(&pause, NULL);
}

void http_close(http_server *h) {
    let_go(h);
    if (h->daemon)
        h->lib->stop(h->daemon);
    pthread_mutex_destroy(&h->lock);
}
