/* Releases of borrowed memory run the host's code, which may call the library. While this thread
 * evaluates they are put off until the lock is open. */
#ifndef MX_GRAPH_DEFERRED_H
#define MX_GRAPH_DEFERRED_H

#include "graph/array/buffer.h"

void mx_deferred_begin(void);
void mx_deferred_end(void); /* runs what was put off; call with no lock held */
/* Run release(payload) now, or at mx_deferred_end on a thread that evaluates. */
void mx_deferred_release(mx_release_fn *release, void *payload);

#endif
