/* The boxes behind stream handles.
 *
 * Programs pass streams along more carelessly than arrays: to another thread, after they were
 * freed, or as the flag that another version of the interface has in that place. So a box says
 * whether it is one, and its memory is kept for other streams: a handle that was freed can be told
 * from a living one.
 */
#ifndef MX_CAPI_STREAM_BOX_H
#define MX_CAPI_STREAM_BOX_H

#include "graph/eval/stream.h"

/* A living box that holds s. NULL: out of memory. */
mx_stream *capi_stream_box(mx_stream s);
/* The stream in the box that a handle points to. NULL and an error: it is none, or was freed. */
mx_stream *capi_stream_of(void *ctx);
/* False and an error: it is none, or was freed before. */
bool capi_stream_free(void *ctx);

#endif
