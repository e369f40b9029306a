/* Names of operations: see name.h. */
#include "graph/show/name.h"

#include "graph/array/params.h"
#include "graph/array/plugin.h"

/* In the order of mx_reduce_op, mx_scan_op and mx_scatter_op (ops/ops.h); the last is NULL. */
static const char *const reduces[] = {"Sum", "Prod", "Max", "Min", "All", "Any", NULL};
static const char *const scans[] = {"CumSum", "CumProd", "CumMax", "CumMin", "LogCumSumExp", NULL};
static const char *const scatters[] = {"Scatter",    "ScatterSum", "ScatterProd",
                                       "ScatterMax", "ScatterMin", NULL};
static const char *const axis_scatters[] = {"ScatterAxis",    "ScatterAxisSum", "ScatterAxisProd",
                                            "ScatterAxisMax", "ScatterAxisMin", NULL};
static const char *const extremes[] = {"ArgMin", "ArgMax", NULL};

static const char *const *names_of(mx_prim p) {
    switch (p) {
    case MX_PRIM_reduce: return reduces;
    case MX_PRIM_scan: return scans;
    case MX_PRIM_scatter: return scatters;
    case MX_PRIM_scatter_axis: return axis_scatters;
    case MX_PRIM_arg_reduce: return extremes;
    default: return NULL;
    }
}

int mx_operation_variant(const mx_node *n) {
    switch ((mx_prim)n->prim) {
    case MX_PRIM_reduce: return ((const mx_p_reduce *)n->params)->op;
    case MX_PRIM_scan: return ((const mx_p_scan *)n->params)->op;
    case MX_PRIM_scatter: return ((const mx_p_scatter *)n->params)->op;
    case MX_PRIM_scatter_axis: return ((const mx_p_scatter_axis *)n->params)->op;
    case MX_PRIM_arg_reduce: return ((const mx_p_arg_reduce *)n->params)->max;
    case MX_PRIM_plugin: return ((const mx_p_plugin *)n->params)->op;
    default: return 0;
    }
}

const char *mx_operation_name(mx_prim p, int variant) {
    const char *const *names = names_of(p);
    const mx_plugin_op *added = p == MX_PRIM_plugin ? mx_plugin_at(variant) : NULL;
    if (added)
        return added->name;
    for (int i = 0; names && names[i]; i++)
        if (i == variant)
            return names[i];
    return mx_prims[p]->name;
}
