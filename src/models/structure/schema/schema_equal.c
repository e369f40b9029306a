/* Values as JSON Schema compares them, and sets of them. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "models/structure/schema/decimal.h"
#include "models/structure/schema/schema_parts.h"

/* --- two -------------------------------------------------------------------------------------- */

static bool same_items(json_t *a, json_t *b) {
    size_t i;
    json_t *x;
    if (json_array_size(a) != json_array_size(b))
        return false;
    json_array_foreach(a, i, x) {
        if (!sg_same(x, json_array_get(b, i)))
            return false;
    }
    return true;
}

static bool same_members(json_t *a, json_t *b) {
    const char *key;
    json_t *x;
    if (json_object_size(a) != json_object_size(b))
        return false;
    json_object_foreach(a, key, x) {
        if (!sg_same(x, json_object_get(b, key)))
            return false;
    }
    return true;
}

/* As deep as what was parsed: 64. */
bool sg_same(json_t *a, json_t *b) {
    sg_decimal x, y;
    if (json_is_number(a) && json_is_number(b))
        return sg_decimal_of(&x, a) && sg_decimal_of(&y, b) && !sg_decimal_compare(&x, &y);
    if (!a || !b || json_typeof(a) != json_typeof(b))
        return false;
    if (json_is_array(a))
        return same_items(a, b);
    return json_is_object(a) ? same_members(a, b) : json_equal(a, b);
}

/* --- one as a number -------------------------------------------------------------------------- */

static uint64_t mix(uint64_t h, const char *text, size_t n) {
    for (size_t i = 0; i < n; i++)
        h = (h ^ (unsigned char)text[i]) * 0x100000001b3u;
    h ^= h >> 32;
    return h * 0x9e3779b97f4a7c15u;
}

static uint64_t hash_number(uint64_t h, json_t *v) {
    sg_decimal d;
    if (!sg_decimal_of(&d, v))
        return h;
    h = mix(h, d.negative && !sg_decimal_is_zero(&d) ? "-" : "+", 1);
    return mix(mix(h, d.whole, strlen(d.whole)), d.part, strlen(d.part));
}

/* The same for values that are the same, in whatever order an object's members come. */
static uint64_t hash(json_t *v) {
    uint64_t h = json_is_number(v) ? JSON_REAL : json_typeof(v), members = 0;
    const char *key;
    size_t i;
    json_t *x;
    if (json_is_number(v))
        return hash_number(h, v);
    if (json_is_string(v))
        return mix(h, json_string_value(v), json_string_length(v));
    json_array_foreach(v, i, x) h = mix(h + hash(x), ",", 1);
    json_object_foreach(v, key, x) members += mix(hash(x), key, strlen(key));
    return mix(h + members, "", 0);
}

/* --- sets ------------------------------------------------------------------------------------- */

static int by_hash(const void *a, const void *b) {
    const sg_member *x = a, *y = b;
    return (x->hash > y->hash) - (x->hash < y->hash);
}

bool sg_set_of(sg_set *s, json_t *schema) {
    json_t *one = json_object_get(schema, "const"), *list = json_object_get(schema, "enum");
    size_t n = one ? 1 : json_array_size(list);
    *s = (sg_set){0};
    if (!n)
        return true;
    s->member = mx_calloc(n, sizeof *s->member);
    for (size_t i = 0; s->member && i < n; i++) {
        json_t *v = one ? one : json_array_get(list, i);
        s->member[s->count++] = (sg_member){hash(v), v};
    }
    if (s->member)
        qsort(s->member, n, sizeof *s->member, by_hash);
    return s->member && !mx_failed();
}

void sg_set_free(sg_set *s) {
    mx_free(s->member);
    *s = (sg_set){0};
}

bool sg_set_has(const sg_set *s, json_t *value) {
    uint64_t h = hash(value);
    size_t low = 0, high = s->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (s->member[middle].hash < h)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < s->count && s->member[low].hash == h; low++)
        if (sg_same(s->member[low].value, value))
            return true;
    return false;
}

bool sg_sets_are_apart(const sg_set *a, const sg_set *b) {
    size_t i = 0, k = 0;
    while (i < a->count && k < b->count) {
        uint64_t x = a->member[i].hash, y = b->member[k].hash;
        if (x == y)
            return false;
        i += x < y;
        k += y < x;
    }
    return a->count && b->count;
}
