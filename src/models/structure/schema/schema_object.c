/* Objects: named properties in the order of the schema, then others, whose names are automata.
 *
 * Names that patterns tell apart are regions: each pattern cuts every region into the names that it
 * finds and the rest, and a region's values are held to the schemas of all patterns that find it.
 */
#include <string.h>

#include "base/mem.h"
#include "base/vec.h"
#include "models/structure/schema/schema_parts.h"

typedef struct property {
    const char *name;
    bool required;
} property;

typedef struct pattern {
    size_t flat;
    json_t *schema;
    sg_dfa *names;
} pattern;

typedef struct region {
    sg_dfa *names; /* between the quotes; NULL: all, in any spelling */
    sg_items all;
    bool *by; /* of each flat: one of its patterns has found them */
} region;

typedef struct object {
    sg_reader *r;
    const sg_items *flat;
    property *property;
    pattern *pattern;
    region *region;
    size_t properties, property_room, patterns, pattern_room, regions, region_room;
    mx_map index;    /* of property by name: number + 1 */
    sg_dfa *allowed; /* propertyNames: between the quotes; NULL: all */
    bool no_names;   /* propertyNames allows none */
    uint32_t least, most;
    sg_parts member; /* of each property; then of all regions, if there are any */
    bool *optional;
    size_t optional_room;
    sg_expr others; /* a member of a region, or SG_NONE */
} object;

static json_t *word(const object *o, size_t flat, const char *key) {
    return json_object_get(o->flat->item[flat].schema, key);
}

static void at(const object *o, size_t flat, const char *key) {
    sg_at(o->r, o->flat->item[flat].schema, key);
}

/* --- names ------------------------------------------------------------------------------------ */

static void add_name(object *o, const char *name, bool required) {
    sg_builder *b = o->r->b;
    uintptr_t number = (uintptr_t)mx_map_get(&o->index, name);
    if (number) {
        o->property[number - 1].required |= required;
        return;
    }
    void *next = (void *)(o->properties + 1);
    if (b->failed ||
        !mx_grow(&o->property, &o->property_room, o->properties + 1, sizeof *o->property) ||
        !mx_map_set(&o->index, name, next, NULL)) {
        b->failed = true;
        return;
    }
    o->property[o->properties++] = (property){name, required};
}

static void find_names(object *o) {
    const char *key;
    size_t i;
    json_t *x;
    for (size_t f = 0; f < o->flat->count; f++)
        json_object_foreach(word(o, f, "properties"), key, x) add_name(o, key, false);
    for (size_t f = 0; f < o->flat->count; f++)
        json_array_foreach(word(o, f, "required"), i, x) {
            at(o, f, "required");
            if (strlen(json_string_value(x)) != json_string_length(x))
                sg_schema_refuse(o->r, "a name with a zero inside");
            add_name(o, json_string_value(x), true);
        }
}

static void find_patterns(object *o) {
    sg_builder *b = o->r->b;
    const char *key;
    json_t *x;
    for (size_t f = 0; f < o->flat->count; f++)
        json_object_foreach(word(o, f, "patternProperties"), key, x) {
            at(o, f, "patternProperties");
            sg_dfa *names = sg_pattern_dfa(o->r, key, strlen(key), SG_JSON, true);
            if (b->failed ||
                !mx_grow(&o->pattern, &o->pattern_room, o->patterns + 1, sizeof *o->pattern)) {
                b->failed = true;
                sg_dfa_free(names);
                return;
            }
            o->pattern[o->patterns++] = (pattern){f, x, names};
        }
}

/* The names that an enum or const gives. */
static void meet_given(object *o, const sg_items *flat) {
    sg_reader *r = o->r;
    for (size_t i = 0; i < flat->count; i++) {
        json_t *s = flat->item[i].schema;
        if (json_object_get(s, "enum") || json_object_get(s, "const")) {
            sg_at(r, s, NULL);
            sg_schema_refuse(r, "names that are given cannot be enforced; `properties` with "
                                "`additionalProperties` false says the same");
        }
        o->no_names |= !(sg_words_types(s) & SG_STRING);
    }
}

static void find_allowed(object *o) {
    for (size_t f = 0; f < o->flat->count && !o->r->b->failed; f++) {
        json_t *schema = word(o, f, "propertyNames");
        sg_items flat = {0};
        if (!schema)
            continue;
        bool none = false;
        if (sg_meet_names(o->r, schema, &flat, &none)) {
            o->no_names |= none;
            meet_given(o, &flat);
            sg_dfa *names = sg_string_dfa(o->r, &flat);
            if (names)
                sg_dfa_meet(o->r->b, &o->allowed, names);
        }
        sg_items_free(&flat);
    }
}

