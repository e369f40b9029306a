/* A ring of records: the newest that fit into its memory.
 *
 *     |  filler |.free.| oldest record | ... | newest |    a record lies in one piece; where the
 *                                                          rest of the memory is too small for the
 *                                                          next, a filler stands
 *
 * Each piece begins with its size in bytes, a multiple of 8; a filler's has its lowest bit set.
 */
#ifndef MX_GRAPH_RING_H
#define MX_GRAPH_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct mx_ring {
    char *data;
    size_t room;
    uint64_t head, tail; /* where the next is written, where the oldest lies; they only grow */
    uint64_t count, dropped;
} mx_ring;

bool mx_ring_open(mx_ring *r, size_t bytes);
void mx_ring_close(mx_ring *r);
void mx_ring_put(mx_ring *r, const void *record, size_t size); /* at most a quarter of the ring */
/* Begins with *at == r->tail; NULL behind the newest. */
const void *mx_ring_next(const mx_ring *r, uint64_t *at);

#endif
