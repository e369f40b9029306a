/* Who watches evaluations, and where in the program arrays are made.
 *
 *     mx_watched()      bits; 0 nearly always. One relaxed load on the path of every node
 *     source            a number for a place ("train.py:12") that the host gave us; 0: unknown.
 *                       Nodes have one when somebody watched while they were made
 *
 * The host's hook says which place runs on the calling thread; it is called when a node is made,
 * with no lock held. Nodes that a transform makes of another node (a derivative, a replayed trace)
 * have that node's source.
 */
#ifndef MX_GRAPH_SOURCE_H
#define MX_GRAPH_SOURCE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum mx_watch_bits {
    MX_WATCH_EVENTS = 1,  /* a profile runs */
    MX_WATCH_NAN = 2,     /* the first NaN is an error */
    MX_WATCH_INFINITY = 4 /* the first infinity, too */
};

extern atomic_uint mx_watching;
static inline unsigned mx_watched(void) {
    return atomic_load_explicit(&mx_watching, memory_order_relaxed);
}
void mx_watch(unsigned bits, bool on);

/* The number of a place, the same for the same text; 0 where there is no room for more (65535) or
   no memory. "file:line"; the bytes may be any. */
uint32_t mx_source_add(const char *file, int line);
const char *mx_source_text(uint32_t source); /* NULL for 0; valid for ever */

typedef uint32_t mx_source_hook(void *data);
void mx_source_set_hook(mx_source_hook *hook, void *data); /* NULL: nobody knows */

/* Where a node is made that is made now; 0 while nobody watches. */
uint32_t mx_source_find(void);
static inline uint32_t mx_source_here(void) {
    return mx_watched() ? mx_source_find() : 0;
}

/* Nodes made on this thread until the former one is set back have this source; 0: the hook's. */
uint32_t mx_source_set(uint32_t source); /* returns the former one */

#endif
