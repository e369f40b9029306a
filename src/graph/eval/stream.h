/* Devices and streams. A stream is an ordered queue of a device; streams and arrays belong to the
 * process, not to a thread. Evaluation runs on the calling thread, async_eval on the queue's
 * own. Where evaluations of several streams are under way, those of the highest priority run. */
#ifndef MX_GRAPH_STREAM_H
#define MX_GRAPH_STREAM_H

#include <stdbool.h>

typedef enum mx_device_type { MX_CPU = 0, MX_GPU = 1 } mx_device_type;

typedef struct mx_device {
    mx_device_type type;
    int index;
} mx_device;

typedef struct mx_stream {
    mx_device device;
    int index; /* unique in the process; the default CPU stream is 0 */
} mx_stream;

bool mx_device_available(mx_device d);
/* MLX_GPU_ON_CPU=1 lets a GPU device stand for the CPU where there is no GPU. */
bool mx_gpu_stands_for_cpu(void);

/* Defaults are all threads', and a thread's own where it has chosen. Setting one is false, with an
 * error, where the device is not available. */
mx_device mx_default_device(void);
bool mx_set_default_device(mx_device d); /* for all; this thread's own as well, if it has one */
bool mx_thread_device(mx_device *d);     /* false: this thread has none of its own */
bool mx_set_thread_device(const mx_device *d); /* NULL: none of its own */
mx_stream mx_default_stream(mx_device d);
mx_stream mx_current_stream(void);               /* the default stream of the default device */
bool mx_set_default_stream(mx_stream s);         /* this thread's */
bool mx_set_default_stream_for_all(mx_stream s); /* of those that have none of their own */

bool mx_stream_new(mx_device d, mx_stream *out);
bool mx_stream_synchronize(mx_stream s); /* wait until its queue is empty */
bool mx_streams_synchronize(void);       /* until all are */

enum { MX_PRIORITY_MOST = 100, MX_PRIORITY_STREAMS = 4096 };
int mx_stream_priority(mx_stream s);                    /* 0 unless set */
bool mx_stream_set_priority(mx_stream s, int priority); /* false and an error: out of range */

#endif
