/* The thread pool: one per process, started at first use, sized by MLX_NUM_THREADS or the
 * processors this process may run on.
 *
 *     mx_parallel_for(n, grain, body, ctx)
 *
 * calls body(ctx, begin, end) over disjoint pieces of [0, n).
 *
 * Pieces are at least `grain` long, so that work below two grains runs on the calling thread
 * with no wake-up. The caller works too. Each thread has a share of the pieces, the same part of
 * [0, n) in every job, whose data its caches may hold, and takes others' when its own are done.
 * Nested calls run serially on the thread they are made from. Calls from several threads at
 * once are all served.
 *
 * Results must not depend on the number of threads: a body may depend on begin and end only if
 * each element's result does not. For partial sums split by a fixed block
 * (mx_parallel_blocks), not by piece.
 *
 * Workers run with the default floating-point environment and all signals blocked. If threads
 * cannot be started the work runs on the caller. After fork the child starts its own pool.
 */
#ifndef MX_BASE_POOL_H
#define MX_BASE_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef void mx_range_body(void *ctx, int64_t begin, int64_t end);

void mx_parallel_for(int64_t n, int64_t grain, mx_range_body *body, void *ctx);

/* The same for work of many seconds: false with MX_INTERRUPTED recorded when the host wanted to
   stop (interrupt.h), and then some of it was not done, so that nothing may be read that it should
   have written. Bodies get shorter pieces than above, of some milliseconds. Never stops within a
   body. Of calls below two grains one in some asks afterwards, as long work may be many of them.
   A call costs up to 0.4 us more than above, and below two grains 1 ns. */
bool mx_parallel_for_long(int64_t n, int64_t grain, mx_range_body *body, void *ctx);

int mx_pool_threads(void);       /* threads that work at once, the caller included */
void mx_pool_set_threads(int n); /* for tests and benchmarks; 0: back to the default */
void mx_pool_wake(void);         /* idle workers look for jobs that they may do now (turn.h) */
int mx_pool_worker_id(void);     /* 0 .. mx_pool_threads()-1 within a body, stable during it */

/* Scratch memory of the calling thread, 64-byte aligned, kept between calls and freed with the
   thread. Valid until the next mx_scratch with the same slot (0 .. MX_SCRATCH_SLOTS-1) on this
   thread. NULL (no error recorded) when it cannot be had: the body reports it through its
   context. */
#define MX_SCRATCH_SLOTS 4
void *mx_scratch(int slot, size_t bytes);

#endif
