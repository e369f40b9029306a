/* Free blocks at hand: each thread's few small ones, which it takes and gives without the lock that
 * all threads share (cache.c).
 *
 *     take, put    by the thread that owns the tray
 *     the rest     by whoever holds the cache's lock, on all trays
 *
 * To the cache, blocks on trays are in use; whoever wants to know what is takes their bytes off. A
 * thread's tray is emptied into the cache when it ends.
 */
#ifndef MX_BASE_TRAY_H
#define MX_BASE_TRAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MX_TRAY_CLASSES = 32 }; /* of cache.c's sizes: up to 4 KB */

/* What the cache does under its lock when a tray is emptied: notes what was in use, and takes each
   block. */
typedef struct mx_tray_home {
    void (*note)(void);
    void (*take)(int c, void *block);
} mx_tray_home;

/* A block of class c, which has `size` bytes; NULL: there is none. */
void *mx_tray_take(int c, size_t size);
/* False: there is no room. What is left goes home when the thread ends. */
bool mx_tray_put(int c, void *block, size_t size, const mx_tray_home *home);

/* Bytes on all trays now, and the least that there were after something was taken since this was
   last asked (the sum of each one's), or MX_TRAYS_NONE where nothing was. */
#define MX_TRAYS_NONE SIZE_MAX
size_t mx_trays_bytes(size_t *least);
void mx_trays_empty(const mx_tray_home *home);
/* What a tray may hold from now on; 0: nothing. */
void mx_trays_limit(size_t bytes);

#endif
