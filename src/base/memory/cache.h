/* The caching allocator for array data: aligned blocks by size class, limits, counters.
 *
 *     mx_block_alloc    a free block of its size class is reused; else the system is asked. Where
 *                       the memory limit would be passed the cache gives way first
 *     mx_block_free     the block is kept while the cache is below its limit
 *
 * Blocks are aligned to 64 bytes and followed by at least 64 readable bytes, so that a kernel
 * may load (never use or store) a whole vector past the end. Large blocks ask for huge pages.
 * Thread-safe. Counters are bytes of blocks (rounded sizes), as mlx.core's memory functions
 * report them.
 */
#ifndef MX_BASE_CACHE_H
#define MX_BASE_CACHE_H

#include <stdbool.h>
#include <stddef.h>

void *mx_block_alloc(size_t bytes);        /* NULL and MX_NOMEM on failure; not zeroed */
void mx_block_free(void *p, size_t bytes); /* bytes as asked for */
/* Tests: every block given from now on is filled with this byte; a negative one turns it off. */
void mx_block_fill(int byte);
size_t mx_block_size(size_t bytes); /* what a request for bytes really takes */

size_t mx_mem_active(void); /* in use by arrays */
size_t mx_mem_cached(void); /* kept for reuse, or spare */
size_t mx_mem_peak(void);
void mx_mem_peak_reset(void);
size_t mx_mem_limit(void);
size_t mx_mem_hard_limit(void);
/* Each returns the former limit. The memory limit is a guideline: arrays and cache together stay
   below it as long as the cache can give way; then allocation goes on. Beyond the hard limit it
   fails. What a new limit leaves no room for goes out of the cache at once. */
size_t mx_mem_set_limit(size_t bytes);
size_t mx_mem_set_hard_limit(size_t bytes);
size_t mx_mem_set_cache_limit(size_t bytes);
/* Files that are mapped count as active. No allocation fails or takes room from the cache for them:
   their pages can go, and are asked to where a block is needed beyond the memory limit. */
void mx_mem_count_mapped(size_t bytes, bool mapped);
void mx_mem_cache_clear(void);

/* Spare blocks: their owner can make again what lies there, so they count as cached. They may have
   half of the room of the cache. */
bool mx_block_may_spare(size_t bytes);
/* A block that is in use is a spare one from now on, if it may be; and in use again, as it is to be
   before it is freed. yield (one for all): called with no lock of the cache held where memory is
   short or the cache is cleared; it frees spare blocks until at most `keep` bytes are left, or no
   more can be. */
typedef void mx_block_yield(size_t keep);
bool mx_block_spare(size_t bytes, mx_block_yield *yield);
void mx_block_unspare(size_t bytes);

#endif
