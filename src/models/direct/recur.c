/* Recurrences. */
#include "base/status.h"
#include "models/direct/direct_parts.h"

mx_rows *direct_recur(mx_machine *m, mx_mixer_kind kind, const mx_recurrence *r, int64_t layer,
                      mx_rows *in, mx_rows *more) {
    (void)m, (void)kind, (void)r, (void)layer, (void)in, (void)more;
    return mx_fail(MX_UNSUPPORTED, "[language model] recurrences");
}
