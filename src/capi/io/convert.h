/* What callers of conversion give, as the library takes it. */
#ifndef MX_CAPI_CONVERT_H
#define MX_CAPI_CONVERT_H

#include "mlx/c/convert.h"
#include "models/convert/convert.h"

/* Who is told of progress. It outlives the options that hold it. */
typedef struct capi_watcher {
    const char *op; /* opens messages */
    mlx_convert_callback call;
    void *payload;
} capi_watcher;

/* options NULL: the usual ones. */
mx_convert_options capi_convert_options(const mlx_convert_options *options, capi_watcher *w);

#endif
