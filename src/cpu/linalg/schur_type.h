/* Template of the QR iteration in T; FN(f) names. See schur.h. */

typedef struct FN(state) {
    const FN(lapack_hessenberg) * s;
    T *h, *room;
    int64_t n, ld;
    waiting z;
} FN(state);

/* Two shifts: r + im i and its conjugate, or r twice. */
typedef struct FN(shifts) {
    T r, im;
} FN(shifts);

static T FN(size)(T x) {
    return x < 0 ? -x : x;
}

/* --- where a block begins --------------------------------------------------------------------- */

/* Is element (k, k-1) small beside its neighbours? Both tests of Ahues and Tisseur. */
static bool FN(is_small)(const FN(state) * q, int64_t k) {
    const T *x = q->h + k * q->ld + k, *y = x - q->ld - 1;
    T low = FN(size)(x[-1]), up = FN(size)(y[1]), sum = FN(size)(x[0]) + FN(size)(y[0]),
      least = SMALLEST * ((T)q->n / ULP);
    if (low <= least)
        return true;
    if (sum == 0 && k - 2 >= q->s->lo)
        sum += FN(size)(y[-1]);
    if (sum == 0 && k + 1 <= q->s->hi)
        sum += FN(size)(x[q->ld]);
    if (low > ULP * sum)
        return false;
    T more = low > up ? low : up, less = low > up ? up : low, one = FN(size)(x[0]),
      gap = FN(size)(y[0] - x[0]), high = one > gap ? one : gap, deep = one > gap ? gap : one,
      all = high + more, bound = ULP * (deep * (high / all));
    return less * (more / all) <= (bound > least ? bound : least);
}

/* The first row of the block that ends with row i. */
static int64_t FN(block_begin)(const FN(state) * q, int64_t from, int64_t i) {
    int64_t k = i;
    while (k > from && !FN(is_small)(q, k))
        k--;
    if (k > q->s->lo)
        q->h[k * q->ld + k - 1] = 0;
    return k;
}

/* --- shifts ----------------------------------------------------------------------------------- */

/* Eigenvalues of the last block of two; of real ones the nearer to the last element. */
static FN(shifts) FN(shifts_at)(const FN(state) * q, int64_t i) {
    const T *x = q->h + i * q->ld + i, *y = x - q->ld - 1;
    T scale = FN(size)(y[0]) + FN(size)(y[1]) + FN(size)(x[-1]) + FN(size)(x[0]);
    if (scale == 0)
        return (FN(shifts)){0, 0};
    T a = y[0] / scale, d = x[0] / scale, mean = (a + d) / 2,
      det = (a - mean) * (d - mean) - (y[1] / scale) * (x[-1] / scale),
      root = (T)sqrt((double)FN(size)(det));
    if (det >= 0)
        return (FN(shifts)){mean * scale, root * scale};
    T near = FN(size)(mean + root - d) <= FN(size)(mean - root - d) ? mean + root : mean - root;
    return (FN(shifts)){near * scale, 0};
}

/* Where the others lead to nothing (Martin, Peters and Wilkinson 1970). */
static FN(shifts) FN(other_shifts)(const FN(state) * q, int64_t i) {
    const T *x = q->h + i * q->ld + i;
    T sum = FN(size)(x[-1]) + FN(size)(x[-q->ld - 2]);
    return (FN(shifts)){x[0] + (T)0.75 * sum, (T)0.6614378277661477 * sum};
}

/* The first column of (H - s1)(H - s2) of a block that begins with row m, up to a factor. */
static void FN(first_column)(const FN(state) * q, int64_t m, FN(shifts) t, T *v) {
    const T *x = q->h + m * q->ld + m, *y = x + q->ld;
    T apart = x[0] - t.r, scale = FN(size)(apart) + FN(size)(t.im) + FN(size)(y[0]),
      low = y[0] / scale;
    v[0] = low * x[1] + apart * (apart / scale) + t.im * (t.im / scale);
    v[1] = low * (apart + (y[1] - t.r));
    v[2] = low * y[q->ld + 1];
    scale = FN(size)(v[0]) + FN(size)(v[1]) + FN(size)(v[2]);
    for (int i = 0; i < 3 && scale > 0; i++)
        v[i] /= scale;
}

/* Two small subdiagonals, one after the other, are as good as one that is 0: may the sweep begin
   at row m? Neither is looked at closely that is not small by far. */
static bool FN(may_begin)(const FN(state) * q, int64_t m, FN(shifts) t, T *v) {
    const T *x = q->h + m * q->ld + m, *y = x + q->ld, *w = x - q->ld - 1;
    T low = FN(size)(x[-1]), sum = FN(size)(w[0]) + FN(size)(x[0]) + FN(size)(y[1]),
      little = (T)sqrt((double)ULP) * sum;
    if (low > 4 * little && FN(size)(y[0]) > 4 * little)
        return false;
    FN(first_column)(q, m, t, v);
    return low * (FN(size)(v[1]) + FN(size)(v[2])) <= ULP * FN(size)(v[0]) * sum;
}

