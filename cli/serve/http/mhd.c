/* libmicrohttpd, found when it is needed. */
#include "serve/http/mhd.h"

#include <dlfcn.h>
#include <string.h>

static mhd_library lib;

static bool find_all(void *library) {
    const struct {
        void *to;
        const char *name;
    } rows[] = {{&lib.start, "MHD_start_daemon"},
                {&lib.stop, "MHD_stop_daemon"},
                {&lib.header, "MHD_lookup_connection_value"},
                {&lib.answer, "MHD_queue_response"},
                {&lib.of_buffer, "MHD_create_response_from_buffer"},
                {&lib.of_reader, "MHD_create_response_from_callback"},
                {&lib.add_header, "MHD_add_response_header"},
                {&lib.release, "MHD_destroy_response"},
                {&lib.info, "MHD_get_connection_info"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        void *found = dlsym(library, rows[i].name);
        if (!found)
            return false;
        memcpy(rows[i].to, &found, sizeof found);
    }
    return true;
}

const mhd_library *srv_mhd(srv_fault *f) {
    void *library = dlopen("libmicrohttpd.so.12", RTLD_NOW | RTLD_LOCAL);
    if (library && find_all(library))
        return &lib;
    srv_fail(f, 500,
             "libmicrohttpd is not installed (libmicrohttpd.so.12; in Debian the package "
             "libmicrohttpd12)");
    return NULL;
}
