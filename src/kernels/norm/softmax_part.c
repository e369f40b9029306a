/* Merging the parts of a row that is reduced in blocks. */
#include <math.h>

#include "kernels/norm/k_softmax.h"

mx_softmax_part mx_softmax_merge(const mx_softmax_part *parts, size_t n) {
    mx_softmax_part whole = {-INFINITY, 0};
    for (size_t i = 0; i < n; i++)
        if (parts[i].max > whole.max)
            whole.max = parts[i].max;
    for (size_t i = 0; i < n; i++) {
        double d = parts[i].max == whole.max ? 0 : parts[i].max - whole.max;
        whole.sum += isnan(parts[i].sum) ? parts[i].sum : parts[i].sum * exp(d);
    }
    return whole;
}

double mx_softmax_part_log(const mx_softmax_part *p) {
    return isinf(p->max) && !isnan(p->sum) ? p->max : p->max + log(p->sum);
}
