/* Profiles as files that Chrome (chrome://tracing) and Perfetto (ui.perfetto.dev) show, after
 * "Trace Event Format" (Google, 2016): JSON, a line an event.
 *
 *     {"otherData": {...}, "traceEvents": [
 *     {"ph":"M", ...}     names of the process and its threads
 *     {"ph":"X", ...}     an operation: microseconds since the profile began, what it read and wrote
 *     {"ph":"C", ...}     memory of arrays when it was done
 *     ]}
 *
 * MLX_TRACE=out.json profiles a program from its start to its end, where the file is written; %p in
 * the name is the process's number. What goes wrong there is a word on stderr.
 */
#ifndef MX_GRAPH_TRACE_FILE_H
#define MX_GRAPH_TRACE_FILE_H

#include "graph/profile/profile.h"

bool mx_trace_write(const mx_profile *p, const char *path);
/* Of MLX_TRACE, when the process begins, and when it ends: other threads may still compute. */
void mx_trace_env_begin(void);
void mx_trace_env_end(void);

#endif
