/* Walking the tree: what eval.c and exec.c share. */
#ifndef MX_TEMPLATE_RUN_H
#define MX_TEMPLATE_RUN_H

#include "models/template/words/native.h"

/* Names of a part of a template. The outermost one has a place for each name; others list theirs,
   and what they lack is looked for in the one around. Those that nobody keeps are used again. */
typedef struct tm_var {
    uint32_t id;
    tm_value value;
} tm_var;
typedef struct tm_frame {
    struct tm_frame *around;
    tm_value *all; /* by id, or NULL */
    bool kept;     /* by a macro; so are those around */
    tm_var *var;
    size_t n, room;
} tm_frame;

tm_frame *tm_frame_new(tm_run *r, tm_frame *around);
void tm_frame_done(tm_run *r, tm_frame *f);
void tm_frame_keep(tm_frame *f);
bool tm_frame_set(tm_run *r, tm_frame *f, uint32_t id, const tm_value *v);
/* What a name stands for; NULL: nothing. */
const tm_value *tm_frame_get(tm_run *r, const tm_frame *f, uint32_t id);

typedef struct tm_macro {
    const tm_node *node;
    tm_frame *frame; /* where it was made */
} tm_macro;

/* A for that runs. Items come through the filter one at a time, so that it sees what the body has
   changed; `loop.length` and its like ask for all. */
typedef struct tm_loop {
    const tm_node *node;
    tm_frame *around;
    const tm_seq *from;
    size_t next;  /* of `from` */
    tm_list item; /* those that came through */
    size_t index;
    int depth;
    bool over;
    bool changed; /* whether loop.changed was asked before, and with what */
    tm_value last;
} tm_loop;

/* Between tests, filters and calls: a node's arguments. */
bool tm_arguments(tm_run *r, const tm_node *n, const tm_value *self, tm_args *out);
bool tm_eval(tm_run *r, const tm_node *n, tm_value *out);
bool tm_call(tm_run *r, const tm_value *f, const tm_args *a, tm_value *out);
bool tm_add(tm_run *r, const tm_args *two, tm_value *out);
bool tm_call_native(tm_run *r, const tm_native *f, const tm_value *self, const tm_args *a,
                    tm_value *out);

/* Nodes at work; false and an error: too many. tm_up after it in any case. */
bool tm_down(tm_run *r);
static inline void tm_up(tm_run *r) {
    r->depth--;
}

/* loop.c: the next item; false: there is none, or an error. And loop.name. */
bool tm_loop_next(tm_run *r, tm_loop *l);
bool tm_loop_attribute(tm_run *r, const tm_value *x, const char *name, tm_value *out);
/* Sets a target of names. */
bool tm_assign(tm_run *r, tm_frame *f, const tm_node *target, const tm_value *v);

/* exec.c */
typedef enum tm_flow { TM_ON, TM_LEAVES, TM_AGAIN, TM_FAILED } tm_flow;
bool tm_exec_root(tm_run *r, const tm_node *root);
/* What a macro, or a loop that calls itself, writes. */
bool tm_call_macro(tm_run *r, const tm_macro *m, const tm_args *a, tm_value *out);
bool tm_call_loop(tm_run *r, const tm_loop *l, const tm_args *a, tm_value *out);

#endif
