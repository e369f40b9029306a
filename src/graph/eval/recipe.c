/* Making recipes: the plan of a traced graph, copied out of the planner. See recipe.h; recipe_run.c
   runs them. */
#include "graph/eval/recipe.h"

#include <string.h>

#include "base/mem.h"
#include "graph/eval/eval.h"
#include "graph/trace/trace.h"
#include "graph/watch/cost.h"

/* --- slots: the traced array's number is found through a table by address --------------------- */

typedef struct numbering {
    mx_recipe *r;
    mx_array **key; /* open addressing */
    int32_t *slot;
    size_t room; /* a power of two, at least twice the arrays */
} numbering;

static size_t place_of(const numbering *n, const mx_array *a) {
    size_t i = ((uintptr_t)a >> 4) * 0x9e3779b97f4a7c15u >> 20;
    for (i &= n->room - 1; n->key[i] && n->key[i] != a; i = (i + 1) & (n->room - 1))
        ;
    return i;
}

static int32_t number(numbering *n, mx_array *a) {
    size_t i = place_of(n, a);
    if (!n->key[i]) {
        n->key[i] = a;
        n->slot[i] = n->r->n_slot;
        n->r->proto[n->r->n_slot++] = a; // retained by hold_protos
    }
    return n->slot[i];
}

static void close_numbering(numbering *n) {
    mx_free(n->key);
    mx_free(n->slot);
}

static bool open_numbering(numbering *n, mx_recipe *r, size_t arrays) {
    *n = (numbering){.r = r, .room = 16};
    while (n->room < 2 * arrays)
        n->room *= 2;
    n->key = mx_calloc(n->room, sizeof *n->key);
    n->slot = mx_calloc(n->room, sizeof *n->slot);
    r->proto = mx_calloc(arrays + 1, sizeof *r->proto);
    if (n->key && n->slot && r->proto)
        return true;
    close_numbering(n);
    return false;
}

static int32_t *number_all(numbering *n, mx_array *const *a, int count) {
    int32_t *s = mx_malloc(((size_t)count + 1) * sizeof *s);
    for (int i = 0; s && i < count; i++)
        s[i] = number(n, a[i]);
    return s;
}

/* --- steps ------------------------------------------------------------------------------------ */

/* Outputs that are gone have slot -1. */
static int32_t *number_outputs(numbering *n, mx_node *node) {
    int32_t *s = mx_malloc(((size_t)node->nout + 1) * sizeof *s);
    for (int j = 0; s && j < node->nout; j++)
        s[j] = node->out[j] ? number(n, node->out[j]) : -1;
    return s;
}

static bool add_steps(mx_recipe *r, const mx_plan *p, numbering *n) {
    r->step = mx_calloc((size_t)p->n_step + 1, sizeof *r->step);
    for (int32_t i = 0; r->step && i < p->n_step; i++) {
        mx_recipe_step *s = &r->step[r->n_step++];
        s->node = mx_node_retain(p->step[i].node);
        r->work += mx_node_work(s->node);
        s->in = number_all(n, s->node->in, s->node->nin);
        s->out = s->in ? number_outputs(n, s->node) : NULL;
        if (!s->out)
            return false;
    }
    return r->step != NULL;
}

/* --- units ------------------------------------------------------------------------------------ */

static bool copy_program(mx_recipe_unit *u, const mx_program *p) {
    mx_program *q = &u->program;
    *q = *p;
    q->instr = mx_memdup(p->instr, (size_t)p->n_instr * sizeof *p->instr);
    q->out_value = mx_memdup(p->out_value, (size_t)p->n_out * sizeof *p->out_value);
    q->in = q->out = NULL;
    return q->instr && q->out_value;
}

static bool add_program(mx_recipe_unit *u, mx_plan *p, int32_t unit, numbering *n, mx_builder *b) {
    if (!mx_plan_build(p, unit, b))
        return false;
    u->n_in = b->program.n_in;
    u->n_out = b->program.n_out;
    u->in = number_all(n, b->program.in, u->n_in);
    u->out = u->in ? number_all(n, b->program.out, u->n_out) : NULL;
    return u->out && copy_program(u, &b->program);
}

static bool add_node(mx_recipe_unit *u, mx_plan *p, const mx_unit *from, numbering *n,
                     mx_builder *b) {
    u->node = mx_node_retain(p->step[from->first].node);
    u->spread = p->step[from->first].spread;
    u->n_in = u->node->nin;
    u->n_out = u->node->nout;
    u->in = number_all(n, u->node->in, u->n_in);
    u->out = u->in ? number_outputs(n, u->node) : NULL;
    if (!u->out || from->feed < 0)
        return u->out != NULL;
    if (!mx_plan_build(p, from->feed, b))
        return false;
    u->has_feed = true;
    u->feed_in = number_all(n, b->program.in, b->program.n_in);
    return u->feed_in && copy_program(u, &b->program);
}

static bool add_units(mx_recipe *r, mx_plan *p, numbering *n, mx_builder *b) {
    r->unit = mx_calloc((size_t)p->n_order + 1, sizeof *r->unit);
    mx_plan_beside(p);
    for (int32_t i = 0; r->unit && i < p->n_order; i++) {
        mx_recipe_unit *u = &r->unit[r->n_unit++];
        const mx_unit *from = &p->unit[p->order[i]];
        bool program = p->step[from->first].pointwise;
        u->work = from->work;
        u->beside = from->beside;
        r->crews |= u->beside >= 0;
        if (!(program ? add_program(u, p, p->order[i], n, b) : add_node(u, p, from, n, b)))
            return false;
        int32_t arrays = u->program.n_in + u->program.n_out;
        r->most_arrays = arrays > r->most_arrays ? arrays : r->most_arrays;
    }
    return r->unit != NULL;
}

