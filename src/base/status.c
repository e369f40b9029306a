#include "base/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define MESSAGE_BYTES 1024

/* Read on every operation, so it avoids the dynamic TLS lookup; it is one int of static TLS. */
static _Thread_local mx_status current __attribute__((tls_model("initial-exec")));
static _Thread_local char message[MESSAGE_BYTES];

void *mx_fail(mx_status status, const char *format, ...) {
    if (current != MX_OK)
        return NULL;
    current = status;
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    return NULL;
}

void *mx_fail_nomem(const char *op, unsigned long long bytes) {
    return mx_fail(MX_NOMEM, "[%s] out of memory: %llu bytes", op, bytes);
}

bool mx_failed(void) {
    return current != MX_OK;
}

mx_status mx_error_status(void) {
    return current;
}

const char *mx_error_message(void) {
    return current == MX_OK ? "" : message;
}

void mx_error_clear(void) {
    current = MX_OK;
}
