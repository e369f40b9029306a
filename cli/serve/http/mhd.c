/* libmicrohttpd, found when it is needed. */
#include "serve/http/mhd.h"

#include "cli.h"

static mhd_library lib;

const mhd_library *srv_mhd(srv_fault *f) {
    const cli_function all[] = {{&lib.start, "MHD_start_daemon"},
                                {&lib.stop, "MHD_stop_daemon"},
                                {&lib.header, "MHD_lookup_connection_value"},
                                {&lib.headers, "MHD_get_connection_values_n"},
                                {&lib.answer, "MHD_queue_response"},
                                {&lib.of_buffer, "MHD_create_response_from_buffer"},
                                {&lib.of_reader, "MHD_create_response_from_callback"},
                                {&lib.add_header, "MHD_add_response_header"},
                                {&lib.release, "MHD_destroy_response"},
                                {&lib.info, "MHD_get_connection_info"}};
    if (cli_functions_find("libmicrohttpd.so.12", all, sizeof all / sizeof *all))
        return &lib;
    srv_fail(f, 500,
             "libmicrohttpd is not installed (libmicrohttpd.so.12; in Debian the package "
             "libmicrohttpd12)");
    return NULL;
}
