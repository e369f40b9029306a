/* The caching allocator for array data: aligned blocks by size class, limits, counters.
 *
 *     mx_block_alloc    a free block of its size class is reused; else the system is asked,
 *                       after the cache was emptied where the limit would be passed
 *     mx_block_free     the block is kept while the cache is below its limit
 *
 * Blocks are aligned to 64 bytes and followed by at least 64 readable bytes, so that a kernel
 * may load (never use or store) a whole vector past the end. Large blocks ask for huge pages.
 * Thread-safe. Counters are bytes of blocks (rounded sizes), as mlx.core's memory functions
 * report them.
 */
#ifndef MX_BASE_CACHE_H
#define MX_BASE_CACHE_H

#include <stddef.h>

void *mx_block_alloc(size_t bytes);         /* NULL and MX_NOMEM on failure; not zeroed */
void mx_block_free(void *p, size_t bytes);  /* bytes as asked for */
/* Tests: every block given from now on is filled with this byte; a negative one turns it off. */
void mx_block_fill(int byte);
size_t mx_block_size(size_t bytes);         /* what a request for bytes really takes */

size_t mx_mem_active(void);                 /* in use by arrays */
size_t mx_mem_cached(void);                 /* kept for reuse */
size_t mx_mem_peak(void);
void mx_mem_peak_reset(void);
size_t mx_mem_limit(void);
/* Both return the former limit. Beyond the memory limit allocation fails, after the cache was
   emptied; a smaller cache limit trims the cache at once. */
size_t mx_mem_set_limit(size_t bytes);
size_t mx_mem_set_cache_limit(size_t bytes);
void mx_mem_cache_clear(void);

#endif
