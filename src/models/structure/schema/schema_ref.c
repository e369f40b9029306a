/* References inside a schema, and where a schema stands.
 *
 * A schema that has an $id is a resource (draft 2020-12, section 8.2): what it and those inside of
 * it refer to is looked up in it. So one of a stranger's can stand in one that is made around it.
 */
#include <stdio.h>
#include <string.h>

#include "models/structure/schema/schema_parts.h"

/* --- resources -------------------------------------------------------------------------------- */

static const char *id_of(json_t *schema) {
    return json_string_value(json_object_get(schema, "$id"));
}

bool sg_is_resource(json_t *schema) {
    const char *id = id_of(schema);
    return id && *id && *id != '#';
}

static bool keep_home(sg_reader *r, json_t *schema, json_t *home) {
    char key[32];
    snprintf(key, sizeof key, "%p", (void *)schema);
    bool ok = home == r->root || mx_map_set(&r->homes, key, home, NULL);
    r->b->failed |= !ok;
    return ok;
}

/* Of all objects inside of those that are not the root's. */
static void find_homes(sg_reader *r, json_t *at, json_t *home) {
    const char *key;
    size_t i;
    json_t *x;
    home = sg_is_resource(at) ? at : home;
    if (json_is_object(at) && !keep_home(r, at, home))
        return;
    json_object_foreach(at, key, x) find_homes(r, x, home);
    json_array_foreach(at, i, x) find_homes(r, x, home);
}

json_t *sg_home(sg_reader *r, json_t *schema) {
    char key[32];
    if (!r->has_homes)
        find_homes(r, r->root, r->root);
    r->has_homes = true;
    snprintf(key, sizeof key, "%p", (void *)schema);
    json_t *home = mx_map_get(&r->homes, key);
    return home ? home : r->root;
}

/* --- where it stands -------------------------------------------------------------------------- */

static void add_token(mx_text *t, const char *key) {
    mx_text_char(t, '/');
    for (; *key; key++)
        if (*key == '~' || *key == '/')
            mx_text_str(t, *key == '~' ? "~0" : "~1");
        else
            mx_text_char(t, *key);
}

/* Adds the way from `at` to the object. As deep as what was parsed: 64. */
static bool find(mx_text *t, json_t *at, json_t *object) {
    size_t before = t->len, i;
    const char *key;
    json_t *x;
    if (at == object)
        return true;
    json_object_foreach(at, key, x) {
        add_token(t, key);
        if (find(t, x, object))
            return true;
        t->len = t->data ? before : 0;
    }
    json_array_foreach(at, i, x) {
        mx_text_add(t, "/%zu", i);
        if (find(t, x, object))
            return true;
        t->len = t->data ? before : 0;
    }
    return false;
}

const char *sg_place(void *reader) {
    sg_reader *r = reader;
    json_t *home = sg_home(r, r->here);
    mx_text way = {0};
    find(&way, home, r->here);
    if (r->key)
        add_token(&way, r->key);
    mx_text_free(&r->place);
    mx_text_str(&r->place, "schema");
    if (home != r->root)
        mx_text_add(&r->place, " '%.200s'", id_of(home));
    if (way.len)
        mx_text_add(&r->place, " at '%.300s'", mx_text_view(&way));
    mx_text_free(&way);
    return r->place.failed ? "schema" : mx_text_view(&r->place);
}

/* --- what it refers to ------------------------------------------------------------------------ */

static int hex(char c) {
    return c >= '0' && c <= '9'                     ? c - '0'
           : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10
                                                    : -1;
}

/* One piece of a JSON pointer in a URI (RFC 6901, section 6). NULL: no such piece. */
static const char *piece(char *out, size_t room, const char *s) {
    size_t n = 0;
    for (; *s && *s != '/' && n + 1 < room; s++) {
        if (*s == '%' && hex(s[1]) >= 0 && hex(s[2]) >= 0) {
            out[n++] = (char)(16 * hex(s[1]) + hex(s[2]));
            s += 2;
        } else if (*s == '~' && (s[1] == '0' || s[1] == '1')) {
            out[n++] = *++s == '0' ? '~' : '/';
        } else {
            out[n++] = *s;
        }
    }
    out[n] = 0;
    return *s && *s != '/' ? NULL : s;
}

static json_t *child(json_t *at, const char *key) {
    if (!json_is_array(at))
        return json_object_get(at, key);
    size_t i = 0;
    int used = 0;
    bool number = sscanf(key, "%9zu%n", &i, &used) == 1 && !key[used] && key[0] != '+';
    return number ? json_array_get(at, i) : NULL;
}

static json_t *at_pointer(json_t *root, const char *pointer) {
    char key[512];
    json_t *at = root;
    while (at && pointer && *pointer == '/') {
        pointer = piece(key, sizeof key, pointer + 1);
        at = pointer ? child(at, key) : NULL;
    }
    return pointer && !*pointer ? at : NULL;
}

/* The object with this $anchor, in one resource. */
static json_t *at_anchor(json_t *at, const char *name) {
    const char *key, *own = json_string_value(json_object_get(at, "$anchor"));
    size_t i;
    json_t *x, *found = NULL;
    if (own && !strcmp(own, name))
        return at;
    json_object_foreach(at, key, x) {
        if (!found && !sg_is_resource(x))
            found = at_anchor(x, name);
    }
    json_array_foreach(at, i, x) {
        if (!found && !sg_is_resource(x))
            found = at_anchor(x, name);
    }
    return found;
}

/* "a/b": seen from itself it would be "a/a/b". */
static bool is_below(const char *id) {
    size_t n = strcspn(id, ":/");
    return n && id[n] == '/';
}

/* Behind the $id of where it stands. */
static const char *without_id(json_t *home, const char *ref) {
    const char *id = id_of(home);
    size_t n = id && !is_below(id) ? strcspn(id, "#") : 0;
    return n && !strncmp(ref, id, n) && (!ref[n] || ref[n] == '#') ? ref + n : ref;
}

json_t *sg_ref_target(sg_reader *r, json_t *schema) {
    const char *whole = json_string_value(json_object_get(schema, "$ref"));
    json_t *home = sg_home(r, schema);
    const char *ref = whole ? without_id(home, whole) : "";
    sg_at(r, schema, "$ref");
    if (*ref && *ref != '#')
        return sg_schema_refuse(r, "'%.200s' is outside of the schema", whole);
    json_t *to = ref[0] && ref[1] && ref[1] != '/' ? at_anchor(home, ref + 1)
                 : *ref                            ? at_pointer(home, ref + 1)
                                                   : home;
    return to ? to : sg_schema_wrong(r, "'%.200s' is not there", whole);
}
