#include "base/vec.h"

#include <stdint.h>
#include <string.h>

#include "base/mem.h"

bool mx_grow(void *array, size_t *room, size_t want, size_t size) {
    if (want <= *room)
        return true;
    size_t more = *room + *room / 2 + 8;
    if (want < more)
        want = more;
    void *p;
    memcpy(&p, array, sizeof p); // whatever its element type, without aliasing
    p = mx_realloc_array(p, want, size);
    if (!p)
        return false;
    memcpy(array, &p, sizeof p);
    *room = want;
    return true;
}

bool mx_vec_add(mx_vec *v, void *item) {
    if (!mx_grow(&v->item, &v->room, v->count + 1, sizeof *v->item))
        return false;
    v->item[v->count++] = item;
    return true;
}

void *mx_vec_pop(mx_vec *v) {
    return v->count ? v->item[--v->count] : NULL;
}

void mx_vec_free(mx_vec *v) {
    mx_free(v->item);
    *v = (mx_vec){0};
}
