/* Rings of records: see ring.h. */
#include "graph/profile/ring.h"

#include <string.h>

#include "base/mem.h"

bool mx_ring_open(mx_ring *r, size_t bytes) {
    *r = (mx_ring){.room = bytes & ~(size_t)7};
    return (r->data = mx_malloc(r->room)) != NULL;
}

void mx_ring_close(mx_ring *r) {
    mx_free(r->data);
    *r = (mx_ring){0};
}

static char *at_offset(const mx_ring *r, uint64_t at) {
    return r->data + at % r->room;
}

static uint32_t head_of(const mx_ring *r, uint64_t at) {
    uint32_t head;
    memcpy(&head, at_offset(r, at), sizeof head);
    return head;
}

static void make_room(mx_ring *r, size_t size) {
    while (r->head + size - r->tail > r->room) {
        uint32_t oldest = head_of(r, r->tail);
        r->tail += oldest & ~1u;
        if (!(oldest & 1)) {
            r->count--;
            r->dropped++;
        }
    }
}

void mx_ring_put(mx_ring *r, const void *record, size_t size) {
    uint64_t rest = r->room - r->head % r->room;
    if (rest < size) {
        uint32_t filler = (uint32_t)rest | 1;
        make_room(r, rest);
        memcpy(at_offset(r, r->head), &filler, sizeof filler);
        r->head += rest;
    }
    make_room(r, size);
    memcpy(at_offset(r, r->head), record, size);
    r->head += size;
    r->count++;
}

const void *mx_ring_next(const mx_ring *r, uint64_t *at) {
    while (*at < r->head) {
        uint64_t here = *at;
        uint32_t head = head_of(r, here);
        *at += head & ~1u;
        if (!(head & 1))
            return at_offset(r, here);
    }
    return NULL;
}
