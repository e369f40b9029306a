/* plugin.h: shared libraries that MLX_PLUGINS names, loaded once; what went wrong is said at every
   call. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "capi/capi.h"
#include "capi/io/plugin.h"
#include "io/archive/archive.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;
static char failure[MX_ERROR_TEXT]; /* "" : none */

static bool fail(const char *path, const char *what) {
    if (!*failure)
        snprintf(failure, sizeof failure, "[plugins] '%.400s': %.500s", path, what);
    return false;
}

/* Public functions are looked up in the object that holds them, which a host may have loaded for
   itself alone (as Python does). */
static void *symbol(const char *name) {
    Dl_info own;
    bool ours = name && strncmp(name, "mlx_", 4) == 0;
    void *object = ours && dladdr((void *)(uintptr_t)mlx_plugins_load, &own)
                       ? dlopen(own.dli_fname, RTLD_NOW | RTLD_NOLOAD)
                       : NULL;
    void *found = object ? dlsym(object, name) : NULL;
    if (object)
        dlclose(object); // one reference less: the object stays
    return found;
}

static bool start(const char *path, const mlx_plugin *p) {
    static const mlx_plugin_host host = {sizeof host, mlx_format_register, mlx_storage_register,
                                         mlx_operation_register, symbol};
    char text[128];
    if (!p)
        return fail(path, "its mlx_plugin_entry returned NULL");
    if (p->abi != MLX_PLUGIN_ABI) {
        snprintf(text, sizeof text, "it is of the ABI %d, this library has %d", p->abi,
                 MLX_PLUGIN_ABI);
        return fail(path, text);
    }
    if (!p->init)
        return fail(path, "its function init is NULL");
    capi_callback c = capi_callback_begin();
    if (capi_callback_end(c, "plugins", p->init(&host)))
        return true;
    return fail(path, mx_error_message());
}

/* What was loaded stays: it may have registered something before it failed. */
static bool load(const char *path) {
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        return fail(path, dlerror());
    const mlx_plugin *(*entry)(void) = NULL;
    *(void **)&entry = dlsym(library, "mlx_plugin_entry");
    return entry ? start(path, entry()) : fail(path, "it has no function mlx_plugin_entry");
}

static void load_all(void) {
    const char *list = secure_getenv("MLX_PLUGINS");
    char path[4096];
    for (size_t n; list && *list; list += n + (list[n] == ':')) {
        n = strcspn(list, ":");
        snprintf(path, sizeof path, "%.*s", (int)(n < sizeof path ? n : sizeof path - 1), list);
        if (n >= sizeof path)
            fail(path, "the path is too long");
        else if (n)
            load(path);
    }
    mx_error_clear();
}

static bool loaded(void) {
    pthread_once(&once, load_all);
    return !*failure || mx_fail(MX_INVALID, "%s", failure);
}

void capi_plugins_use(void) {
    mx_format_set_loader(loaded);
}

int mlx_plugins_load(void) {
    mx_error_clear();
    return capi_done(loaded());
}
