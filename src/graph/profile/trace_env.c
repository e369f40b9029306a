/* MLX_TRACE: see trace_file.h. The trace belongs to the process that read the variable: a child of
 * fork has none, a program that it starts has its own. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/status.h"
#include "graph/profile/trace_file.h"

static mx_profile whole;
static char *path;
static pid_t owner;

static void complain(const char *why) {
    fprintf(stderr, "MLX_TRACE: there is no trace: %s\n", why);
}

/* A copy with the process's number for each %p. NULL: no memory. */
static char *with_number(const char *pattern) {
    mx_text t = {0};
    for (const char *at; (at = strstr(pattern, "%p")); pattern = at + 2) {
        mx_text_put(&t, pattern, (size_t)(at - pattern));
        mx_text_add(&t, "%ld", (long)getpid());
    }
    mx_text_str(&t, pattern);
    return mx_text_take(&t);
}

void mx_trace_env_begin(void) {
    const char *pattern = secure_getenv("MLX_TRACE");
    if (!pattern || !*pattern)
        return;
    owner = getpid();
    path = with_number(pattern);
    if (!path || !mx_profile_start(&whole, 0))
        complain(mx_error_message());
    mx_error_clear();
}

void mx_trace_env_end(void) {
    if (whole.state != MX_PROFILE_RUNS || getpid() != owner)
        return;
    mx_error_clear();
    if (!mx_profile_stop(&whole) || !mx_trace_write(&whole, path))
        complain(mx_error_message());
    mx_error_clear();
    mx_profile_clear(&whole);
    mx_free(path);
}