static bool finds(object *o, const sg_dfa *names, const char *name) {
    mx_text t = {0};
    sg_spell(&t, name, strlen(name));
    bool found = sg_dfa_accepts(names, mx_text_view(&t), t.len);
    o->r->b->failed |= t.failed;
    mx_text_free(&t);
    return found;
}

/* --- values ----------------------------------------------------------------------------------- */

/* What flat f says of a property: its own schema, patterns', or that of additional ones. */
static void add_schemas(object *o, size_t f, const char *name, sg_items *all) {
    json_t *own = json_object_get(word(o, f, "properties"), name);
    bool known = own != NULL;
    if (own)
        sg_items_add(o->r, all, (sg_item){own, false});
    for (size_t i = 0; i < o->patterns && !o->r->b->failed; i++)
        if (o->pattern[i].flat == f && finds(o, o->pattern[i].names, name)) {
            sg_items_add(o->r, all, (sg_item){o->pattern[i].schema, false});
            known = true;
        }
    json_t *others = word(o, f, "additionalProperties");
    if (!known && others)
        sg_items_add(o->r, all, (sg_item){others, false});
}

static sg_expr member(object *o, sg_expr name, const sg_items *all) {
    sg_expr part[3] = {name, sg_space(o->r), sg_want(o->r, all)};
    return part[2] == SG_NONE ? SG_NONE : sg_cat(o->r->b, part, 3);
}

static sg_expr property_expr(object *o, const char *name) {
    sg_items all = {0};
    if (o->no_names || (o->allowed && !finds(o, o->allowed, name)))
        return SG_NONE;
    for (size_t f = 0; f < o->flat->count; f++)
        add_schemas(o, f, name, &all);
    sg_expr x = member(o, sg_spelled(o->r, "\"", name, strlen(name), "\":"), &all);
    sg_items_free(&all);
    return x;
}

/* --- regions ---------------------------------------------------------------------------------- */

/* Takes names and schemas over. */
static void add_region(object *o, sg_dfa *names, sg_items all, bool *by) {
    sg_builder *b = o->r->b;
    if (!b->failed && o->regions >= SG_MOST_REGIONS)
        sg_schema_refuse(o->r, "patternProperties tell more than %d kinds of names apart",
                         SG_MOST_REGIONS);
    if (!b->failed && mx_grow(&o->region, &o->region_room, o->regions + 1, sizeof *o->region)) {
        o->region[o->regions++] = (region){names, all, by};
        return;
    }
    b->failed = true;
    sg_dfa_free(names);
    sg_items_free(&all);
    mx_free(by);
}

static void drop_region(region *g) {
    sg_dfa_free(g->names);
    sg_items_free(&g->all);
    mx_free(g->by);
}

/* An automaton of exactly the properties' names. */
static sg_dfa *names_dfa(object *o) {
    sg_builder own = {0};
    sg_parts all = {0};
    mx_text t = {0};
    bool ok = sg_begin(&own, o->r->b->where, o->r->b);
    for (size_t i = 0; ok && i < o->properties; i++) {
        mx_text_free(&t);
        sg_spell(&t, o->property[i].name, strlen(o->property[i].name));
        ok = !t.failed && sg_parts_add(&own, &all, sg_text(&own, mx_text_view(&t), t.len));
    }
    mx_text_free(&t);
    own.failed |= !ok;
    return sg_dfa_of(o->r->b, &own, sg_parts_alt(&own, &all));
}

/* All names but those of properties, and only those that propertyNames allows. */
static sg_dfa *other_names(object *o) {
    if (!o->properties && !o->patterns && !o->allowed)
        return NULL;
    sg_dfa *all = sg_length_dfa(o->r, 0, SG_UNBOUNDED), *rest = all;
    if (o->properties && all) {
        sg_dfa *names = names_dfa(o);
        rest = sg_dfa_minus(o->r->b, all, names);
        sg_dfa_free(names);
        sg_dfa_free(all);
    }
    if (o->allowed && rest) {
        sg_dfa *both = sg_dfa_and(o->r->b, rest, o->allowed);
        sg_dfa_free(rest);
        rest = both;
    }
    return rest;
}

