/* Letting go of arrays, nodes and objects: graphs of any depth, without recursion. */
#include "base/mem.h"
#include "base/threads/lock.h"
#include "graph/array/node.h"

mx_object *mx_object_retain(mx_object *o) {
    if (o)
        atomic_fetch_add_explicit(&o->refs, 1, memory_order_relaxed);
    return o;
}

void mx_object_release(mx_object *o) {
    if (o && atomic_fetch_sub_explicit(&o->refs, 1, memory_order_acq_rel) == 1)
        o->destroy(o);
}

static void release_objects(mx_node *n) {
    const mx_field *f = mx_node_desc(n)->fields;
    for (; f && f->name; f++)
        if (f->kind == MX_F_OBJECT)
            mx_object_release(*(mx_object **)((char *)n->params + f->offset));
}

/* A last reference to an array without a node, to a node or to a buffer needs no atomic
   subtraction: whoever wants another one must hold one. (Arrays with nodes may be found through
   them, mx_node_hold_outputs.) */
static bool drop_ref(mx_array *a) {
    if (!__atomic_load_n(&a->node, __ATOMIC_ACQUIRE) &&
        atomic_load_explicit(&a->refs, memory_order_acquire) == 1)
        return true;
    return atomic_fetch_sub_explicit(&a->refs, 1, memory_order_acq_rel) == 1;
}

/* Free a node nobody needs; inputs that die with it go onto the list. */
static mx_array *node_free(mx_node *n, mx_array *list) {
    for (int i = 0; i < n->nin; i++)
        if (drop_ref(n->in[i])) {
            n->in[i]->next = list;
            list = n->in[i];
        }
    release_objects(n);
    mx_free(n);
    return list;
}

static mx_array *node_drop(mx_node *n, mx_array *list) {
    if (atomic_load_explicit(&n->refs, memory_order_acquire) == 1 ||
        atomic_fetch_sub_explicit(&n->refs, 1, memory_order_acq_rel) == 1)
        return node_free(n, list);
    return list;
}

static void forget_output(mx_array *a) {
    mx_node *n = a->node;
    if (n->nout > 1)
        mx_lock(MX_LOCK_OUTPUTS);
    n->out[a->index] = NULL;
    if (n->nout > 1)
        mx_unlock(MX_LOCK_OUTPUTS);
}

static void free_list(mx_array *list) {
    while (list) {
        mx_array *a = list;
        list = a->next;
        if (a->node) {
            forget_output(a);
            list = node_drop(a->node, list);
        }
        mx_buffer_release(a->buffer);
        mx_free(a);
    }
}

void mx_array_release(mx_array *a) {
    if (a && drop_ref(a)) {
        a->next = NULL;
        free_list(a);
    }
}

mx_node *mx_node_retain(mx_node *n) {
    if (n)
        atomic_fetch_add_explicit(&n->refs, 1, memory_order_relaxed);
    return n;
}

void mx_node_release(mx_node *n) {
    if (n)
        free_list(node_drop(n, NULL));
}

mx_node *mx_array_unlink(mx_array *a) {
    mx_node *n = a->node;
    if (n)
        forget_output(a);
    __atomic_store_n(&a->node, NULL, __ATOMIC_RELEASE);
    return n;
}

void mx_array_detach(mx_array *a) {
    mx_node_release(mx_array_unlink(a));
}

static mx_array *try_retain(mx_array *a) {
    unsigned refs = a ? atomic_load_explicit(&a->refs, memory_order_relaxed) : 0;
    while (refs)
        if (atomic_compare_exchange_weak(&a->refs, &refs, refs + 1))
            return a;
    return NULL;
}

void mx_node_hold_outputs(mx_node *n, mx_array **out) {
    if (n->nout > 1) /* an only output is held by whoever holds on to the node's graph */
        mx_lock(MX_LOCK_OUTPUTS);
    for (int j = 0; j < n->nout; j++)
        out[j] = try_retain(n->out[j]);
    if (n->nout > 1)
        mx_unlock(MX_LOCK_OUTPUTS);
}
