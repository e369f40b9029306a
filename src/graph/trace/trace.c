/* Levels of running transforms: see trace.h. */
#include "graph/trace/trace.h"

#include <stdatomic.h>

#include "base/thread_local.h"

static MX_THREAD_LOCAL unsigned depth;
static atomic_uint running;

uint8_t mx_trace_level(void) {
    return depth < UINT8_MAX ? (uint8_t)depth : UINT8_MAX;
}

uint8_t mx_trace_enter(void) {
    depth++;
    atomic_fetch_add(&running, 1);
    return mx_trace_level();
}

void mx_trace_leave(void) {
    depth--;
    atomic_fetch_sub(&running, 1);
}

static MX_THREAD_LOCAL bool shapeless;

bool mx_trace_set_shapeless(bool on) {
    bool former = shapeless;
    shapeless = on;
    return former;
}

bool mx_trace_shapeless(void) {
    return shapeless;
}

static MX_THREAD_LOCAL bool says;
static MX_THREAD_LOCAL const char *pin;

bool mx_trace_set_says(bool on) {
    bool former = says;
    says = on;
    return former;
}

void mx_trace_pin(const char *operation) {
    if (shapeless && !says && !pin)
        pin = operation;
}

const char *mx_trace_set_pin(const char *operation) {
    const char *former = pin;
    pin = operation;
    return former;
}

const char *mx_trace_pinned(void) {
    return pin;
}

bool mx_trace_active(void) {
    return atomic_load_explicit(&running, memory_order_relaxed) > 0;
}
