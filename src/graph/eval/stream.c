/* Devices and streams, and the queue behind async_eval: see stream.h and async.c. */
#include "graph/eval/stream.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/status.h"
#include "base/thread_local.h"
#include "base/threads/lock.h"
#include "graph/eval/backend.h"

enum { MAX_STREAMS = 1 << 20 };

/* Streams are plain numbers; only the defaults are state: those of all threads, and what a thread
   chose for itself, from 1 on (0: nothing). Read for every node, so without a lock. */
static _Atomic int default_type = MX_CPU;
static _Atomic int default_index[2] = {0, 1};
static MX_THREAD_LOCAL int own_type, own_index[2];
static int stream_count = 2;

static _Atomic signed char priorities[MX_PRIORITY_STREAMS]; /* by the stream's number */

bool mx_gpu_stands_for_cpu(void) {
    const char *v = getenv("MLX_GPU_ON_CPU");
    return v && *v && *v != '0';
}

/* Where the GPU stands in, it is the default device, as it is where there is one. */
__attribute__((constructor)) static void choose_default(void) {
    if (mx_gpu_stands_for_cpu())
        atomic_store(&default_type, MX_GPU);
}

bool mx_device_available(mx_device d) {
    return d.index == 0 && (d.type == MX_CPU || (d.type == MX_GPU && mx_gpu_stands_for_cpu()));
}

static bool check_device(const char *op, mx_device d) {
    if (mx_device_available(d))
        return true;
    mx_fail(MX_DEVICE, "[%s] device %s %d is not available", op, d.type == MX_GPU ? "gpu" : "cpu",
            d.index);
    return false;
}

static int current_type(void) {
    return own_type ? own_type - 1 : atomic_load_explicit(&default_type, memory_order_relaxed);
}

mx_device mx_default_device(void) {
    return (mx_device){(mx_device_type)current_type(), 0};
}

bool mx_set_default_device(mx_device d) {
    if (!check_device("set_default_device", d))
        return false;
    atomic_store(&default_type, (int)d.type);
    own_type = own_type ? (int)d.type + 1 : 0;
    return true;
}

bool mx_thread_device(mx_device *d) {
    if (own_type)
        *d = mx_default_device();
    return own_type;
}

bool mx_set_thread_device(const mx_device *d) {
    if (d && !check_device("set_thread_device", *d))
        return false;
    own_type = d ? (int)d->type + 1 : 0;
    return true;
}

bool mx_stream_new(mx_device d, mx_stream *out) {
    if (!check_device("new_stream", d))
        return false;
    mx_lock(MX_LOCK_STREAM);
    bool room = stream_count < MAX_STREAMS;
    if (room)
        *out = (mx_stream){d, stream_count++};
    mx_unlock(MX_LOCK_STREAM);
    if (!room)
        mx_fail(MX_RANGE, "[new_stream] there are %d streams already", MAX_STREAMS);
    return room;
}

static mx_stream default_of(int type) {
    int index = own_index[type] ? own_index[type] - 1
                                : atomic_load_explicit(&default_index[type], memory_order_relaxed);
    return (mx_stream){{(mx_device_type)type, 0}, index};
}

mx_stream mx_default_stream(mx_device d) {
    return default_of(d.type == MX_GPU);
}

mx_stream mx_current_stream(void) {
    return default_of(current_type());
}

bool mx_set_default_stream(mx_stream s) {
    if (!check_device("set_default_stream", s.device))
        return false;
    own_index[s.device.type == MX_GPU] = s.index + 1;
    return true;
}

bool mx_set_default_stream_for_all(mx_stream s) {
    int gpu = s.device.type == MX_GPU;
    if (!check_device("set_default_stream_for_all", s.device))
        return false;
    atomic_store(&default_index[gpu], s.index);
    own_index[gpu] = 0;
    return true;
}

int mx_stream_priority(mx_stream s) {
    bool has = s.index >= 0 && s.index < MX_PRIORITY_STREAMS;
    return has ? atomic_load_explicit(&priorities[s.index], memory_order_relaxed) : 0;
}

bool mx_stream_set_priority(mx_stream s, int priority) {
    if (priority < -MX_PRIORITY_MOST || priority > MX_PRIORITY_MOST)
        return mx_fail(MX_RANGE,
                       "[stream_set_priority] the priority is %d, but it should be -%d to %d",
                       priority, MX_PRIORITY_MOST, MX_PRIORITY_MOST);
    if (s.index < 0 || s.index >= MX_PRIORITY_STREAMS)
        return mx_fail(
            MX_RANGE,
            "[stream_set_priority] only the first %d streams can have one; this is number %d",
            MX_PRIORITY_STREAMS, s.index);
    atomic_store_explicit(&priorities[s.index], (signed char)priority, memory_order_relaxed);
    return true;
}
