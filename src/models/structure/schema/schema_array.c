/* Arrays: items that stand in their places (prefixItems), others behind them (items), and how many
 * there are. */
#include "models/structure/schema/schema_parts.h"

/* From so many copies on, an item is a rule that is called. */
enum { MANY_COPIES = 4 };

typedef struct bounds {
    uint32_t least, most;
    size_t places; /* of prefixItems */
} bounds;

static bounds bounds_of(const sg_items *flat) {
    bounds b = {0, SG_UNBOUNDED, 0};
    for (size_t i = 0; i < flat->count; i++) {
        json_t *s = flat->item[i].schema;
        uint32_t least = sg_words_count(s, "minItems", 0),
                 most = sg_words_count(s, "maxItems", SG_UNBOUNDED);
        size_t places = json_array_size(json_object_get(s, "prefixItems"));
        b.least = least > b.least ? least : b.least;
        b.most = most < b.most ? most : b.most;
        b.places = places > b.places ? places : b.places;
    }
    return b;
}

/* What item `i` must be; copies: how often it may be. */
static sg_expr item_at(sg_reader *r, const sg_items *flat, size_t i, uint32_t copies) {
    sg_items all = {0};
    for (size_t k = 0; k < flat->count; k++) {
        json_t *s = flat->item[k].schema;
        json_t *x = json_array_get(json_object_get(s, "prefixItems"), i);
        x = x ? x : json_object_get(s, "items");
        if (x)
            sg_items_add(r, &all, (sg_item){x, false});
    }
    sg_expr x = sg_want(r, &all);
    sg_items_free(&all);
    if (x != SG_NONE && copies > MANY_COPIES)
        r->b->rule[r->b->node[x].first].apart = true;
    return x;
}

/* So many items more, each behind a comma. */
static sg_expr tail(sg_reader *r, sg_expr item, uint32_t least, uint32_t most) {
    sg_expr one = sg_cat(r->b, (sg_expr[]){sg_comma(r), item}, 2);
    return sg_repeat(r->b, one, least, most);
}

static uint32_t less(uint32_t n, uint32_t by) {
    return n == SG_UNBOUNDED ? n : n > by ? n - by : 0;
}

/* Items that all are alike, at least one. */
static sg_expr alike(sg_reader *r, const sg_items *flat, const bounds *b) {
    uint32_t copies = b->most == SG_UNBOUNDED ? b->least : b->most;
    sg_expr item = item_at(r, flat, 0, copies);
    sg_expr part[2] = {item, tail(r, item, less(b->least, 1), less(b->most, 1))};
    return sg_cat(r->b, part, 2);
}

static sg_expr in_places(sg_reader *r, const sg_items *flat, const bounds *b) {
    sg_parts all = {0};
    size_t n = b->places < b->most ? b->places : b->most;
    uint32_t places = (uint32_t)n, more = less(b->most, places);
    for (size_t i = 0; i < n; i++) {
        sg_expr item = item_at(r, flat, i, 1);
        sg_parts_add(r->b, &all, i ? sg_cat(r->b, (sg_expr[]){sg_comma(r), item}, 2) : item);
    }
    if (more) {
        uint32_t copies = more == SG_UNBOUNDED ? less(b->least, places) : more;
        sg_expr item = item_at(r, flat, n, copies);
        sg_parts_add(r->b, &all, tail(r, item, less(b->least, places), more));
    }
    uint32_t least = b->least < 1 ? 1 : b->least > places ? places + 1 : b->least;
    sg_expr x = r->b->failed ? SG_NONE : sg_chain(r->b, all.item, all.count, least);
    sg_parts_free(&all);
    return x;
}

sg_expr sg_array(sg_reader *r, const sg_items *flat) {
    sg_builder *b = r->b;
    bounds n = bounds_of(flat);
    sg_at(r, flat->item[0].schema, NULL);
    if (n.least > SG_MOST_REPEAT || (n.most > SG_MOST_REPEAT && n.most != SG_UNBOUNDED))
        return sg_fail(b, MX_RANGE, "more than %d items cannot be enforced", SG_MOST_REPEAT);
    if (n.least > n.most)
        return SG_NONE;
    sg_expr empty = sg_enclosed(r, "[", SG_EMPTY, "]");
    if (n.most == 0)
        return empty;
    sg_expr some = n.places ? in_places(r, flat, &n) : alike(r, flat, &n);
    some = sg_enclosed(r, "[", some, "]");
    return n.least ? some : sg_alt(b, (sg_expr[]){empty, some}, 2);
}
