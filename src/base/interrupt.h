/* Whether the host wants what is being computed to stop.
 *
 *     between    asked before each step of an evaluation and by who waits for another thread: what
 *                was computed stays
 *     within     asked now and then inside a long step, which is lost: the host must mean it, as
 *                there is nothing to show for the time when the same is asked for again
 */
#ifndef MX_BASE_INTERRUPT_H
#define MX_BASE_INTERRUPT_H

#include <stdbool.h>

typedef int mx_host_check(void *data); /* not 0: stop */

void mx_interrupt(void); /* the host asks for it, once */
/* NULL: nobody is asked. */
void mx_interrupt_set_check(mx_host_check *between, void *data);
void mx_interrupt_set_check_within(mx_host_check *within, void *data);

/* 1, and later -1: what this thread does now cannot be taken back and made again. Between steps,
   too, only what stops a long step stops it. */
void mx_interrupt_commit(int by);

/* Asks on the calling thread; true with MX_INTERRUPTED recorded. */
bool mx_interrupted(void);
bool mx_interrupted_within(void);

#endif