static bool *copy_flags(object *o, const bool *from) {
    bool *by = mx_memdup(from, o->flat->count * sizeof *by);
    o->r->b->failed |= !by;
    return by;
}

/* The names of region g that the pattern finds become a region of their own. */
static void cut(object *o, size_t g, const pattern *p) {
    sg_builder *b = o->r->b;
    sg_dfa *in = sg_dfa_and(b, o->region[g].names, p->names),
           *out = sg_dfa_minus(b, o->region[g].names, p->names);
    if (b->failed || !in->states) {
        sg_dfa_free(in);
        sg_dfa_free(out);
        return;
    }
    sg_items all = {0};
    bool *by = copy_flags(o, o->region[g].by);
    for (size_t i = 0; i < o->region[g].all.count; i++)
        sg_items_add(o->r, &all, o->region[g].all.item[i]);
    sg_items_add(o->r, &all, (sg_item){p->schema, false});
    if (by)
        by[p->flat] = true;
    sg_dfa_free(o->region[g].names);
    o->region[g].names = out;
    add_region(o, in, all, by);
}

static void find_regions(object *o) {
    bool *by = mx_calloc(o->flat->count, sizeof *by);
    o->r->b->failed |= !by;
    add_region(o, o->r->b->failed ? NULL : other_names(o), (sg_items){0}, by);
    for (size_t p = 0; p < o->patterns; p++) {
        at(o, o->pattern[p].flat, "patternProperties");
        for (size_t g = 0, n = o->regions; g < n && !o->r->b->failed; g++)
            cut(o, g, &o->pattern[p]);
    }
}

/* Where no schema speaks of other properties, there are none beside those that it names, unless
   that is asked for. */
static bool is_closed(const object *o) {
    bool names = false;
    for (size_t f = 0; f < o->flat->count; f++) {
        names |= word(o, f, "properties") || word(o, f, "patternProperties");
        if (word(o, f, "additionalProperties"))
            return false;
    }
    return names && !(o->r->flags & SG_OPEN);
}

static sg_expr region_expr(object *o, region *g, bool closed) {
    sg_builder *b = o->r->b;
    if (g->names && !g->names->states)
        return SG_NONE;
    if (closed && !g->all.count)
        return SG_NONE;
    for (size_t f = 0; f < o->flat->count; f++) {
        json_t *others = word(o, f, "additionalProperties");
        if (others && !g->by[f])
            sg_items_add(o->r, &g->all, (sg_item){others, false});
    }
    sg_dfa *names = g->names;
    g->names = NULL;
    sg_expr part[2] = {names ? sg_quoted(o->r, sg_automaton(b, names))
                             : sg_common(o->r, SG_C_STRING),
                       sg_word(b, ":")};
    return member(o, sg_cat(b, part, 2), &g->all);
}

static void find_others(object *o) {
    sg_parts all = {0};
    bool closed = is_closed(o);
    if (o->no_names)
        return;
    find_regions(o);
    for (size_t g = 0; g < o->regions && !o->r->b->failed; g++) {
        sg_expr x = region_expr(o, &o->region[g], closed);
        if (x != SG_NONE)
            sg_parts_add(o->r->b, &all, x);
    }
    o->others = sg_parts_alt(o->r->b, &all);
}

/* --- how many --------------------------------------------------------------------------------- */

/* Names of other properties may come twice, so that they are counted once at most. */
static void find_bounds(object *o) {
    uint32_t required = 0;
    o->most = SG_UNBOUNDED;
    for (size_t i = 0; i < o->properties; i++)
        required += o->property[i].required;
    for (size_t f = 0; f < o->flat->count; f++) {
        uint32_t least = sg_words_count(o->flat->item[f].schema, "minProperties", 0),
                 most = sg_words_count(o->flat->item[f].schema, "maxProperties", SG_UNBOUNDED);
        o->least = least > o->least ? least : o->least;
        o->most = most < o->most ? most : o->most;
        at(o, f, "minProperties");
        if (least > 1 && least > required && o->others != SG_NONE)
            sg_schema_refuse(o->r, "it can be enforced where all names are given");
    }
    if (o->least <= required)
        o->least = 0;
}

