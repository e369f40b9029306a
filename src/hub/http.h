/* HTTP by libcurl. */
#ifndef MX_HUB_HTTP_H
#define MX_HUB_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct mx_http_request {
    const char *url, *token; /* token NULL: none; it is not sent on to where the answer redirects */
    uint64_t from;           /* the first byte that is wanted */
    /* Some bytes of the answer's body, whose status is a success. False: stop. */
    bool (*body)(void *to, int status, const void *bytes, size_t n);
    bool (*stop)(void *to); /* asked now and then */
    void *to;
} mx_http_request;

typedef struct mx_http_answer {
    int status;     /* of HTTP; 0: there was none */
    bool again;     /* the connection was lost: trying again may help */
    char text[256]; /* what went wrong; "": nothing */
} mx_http_answer;

/* Loads libcurl. False and an error: it is not there. Before the first request. */
bool mx_http_load(void);
/* One request; any thread, no error is recorded. */
mx_http_answer mx_http_get(const mx_http_request *r);

#endif
