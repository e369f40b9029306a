/* Variables of JSON: see load.h. Documents are 64 deep at most (models/json.h). */
#include "models/template/load.h"

#include <string.h>

static bool load_list(tm_run *r, const json_t *j, tm_value *out) {
    tm_seq *s = tm_seq_new(r, TM_LIST, json_array_size(j));
    for (size_t i = 0; s && i < s->n; i++)
        if (!tm_load_json(r, json_array_get(j, i), &s->item[i]))
            return false;
    if (s)
        *out = tm_of_seq(s);
    return s && tm_seq_done(r, s);
}

static bool load_object(tm_run *r, const json_t *j, tm_value *out) {
    tm_dict *d = tm_dict_new(r);
    const char *key;
    json_t *item;
    tm_value v;
    if (!d)
        return false;
    json_object_foreach((json_t *)(uintptr_t)j, key, item) {
        const tm_value name = tm_str(key, strlen(key));
        if (!tm_load_json(r, item, &v) || !tm_dict_set(r, d, &name, &v))
            return false;
    }
    *out = tm_of_dict(d);
    return true;
}

bool tm_load_json(tm_run *r, const json_t *j, tm_value *out) {
    switch (json_typeof(j)) {
    case JSON_OBJECT: return load_object(r, j, out);
    case JSON_ARRAY: return load_list(r, j, out);
    case JSON_STRING: *out = tm_str(json_string_value(j), json_string_length(j)); break;
    case JSON_INTEGER: *out = tm_int(json_integer_value(j)); break;
    case JSON_REAL: *out = tm_float(json_real_value(j)); break;
    case JSON_TRUE: *out = tm_bool(true); break;
    case JSON_FALSE: *out = tm_bool(false); break;
    case JSON_NULL: *out = tm_none(); break;
    }
    return tm_spend(r, 1);
}
