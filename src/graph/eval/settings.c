/* The environment's settings: see settings.h. */
#include "graph/eval/settings.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "graph/watch/source.h"
#include "kernels/kernels.h"

static const char *setting(const char *name) {
    const char *text = getenv(name);
    return text && *text ? text : NULL;
}

static bool is_set(const char *name) {
    int n;
    const mx_kernels *const *all = mx_kernels_all(&n);
    for (int i = 0; i < n; i++)
        if (!strcmp(all[i]->name, name))
            return true;
    return false;
}

/* "baseline, avx2" */
static const char *set_names(char *text, size_t size) {
    int n, used = 0;
    const mx_kernels *const *all = mx_kernels_all(&n);
    for (int i = 0; i < n && used < (int)size; i++)
        used += snprintf(text + used, size - (size_t)used, "%s%s", i ? ", " : "", all[i]->name);
    return text;
}

static bool check_set(void) {
    const char *name = setting("MLX_CPU_ISA");
    char text[64] = "";
    return !name || is_set(name) ||
           mx_fail(MX_INVALID, "[environment] MLX_CPU_ISA is '%s', but this processor has: %s.",
                   name, set_names(text, sizeof text));
}

static bool check_threads(void) {
    const char *text = setting("MLX_NUM_THREADS");
    char *end = NULL;
    errno = 0;
    long n = text ? strtol(text, &end, 10) : 0;
    return !text || (!*end && end != text && n >= 0 && !errno) ||
           mx_fail(
               MX_INVALID,
               "[environment] MLX_NUM_THREADS is '%s', but it should be a number of threads, or 0 "
               "for one a processor.",
               text);
}

/* "nan", "inf" or "nan,inf": what is an error from now on. */
static bool check_debug(void) {
    static const struct {
        const char *text;
        unsigned bits;
    } known[] = {{"nan", MX_WATCH_NAN},
                 {"inf", MX_WATCH_INFINITY},
                 {"nan,inf", MX_WATCH_NAN | MX_WATCH_INFINITY}};
    const char *text = setting("MLX_DEBUG");
    for (size_t i = 0; text && i < sizeof known / sizeof *known; i++)
        if (!strcmp(text, known[i].text))
            return mx_watch(known[i].bits, true), true;
    return !text ||
           mx_fail(MX_INVALID,
                   "[environment] MLX_DEBUG is '%s', but it should be nan, inf or nan,inf.", text);
}

bool mx_settings_check(void) {
    static atomic_bool good;
    if (atomic_load_explicit(&good, memory_order_relaxed))
        return true;
    bool ok = check_set() && check_threads() && check_debug();
    atomic_store_explicit(&good, ok, memory_order_relaxed);
    return ok;
}
