/* Attention: the choice of a route. */
#include "cpu/attention/attention_engine.h"

#include "base/status.h"
#include "cpu/attention/attention_internal.h"

bool mx_attend(const mx_attend_args *a) {
    if (a->batch == 0 || a->heads == 0 || a->q_len == 0)
        return true;
    bool ok = att_is_decode(a) ? att_decode(a) : att_prefill(a);
    if (!ok)
        mx_fail_nomem("scaled_dot_product_attention",
                      (unsigned long long)a->k_len * (unsigned long long)(a->dim + a->v_dim) * 4);
    return ok;
}
