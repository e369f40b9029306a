/* Libraries that are loaded when they are needed. */
#include <dlfcn.h>
#include <string.h>

#include "cli.h"

bool cli_functions_find(const char *file, const cli_function *list, size_t n) {
    void *library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    for (size_t i = 0; library && i < n; i++) {
        void *found = dlsym(library, list[i].name);
        if (!found)
            return false;
        memcpy(list[i].to, &found, sizeof found);
    }
    return library != NULL;
}
