/* Template: the sorts of one dtype. Included with
 *
 *     T  TYPE         storage type, name          K          unsigned key type
 *     ENCODE(x)       the key, NaN largest        DECODE(k)  back again
 *     RANK(x)         the key for argsort: equal elements have equal keys
 *     S(f)            names the key sort: f_keys8 ...        P, P_MAKE(k, i), P_INDEX(p), PS(f)
 *                     a key with its index, and the sort of these
 *     NO_DECODE       defined: sort goes through argsort
 *     V_BUCKETS MANY  defined: the order of MANY keys or more (k_sort_buckets.h)
 *     V_KEYS(f)  V_PAIRS(f)  defined: f is sort or select in vectors, of keys whose sign bit is
 *                flipped: FLIP
 */

#ifdef V_BUCKETS
static void N(argsort_many)(uint32_t *out, const T *x, size_t n, void *scratch) {
    P *a = scratch, *b = a + n;
    K *keys = scratch;
    for (size_t i = 0; i < n; i++)
        keys[i] = RANK(x[i]);
    V_BUCKETS(out, a, b, n, b + n + (n * sizeof *out + sizeof *b - 1) / sizeof *b);
}
#endif

static void N(argsort)(uint32_t *out, const void *xv, size_t n, void *scratch) {
    const T *x = xv;
    P *a = scratch, *b = a + n;
#ifdef V_BUCKETS
    if (n >= MANY) {
        N(argsort_many)(out, x, n, scratch);
        return;
    }
#endif
    for (size_t i = 0; i < n; i++)
        a[i] = P_MAKE(RANK(x[i]), i);
#ifdef V_PAIRS
    V_PAIRS(sort)(a, b, n, 0);
#else
    a = PS(sort)(a, b, n);
#endif
    for (size_t i = 0; i < n; i++)
        out[i] = P_INDEX(a[i]);
}

#ifdef V_PAIRS
static void N(argpartition)(uint32_t *out, const void *xv, size_t n, size_t k, void *scratch) {
    const T *x = xv;
    P *a = scratch;
    for (size_t i = 0; i < n; i++)
        a[i] = P_MAKE(RANK(x[i]), i);
    V_PAIRS(select)(a, a + n, n, k);
    for (size_t i = 0; i < n; i++)
        out[i] = P_INDEX(a[i]);
}
#else
/* Smaller ones go straight to the front, the others wait in scratch; no branch depends on a key. */
static void N(argpartition)(uint32_t *out, const void *xv, size_t n, size_t k, void *scratch) {
    const T *x = xv;
    K *a = scratch;
    uint32_t *equal = scratch, *greater = equal + n + 1;
    size_t less = 0, e = 0, g = 0;
    for (size_t i = 0; i < n; i++)
        a[i] = RANK(x[i]);
    K pivot = S(select)(a, a + n, n, k);
    for (size_t i = 0; i < n; i++) {
        K r = RANK(x[i]);
        out[less] = equal[e] = greater[g] = (uint32_t)i;
        less += r < pivot;
        e += r == pivot;
        g += r > pivot;
    }
    memcpy(out + less, equal, e * sizeof *out);
    memcpy(out + less + e, greater, g * sizeof *out);
}
#endif

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
#elif defined V_KEYS
/* Keys lie where the result will. */
static void N(ordered)(void *out, const T *x, size_t n, size_t k, K *b,
                       void (*order)(K *, K *, size_t, size_t)) {
    K *a = out;
    for (size_t i = 0; i < n; i++)
        a[i] = (K)(ENCODE(x[i]) ^ FLIP);
    order(a, b, n, k);
    for (size_t i = 0; i < n; i++) {
        T value = (T)DECODE((K)(a[i] ^ FLIP));
        memcpy(&a[i], &value, sizeof value);
    }
}
static void N(sort)(void *out, const void *x, size_t n, void *scratch) {
    N(ordered)(out, x, n, 0, scratch, V_KEYS(sort));
}
static void N(partition)(void *out, const void *x, size_t n, size_t k, void *scratch) {
    N(ordered)(out, x, n, k, scratch, V_KEYS(select));
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
    K *a = scratch, *greater = a;
    size_t less = 0, g = 0;
    for (size_t i = 0; i < n; i++)
        a[i] = (K)ENCODE(x[i]);
    K pivot = S(select)(a, a + n, n, k);
    for (size_t i = 0; i < n; i++) { // less <= i: out may be x
        K key = (K)ENCODE(x[i]);
        out[less] = (T)DECODE(key);
        greater[g] = key;
        less += key < pivot;
        g += key > pivot;
    }
    for (; less + g < n; less++)
        out[less] = (T)DECODE(pivot);
    for (size_t i = 0; i < g; i++)
        out[less + i] = (T)DECODE(greater[i]);
}
#endif

#undef T
#undef TYPE
#undef ENCODE
#undef DECODE
#undef RANK
#undef NO_DECODE
