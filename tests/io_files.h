/* Files for the tests of src/io: fixtures, and a folder of the test's own. */
#ifndef IO_FILES_H
#define IO_FILES_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "data_path.h"
#include "mlx/c/mlx.h"
#include "own_folder.h"

static char folder[256];

/* A path in a folder that files_done removes. Overwritten by the fourth call after it. */
__attribute__((unused)) static const char *own_path(const char *name) {
    static char path[4][512];
    static int next;
    if (!*folder) {
        // where a written file is not waited for
        if (access("/dev/shm", W_OK) == 0)
            setenv("TMPDIR", "/dev/shm", 0);
        own_folder(folder, sizeof folder, "mlx_test");
    }
    char *p = path[next++ % 4];
    snprintf(p, sizeof *path, "%s/%s", folder, name);
    return p;
}

__attribute__((unused)) static const char *write_file(const char *name, const void *bytes,
                                                      size_t n) {
    const char *path = own_path(name);
    FILE *f = fopen(path, "wb");
    CHECK(f && fwrite(bytes, 1, n, f) == n);
    if (f)
        fclose(f);
    return path;
}

/* All bytes of a file, for free; n of them. */
__attribute__((unused)) static char *read_file(const char *path, size_t *n) {
    FILE *f = fopen(path, "rb");
    char *bytes = malloc(1 << 22);
    *n = f ? fread(bytes, 1, 1 << 22, f) : 0;
    if (f)
        fclose(f);
    return bytes;
}

__attribute__((unused)) static void files_done(void) {
    char command[300];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    if (*folder && system(command) != 0)
        fprintf(stderr, "cannot remove %s\n", folder);
}

/* --- errors ----------------------------------------------------------------------- */

static int told_times;

__attribute__((unused)) static void count_told(const char *message, void *data) {
    (void)message;
    (void)data;
    told_times++;
}

/* The call gave 1, the handler was called once, and the message holds part. */
#define CHECK_FAILS(call, part)                                          \
    (told_times = 0, CHECK_EQ_INT(call, 1), CHECK_EQ_INT(told_times, 1), \
     CHECK_HAS(mlx_last_error_message(), part))
#define CHECK_OK(call) CHECK_EQ_INT(call, 0)

#endif
