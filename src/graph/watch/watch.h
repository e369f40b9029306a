/* The one place where backends are called to compute something, so that others may look on.
 *
 *     eval.c, recipe_run.c ──▶ mx_run ──▶ backend             nobody watches: one relaxed load
 *                                 └─▶ profile.c: an event around
 *                                       └─▶ debug.c: are there NaNs now that were not there?
 */
#ifndef MX_GRAPH_WATCH_H
#define MX_GRAPH_WATCH_H

#include "base/guard.h"
#include "graph/watch/source.h"
#include "graph/watch/task.h"

bool mx_run_watched(const mx_task *t);

/* Of a task whose files were cut short, as far as anybody knows; an error where they were. */
bool mx_run_inputs_whole(const mx_task *t);

static inline bool mx_run(const mx_task *t) {
    if (mx_guard_faults() && !mx_run_inputs_whole(t))
        return false;
    unsigned faults = mx_guard_faults();
    bool ok = mx_watched() ? mx_run_watched(t) : mx_task_run(t);
    return ok && (faults == mx_guard_faults() || mx_run_inputs_whole(t));
}

#endif
