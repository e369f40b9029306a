/* The one strerror_r of POSIX: with GNU extensions glibc has another of the same name. */
#undef _GNU_SOURCE
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <string.h>

#include "base/file.h"

const char *mx_errno_text(int code, char *room, size_t size) {
    if (strerror_r(code, room, size))
        snprintf(room, size, "error %d", code);
    return room;
}
