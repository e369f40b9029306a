/* Other forms of what lies in memory, kept beside it: weights in the order in which a kernel reads
 * them, made once and not in every call.
 *
 *     memory ──▶ mx_forms ──▶ form ──▶ form       one for each key
 *                               └────▶ block      made at the third use, gone when room is short
 *
 * Who owns the memory holds an mx_forms and drops it before what lies there changes, or goes. So a
 * form holds the bytes that making it anew would give: nothing depends on whether it was kept.
 * Blocks of forms count as cached, not as in use (cache.h): they have half of the room that the
 * cache has, and go when memory is short or the cache is cleared. Where room is full they stay, and
 * new ones are not kept, unless one has not been read while all others were, several times.
 *
 * Any number of threads may open forms of one memory at once: reading takes no lock.
 */
#ifndef MX_BASE_FORMS_H
#define MX_BASE_FORMS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct mx_form mx_form;

/* The forms of one piece of memory; zero: none. */
typedef struct mx_forms {
    _Atomic(mx_form *) first;
} mx_forms;

/* All that the bytes of a form depend on beside those that it is made of. */
enum { MX_FORM_NUMBERS = 20 };
typedef struct mx_form_key {
    const void *maker; /* whose format it has: a table of kernels */
    const void *from;  /* the first element that it is made of */
    int64_t number[MX_FORM_NUMBERS];
} mx_form_key;

/* While a form is read, or made. */
typedef struct mx_form_use {
    void *data;
    bool ready; /* the form lies in data; else the opener puts it there */
    size_t bytes;
    mx_form *form;
} mx_form_use;

/* The form `key` of memory whose forms are `of` (NULL: of memory where none are kept), or a block
 * to make it in. always: also one that will not be kept; without it data may be NULL. False: out of
 * memory; then nothing is to be closed. */
bool mx_form_open(mx_form_use *u, mx_forms *of, const mx_form_key *key, size_t bytes, bool always);
/* made: data holds the form, whoever put it there. */
void mx_form_close(mx_form_use *u, bool made);

/* What is kept, as the cache counts it. */
size_t mx_forms_bytes(mx_forms *of);

/* What they were made of changes, or goes; nobody reads it. */
void mx_forms_drop_all(mx_forms *of);
static inline void mx_forms_drop(mx_forms *of) {
    if (atomic_load_explicit(&of->first, memory_order_relaxed))
        mx_forms_drop_all(of);
}

#endif
