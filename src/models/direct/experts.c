/* Experts: tokens are grouped by the experts that they are sent to. */
#include <math.h>
#include <string.h>

#include "base/status.h"
#include "models/direct/direct_parts.h"

mx_rows *direct_experts(mx_machine *m, const mx_experts *e, mx_rows *x) {
    (void)m, (void)e, (void)x;
    return mx_fail(MX_UNSUPPORTED, "[language model] experts");
}
