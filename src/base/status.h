/* Errors. The first one sticks.
 *
 * Each thread has one error state. mx_fail records status and message when none is recorded
 * yet and returns NULL, so that `return mx_fail(...)` reads well in anything that returns a
 * pointer. Inside the library NULL goes in and NULL comes out; only a public function turns
 * the state into an int (src/capi), calls the handler and clears it. Pool workers do not fail:
 * their loops report through their own context and the thread that started them calls mx_fail.
 */
#ifndef MX_BASE_STATUS_H
#define MX_BASE_STATUS_H

#include <stdbool.h>

typedef enum mx_status {
    MX_OK = 0,
    MX_INVALID,     /* an argument that no call accepts */
    MX_RANGE,       /* an index, axis or size out of range */
    MX_NOMEM,       /* an allocation failed or a limit was reached */
    MX_IO,          /* the system refused a file operation */
    MX_FORMAT,      /* a file does not say what its format promises */
    MX_UNSUPPORTED, /* right, but this backend or dtype cannot */
    MX_DEVICE,      /* a device is missing or failed */
    MX_INTERRUPTED, /* the host asked to stop */
    MX_INTERNAL,    /* a fault of the library itself */
    MX_NOT_FINITE   /* a NaN or an infinity was made, and the host wants to know */
} mx_status;

/* Record an error unless one is recorded; the message starts with "[operation] ". Returns
   NULL. */
void *mx_fail(mx_status status, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* "[op] out of memory: N bytes". Works when nothing can be allocated. Returns NULL. */
void *mx_fail_nomem(const char *op, unsigned long long bytes);

bool mx_failed(void);
mx_status mx_error_status(void);
const char *mx_error_message(void); /* "" when there is none; until the thread's next call */
void mx_error_clear(void);

/* The thread's two texts of MX_ERROR_TEXT bytes: 0 is the recorded message, 1 is for the public
   face. Never NULL; where memory has run out, threads share one. */
enum { MX_ERROR_TEXT = 1024 };
char *mx_error_text(int slot);

#endif