/* --- how often every slot is read ------------------------------------------------------------- */

static void add_uses(mx_recipe *r, const int32_t *slots, int n) {
    for (int i = 0; i < n; i++)
        if (r->uses[slots[i]] != MX_LIVES_ON)
            r->uses[slots[i]]++;
}

/* Inputs, constants and outputs of the recipe live on. */
static bool count_uses(mx_recipe *r) {
    r->uses = mx_calloc((size_t)r->n_slot + 1, sizeof *r->uses);
    if (!r->uses)
        return false;
    for (int32_t s = 0; s < r->n_slot; s++)
        if (s < r->n_in || mx_array_available(r->proto[s]))
            r->uses[s] = MX_LIVES_ON;
    for (int i = 0; i < r->n_out; i++)
        r->uses[r->out_slot[i]] = MX_LIVES_ON;
    for (int32_t i = 0; i < r->n_unit; i++) {
        const mx_recipe_unit *u = &r->unit[i];
        add_uses(r, u->in, u->n_in);
        if (u->has_feed)
            add_uses(r, u->feed_in, u->program.n_in);
    }
    return true;
}

/* The distinct outputs that some unit makes, in order. */
static bool find_made(mx_recipe *r) {
    int32_t *made = mx_malloc(((size_t)r->n_slot + 1) * sizeof *made); // of each slot
    r->made_slot = mx_calloc((size_t)r->n_out + 1, sizeof *r->made_slot);
    r->out_made = mx_calloc((size_t)r->n_out + 1, sizeof *r->out_made);
    bool ok = made && r->made_slot && r->out_made;
    for (int32_t s = 0; ok && s < r->n_slot; s++)
        made[s] = -1;
    for (int i = 0; ok && i < r->n_out; i++) {
        int32_t s = r->out_slot[i];
        if (made[s] < 0 && s >= r->n_in && !mx_array_available(r->proto[s])) {
            made[s] = r->n_made;
            r->made_slot[r->n_made++] = s;
        }
        r->out_made[i] = made[s];
    }
    mx_free(made);
    return ok;
}

/* --- the recipe ------------------------------------------------------------------------------- */

static void free_unit(mx_recipe_unit *u) {
    mx_node_release(u->node);
    mx_free(u->program.instr);
    mx_free(u->program.out_value);
    mx_free(u->in);
    mx_free(u->out);
    mx_free(u->feed_in);
}

static void destroy(mx_object *o) {
    mx_recipe *r = (mx_recipe *)o;
    for (int32_t i = 0; i < r->n_unit; i++)
        free_unit(&r->unit[i]);
    for (int32_t i = 0; i < r->n_step; i++) {
        mx_node_release(r->step[i].node);
        mx_free(r->step[i].in);
        mx_free(r->step[i].out);
    }
    for (int32_t s = 0; s < r->n_slot; s++)
        mx_array_release(r->proto[s]);
    mx_free(r->proto);
    mx_free(r->unit);
    mx_free(r->uses);
    mx_free(r->step);
    mx_free(r->out_slot);
    mx_free(r->made_slot);
    mx_free(r->out_made);
    mx_recipe_release(r->plain);
    mx_free(r);
}

static size_t count_arrays(const mx_plan *p, int n_in, int n_out) {
    size_t n = (size_t)n_in + (size_t)n_out + (size_t)p->n_src;
    for (int32_t i = 0; i < p->n_step; i++)
        n += p->step[i].node->nout;
    return n;
}

/* The planner counts references to tell what is wanted outside of a program: the recipe's own come
   last. */
static void hold_protos(mx_recipe *r) {
    for (int32_t s = 0; s < r->n_slot; s++)
        mx_array_retain(r->proto[s]);
}

/* With no builder there are no units. */
static bool fill(mx_recipe *r, mx_plan *p, mx_array *const *in, mx_array *const *out,
                 mx_builder *b) {
    numbering n;
    p->open = true;
    bool ok = mx_plan_order(p, out, r->n_out) && (!b || mx_plan_fuse(p)) &&
              open_numbering(&n, r, count_arrays(p, r->n_in, r->n_out));
    if (!ok)
        return false;
    for (int i = 0; i < r->n_in; i++)
        number(&n, in[i]);
    ok = (r->out_slot = number_all(&n, out, r->n_out)) && add_steps(r, p, &n) &&
         (!b || (add_units(r, p, &n, b) && count_uses(r) && find_made(r)));
    close_numbering(&n);
    return ok;
}

static mx_recipe *make(mx_array *const *inputs, int n_in, mx_array *const *outputs, int n_out,
                       mx_builder *b) {
    mx_recipe *r = mx_calloc(1, sizeof *r);
    mx_plan plan = {0};
    if (!r)
        return NULL;
    atomic_init(&r->object.refs, 1);
    r->object.destroy = destroy;
    r->n_in = n_in;
    r->n_out = n_out;
    r->level = mx_trace_level();
    r->shapeless = mx_trace_shapeless();
    r->pinned = mx_trace_pinned();
    mx_eval_lock();
    bool ok = fill(r, &plan, inputs, outputs, b);
    hold_protos(r);
    mx_eval_unlock();
    mx_plan_free(&plan);
    if (ok)
        return r;
    mx_recipe_release(r);
    return NULL;
}

mx_recipe *mx_recipe_new(mx_array *const *inputs, int n_in, mx_array *const *outputs, int n_out) {
    mx_builder builder = {0};
    mx_recipe *r = make(inputs, n_in, outputs, n_out, &builder);
    mx_builder_free(&builder);
    return r;
}

mx_recipe *mx_recipe_steps(mx_array *const *inputs, int n_in, mx_array *const *outputs, int n_out) {
    return make(inputs, n_in, outputs, n_out, NULL);
}
