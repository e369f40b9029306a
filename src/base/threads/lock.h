/* The locks of the library, all from one list (locks.def), so that fork can take every one of them.
 *
 *     fork     takes all locks in the list's order, and once it has the first waits until no
 *              evaluation of another thread is under way; parent and child let go of them again
 *     child    before that the hooks run: what belonged to threads that are no more is forgotten
 *
 * So the child finds everything as it is between two calls. Locks are held for a few instructions,
 * EVAL while a graph is walked, LAPACK while it computes; none while a function of the host runs.
 */
#ifndef MX_BASE_LOCK_H
#define MX_BASE_LOCK_H

#include <pthread.h>
#include <stdbool.h>

typedef enum mx_lock_id {
#define LOCK(name) MX_LOCK_##name,
#include "base/threads/locks.def"
    MX_LOCK_COUNT
} mx_lock_id;

void mx_lock(mx_lock_id id);
void mx_unlock(mx_lock_id id);
/* Takes it where nobody has it. */
bool mx_lock_try(mx_lock_id id);
/* Takes it unless the host wants to stop (interrupt.h): then false. */
bool mx_lock_patiently(mx_lock_id id);
/* With it held waits on a condition, or some hundredths of a second; then asks the host, without
   it. False: the host wants to stop. */
bool mx_lock_wait(mx_lock_id id, pthread_cond_t *changed);
/* to wait on a condition with it held */
pthread_mutex_t *mx_lock_mutex(mx_lock_id id);

/* Called in every child of fork, with all locks held; once for each module, before its first thread
   starts. */
void mx_fork_child(void (*hook)(void));

/* Called with the first lock held before a fork, and with all of them in parent and child after it;
   one pair, given when the library is loaded. */
void mx_fork_quiet(void (*before)(void), void (*after)(void));

#endif
