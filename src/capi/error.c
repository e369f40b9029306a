/* Errors on their way out: the thread's last error, and the handler that the program set.
 *
 * The handler runs last in a public function, with no lock held and nothing left to free, so that
 * it may unwind (longjmp, throw). Inside a callback it waits: the function that called back
 * reports, once, with the cause that the callback met. */
#include <stdarg.h>
#include <stdio.h>

#include "base/fenv.h"
#include "base/threads/lock.h"
#include "capi/capi.h"

typedef struct handler {
    mlx_error_handler_func call;
    void *data;
    void (*dtor)(void *);
} handler;

typedef struct last_error {
    int callbacks; /* how deep this thread is in functions of the program */
    mx_status status;
} last_error;

static void print_error(const char *message, void *data) {
    (void)data;
    fprintf(stderr, "mlx: %s\n", message);
}

static handler current = {print_error, NULL, NULL};
static _Thread_local last_error last;

static char *last_message(void) {
    return mx_error_text(1);
}

static handler exchange(const handler *next) {
    mx_lock(MX_LOCK_HANDLER);
    handler former = current;
    if (next)
        current = *next;
    mx_unlock(MX_LOCK_HANDLER);
    return former;
}

void mlx_set_error_handler(mlx_error_handler_func handler_func, void *data, void (*dtor)(void *)) {
    handler next = {handler_func ? handler_func : print_error, data, dtor};
    handler former = exchange(&next);
    if (former.dtor && former.data != data)
        former.dtor(former.data);
}

static void keep(mx_status status, const char *message) {
    last.status = status;
    snprintf(last_message(), MX_ERROR_TEXT, "%s", message);
}

/* A copy on the stack goes to the handler: it may call back and fail again. */
static void tell(void) {
    if (last.callbacks)
        return;
    char message[MX_ERROR_TEXT];
    handler h = exchange(NULL);
    snprintf(message, sizeof message, "%s", last_message());
    h.call(message, h.data);
}

int capi_report(void) {
    const char *text = mx_error_message();
    bool known = mx_failed() && *text;
    keep(known ? mx_error_status() : MX_INTERNAL,
         known ? text : "[mlx] the library failed and has no reason recorded: please report it");
    mx_error_clear();
    tell();
    return 1;
}

void _mlx_error(const char *file, const int line, const char *fmt, ...) {
    char text[896];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt ? fmt : "error", args);
    va_end(args);
    last.status = MX_INVALID;
    snprintf(last_message(), MX_ERROR_TEXT, "%s at %s:%d", text, file ? file : "?", line);
    tell();
}

/* --- callbacks -------------------------------------------------------------------------------- */

capi_callback capi_callback_begin(void) {
    capi_callback c = {last.status, mx_fenv_leave()};
    last.status = MX_OK;
    last.callbacks++;
    return c;
}

bool capi_callback_end(capi_callback c, const char *op, int result) {
    mx_status cause = last.status;
    mx_fenv_enter(c.fenv);
    last.callbacks--;
    mx_error_clear();
    last.status = c.former;
    if (result == 0)
        return true;
    if (cause != MX_OK)
        mx_fail(cause, "%s", last_message());
    else
        mx_fail(MX_INVALID, "[%s] the function returned %d", op, result);
    return false;
}

/* --- asking ----------------------------------------------------------------------------------- */

const char *mlx_last_error_message(void) {
    return last.status == MX_OK ? "" : last_message();
}

int mlx_last_error_code(void) {
    return (int)last.status;
}

void mlx_clear_last_error(void) {
    last.status = MX_OK;
}
