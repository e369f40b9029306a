/* Template: the sorts of one dtype. Included with
 *
 *     T  TYPE         storage type, name          K          unsigned key type
 *     ENCODE(x)       the key, NaN largest        DECODE(k)  back again
 *     RANK(x)         the key for argsort: equal elements have equal keys
 *     S(f)            names the key sort: f_keys8 ...        P, P_MAKE(k, i), P_INDEX(p), PS(f)
 *                     a key with its index, and the sort of these
 *     NO_DECODE       defined: sort goes through argsort
 */

static void N(argsort)(uint32_t *out, const void *xv, size_t n, void *scratch) {
    const T *x = xv;
    P *a = scratch, *b = a + n;
    for (size_t i = 0; i < n; i++)
        a[i] = P_MAKE(RANK(x[i]), i);
    a = PS(sort)(a, b, n);
    for (size_t i = 0; i < n; i++)
        out[i] = P_INDEX(a[i]);
}

static void N(argpartition)(uint32_t *out, const void *xv, size_t n, size_t k, void *scratch) {
    const T *x = xv;
    K *a = scratch, *b = a + n;
    size_t less = 0, equal, greater;
    for (size_t i = 0; i < n; i++)
        a[i] = RANK(x[i]);
    K pivot = S(select)(a, b, n, k, &equal);
    greater = equal;
    for (size_t i = 0; i < n; i++)
        greater += RANK(x[i]) == pivot;
    for (size_t i = 0; i < n; i++) {
        K r = RANK(x[i]);
        size_t *at = r < pivot ? &less : r == pivot ? &equal : &greater;
        out[(*at)++] = (uint32_t)i;
    }
}

#ifdef NO_DECODE
/* The indices first, then the elements; in front of the scratch that these need. */
static void N(gather)(T *out, const T *x, const uint32_t *at, size_t n, T *copy) {
    memcpy(copy, x, n * sizeof *x);
    for (size_t i = 0; i < n; i++)
        out[i] = copy[at[i]];
}
static void N(sort)(void *out, const void *x, size_t n, void *scratch) {
    uint32_t *at = (uint32_t *)((char *)scratch + 2 * n * sizeof(P));
    N(argsort)(at, x, n, scratch);
    N(gather)(out, x, at, n, scratch);
}
static void N(partition)(void *out, const void *x, size_t n, size_t k, void *scratch) {
    uint32_t *at = (uint32_t *)((char *)scratch + 2 * n * sizeof(P));
    N(argpartition)(at, x, n, k, scratch);
    N(gather)(out, x, at, n, scratch);
}
#else
static void N(sort)(void *out, const void *xv, size_t n, void *scratch) {
    const T *x = xv;
    K *a = scratch, *b = a + n;
    for (size_t i = 0; i < n; i++)
        a[i] = (K)ENCODE(x[i]);
    a = S(sort)(a, b, n);
    for (size_t i = 0; i < n; i++)
        ((T *)out)[i] = (T)DECODE(a[i]);
}
static void N(partition)(void *outv, const void *xv, size_t n, size_t k, void *scratch) {
    const T *x = xv;
    T *out = outv;
    K *a = scratch, *b = a + n, *keys = b + n;
    size_t less = 0, equal, greater;
    for (size_t i = 0; i < n; i++)
        a[i] = keys[i] = (K)ENCODE(x[i]);
    K pivot = S(select)(a, b, n, k, &equal);
    greater = equal;
    for (size_t i = 0; i < n; i++)
        greater += keys[i] == pivot;
    for (size_t i = 0; i < n; i++) {
        size_t *at = keys[i] < pivot ? &less : keys[i] == pivot ? &equal : &greater;
        out[(*at)++] = (T)DECODE(keys[i]);
    }
}
#endif

#undef T
#undef TYPE
#undef ENCODE
#undef DECODE
#undef RANK
#undef NO_DECODE
