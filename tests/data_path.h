/* Where the real data of tests are. */
#ifndef DATA_PATH_H
#define DATA_PATH_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "check.h"

/* $MLX_TEST_DATA/name, or ../shared/data/name beside the sources or above them; NULL where it
   is not. */
__attribute__((unused)) static const char *data_path(const char *name) {
    static char path[1024];
    const char *data = getenv("MLX_TEST_DATA"), *source = data ? NULL : check_source();
    static const char *const up[] = {"..", "../.."};
    for (int i = data ? -1 : 0; i < (data ? 0 : 2); i++) {
        if (data)
            snprintf(path, sizeof path, "%s/%s", data, name);
        else
            snprintf(path, sizeof path, "%s/%s/shared/data/%s", source, up[i], name);
        if (access(path, R_OK) == 0)
            return path;
    }
    return NULL;
}

#endif