/* `n` members of regions more or less, behind `count` others. */
static sg_expr more_others(object *o, uint32_t count) {
    sg_builder *b = o->r->b;
    uint32_t least = o->least > count ? o->least - count : 0,
             most = o->most == SG_UNBOUNDED ? o->most : o->most - count;
    if (o->others == SG_NONE || most == 0)
        return least ? SG_NONE : SG_EMPTY;
    sg_expr next = sg_cat(b, (sg_expr[]){sg_comma(o->r), o->others}, 2);
    if (count)
        return sg_repeat(b, next, least, most);
    uint32_t rest = most == SG_UNBOUNDED ? most : most - 1;
    next = sg_repeat(b, next, least ? least - 1 : 0, rest);
    next = sg_cat(b, (sg_expr[]){o->others, next}, 2);
    return least ? next : sg_optional(b, next);
}

/* Rule i * width + c: the properties from the i-th on, with c before them. */
static sg_expr counted(object *o, uint32_t first, size_t i, uint32_t c, uint32_t width) {
    sg_builder *b = o->r->b;
    sg_expr out[2];
    size_t n = 0;
    if (i == o->properties)
        return more_others(o, c);
    uint32_t next = c + 1 < width ? c + 1 : width - 1;
    bool room = o->most == SG_UNBOUNDED || c < o->most;
    if (room && o->member.item[i] != SG_NONE) {
        sg_expr part[3] = {c ? sg_comma(o->r) : SG_EMPTY, o->member.item[i],
                           sg_ref(b, first + (uint32_t)(i + 1) * width + next)};
        out[n++] = sg_cat(b, part, 3);
    }
    if (o->optional[i])
        out[n++] = sg_ref(b, first + (uint32_t)(i + 1) * width + c);
    return sg_alt(b, out, n);
}

static sg_expr counted_members(object *o) {
    sg_builder *b = o->r->b;
    uint32_t most = o->most == SG_UNBOUNDED ? o->least : o->most;
    uint32_t names = (uint32_t)o->properties, top = most > names ? names : most;
    uint32_t width = (top ? top : 1) + 1;
    size_t rules = (o->properties + 1) * width;
    uint32_t first = (uint32_t)b->rules;
    sg_at(o->r, o->flat->item[0].schema, NULL);
    if (rules > SG_MOST_COUNTED)
        return sg_fail(b, MX_RANGE, "too many properties are counted");
    for (size_t i = 0; i < rules; i++)
        sg_rule_new(b, "count", 5);
    for (size_t i = 0; i < rules && !b->failed; i++)
        sg_rule_set(b, first + (uint32_t)i,
                    counted(o, first, i / width, (uint32_t)(i % width), width));
    return b->failed ? SG_NONE : sg_ref(b, first);
}

/* --- members ---------------------------------------------------------------------------------- */

static void add_member(object *o, sg_expr x, bool optional) {
    sg_builder *b = o->r->b;
    if (!b->failed &&
        !mx_grow(&o->optional, &o->optional_room, o->member.count + 1, sizeof *o->optional))
        b->failed = true;
    if (sg_parts_add(b, &o->member, x))
        o->optional[o->member.count - 1] = optional;
}

static sg_expr members(object *o) {
    sg_builder *b = o->r->b;
    if (o->least || o->most != SG_UNBOUNDED)
        return counted_members(o);
    if (o->others != SG_NONE) {
        o->most = SG_UNBOUNDED;
        o->least = 1;
        add_member(o, more_others(o, 0), true);
    }
    return b->failed ? SG_NONE
                     : sg_list(b, sg_comma(o->r), o->member.item, o->optional, o->member.count);
}

static sg_expr whole(object *o) {
    find_names(o);
    find_patterns(o);
    find_allowed(o);
    for (size_t i = 0; i < o->properties && !o->r->b->failed; i++)
        add_member(o, property_expr(o, o->property[i].name), !o->property[i].required);
    if (!o->r->b->failed)
        find_others(o);
    if (!o->r->b->failed)
        find_bounds(o);
    if (o->r->b->failed || o->least > o->most)
        return SG_NONE;
    return sg_enclosed(o->r, "{", members(o), "}");
}

sg_expr sg_object(sg_reader *r, const sg_items *flat) {
    object o = {.r = r, .flat = flat, .others = SG_NONE};
    sg_expr x = whole(&o);
    for (size_t i = 0; i < o.patterns; i++)
        sg_dfa_free(o.pattern[i].names);
    for (size_t i = 0; i < o.regions; i++)
        drop_region(&o.region[i]);
    mx_map_free(&o.index, NULL);
    mx_free(o.property);
    mx_free(o.pattern);
    mx_free(o.region);
    mx_free(o.optional);
    sg_dfa_free(o.allowed);
    sg_parts_free(&o.member);
    return x;
}
