/* Lists of schemas that hold at once: $ref and allOf lead to more of them, and each anyOf and oneOf
 * to one of its branches. For each choice of branches there is a list without these demands, and
 * what the list matches is the alternative of what those match.
 */
#include <string.h>

#include "base/mem.h"
#include "base/vec.h"
#include "models/structure/schema/schema_parts.h"

/* A schema, and which one has led to it. */
typedef struct link {
    json_t *schema;
    size_t parent;
} link;

typedef struct choice {
    json_t *branches; /* a list */
    size_t owner;
    bool one; /* oneOf */
} choice;

typedef struct meeting {
    sg_reader *r;
    sg_leaf_fn *leaf;
    link *link;
    choice *choice;
    size_t links, link_room, choices, choice_room;
    sg_parts out;
    bool none;  /* false is among them */
    bool names; /* of propertyNames, where branches are refused */
} meeting;

enum { NO_PARENT = SIZE_MAX };
enum { LINK_STEPS = 16 }; /* of an automaton, that take as long as looking at a schema */

/* --- more of them ----------------------------------------------------------------------------- */

/* What leads to itself before a document goes on says nothing. */
static bool leads_back(const meeting *m, json_t *schema, size_t parent) {
    for (size_t i = parent; i != NO_PARENT; i = m->link[i].parent)
        if (m->link[i].schema == schema)
            return true;
    return false;
}

static bool is_there(const meeting *m, json_t *schema) {
    for (size_t i = 0; i < m->links; i++)
        if (m->link[i].schema == schema)
            return true;
    return false;
}

static void add(meeting *m, json_t *schema, size_t parent) {
    sg_builder *b = m->r->b;
    if (b->failed)
        return;
    m->none |= json_is_false(schema);
    sg_at(m->r, parent == NO_PARENT ? m->r->root : m->link[parent].schema, NULL);
    if (!json_is_object(schema) && !json_is_boolean(schema))
        sg_schema_wrong(m->r, "what it refers to is no schema");
    else if (leads_back(m, schema, parent))
        sg_schema_wrong(m->r, "it refers to itself, with no property or item between");
    else if (m->links >= SG_MOST_TOGETHER)
        sg_fail(b, MX_RANGE, "more than %d schemas hold at once", SG_MOST_TOGETHER);
    else if (json_is_object(schema) && !is_there(m, schema) &&
             (mx_grow(&m->link, &m->link_room, m->links + 1, sizeof *m->link) ||
              (b->failed = true, false)))
        m->link[m->links++] = (link){schema, parent};
}

static void add_choice(meeting *m, size_t owner, const char *key) {
    json_t *branches = json_object_get(m->link[owner].schema, key);
    sg_builder *b = m->r->b;
    if (!branches || b->failed)
        return;
    sg_at(m->r, m->link[owner].schema, key);
    if (m->names) {
        sg_schema_refuse(m->r, "branches for names cannot be enforced");
        return;
    }
    if (!mx_grow(&m->choice, &m->choice_room, m->choices + 1, sizeof *m->choice)) {
        b->failed = true;
        return;
    }
    m->choice[m->choices++] = (choice){branches, owner, *key == 'o'};
}

/* From link `i` on: what they lead to. chosen: those before `given` whose choices are made. */
static void open_all(meeting *m, size_t i, const sg_items *given) {
    for (; i < m->links && !m->r->b->failed; i++) {
        json_t *schema = m->link[i].schema, *all, *x;
        size_t k;
        if (!sg_spend(m->r->b, LINK_STEPS) || !sg_words_check(m->r, schema))
            return;
        bool chosen = false;
        for (k = 0; given && k < given->count; k++)
            chosen |= given->item[k].schema == schema && given->item[k].chosen;
        if (json_object_get(schema, "$ref")) {
            x = sg_ref_target(m->r, schema);
            if (x)
                add(m, x, i);
        }
        all = json_object_get(schema, "allOf");
        json_array_foreach(all, k, x) add(m, x, i);
        if (!chosen) {
            add_choice(m, i, "anyOf");
            add_choice(m, i, "oneOf");
        }
    }
}

/* --- oneOf ------------------------------------------------------------------------------------ */

