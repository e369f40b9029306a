/* One kind of vector. A handle is a box {item, count, room}; items are held, not lent.
 * Include after defining
 *
 *     NAME             mlx_vector_int
 *     BOX              the box's type: { ITEM *item; size_t count, room; }
 *     ITEM             what the box holds
 *     GIVEN            what the program gives: int, mlx_array, const char *
 *     DATA             an array of them, as a parameter's type
 *     RESULT           what get fills
 *     TAKE(item, x)    hold x in *item; false and an error on failure
 *     DROP(item)       let go
 *     GIVE(res, item)  hand out to *res; false and an error on failure
 */
#define JOIN2(a, b) a##_##b
#define JOIN(a, b)  JOIN2(a, b)
#define FN(verb)    JOIN(NAME, verb)
#define TEXT2(x)    #x
#define TEXT(x)     TEXT2(x)

static BOX *FN(box)(NAME vec) {
    return capi_object(vec.ctx, TEXT(NAME));
}

static void FN(clear)(BOX *b) {
    while (b->count)
        DROP(b->item[--b->count]);
    mx_free(b->item);
    *b = (BOX){0};
}

/* Append n; on failure the box is as it was. */
static bool FN(append)(BOX *b, DATA data, size_t n) {
    size_t want, done = 0;
    if (n && !capi_is_object(data))
        return mx_fail(MX_INVALID, "[" TEXT(NAME) "] the data is NULL");
    if (!mx_add_size(b->count, n, &want))
        return mx_fail_nomem(TEXT(NAME), SIZE_MAX);
    if (n && !mx_grow(&b->item, &b->room, want, sizeof *b->item))
        return false;
    while (done < n && TAKE(&b->item[b->count + done], data[done]))
        done++;
    if (done == n)
        b->count = want;
    else
        while (done)
            DROP(b->item[b->count + --done]);
    return b->count == want;
}

/* Put a box's contents, taken over, into a handle. */
static bool FN(put)(NAME *res, BOX *contents) {
    void **slot = capi_slot(res, TEXT(NAME));
    BOX *b = slot && *slot ? *slot : slot ? mx_calloc(1, sizeof *b) : NULL;
    if (!b) {
        FN(clear)(contents);
        return false;
    }
    BOX former = *b;
    *b = *contents;
    res->ctx = b;
    FN(clear)(&former);
    return true;
}

static bool FN(put_data)(NAME *res, DATA data, size_t n) {
    BOX contents = {0};
    if (FN(append)(&contents, data, n))
        return FN(put)(res, &contents);
    FN(clear)(&contents);
    return false;
}

NAME FN(new)(void) {
    return FN(new_data)(NULL, 0);
}

NAME FN(new_data)(DATA data, size_t size) {
    NAME res = {NULL};
    mx_error_clear();
    capi_done(FN(put_data)(&res, data, size));
    return res;
}

NAME FN(new_value)(GIVEN val) {
    return FN(new_data)(&val, 1);
}

int FN(set_data)(NAME *vec, DATA data, size_t size) {
    mx_error_clear();
    return capi_done(FN(put_data)(vec, data, size));
}

int FN(set_value)(NAME *vec, GIVEN val) {
    return FN(set_data)(vec, &val, 1);
}

int FN(append_data)(NAME vec, DATA data, size_t size) {
    mx_error_clear();
    BOX *b = FN(box)(vec);
    return capi_done(b && FN(append)(b, data, size));
}

int FN(append_value)(NAME vec, GIVEN val) {
    return FN(append_data)(vec, &val, 1);
}

int FN(free)(NAME vec) {
    int status;
    if (capi_frees(vec.ctx, TEXT(NAME), &status)) {
        FN(clear)(vec.ctx);
        mx_free(vec.ctx);
    }
    return status;
}

size_t FN(size)(NAME vec) {
    mx_error_clear();
    const BOX *b = FN(box)(vec);
    capi_done(b != NULL);
    return b ? b->count : 0;
}

int FN(get)(RESULT *res, const NAME vec, size_t idx) {
    mx_error_clear();
    const BOX *b = FN(box)(vec);
    bool ok = b != NULL;
    if (ok && !res)
        ok = mx_fail(MX_INVALID, "[" TEXT(NAME) "_get] the result is NULL");
    if (ok && idx >= b->count)
        ok = mx_fail(MX_RANGE, "[" TEXT(NAME) "_get] index %zu is out of range for size %zu", idx,
                     b->count);
    return capi_done(ok && GIVE(res, b->item[idx]));
}

#undef JOIN2
#undef JOIN
#undef FN
#undef TEXT2
#undef TEXT
#undef NAME
#undef BOX
#undef ITEM
#undef GIVEN
#undef DATA
#undef RESULT
#undef TAKE
#undef DROP
#undef GIVE
