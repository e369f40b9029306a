/* Whose turn it is: what computes at a low priority pauses while something of a higher one is under
 * way.
 *
 *     evaluations (graph/eval/evaluation.c)    say what is the highest, and pause between units
 *     jobs of the pool (pool.c)                pause between pieces; workers leave them meanwhile
 *
 * Where all have one priority this costs a relaxed load, and nothing ever changes.
 */
#ifndef MX_BASE_TURN_H
#define MX_BASE_TURN_H

#include <stdatomic.h>
#include <stdbool.h>

#define MX_TURN_ALL (-1000) /* below every priority: nobody pauses */

extern atomic_int mx_turn_highest;

static inline bool mx_turn_is_mine(int priority) {
    return priority >= atomic_load_explicit(&mx_turn_highest, memory_order_relaxed);
}
/* True where it fell: what was left meanwhile can go on (mx_pool_wake). */
bool mx_turn_change(int highest);
/* Until that changes, or some hundredths of a second. */
void mx_turn_wait(int priority);

/* Of what the calling thread computes; 0 unless set. */
int mx_turn_priority(void);
void mx_turn_set_priority(int priority);
/* How many threads may work on it at a time, this one included; 0, unless set: all. */
int mx_turn_threads(void);
void mx_turn_set_threads(int most);

#endif
