/* A folder of the test's own. A test without one would write beside other things, to "/" even. */
#ifndef OWN_FOLDER_H
#define OWN_FOLDER_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Makes TMPDIR/name-XXXXXX, in /tmp without that, and writes its path. Where that cannot be made
   the program says so and ends. */
__attribute__((unused)) static char *own_folder(char *path, size_t room, const char *name) {
    const char *tmp = getenv("TMPDIR");
    int n = snprintf(path, room, "%s/%s-XXXXXX", tmp && *tmp ? tmp : "/tmp", name);
    if (n > 0 && (size_t)n < room && mkdtemp(path))
        return path;
    fprintf(stderr, "no folder %s can be made: %s\n", path,
            n > 0 && (size_t)n < room ? strerror(errno) : "its path is too long");
    exit(1);
}

#endif
