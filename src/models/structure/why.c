/* Why a grammar matches nothing. From the root down there is a part that cannot match: a set
 * without characters, or at last a rule that is on the way already, and so never ends.
 */
#include "base/mem.h"
#include "models/structure/grammar.h"
#include "models/structure/automaton/nfa.h"

typedef struct walk {
    sg_builder *b;
    const sg_facts *facts;
    uint32_t *seen; /* of each rule on the way: 1 + what had to come before it; else 0 */
    uint32_t solid; /* parts so far that are never nothing */
} walk;

/* The first part that cannot match. */
static sg_expr bad_part(walk *w, const sg_node *x) {
    for (uint32_t i = 0; i < x->count; i++) {
        const sg_fact *f = &w->facts->node[w->b->kid[x->first + i]];
        if (!f->matches)
            return w->b->kid[x->first + i];
        w->solid += !f->nullable && x->kind != SG_IS_ALT;
    }
    return SG_NONE;
}

static sg_expr fail_rule(const walk *w, uint32_t rule, bool left) {
    const sg_rule *r = &w->b->rule[rule];
    return left
               ? sg_fail(w->b, MX_UNSUPPORTED,
                         "line %zu: the rule '%.100s' begins with itself (left recursion), and has "
                         "no other beginning; write it as a repetition",
                         r->line, r->name)
               : sg_fail(w->b, MX_INVALID,
                         "line %zu: nothing matches the rule '%.100s': it needs itself again "
                         "without end",
                         r->line, r->name);
}

static void find(walk *w, uint32_t root) {
    sg_expr at = w->b->rule[root].expr;
    uint32_t rule = root;
    w->seen[root] = 1;
    while (true) {
        const sg_node *x = &w->b->node[at];
        if (x->kind == SG_IS_REF) {
            rule = x->first;
            if (w->seen[rule]) {
                fail_rule(w, rule, w->seen[rule] == w->solid + 1);
                return;
            }
            w->seen[rule] = w->solid + 1;
            at = w->b->rule[rule].expr;
        } else if (x->kind == SG_IS_NONE || !x->count || (at = bad_part(w, x)) == SG_NONE) {
            sg_fail(w->b, MX_INVALID, "line %zu: nothing matches the rule '%.100s'",
                    w->b->rule[rule].line, w->b->rule[rule].name);
            return;
        }
    }
}

void sg_fail_empty(sg_builder *b, uint32_t root) {
    walk w = {.b = b};
    sg_facts facts;
    if (!b->rule[root].line) {
        sg_fail(b, MX_INVALID, "nothing matches it");
        return;
    }
    w.facts = &facts;
    w.seen = mx_calloc(b->rules, sizeof *w.seen);
    if (sg_facts_find(&facts, b) && w.seen)
        find(&w, root);
    b->failed = true;
    sg_facts_free(&facts);
    mx_free(w.seen);
}
