/* A growing array of pointers, and the growth of any array. */
#ifndef MX_BASE_VEC_H
#define MX_BASE_VEC_H

#include <stdbool.h>
#include <stddef.h>

enum { MX_MOST_ENTRIES = 1 << 24 }; /* of a list that the program gives */

/* Room for `want` elements of `size` bytes in *(T **)array, which has room for *room; grows by
   half at least. On failure everything stays as it was. */
bool mx_grow(void *array, size_t *room, size_t want, size_t size);

typedef struct mx_vec {
    void **item; /* NULL while empty */
    size_t count, room;
} mx_vec;

bool mx_vec_add(mx_vec *v, void *item);
void *mx_vec_pop(mx_vec *v); /* NULL when empty */
void mx_vec_free(mx_vec *v); /* the array only */

#endif
