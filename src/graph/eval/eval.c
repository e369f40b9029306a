/* Evaluation: see eval.h. */
#include "graph/eval/eval.h"

#include "base/fenv.h"
#include "base/status.h"
#include "graph/array/deferred.h"
#include "graph/array/mapped.h"
#include "graph/eval/evaluation.h"
#include "graph/eval/settings.h"
#include "graph/eval/units.h"

/* e may be NULL. The arrays are held by somebody else meanwhile. */
static bool evaluate(mx_evaluation *e) {
    if (!e)
        return false;
    mx_fenv_hold();
    bool planned = mx_plan_fuse(&e->plan), runs = planned && e->plan.n_order > 0;
    bool ok = runs ? mx_units_run(e) : planned;
    mx_fenv_release();
    if (runs && ok) /* it has ended with its last unit */
        return true;
    mx_eval_lock();
    mx_evaluation_end(e);
    mx_eval_unlock();
    return ok;
}

static bool are_whole(mx_array *const *arrays, int n) {
    for (int i = 0; i < n; i++)
        if (!mx_mapped_check(arrays[i]))
            return false;
    return true;
}

static int count_pending(mx_array *const *arrays, int n) {
    int pending = 0;
    for (int i = 0; i < n; i++) {
        if (!arrays[i])
            return -1;
        pending += !mx_array_available(arrays[i]);
    }
    return pending;
}

/* work < 0: any. *done is false where nothing was done as it would be too much. */
static bool eval(mx_array *const *arrays, int n, double work, bool *done) {
    int pending = count_pending(arrays, n);
    *done = true;
    if (pending <= 0)
        return !pending && are_whole(arrays, n);
    if (!mx_settings_check())
        return false;
    mx_deferred_begin();
    for (int i = 0; i < n; i++) /* what is wanted outside has a reference outside */
        mx_array_retain(arrays[i]);
    mx_evaluation *e =
        work < 0 ? mx_evaluation_begin(arrays, n) : mx_evaluation_begin_small(arrays, n, work);
    bool ok = evaluate(e);
    *done = e || mx_failed();
    for (int i = 0; i < n; i++)
        mx_array_release(arrays[i]);
    mx_deferred_end();
    return ok || (work >= 0 && !*done);
}

bool mx_eval(mx_array *const *arrays, int n) {
    bool done;
    return eval(arrays, n, -1, &done);
}

bool mx_eval_small(mx_array *const *arrays, int n, double work, bool *done) {
    return eval(arrays, n, work, done);
}
