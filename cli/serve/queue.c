/* A list of events under a lock. */
#include "serve/queue.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct srv_queue {
    pthread_mutex_t lock;
    pthread_cond_t came;
    srv_event *first, **last;
    int holders;
    bool stop, lost;
};

/* One block: the event, its lists, its text. */
srv_event *srv_event_copy(const srv_event *e) {
    size_t n = e->top_num > 0 ? (size_t)e->top_num : 0;
    size_t lists = n * (sizeof(int) + sizeof(float));
    srv_event *copy = malloc(sizeof *copy + lists + e->text_num + 1);
    if (!copy)
        return NULL;
    *copy = *e;
    copy->next = NULL;
    copy->top_tokens = (int *)(copy + 1);
    copy->top_log_p = (float *)(copy->top_tokens + n);
    char *text = (char *)(copy->top_log_p + n);
    if (n) {
        memcpy(copy->top_tokens, e->top_tokens, n * sizeof(int));
        memcpy(copy->top_log_p, e->top_log_p, n * sizeof(float));
    }
    if (e->text_num)
        memcpy(text, e->text, e->text_num);
    text[e->text_num] = 0;
    copy->text = text;
    return copy;
}

void srv_event_free(srv_event *e) {
    free(e);
}

srv_queue *srv_queue_new(void) {
    srv_queue *q = calloc(1, sizeof *q);
    if (!q)
        return NULL;
    pthread_mutex_init(&q->lock, NULL);
    pthread_cond_init(&q->came, NULL);
    q->last = &q->first;
    q->holders = 1;
    return q;
}

srv_queue *srv_queue_hold(srv_queue *q) {
    pthread_mutex_lock(&q->lock);
    q->holders++;
    pthread_mutex_unlock(&q->lock);
    return q;
}

static void destroy(srv_queue *q) {
    for (srv_event *e = q->first, *next; e; e = next) {
        next = e->next;
        srv_event_free(e);
    }
    pthread_cond_destroy(&q->came);
    pthread_mutex_destroy(&q->lock);
    free(q);
}

void srv_queue_release(srv_queue *q) {
    if (!q)
        return;
    pthread_mutex_lock(&q->lock);
    bool last = --q->holders == 0;
    pthread_mutex_unlock(&q->lock);
    if (last)
        destroy(q);
}

void srv_queue_put(srv_queue *q, srv_event *e) {
    pthread_mutex_lock(&q->lock);
    if (e) {
        *q->last = e;
        q->last = &e->next;
    } else
        q->lost = true;
    pthread_cond_signal(&q->came);
    pthread_mutex_unlock(&q->lock);
}

srv_wait srv_queue_take(srv_queue *q, srv_event **e) {
    pthread_mutex_lock(&q->lock);
    while (!q->first && !q->stop && !q->lost)
        pthread_cond_wait(&q->came, &q->lock);
    srv_wait found = q->stop ? SRV_STOP : q->lost ? SRV_LOST : SRV_CAME;
    if (found == SRV_CAME) {
        *e = q->first;
        q->first = q->first->next;
        if (!q->first)
            q->last = &q->first;
        (*e)->next = NULL;
    }
    pthread_mutex_unlock(&q->lock);
    return found;
}

void srv_queue_stop(srv_queue *q) {
    pthread_mutex_lock(&q->lock);
    q->stop = true;
    pthread_cond_broadcast(&q->came);
    pthread_mutex_unlock(&q->lock);
}

bool srv_queue_stopped(srv_queue *q) {
    pthread_mutex_lock(&q->lock);
    bool stop = q->stop;
    pthread_mutex_unlock(&q->lock);
    return stop;
}
