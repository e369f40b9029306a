/* Merge sort of pairs: see sort.h. */
#include "models/template/words/sort.h"

#include <string.h>

typedef struct pair {
    tm_value key, item;
} pair;

/* Two runs that lie one behind the other, of `from`, into `to`. */
static bool merge(tm_run *r, const pair *from, pair *to, size_t left, size_t n, bool descending) {
    size_t a = 0, b = left;
    int order = 0;
    for (size_t i = 0; i < n; i++) {
        bool second = a == left;
        if (a < left && b < n) {
            const pair *x = descending ? &from[a] : &from[b], *y = descending ? &from[b] : &from[a];
            if (!tm_order(r, &x->key, &y->key, "<", &order))
                return false;
            second = order == -1;
        }
        to[i] = second ? from[b++] : from[a++];
    }
    return true;
}

static bool sort(tm_run *r, pair *p, pair *room, size_t n, bool descending) {
    for (size_t width = 1; width < n; width *= 2) {
        for (size_t at = 0; at < n; at += 2 * width) {
            size_t all = n - at < 2 * width ? n - at : 2 * width;
            size_t left = all < width ? all : width;
            if (!merge(r, p + at, room + at, left, all, descending))
                return false;
        }
        memcpy(p, room, n * sizeof *p);
        if (!tm_spend(r, n))
            return false;
    }
    return true;
}

bool tm_sort(tm_run *r, tm_value *key, tm_value *item, size_t n, bool descending) {
    pair *p = tm_alloc(r, n, 2 * sizeof *p);
    if (!p)
        return false;
    for (size_t i = 0; i < n; i++)
        p[i] = (pair){key[i], item[i]};
    if (!sort(r, p, p + n, n, descending))
        return false;
    for (size_t i = 0; i < n; i++) {
        key[i] = p[i].key;
        item[i] = p[i].item;
    }
    return true;
}
