/* A map from strings to pointers that remembers the order of insertion.
 *
 *     entry   0 "w" 1 "b" 2 "x" ...        count of them, in order
 *     slot    . 2 . . 0 . 1 .              open addressing by hash: entry number + 1, 0 is free
 *
 * Keys are copied. Values belong to the user; mx_map_free hands each to a function. The hash
 * is seeded per process, so that a file cannot choose names that collide.
 */
#ifndef MX_BASE_MAP_H
#define MX_BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct mx_map_entry {
    char *key;
    void *value;
    uint64_t hash;
} mx_map_entry;

typedef struct mx_map {
    mx_map_entry *entry;
    uint32_t *slot;
    size_t count, room; /* entries; room for entries */
    size_t slots;       /* a power of two, or 0 while empty */
} mx_map;

void *mx_map_get(const mx_map *m, const char *key); /* NULL when absent */
bool mx_map_has(const mx_map *m, const char *key);
/* Sets key to value; *former (may be NULL) receives what it replaced, or NULL. */
bool mx_map_set(mx_map *m, const char *key, void *value, void **former);
void *mx_map_remove(mx_map *m, const char *key); /* its value, NULL when absent; order is kept */
void mx_map_free(mx_map *m, void (*free_value)(void *)); /* free_value may be NULL */

#endif
