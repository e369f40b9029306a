/* Scopes: see scope.h. One growing list of temporaries a thread, freed with the thread. */
#include "graph/trace/scope.h"

#include <pthread.h>

#include "base/mem.h"
#include "base/thread_local.h"

typedef struct temporaries {
    mx_array **item;
    size_t count, room;
    mx_stream stream;
    bool has_stream;
    bool registered; /* with the key whose destructor frees the list */
} temporaries;

static MX_THREAD_LOCAL temporaries temps;
static pthread_key_t key;
static pthread_once_t key_once = PTHREAD_ONCE_INIT;

static void free_list(void *list) {
    temporaries *t = list;
    mx_free(t->item);
    t->item = NULL;
    t->room = t->count = 0;
}

static void make_key(void) {
    pthread_key_create(&key, free_list);
}

mx_scope mx_scope_open(void) {
    return (mx_scope){temps.count, temps.stream, temps.has_stream};
}

void mx_scope_use(mx_stream s) {
    temps.stream = s;
    temps.has_stream = true;
}

mx_scope mx_scope_open_on(mx_stream s) {
    mx_scope old = mx_scope_open();
    mx_scope_use(s);
    return old;
}

void mx_scope_close(mx_scope s) {
    while (temps.count > s.start)
        mx_array_release(temps.item[--temps.count]);
    temps.stream = s.stream;
    temps.has_stream = s.had_stream;
}

mx_array *mx_scope_return(mx_scope s, mx_array *keep) {
    mx_array_retain(keep);
    mx_scope_close(s);
    return keep ? mx_own(keep) : NULL;
}

static bool grow(temporaries *t) {
    size_t room = t->room ? 2 * t->room : 64;
    mx_array **item = mx_realloc_array(t->item, room, sizeof *item);
    if (!item)
        return false;
    t->item = item;
    t->room = room;
    if (!t->registered) {
        pthread_once(&key_once, make_key);
        t->registered = pthread_setspecific(key, t) == 0;
    }
    return true;
}

mx_array *mx_own(mx_array *a) {
    temporaries *t = &temps;
    if (!a)
        return NULL;
    if (t->count == t->room && !grow(t)) {
        mx_array_release(a);
        return NULL;
    }
    t->item[t->count++] = a;
    return a;
}

mx_stream mx_scope_stream(void) {
    return temps.has_stream ? temps.stream : mx_current_stream();
}
