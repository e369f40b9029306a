/* One kind of map from strings. A handle is a box around an mx_map; iteration is in order of
 * insertion. Include after defining
 *
 *     NAME             mlx_map_string_to_array
 *     GIVEN            a value as the program gives it
 *     RESULT           what get fills
 *     HOLD(x)          the value to keep for x; NULL and an error on failure
 *     AGAIN(value)     the same for a value that is kept already
 *     DROP             void (*)(void *) that lets a kept value go
 *     GIVE(res, value) hand out to *res; false and an error on failure
 */
#define JOIN2(a, b) a##_##b
#define JOIN(a, b)  JOIN2(a, b)
#define FN(verb)    JOIN(NAME, verb)
#define ITERATOR    FN(iterator)
#define TEXT2(x)    #x
#define TEXT(x)     TEXT2(x)

static mx_map *FN(box)(NAME map) {
    return capi_object(map.ctx, TEXT(NAME));
}

/* Set key to a value that is taken over, also on failure. */
static bool FN(set_kept)(mx_map *m, const char *key, void *value) {
    void *former = NULL;
    bool ok = value && mx_map_set(m, key, value, &former);
    if (!ok && value)
        DROP(value);
    if (former)
        DROP(former);
    return ok;
}

/* Put a map, taken over, into a handle. */
static bool FN(put)(NAME *res, mx_map *contents) {
    void **slot = capi_slot(res, TEXT(NAME));
    mx_map *m = slot && *slot ? *slot : slot ? mx_calloc(1, sizeof *m) : NULL;
    if (!m) {
        mx_map_free(contents, DROP);
        return false;
    }
    mx_map former = *m;
    *m = *contents;
    res->ctx = m;
    mx_map_free(&former, DROP);
    return true;
}

static bool FN(copy)(mx_map *to, const mx_map *from) {
    *to = (mx_map){0};
    for (size_t i = 0; i < from->count; i++)
        if (!FN(set_kept)(to, from->entry[i].key, AGAIN(from->entry[i].value))) {
            mx_map_free(to, DROP);
            return false;
        }
    return true;
}

NAME FN(new)(void) {
    NAME res = {NULL};
    mx_map empty = {0};
    mx_error_clear();
    capi_done(FN(put)(&res, &empty));
    return res;
}

int FN(set)(NAME *map, const NAME src) {
    mx_map contents;
    mx_error_clear();
    const mx_map *m = FN(box)(src);
    return capi_done(m && FN(copy)(&contents, m) && FN(put)(map, &contents));
}

int FN(free)(NAME map) {
    int status;
    if (capi_frees(map.ctx, TEXT(NAME), &status)) {
        mx_map_free(map.ctx, DROP);
        mx_free(map.ctx);
    }
    return status;
}

static bool FN(has_key)(const char *key) {
    return key || mx_fail(MX_INVALID, "[" TEXT(NAME) "] the key is NULL");
}

int FN(insert)(NAME map, const char *key, GIVEN value) {
    mx_error_clear();
    mx_map *m = FN(box)(map);
    return capi_done(m && FN(has_key)(key) && FN(set_kept)(m, key, HOLD(value)));
}

int FN(get)(RESULT *value, const NAME map, const char *key) {
    mx_error_clear();
    const mx_map *m = FN(box)(map);
    bool ok = m && FN(has_key)(key);
    if (ok && !value)
        ok = mx_fail(MX_INVALID, "[" TEXT(NAME) "_get] the result is NULL");
    void *found = ok ? mx_map_get(m, key) : NULL;
    if (ok && !found)
        return 2;
    return capi_done(ok && GIVE(value, found));
}

ITERATOR JOIN(ITERATOR, new)(NAME map) {
    mx_error_clear();
    mx_map *m = FN(box)(map);
    size_t *place = m ? mx_calloc(1, sizeof *place) : NULL;
    capi_done(place != NULL);
    return place ? (ITERATOR){place, m} : (ITERATOR){NULL, NULL};
}

int JOIN(ITERATOR, free)(ITERATOR it) {
    int status;
    if (capi_frees(it.ctx, TEXT(NAME) "_iterator", &status))
        mx_free(it.ctx);
    return status;
}

/* The next pair; 2 at the end. */
int JOIN(ITERATOR, next)(const char **key, RESULT *value, ITERATOR it) {
    mx_error_clear();
    size_t *place = it.ctx;
    const mx_map *m = it.map_ctx;
    if (!capi_is_object(place) || !capi_is_object(m) || !key || !value)
        return capi_done(mx_fail(MX_INVALID,
                                 "[" TEXT(NAME) "_iterator] an empty handle or result was given"));
    if (*place >= m->count)
        return 2;
    if (!GIVE(value, m->entry[*place].value))
        return capi_done(false);
    *key = m->entry[(*place)++].key;
    return 0;
}

#undef JOIN2
#undef JOIN
#undef FN
#undef ITERATOR
#undef TEXT2
#undef TEXT
#undef NAME
#undef GIVEN
#undef RESULT
#undef HOLD
#undef AGAIN
#undef DROP
#undef GIVE
