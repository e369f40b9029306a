/* Events of requests, from a model's thread to a connection's. */
#ifndef SERVE_QUEUE_H
#define SERVE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum srv_event_kind {
    SRV_TOKEN,        /* with its text, which may be empty */
    SRV_PROMPT_TOKEN, /* where `echo` was asked for; with its text, too */
    SRV_END
} srv_event_kind;

typedef enum srv_finish {
    SRV_ENDED,   /* the model ended its answer */
    SRV_STOPPED, /* by a stop text */
    SRV_LENGTH,
    SRV_CANCELLED,
    SRV_FAILED /* the text says why */
} srv_finish;

typedef struct srv_event {
    struct srv_event *next;
    srv_event_kind kind;
    int choice, token;
    double log_p; /* NaN: not known */
    int top_num;
    int *top_tokens;
    float *top_log_p;
    const char *text;     /* with a zero behind */
    size_t text_num, cut; /* cut: bytes of the token behind it that a stop text has cut off */
    srv_finish finish;    /* of SRV_END */
    int status;           /* of SRV_FAILED: HTTP's; 0: 500 */
    const char *code;     /* and as srv_fault has it */
    int stop;             /* which stop text; -1 */
    int64_t prompt, cached, generated;
} srv_event;

/* A copy, for srv_queue_put, with what it points to; NULL: no memory. */
srv_event *srv_event_copy(const srv_event *e);
void srv_event_free(srv_event *e);

typedef struct srv_queue srv_queue;

/* One holder; NULL: no memory. */
srv_queue *srv_queue_new(void);
srv_queue *srv_queue_hold(srv_queue *q);
void srv_queue_release(srv_queue *q);
/* Takes the event over. NULL: an event was lost for want of memory, which srv_queue_wait says. */
void srv_queue_put(srv_queue *q, srv_event *e);

typedef enum srv_wait { SRV_CAME, SRV_STOP, SRV_LOST } srv_wait;
/* The next event, for srv_event_free. SRV_STOP: srv_queue_stop was called. */
srv_wait srv_queue_take(srv_queue *q, srv_event **e);
/* The one that waits is to stop, now and later. */
void srv_queue_stop(srv_queue *q);
bool srv_queue_stopped(srv_queue *q);

#endif
