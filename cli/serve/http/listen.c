/* The socket that connections come to, and the server that begins there. */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "serve/http/http.h"

static int port_of(int fd) {
    struct sockaddr_storage a;
    socklen_t n = sizeof a;
    if (getsockname(fd, (struct sockaddr *)&a, &n))
        return 0;
    return ntohs(a.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&a)->sin6_port
                                         : ((struct sockaddr_in *)&a)->sin_port);
}

/* -1: errno says why. */
static int listen_at(const struct addrinfo *a) {
    int yes = 1, fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(fd, a->ai_addr, a->ai_addrlen) == 0 && listen(fd, 511) == 0)
        return fd;
    int why = errno;
    close(fd);
    errno = why;
    return -1;
}

static bool listen_there(http_server *h, srv_fault *f) {
    struct addrinfo wanted = {.ai_flags = AI_PASSIVE, .ai_socktype = SOCK_STREAM}, *found;
    char port[16];
    snprintf(port, sizeof port, "%d", h->o.port);
    int why = getaddrinfo(h->o.host, port, &wanted, &found);
    if (why)
        return srv_fail(f, 500, "there is no host '%s': %s", h->o.host, gai_strerror(why));
    for (const struct addrinfo *a = found; a && h->socket < 0; a = a->ai_next)
        h->socket = listen_at(a);
    int number = errno;
    freeaddrinfo(found);
    if (h->socket < 0)
        return srv_fail(f, 500, "%s:%d cannot be listened at: %s", h->o.host, h->o.port,
                        strerror(number));
    h->port = port_of(h->socket);
    return true;
}

bool http_open(http_server *h, srv_server *server, const http_options *o, srv_fault *f) {
    *h = (http_server){.server = server, .o = *o, .socket = -1};
    pthread_mutex_init(&h->lock, NULL);
    http_take_signals();
    h->lib = srv_mhd(f);
    if (!h->lib || !listen_there(h, f))
        return false;
    unsigned flags = MHD_THREAD_PER_CONNECTION | MHD_INTERNAL_THREAD | MHD_POLL | MHD_ITC;
    h->daemon =
        h->lib->start(flags, 0, NULL, NULL, http_access, h, MHD_OPTION_LISTEN_SOCKET, h->socket,
                      MHD_OPTION_CONNECTION_LIMIT, (unsigned)o->connections,
                      MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)65536,
                      MHD_OPTION_THREAD_STACK_SIZE, (size_t)1 << 20, MHD_OPTION_NOTIFY_COMPLETED,
                      http_completed, h, MHD_OPTION_UNESCAPE, http_unescape, h,
                      MHD_OPTION_NOTIFY_CONNECTION, http_notify, h, MHD_OPTION_END);
    return h->daemon || srv_fail(f, 500, "libmicrohttpd could not start");
}
