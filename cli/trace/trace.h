/* Traces in Chrome's format, of this library or of another program: read, summed up, and shown as a
 * page.
 *
 *     file ──▶ cli_timeline_read ──▶ events, texts once each ──▶ cli_timeline_rows   the table
 *                                                        └──▶ cli_timeline_page   one file of HTML
 *
 * A file is read one event at a time: what stays is small, whatever its size.
 */
#ifndef CLI_TRACE_H
#define CLI_TRACE_H

#include "cli.h"

/* Texts by number, each once; 0 is the empty one. */
typedef struct cli_words {
    json_t *numbers; /* text: number */
    json_t *list;    /* the texts in order */
} cli_words;

typedef struct cli_timeline_event {
    double begin, duration, self; /* microseconds; self: without the events inside */
    double read, written, flops;
    uint32_t thread, name, source, shapes; /* shapes: "inputs -> outputs" */
    uint32_t depth;
    bool failed;
} cli_timeline_event;

typedef struct cli_timeline_memory {
    double at, bytes;
} cli_timeline_memory;

typedef struct cli_timeline {
    cli_timeline_event *event; /* by thread, begin, and the longer first */
    size_t count, room;
    cli_timeline_memory *memory;
    size_t memories, memory_room;
    cli_words names, sources, shapes, threads; /* threads by number, as text */
    json_t *thread_names;                      /* number as text: name */
    size_t pairs; /* events that are a beginning or an end alone, and are not counted */
    double dropped, microseconds; /* of the profile; 0: not known */
    double bandwidth, flops;      /* the machine's limits; 0: not known */
} cli_timeline;

/* CLI_OK, or what cli_fail has said. */
int cli_timeline_read(cli_call *c, cli_timeline *t, const char *path);
void cli_timeline_free(cli_timeline *t);

/* The rows of the table, the one that took longest first: name, source, calls, seconds, share of
   all time, bytes and operations a second, fraction of the limit where limits are known. */
json_t *cli_timeline_rows(const cli_timeline *t);
double cli_timeline_busy(const cli_timeline *t); /* seconds in events */
double cli_timeline_peak(const cli_timeline *t); /* bytes */
double cli_timeline_span(const cli_timeline *t); /* seconds from the first to the last */

/* Write the page; the title is the trace's name. CLI_OK, or what cli_fail has said. */
int cli_timeline_page(cli_call *c, const cli_timeline *t, const char *path, const char *title);

/* --- inside ----------------------------------------------------------------------------------- */

/* The number of a text; 0 for NULL, and where there is no memory. */
uint32_t cli_word(cli_words *w, const char *text);
/* Puts the events in order and sets what follows from it. False: no memory. */
bool cli_timeline_order(cli_timeline *t);

#endif
