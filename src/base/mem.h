/* Host memory for small objects (nodes, vectors, strings), and the test hook that fails it.
 *
 * Everything in the library allocates through here or through cache.h. On failure these record
 * MX_NOMEM (mx_fail_nomem) and return NULL; sizes are checked products, so no caller multiplies.
 */
#ifndef MX_BASE_MEM_H
#define MX_BASE_MEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void *mx_malloc(size_t bytes);                              /* never NULL for 0 bytes */
void *mx_calloc(size_t count, size_t size);                 /* zeroed; count * size is checked */
void *mx_realloc_array(void *p, size_t count, size_t size); /* p is kept and valid on failure */
void mx_free(void *p);
char *mx_strdup(const char *s);
void *mx_memdup(const void *p, size_t bytes);

/* a * b and a + b, false on overflow */
static inline bool mx_mul_size(size_t a, size_t b, size_t *r) {
    return !__builtin_mul_overflow(a, b, r);
}
static inline bool mx_add_size(size_t a, size_t b, size_t *r) {
    return !__builtin_add_overflow(a, b, r);
}

/* Tests: the n-th allocation from now (1 is the next; also those of cache.h) fails once; 0
   turns it off. mx_alloc_count says how many were asked for since. Process-wide. */
void mx_alloc_fail_at(uint64_t n);
uint64_t mx_alloc_count(void);
/* For the library's other allocators: numbers this request; false where the hook fails it. */
bool mx_alloc_allowed(void);
/* Tests: live allocations of this file, for leak checks. */
int64_t mx_alloc_live(void);

#endif
