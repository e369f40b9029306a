/* debug.h: bits of graph/watch/source.h. */
#include "capi/capi.h"
#include "graph/watch/source.h"

int mlx_debug_set(bool nan, bool infinity) {
    mx_watch(MX_WATCH_NAN, nan);
    mx_watch(MX_WATCH_INFINITY, infinity);
    return 0;
}

int mlx_debug_get(bool *nan, bool *infinity) {
    unsigned watched = mx_watched();
    if (nan)
        *nan = watched & MX_WATCH_NAN;
    if (infinity)
        *infinity = watched & MX_WATCH_INFINITY;
    return 0;
}
