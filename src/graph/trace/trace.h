/* Transforms that are running, and what they watch.
 *
 * A transform enters a level, flags its inputs with it (mx_array.tracer) and calls the user's
 * function; mx_apply gives a result the highest level of its inputs. So an array depends on the
 * inputs of level n only if its own level is n or higher, and a walk that stops below sees just
 * this transform's graph. Evaluation keeps the nodes of flagged arrays while any transform runs.
 */
#ifndef MX_GRAPH_TRACE_H
#define MX_GRAPH_TRACE_H

#include <stdbool.h>
#include <stdint.h>

uint8_t
mx_trace_enter(void); /* the new level of this thread: 1 outermost; deep nesting shares 255 */
void mx_trace_leave(void);
uint8_t mx_trace_level(void); /* 0: no transform runs on this thread */
bool mx_trace_active(void);   /* on any thread */

/* While a graph is recorded that will be used with other shapes, operations say what they mean
   instead of the numbers of these shapes: reshapes keep what was asked, broadcasts read shapes from
   arrays, counts of elements are nodes. Per thread; returns what it was. */
bool mx_trace_set_shapeless(bool on);
bool mx_trace_shapeless(void);

/* What has no words takes numbers from the shapes at hand. Such an operation pins the trace, which
   is then refused for other shapes. Numbers that the function itself has said stay as they are:
   while `says` is set (public calls in which nothing traced takes part, or whose numbers are
   arguments) nothing is pinned. Per thread; set_says and set_pin return what was. */
bool mx_trace_set_says(bool on);
void mx_trace_pin(const char *operation); /* a constant text */
const char *mx_trace_set_pin(const char *operation);
const char *mx_trace_pinned(void); /* by which operation, or NULL */

#endif
