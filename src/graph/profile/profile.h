/* Profiles: what ran between start and stop, on all threads of the process.
 *
 *     running     events are copied into the ring of every running profile, under one short lock:
 *                 threads have no rings of their own, and the memory is bounded whatever their
 *                 number
 *     stopped     the events in the order of their ends, the table of operations; read only
 *
 * When the ring is full the oldest events give way, and are counted.
 */
#ifndef MX_GRAPH_PROFILE_H
#define MX_GRAPH_PROFILE_H

#include "base/map.h"
#include "graph/profile/event.h"
#include "graph/profile/ring.h"

enum { MX_PROFILE_LEAST = 1 << 16 };         /* bytes of a ring */
#define MX_PROFILE_MEMORY ((size_t)64 << 20) /* unless another size is asked for */

typedef struct mx_profile_entry {
    const mx_event *event;
    const char *name;
} mx_profile_entry;

/* All events of one name and one source. */
typedef struct mx_profile_row {
    const char *name, *source; /* source may be NULL */
    uint64_t calls, bytes;
    int64_t self; /* ns */
    double flops;
} mx_profile_row;

typedef enum mx_profile_state { MX_PROFILE_NEW, MX_PROFILE_RUNS, MX_PROFILE_DONE } mx_profile_state;

typedef struct mx_profile {
    mx_profile_state state;
    mx_ring ring;
    struct mx_profile *next; /* of those that run */
    int64_t began, ended;    /* ns, CLOCK_MONOTONIC */
    /* when it is done */
    mx_profile_entry *entry;
    size_t count;
    mx_map names; /* each event's name once */
    mx_profile_row *row;
    size_t rows;
} mx_profile;

/* Anew: what it has from before is let go. */
bool mx_profile_start(mx_profile *p, size_t bytes);
/* No event comes to it any more. False: it did not run. */
bool mx_profile_halt(mx_profile *p);
/* halt, and prepare what is read. */
bool mx_profile_stop(mx_profile *p);
/* Also one that runs. */
void mx_profile_clear(mx_profile *p);
bool mx_profile_done(const mx_profile *p); /* false: an error says that it is not stopped */

/* Around a task, for all profiles that run. */
void mx_profile_begin(mx_event_room *room, const mx_task *t);
void mx_profile_end(mx_event_room *room, const mx_task *t, bool ok);

/* The share of the machine's limit (limits.h) that a row reaches: the time that its bytes or its
   operations take at least, whichever is longer, by the time it took. */
double mx_profile_share(const mx_profile_row *r);
/* The table for people: the rows that took longest, and a line about all. */
void mx_profile_text(mx_text *t, const mx_profile *p);

#endif
