/* Scopes: who owns temporaries.
 *
 *     mx_scope_open(stream)
 *         t = mx_mul(x, y)          t belongs to the scope
 *         z = mx_add(t, w)
 *         kept = mx_array_retain(z)
 *     mx_scope_close()              t and z are let go; z lives on through kept
 *
 * Per thread, nested like calls. Everything that makes an array inside the library hands it to the
 * innermost scope and returns it as borrowed; every argument is borrowed. The scope also carries
 * the stream on which new nodes will run. Public functions open and close one around their work.
 */
#ifndef MX_GRAPH_SCOPE_H
#define MX_GRAPH_SCOPE_H

#include "graph/array/array.h"
#include "graph/eval/stream.h"

typedef struct mx_scope {
    size_t start;     /* first temporary of this scope in the thread's list */
    mx_stream stream; /* the enclosing scope's stream, to return to */
    bool had_stream;
} mx_scope;

mx_scope mx_scope_open(void); /* keeps the enclosing scope's stream */
mx_scope mx_scope_open_on(mx_stream s);
void mx_scope_use(mx_stream s); /* new nodes run on s until the innermost scope closes */
void mx_scope_close(mx_scope s);
/* Close, but move `keep` (may be NULL) to the enclosing scope. Returns keep. */
mx_array *mx_scope_return(mx_scope s, mx_array *keep);

/* Hand one reference to the innermost scope; returns a, or NULL (released) when out of memory. */
mx_array *mx_own(mx_array *a);
mx_stream mx_scope_stream(void);

#endif