/* --- the iteration ---------------------------------------------------------------------------- */

static void FN(sweep)(FN(state) * q, int64_t begin, int64_t i, FN(shifts) t) {
    T v[3];
    int64_t m = i - 2;
    while (m > begin && !FN(may_begin)(q, m, t, v))
        m--;
    if (m == begin)
        FN(first_column)(q, m, t, v);
    bool whole = q->s->whole;
    mx_k_sweep s = {.h = q->h,
                    .ld = q->ld,
                    .top = whole ? 0 : begin,
                    .begin = begin,
                    .first = m,
                    .last = i,
                    .end = whole ? q->n : i + 1,
                    .list = add_run(&q->z, m, i - m)};
    q->z.k->chase(&s, v);
    q->z.k->finish(&s, q->room);
}

/* Two numbers, `step` apart. */
static void FN(mix2)(T *x, int64_t step, const T *p) {
    T w = x[0] + p[0] * x[step];
    x[0] -= p[2] * w;
    x[step] -= p[3] * w;
}

/* The rotation (cs, sn) of rows and columns i-1 and i, beyond their block, as a reflection: that
   has the one sign or the other turned. */
static void FN(turn_pair)(FN(state) * q, int64_t i, T cs, T sn) {
    T t = 1 + FN(size)(cs), other = cs < 0 ? -sn : sn, *p = add_run(&q->z, i - 1, 1);
    memcpy(p, (T[]){other / t, 0, t, other, 0}, MX_K_REFLECTION * sizeof *p);
    for (int64_t c = i + 1; c < q->n; c++)
        FN(mix2)(q->h + (i - 1) * q->ld + c, q->ld, p);
    for (int64_t r = 0; r < i - 1; r++)
        FN(mix2)(q->h + r * q->ld + i - 1, 1, p);
}

/* The eigenvalues of rows i-1 and i, and what T has there. */
static void FN(finish_pair)(FN(state) * q, int64_t i) {
    const FN(lapack_hessenberg) *s = q->s;
    T *y = q->h + (i - 1) * q->ld + i - 1, *x = y + q->ld, cs, sn;
    s->standard(&y[0], &y[1], &x[0], &x[1], &s->wr[i - 1], &s->wi[i - 1], &s->wr[i], &s->wi[i], &cs,
                &sn);
    if (!s->whole)
        return;
    FN(turn_pair)(q, i, cs, sn);
    y[1] = -y[1];
    x[0] = -x[0];
}

/* Sweeps until the block that ends with row i has one or two rows; its first, or -1. */
static int64_t FN(shrink)(FN(state) * q, int64_t i, int64_t *sweeps) {
    int64_t begin = q->s->lo;
    for (int64_t tries = 0;; tries++) {
        begin = FN(block_begin)(q, begin, i);
        if (begin >= i - 1)
            return begin;
        if (--*sweeps < 0)
            return -1;
        bool other = tries % PATIENCE == PATIENCE - 1;
        FN(sweep)(q, begin, i, other ? FN(other_shifts)(q, i) : FN(shifts_at)(q, i));
    }
}

static int FN(iterate)(FN(state) * q) {
    const FN(lapack_hessenberg) *s = q->s;
    int64_t rows = s->hi - s->lo + 1, sweeps = SWEEPS_PER_ROW * (rows < 10 ? 10 : rows);
    for (int64_t i = 0; i < q->n; i++) {
        s->wr[i] = q->h[i * (q->ld + 1)];
        s->wi[i] = 0;
    }
    for (int64_t i = s->hi, begin; i >= s->lo; i = begin - 1) {
        begin = FN(shrink)(q, i, &sweeps);
        if (begin < 0)
            return (int)i + 1;
        if (begin == i)
            s->wr[i] = q->h[i * (q->ld + 1)];
        else
            FN(finish_pair)(q, i);
    }
    turn_waiting(&q->z);
    return 0;
}

int FN(lapack_schur)(const FN(lapack_hessenberg) * s) {
    FN(state) q = {.s = s, .h = s->h, .n = s->n, .ld = schur_ld(s->n)};
    void *room;
    q.room = take_aligned(&room, q.ld * MX_K_SCHUR_STRIP, sizeof(T));
    bool ok = open_waiting(&q.z, DTYPE, s->n, s->z) && room;
    int info = ok ? FN(iterate)(&q) : LAPACK_NO_MEMORY;
    mx_free(room);
    mx_free(q.z.list);
    return info;
}

#undef T
#undef FN
#undef DTYPE
#undef ULP
#undef SMALLEST
