/* Threads of streams: see share.h. */
#include "graph/eval/share.h"

#include <stdatomic.h>

#include "base/status.h"

static atomic_short threads[MX_PRIORITY_STREAMS]; /* by the stream's number */

int mx_stream_threads(mx_stream s) {
    bool has = s.index >= 0 && s.index < MX_PRIORITY_STREAMS;
    return has ? atomic_load_explicit(&threads[s.index], memory_order_relaxed) : 0;
}

bool mx_stream_set_threads(mx_stream s, int most) {
    if (most < 0 || most > MX_SHARE_MOST)
        return mx_fail(
            MX_RANGE,
            "[stream_set_threads] %d threads given, but it should be 1 to %d, or 0 for all", most,
            MX_SHARE_MOST);
    if (s.index < 0 || s.index >= MX_PRIORITY_STREAMS)
        return mx_fail(MX_RANGE,
                       "[stream_set_threads] only the first %d streams can be limited; this is "
                       "number %d",
                       MX_PRIORITY_STREAMS, s.index);
    atomic_store_explicit(&threads[s.index], (short)most, memory_order_relaxed);
    return true;
}
