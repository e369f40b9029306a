/* libmicrohttpd, found when it is needed. What stands here is its ABI, that of libmicrohttpd.so.12
 * (versions 0.9.64 and newer; https://www.gnu.org/software/libmicrohttpd/manual/). */
#ifndef SERVE_MHD_H
#define SERVE_MHD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "serve/fields.h"

typedef struct mhd_daemon mhd_daemon;
typedef struct mhd_connection mhd_connection;
typedef struct mhd_response mhd_response;

enum { MHD_NO, MHD_YES };
enum { MHD_THREAD_PER_CONNECTION = 4, MHD_INTERNAL_THREAD = 8, MHD_POLL = 64, MHD_ITC = 1024 };
enum {
    MHD_OPTION_END = 0,
    MHD_OPTION_CONNECTION_MEMORY_LIMIT = 1, /* size_t */
    MHD_OPTION_CONNECTION_LIMIT = 2,        /* unsigned */
    MHD_OPTION_NOTIFY_COMPLETED = 4,        /* function, pointer */
    MHD_OPTION_LISTEN_SOCKET = 12,          /* int */
    MHD_OPTION_UNESCAPE = 16,               /* function, pointer */
    MHD_OPTION_THREAD_STACK_SIZE = 19,      /* size_t */
    MHD_OPTION_NOTIFY_CONNECTION = 27       /* function, pointer */
};
enum { MHD_HEADER_KIND = 1 };
enum { MHD_INFO_CLIENT_ADDRESS = 2, MHD_INFO_FD = 6, MHD_INFO_SOCKET_CONTEXT = 7 };
enum { MHD_CONNECTION_STARTED, MHD_CONNECTION_CLOSED };
enum { MHD_MUST_COPY = 2 };
enum { MHD_END_OF_STREAM = -1, MHD_END_WITH_ERROR = -2 };

typedef union mhd_info {
    int fd;
    void *pointer;
} mhd_info;

typedef int mhd_access(void *data, mhd_connection *c, const char *url, const char *method,
                       const char *version, const char *body, size_t *body_num, void **request);
typedef void mhd_completed(void *data, mhd_connection *c, void **request, int why);
typedef void mhd_notify(void *data, mhd_connection *c, void **context, int what);
typedef size_t mhd_unescape(void *data, mhd_connection *c, char *text);
typedef int mhd_each(void *data, int kind, const char *key, size_t key_num, const char *value,
                     size_t value_num);
typedef ssize_t mhd_reader(void *data, uint64_t at, char *out, size_t room);

typedef struct mhd_library {
    mhd_daemon *(*start)(unsigned flags, uint16_t port, void *accept, void *accept_data,
                         mhd_access *access, void *data, ...);
    void (*stop)(mhd_daemon *d);
    const char *(*header)(mhd_connection *c, int kind, const char *key);
    int (*headers)(mhd_connection *c, int kind, mhd_each *each, void *data);
    int (*answer)(mhd_connection *c, unsigned status, mhd_response *r);
    mhd_response *(*of_buffer)(size_t n, void *data, int mode);
    mhd_response *(*of_reader)(uint64_t size, size_t block, mhd_reader *read, void *data,
                               void (*done)(void *data));
    int (*add_header)(mhd_response *r, const char *key, const char *value);
    void (*release)(mhd_response *r);
    const mhd_info *(*info)(mhd_connection *c, int what, ...);
} mhd_library;

/* NULL and a fault: it is not installed. */
const mhd_library *srv_mhd(srv_fault *f);

#endif
