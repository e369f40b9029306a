/* What the server answers to. */
#ifndef SERVE_ROUTES_H
#define SERVE_ROUTES_H

#include "serve/serve.h"

typedef struct srv_route {
    const char *method;
    const char *path; /* ends in a slash: what follows belongs to it; NULL ends the table */
    srv_dialect dialect;
    bool open; /* asks for no key */
    bool body; /* has a JSON object */
    bool (*answer)(srv_call *c);
} srv_route;

extern const srv_route srv_routes[];

/* NULL: there is no such path (*known false), or not with this method. */
const srv_route *srv_route_find(const char *method, const char *path, bool *known);
/* The dialect that errors of any path are in. */
srv_dialect srv_route_dialect(const char *path);
/* "GET, HEAD" of a path that is there. */
void srv_route_methods(const char *path, char *out, size_t room);

#endif
