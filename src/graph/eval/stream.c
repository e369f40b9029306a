/* Devices and streams, and the queue behind async_eval: see stream.h and async.c. */
#include "graph/eval/stream.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/status.h"
#include "base/threads/lock.h"
#include "graph/eval/backend.h"

enum { MAX_STREAMS = 1 << 20 };

/* Streams are plain numbers; only the defaults are state. */
static mx_device default_device = {MX_CPU, 0};
static mx_stream default_stream[2] = {{{MX_CPU, 0}, 0}, {{MX_GPU, 0}, 1}};
static int stream_count = 2;

static _Atomic signed char priorities[MX_PRIORITY_STREAMS]; /* by the stream's number */

/* The default stream of the default device, type and index in one word: read for every node, so
   without the lock. */
static _Atomic uint64_t current;

/* Called under the lock. */
static void update_current(void) {
    mx_stream s = default_stream[default_device.type == MX_GPU];
    atomic_store(&current, (uint64_t)s.device.type << 32 | (uint32_t)s.index);
}

bool mx_gpu_stands_for_cpu(void) {
    const char *v = getenv("MLX_GPU_ON_CPU");
    return v && *v && *v != '0';
}

/* Where the GPU stands in, it is the default device, as it is where there is one. */
__attribute__((constructor)) static void choose_default(void) {
    if (!mx_gpu_stands_for_cpu())
        return;
    default_device = (mx_device){MX_GPU, 0};
    update_current();
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

mx_device mx_default_device(void) {
    mx_lock(MX_LOCK_STREAM);
    mx_device d = default_device;
    mx_unlock(MX_LOCK_STREAM);
    return d;
}

bool mx_set_default_device(mx_device d) {
    if (!check_device("set_default_device", d))
        return false;
    mx_lock(MX_LOCK_STREAM);
    default_device = d;
    update_current();
    mx_unlock(MX_LOCK_STREAM);
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

mx_stream mx_default_stream(mx_device d) {
    mx_lock(MX_LOCK_STREAM);
    mx_stream s = default_stream[d.type == MX_GPU];
    mx_unlock(MX_LOCK_STREAM);
    return s;
}

bool mx_set_default_stream(mx_stream s) {
    if (!check_device("set_default_stream", s.device))
        return false;
    mx_lock(MX_LOCK_STREAM);
    default_stream[s.device.type == MX_GPU] = s;
    update_current();
    mx_unlock(MX_LOCK_STREAM);
    return true;
}

mx_stream mx_current_stream(void) {
    uint64_t now = atomic_load_explicit(&current, memory_order_acquire);
    return (mx_stream){{(mx_device_type)(now >> 32), 0}, (int)(uint32_t)now};
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