/* What holds besides, with branches i and k, is a rule that must match nothing. */
static void keep_apart(meeting *m, const choice *c, size_t i, size_t k) {
    sg_reader *r = m->r;
    sg_items all = {0};
    for (size_t j = 0; j < m->links; j++)
        sg_items_add(r, &all, (sg_item){m->link[j].schema, true});
    sg_items_add(r, &all, (sg_item){json_array_get(c->branches, i), false});
    sg_items_add(r, &all, (sg_item){json_array_get(c->branches, k), false});
    r->checks = true;
    uint32_t rule = sg_want_rule(r, &all);
    r->checks = false;
    sg_items_free(&all);
    if (rule == UINT32_MAX)
        return;
    if (!mx_grow(&r->apart, &r->apart_room, r->aparts + 1, sizeof *r->apart)) {
        r->b->failed = true;
        return;
    }
    r->apart[r->aparts++] = (sg_apart){rule, m->link[c->owner].schema, i, k};
}

static void keep_all_apart(meeting *m, size_t d) {
    const choice c = m->choice[d];
    size_t n = json_array_size(c.branches);
    sg_glance both = {.types = SG_ANY};
    if (!c.one || m->r->checks)
        return;
    for (size_t j = 0; j < m->links; j++)
        sg_glance_at(&both, m->link[j].schema);
    sg_glance *seen = sg_glances(m->r, c.branches);
    for (size_t i = 0; seen && i < n; i++)
        for (size_t k = i + 1; k < n && !sg_stopped(m->r->b); k++)
            if (!sg_glances_are_apart(&seen[i], &seen[k], &both))
                keep_apart(m, &c, i, k);
    sg_glances_free(seen, n);
}

/* --- branches --------------------------------------------------------------------------------- */

static void add_leaf(meeting *m) {
    sg_reader *r = m->r;
    sg_items flat = {0};
    sg_at(r, m->links ? m->link[0].schema : r->root, NULL);
    if (r->meetings++ >= SG_MOST_MEETINGS)
        sg_fail(r->b, MX_RANGE, "its anyOf and oneOf have more than %d combinations",
                SG_MOST_MEETINGS);
    for (size_t i = 0; i < m->links; i++)
        sg_items_add(r, &flat, (sg_item){m->link[i].schema, true});
    if (!r->b->failed)
        sg_parts_add(r->b, &m->out, m->leaf(r, &flat));
    sg_items_free(&flat);
}

/* For each branch of choice d and of those after it, which branches may add. */
static void spread(meeting *m, size_t d, const sg_items *given) {
    if (m->r->b->failed || m->none)
        return;
    if (d == m->choices) {
        add_leaf(m);
        return;
    }
    if (d >= SG_MOST_NESTING) {
        sg_fail(m->r->b, MX_RANGE, "more than %d anyOf and oneOf meet", SG_MOST_NESTING);
        return;
    }
    const choice c = m->choice[d];
    size_t links = m->links, choices = m->choices;
    keep_all_apart(m, d);
    for (size_t i = 0; i < json_array_size(c.branches) && !m->r->b->failed; i++) {
        add(m, json_array_get(c.branches, i), c.owner);
        open_all(m, links, given);
        spread(m, d + 1, given);
        m->links = links;
        m->choices = choices;
        m->none = false;
    }
}

static void begin(meeting *m, const sg_items *all) {
    for (size_t i = 0; i < all->count; i++)
        add(m, all->item[i].schema, NO_PARENT);
    open_all(m, 0, all);
}

static void end(meeting *m) {
    mx_free(m->link);
    mx_free(m->choice);
}

sg_expr sg_meet(sg_reader *r, const sg_items *all, sg_leaf_fn *leaf) {
    meeting m = {.r = r, .leaf = leaf};
    begin(&m, all);
    spread(&m, 0, all);
    end(&m);
    return sg_parts_alt(r->b, &m.out);
}

bool sg_meet_names(sg_reader *r, json_t *schema, sg_items *flat, bool *none) {
    meeting m = {.r = r, .names = true};
    add(&m, schema, NO_PARENT);
    open_all(&m, 0, NULL);
    *none = m.none;
    for (size_t i = 0; i < m.links; i++)
        sg_items_add(r, flat, (sg_item){m.link[i].schema, true});
    end(&m);
    return !r->b->failed;
}
