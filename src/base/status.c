/* Errors of a thread: see status.h.
 *
 * Thread-local storage here is one int and one pointer. A library that is loaded into a running
 * process (Python, the BEAM) shares some hundred bytes of static thread-local storage with all
 * others, so the texts lie on the heap.
 */
#include "base/status.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/thread_local.h"

/* Read on every operation, so it avoids the dynamic TLS lookup. */
static MX_THREAD_LOCAL mx_status current;

typedef struct texts {
    char slot[2][MX_ERROR_TEXT];
} texts;

static MX_THREAD_LOCAL texts *mine;
static texts shared; /* for threads that cannot have their own */
static pthread_key_t key;
static pthread_once_t key_once = PTHREAD_ONCE_INIT;

static void free_texts(void *t) {
    mine = NULL;
    free(t);
}

static void make_key(void) {
    pthread_key_create(&key, free_texts);
}

/* Plain calloc: no allocation of the library's own may be wanted to tell that one failed. */
char *mx_error_text(int slot) {
    if (!mine) {
        pthread_once(&key_once, make_key);
        mine = calloc(1, sizeof *mine);
        pthread_setspecific(key, mine);
    }
    return mine ? mine->slot[slot] : shared.slot[slot];
}

void *mx_fail(mx_status status, const char *format, ...) {
    if (current != MX_OK)
        return NULL;
    current = status;
    va_list args;
    va_start(args, format);
    vsnprintf(mx_error_text(0), MX_ERROR_TEXT, format, args);
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
    return current == MX_OK ? "" : mx_error_text(0);
}

void mx_error_clear(void) {
    current = MX_OK;
}
