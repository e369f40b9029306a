/* What is kept of a task that ran: a record of one piece, of 8-byte steps, that can be copied.
 *
 *     mx_event | operations (uint16), padded to 4 | an array after the other, inputs first:
 *                                                   dtype and ndim, dim ... (int32)
 *
 * Of a task with many inputs or outputs the first are listed.
 */
#ifndef MX_GRAPH_EVENT_H
#define MX_GRAPH_EVENT_H

#include <stdalign.h>

#include "base/text.h"
#include "graph/watch/task.h"

typedef struct mx_event {
    uint32_t size;                 /* of the record in bytes */
    uint32_t source;               /* where its last operation was written (graph/watch/source.h) */
    int64_t start, duration, self; /* ns; self: without the events inside */
    uint64_t read, written;        /* bytes (graph/watch/cost.h) */
    double flops;
    uint64_t active; /* bytes in use by arrays when it was done */
    int32_t thread;  /* the kernel's number */
    int32_t stream;
    int32_t in, out;     /* all that there are */
    uint16_t n_op;       /* mx_prim each */
    uint16_t variant;    /* of its node (graph/show/name.h) */
    uint8_t n_in, n_out; /* arrays listed */
    uint8_t depth;       /* events around it on its thread */
    bool program, failed;
} mx_event;

enum {
    MX_EVENT_ARRAYS = 12, /* listed of inputs, and of outputs */
    MX_EVENT_MOST =
        sizeof(mx_event) + 2 * (MX_PROGRAM_MAX + 2) + 2 * MX_EVENT_ARRAYS * 4 * (1 + MX_MAX_NDIM)
};

typedef struct mx_event_room {
    uint32_t around; /* the source of the event around it */
    alignas(8) char bytes[MX_EVENT_MOST + 8];
} mx_event_room;

/* What is known before the task runs. */
mx_event *mx_event_describe(mx_event_room *room, const mx_task *t);

typedef struct mx_event_array {
    mx_dtype dtype;
    int ndim;
    const int *shape;
} mx_event_array;
/* The k-th listed input or output. */
mx_event_array mx_event_get(const mx_event *e, bool output, int k);

/* "Matmul"; of a program "Multiply+Add x2+Exp", what feeds a node first. */
void mx_event_name(mx_text *t, const mx_event *e);
/* "float32 (2,3), float32 (3,4)" */
void mx_event_arrays(mx_text *t, const mx_event *e, bool output);

#endif
