/* Telling a program's visitor what a trace holds: see mlx/c/export.h. */
#ifndef MX_CAPI_EXPORT_VISIT_H
#define MX_CAPI_EXPORT_VISIT_H

#include "capi/capi.h"
#include "transforms/mlxfn/import_read.h"

bool capi_visit_trace(const mx_fn_trace *t, const mlx_export_visitor *v);

#endif
