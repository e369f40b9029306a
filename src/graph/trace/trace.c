/* Levels of running transforms: see trace.h. */
#include "graph/trace/trace.h"

#include <stdatomic.h>

static _Thread_local unsigned depth __attribute__((tls_model("initial-exec")));
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

static _Thread_local bool shapeless __attribute__((tls_model("initial-exec")));

bool mx_trace_set_shapeless(bool on) {
    bool former = shapeless;
    shapeless = on;
    return former;
}

bool mx_trace_shapeless(void) {
    return shapeless;
}

static _Thread_local bool says __attribute__((tls_model("initial-exec")));
static _Thread_local const char *pin __attribute__((tls_model("initial-exec")));

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
