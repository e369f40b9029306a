/* The QR iteration in complex64; |x| is |re x| + |im x| where it is compared. See schur.h. */

typedef struct lapack_state_c {
    const lapack_hessenberg_c *s;
    float *h, *room;
    int64_t n, ld, plane;
    waiting z;
} lapack_state_c;

static double _Complex at_c(const lapack_state_c *q, int64_t r, int64_t c) {
    const float *x = q->h + r * q->ld + c;
    return CMPLX((double)x[0], (double)x[q->plane]);
}

static double size_c(double _Complex x) {
    return fabs(creal(x)) + fabs(cimag(x));
}

/* --- where a block begins --------------------------------------------------------------------- */

/* As is_small of schur_type.h. */
static bool is_small_c(const lapack_state_c *q, int64_t k) {
    double low = size_c(at_c(q, k, k - 1)), one = size_c(at_c(q, k, k)), ulp = (double)FLT_EPSILON,
           sum = one + size_c(at_c(q, k - 1, k - 1)), least = (double)FLT_MIN * (double)q->n / ulp;
    if (low <= least)
        return true;
    if (sum == 0 && k - 2 >= q->s->lo)
        sum += size_c(at_c(q, k - 1, k - 2));
    if (sum == 0 && k + 1 <= q->s->hi)
        sum += size_c(at_c(q, k + 1, k));
    if (low > ulp * sum)
        return false;
    double up = size_c(at_c(q, k - 1, k)), more = fmax(low, up), less = fmin(low, up),
           gap = size_c(at_c(q, k - 1, k - 1) - at_c(q, k, k)), high = fmax(one, gap),
           all = high + more;
    return less * (more / all) <= fmax(least, ulp * (fmin(one, gap) * (high / all)));
}

static int64_t block_begin_c(const lapack_state_c *q, int64_t from, int64_t i) {
    int64_t k = i;
    while (k > from && !is_small_c(q, k))
        k--;
    if (k > q->s->lo)
        q->h[k * q->ld + k - 1] = q->h[k * q->ld + k - 1 + q->plane] = 0;
    return k;
}

/* --- the iteration ---------------------------------------------------------------------------- */

/* The eigenvalue of the last block of two that is nearer to the last element (Wilkinson 1965). */
static double _Complex shift_at(const lapack_state_c *q, int64_t i) {
    double _Complex d = at_c(q, i, i), half = (at_c(q, i - 1, i - 1) - d) / 2,
                    product = at_c(q, i - 1, i) * at_c(q, i, i - 1), root;
    root = csqrt(half * half + product);
    if (creal(half) * creal(root) + cimag(half) * cimag(root) < 0)
        root = -root;
    double _Complex sum = half + root;
    return sum == 0 ? d : d - product / sum;
}

static double _Complex other_shift(const lapack_state_c *q, int64_t i) {
    return at_c(q, i, i) + 0.75 * size_c(at_c(q, i, i - 1));
}

/* As may_begin of schur_type.h. */
static bool may_begin_c(const lapack_state_c *q, int64_t m, double _Complex shift) {
    double low = size_c(at_c(q, m, m - 1)), next = size_c(at_c(q, m + 1, m)),
           apart = size_c(at_c(q, m, m) - shift),
           sum = size_c(at_c(q, m, m)) + size_c(at_c(q, m + 1, m + 1));
    return low * next <= (double)FLT_EPSILON * apart * sum;
}

static void sweep_c(lapack_state_c *q, int64_t begin, int64_t i, double _Complex shift) {
    bool whole = q->s->whole;
    int64_t m = i - 1;
    while (m > begin && !may_begin_c(q, m, shift))
        m--;
    double _Complex f = at_c(q, m, m) - shift, g = at_c(q, m + 1, m);
    mx_complex64 v[2] = {{(float)creal(f), (float)cimag(f)}, {(float)creal(g), (float)cimag(g)}};
    mx_k_sweep s = {.h = q->h,
                    .ld = q->ld,
                    .plane = q->plane,
                    .top = whole ? 0 : begin,
                    .begin = begin,
                    .first = m,
                    .last = i,
                    .end = whole ? q->n : i + 1,
                    .list = add_run(&q->z, m, i - m)};
    q->z.k->chase(&s, v);
    q->z.k->finish(&s, q->room);
}

static bool shrink_c(lapack_state_c *q, int64_t *begin, int64_t i, int64_t *sweeps) {
    for (int64_t tries = 0;; tries++) {
        *begin = block_begin_c(q, *begin, i);
        if (*begin == i)
            return true;
        if (--*sweeps < 0)
            return false;
        bool other = tries % PATIENCE == PATIENCE - 1;
        sweep_c(q, *begin, i, other ? other_shift(q, i) : shift_at(q, i));
    }
}

static int iterate_c(lapack_state_c *q) {
    const lapack_hessenberg_c *s = q->s;
    int64_t rows = s->hi - s->lo + 1, sweeps = SWEEPS_PER_ROW * (rows < 10 ? 10 : rows);
    for (int64_t i = s->hi; i > s->lo; i--) {
        int64_t begin = s->lo;
        if (!shrink_c(q, &begin, i, &sweeps))
            return (int)i + 1;
    }
    turn_waiting(&q->z);
    for (int64_t i = 0; i < q->n; i++)
        s->w[i] = (mx_complex64){(float)creal(at_c(q, i, i)), (float)cimag(at_c(q, i, i))};
    return 0;
}

int lapack_schur_c(const lapack_hessenberg_c *s) {
    lapack_state_c q = {
        .s = s, .h = s->h, .n = s->n, .ld = schur_ld(s->n), .plane = schur_size(s->n)};
    void *room;
    q.room = take_aligned(&room, 2 * q.ld * MX_K_SCHUR_STRIP, sizeof(float));
    bool ok = open_waiting(&q.z, MX_COMPLEX64, s->n, s->z) && room;
    int info = ok ? iterate_c(&q) : LAPACK_NO_MEMORY;
    mx_free(room);
    mx_free(q.z.list);
    return info;
}
