#include "graph/array/plugin.h"

#include <pthread.h>
#include <string.h>

#include "base/status.h"

static _Atomic(const mx_plugin_op *) table[MX_PLUGIN_MOST];
static pthread_mutex_t adding = PTHREAD_MUTEX_INITIALIZER;

const mx_plugin_op *mx_plugin_at(int i) {
    return i >= 0 && i < MX_PLUGIN_MOST ? atomic_load_explicit(&table[i], memory_order_acquire)
                                        : NULL;
}

/* The first free place; -1 and an error: there is none for it. */
static int place_for(const mx_plugin_op *op) {
    for (int i = 0; i < MX_PLUGIN_MOST; i++) {
        const mx_plugin_op *other = mx_plugin_at(i);
        if (!other)
            return i;
        if (strcmp(other->name, op->name) == 0) {
            mx_fail(MX_INVALID, "[operation_register] there is an operation '%s' already",
                    op->name);
            return -1;
        }
    }
    mx_fail(MX_INVALID, "[operation_register] there are %d operations already", MX_PLUGIN_MOST);
    return -1;
}

bool mx_plugin_add(const mx_plugin_op *op, int *index) {
    pthread_mutex_lock(&adding);
    *index = place_for(op);
    if (*index >= 0)
        atomic_store_explicit(&table[*index], op, memory_order_release);
    pthread_mutex_unlock(&adding);
    return *index >= 0;
}
