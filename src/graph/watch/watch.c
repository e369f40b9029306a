/* Running what somebody watches: see watch.h. */
#include "graph/watch/watch.h"

#include "graph/array/mapped.h"
#include "graph/profile/profile.h"
#include "graph/watch/debug.h"

static bool run(const mx_task *t, unsigned watched) {
    bool values = watched & (MX_WATCH_NAN | MX_WATCH_INFINITY);
    return values ? mx_debug_run(t, watched) : mx_task_run(t);
}

bool mx_run_inputs_whole(const mx_task *t) {
    for (int i = 0; i < mx_task_inputs(t); i++) {
        const mx_array *a = mx_task_input(t, i);
        if (a && mx_array_available(a) && !mx_mapped_check(a))
            return false;
    }
    return true;
}

bool mx_run_watched(const mx_task *t) {
    unsigned watched = mx_watched();
    if (!(watched & MX_WATCH_EVENTS))
        return run(t, watched);
    mx_event_room room;
    mx_profile_begin(&room, t);
    bool ok = run(t, watched);
    mx_profile_end(&room, t, ok);
    return ok;
}
