/* Template of eig of one matrix of T, part of lapack_impl.h: LAPACK balances it, reduces it to a
 * Hessenberg matrix and finds the eigenvectors of its Schur form (Anderson et al. 1999), which is
 * ours (schur.h): of LAPACK's time that takes four fifths, and ours a third as long.
 *
 *     a -> scale -> balance -> H, Q -> T, Q Z -> vectors of T, times Q Z -> back -> length 1
 */

/* What eig works with. Matrices lie in columns of n, h and z as schur.h has them. */
typedef struct S(eigen) {
    int n, ld, lo, hi; /* rows lo .. hi, from 1, are left by balancing */
    T *a, *q;          /* q: n + 1 columns; or NULL */
    R *h, *z;          /* z: of reals q itself */
    R *scale, *wr, *wi;
    mx_complex64 *w;
    T *tau, *work;
    int lwork;
    void *room[5]; /* what is freed */
} S(eigen);

/* --- scale ------------------------------------------------------------------------------------ */

enum { S(PARTS) = COMPLEX ? 2 : 1 }; /* numbers of an element */

/* What brings the largest number into the range where squares are numbers, as geev does; or 1. */
static R S(scale_for)(const R *a, int64_t count) {
    const R small = (R)(sqrt((double)SMALLEST) / (double)ULP), big = 1 / small;
    R most = 0;
    for (int64_t i = 0; i < count; i++)
        most = a[i] > most ? a[i] : -a[i] > most ? -a[i] : most;
    return most > 0 && most < small ? small / most : most > big ? big / most : 1;
}

static void S(multiply)(R *x, int64_t count, R by) {
    for (int64_t i = 0; by != 1 && i < count; i++)
        x[i] *= by;
}

/* --- Schur's form ----------------------------------------------------------------------------- */

/* One column between numbers and planes, which are `step` apart from element to element. */
static void S(move)(T *x, R *plane, int64_t step, int64_t to_imaginary, int64_t count, bool back) {
    R *part = (R *)x;
    for (int64_t i = 0; i < count; i++, part += S(PARTS), plane += step)
        for (int64_t k = 0; k < S(PARTS); k++)
            if (back)
                part[k] = plane[k * to_imaginary];
            else
                plane[k * to_imaginary] = part[k];
}

/* The upper triangle of a and one diagonal below to the rows of h, and back; q likewise. */
static void S(to_planes)(const S(eigen) * e, bool back) {
    int64_t n = e->n, ld = schur_ld(n);
    for (int64_t c = 0; c < n; c++) {
        int64_t rows = c + 2 < n ? c + 2 : n;
        S(move)(e->a + c * n, e->h + c, ld, schur_size(n), rows, back);
        if (COMPLEX && e->q)
            S(move)(e->q + c * n, e->z + c * n, 1, n * (n + 1), n, back);
    }
}

static int S(iterate)(S(eigen) * e) {
#if COMPLEX
    lapack_hessenberg_c s = {e->n, e->lo - 1, e->hi - 1, e->q != NULL, e->h, e->z, e->w};
#else
    SCHUR(lapack_hessenberg)
    s = {e->n, e->lo - 1, e->hi - 1, e->q != NULL, e->h, e->z, e->wr, e->wi, S(routines).lanv2};
#endif
    S(to_planes)(e, false);
    int info = SCHUR(lapack_schur)(&s);
    if (info == 0 && e->q)
        S(to_planes)(e, true);
    return info;
}

/* --- LAPACK's parts --------------------------------------------------------------------------- */

/* q becomes the eigenvectors of a, of any length. */
static int S(trevc3)(const S(eigen) * e, T *work, int lwork) {
    int n = e->n, ld = e->ld, one = 1, got = 0, info = 0;
#if COMPLEX
    S(routines).trevc3("R", "B", NULL, &n, e->a, &ld, NULL, &one, e->q, &ld, &n, &got, work, &lwork,
                       e->wr, &n, &info);
#else
    S(routines).trevc3("R", "B", NULL, &n, e->a, &ld, NULL, &one, e->q, &ld, &n, &got, work, &lwork,
                       &info);
#endif
    return info;
}

/* The largest workspace that is asked for. */
static int S(ask_work)(const S(eigen) * e) {
    int n = e->n, ld = e->ld, one = 1, ask = -1, info = 0, most = 3 * n;
    T wish[3] = {0, 0, 0};
    S(routines).gehrd(&n, &one, &n, e->a, &ld, e->tau, &wish[0], &ask, &info);
    if (e->q) {
        S(routines).orghr(&n, &one, &n, e->q, &ld, e->tau, &wish[1], &ask, &info);
        S(trevc3)(e, &wish[2], ask);
    }
    for (int i = 0; i < 3; i++) {
        double size = (double)REAL_PART(wish[i]) * (1 + 0x1p-22);
        int whole = size < INT_MAX / 2 ? (int)size + 1 : INT_MAX;
        most = whole > most ? whole : most;
    }
    return most;
}

static void *S(take)(S(eigen) * e, int i, int64_t count, size_t item) {
    return e->room[i] = mx_calloc((size_t)count, item);
}

static bool S(get_room)(S(eigen) * e, bool vectors) {
    int64_t n = e->n;
    if (vectors && !(e->q = S(take)(e, 0, n * (n + 1), sizeof(T))))
        return false;
    e->z = (R *)e->q;
    if (COMPLEX && vectors && !(e->z = S(take)(e, 1, 2 * n * (n + 1), sizeof(R))))
        return false;
    if (!(e->h = S(take)(e, 2, S(PARTS) * schur_size(n) + 16, sizeof(R))) ||
        !(e->scale = S(take)(e, 3, (3 + S(PARTS)) * n, sizeof(R))))
        return false;
    e->h = (R *)(((uintptr_t)e->h + 63) / 64 * 64);
    e->tau = (T *)(e->scale + 3 * n);
    e->wr = e->scale + n;
    e->wi = e->wr + n;
    e->lwork = S(ask_work)(e);
    return (e->work = S(take)(e, 4, e->lwork, sizeof(T))) != NULL;
}

static int S(reduce)(S(eigen) * e) {
    int n = e->n, info = 0;
    S(routines).gebal("B", &n, e->a, &e->ld, &e->lo, &e->hi, e->scale, &info);
    if (info == 0)
        S(routines).gehrd(&n, &e->lo, &e->hi, e->a, &e->ld, e->tau, e->work, &e->lwork, &info);
    if (info == 0 && e->q) {
        memcpy(e->q, e->a, (size_t)n * (size_t)n * sizeof(T));
        S(routines).orghr(&n, &e->lo, &e->hi, e->q, &e->ld, e->tau, e->work, &e->lwork, &info);
    }
    return info;
}

static int S(vectors)(S(eigen) * e) {
    int n = e->n, info = S(trevc3)(e, e->work, e->lwork);
    if (info == 0)
        S(routines).gebak("B", "R", &n, &e->lo, &e->hi, e->scale, &n, e->q, &e->ld, &info);
    return info;
}

/* --- vectors of length 1 ---------------------------------------------------------------------- */

/* re + i im, elements `step` apart; im NULL: 0. */
typedef struct S(vector) {
    const R *re, *im;
    int64_t n, step;
} S(vector);

static double S(part)(const R *x, int64_t i) {
    return x ? (double)x[i] : 0;
}

/* The largest |re| or |im|. */
static double S(largest)(const S(vector) * v) {
    double most = 0;
    for (int64_t i = 0; i < v->n * v->step; i += v->step) {
        double x = fabs(S(part)(v->re, i)), y = fabs(S(part)(v->im, i));
        most = x > most ? x : most;
        most = y > most ? y : most;
    }
    return most;
}

/* cs - i sn, which makes a vector's length 1 and its largest element real; that one's number. */
static int64_t S(turn_of)(const S(vector) * v, double *cs, double *sn) {
    double sum = 0, most = -1, by = 1 / S(largest)(v);
    int64_t at = 0;
    for (int64_t i = 0; i < v->n; i++) {
        double x = S(part)(v->re, i * v->step) * by, y = S(part)(v->im, i * v->step) * by,
               square = x * x + y * y;
        sum += square;
        at = square > most ? i : at;
        most = square > most ? square : most;
    }
    double turn = by / sqrt(sum * most) * by;
    *cs = v->im ? S(part)(v->re, at * v->step) * turn : by / sqrt(sum);
    *sn = S(part)(v->im, at * v->step) * turn;
    return at;
}

/* The conjugate of a pair's goes to v + n. */
static void S(store_vector)(S(vector) x, mx_complex64 *v, bool pair) {
    double cs, sn;
    int64_t at = S(turn_of)(&x, &cs, &sn);
    for (int64_t i = 0; i < x.n; i++) {
        double re = S(part)(x.re, i * x.step), im = S(part)(x.im, i * x.step);
        v[i] = (mx_complex64){(float)(re * cs + im * sn), i == at ? 0 : (float)(im * cs - re * sn)};
        if (pair)
            v[x.n + i] = (mx_complex64){v[i].re, -v[i].im};
    }
}

static void S(store_vectors)(const S(eigen) * e, mx_complex64 *v) {
    int64_t n = e->n;
    for (int64_t j = 0; j < n; j++) {
        bool pair = !COMPLEX
        &&e->wi[j] != 0 && j + 1 < n;
        const R *re = (const R *)(e->q + j * n), *im = COMPLEX
        ? re + 1 : pair ? re + n : NULL;
        S(store_vector)((S(vector)){re, im, n, S(PARTS)}, v + j * n, pair);
        j += pair;
    }
}

/* --- eig -------------------------------------------------------------------------------------- */

static void S(store_values)(S(eigen) * e, R by) {
    if (COMPLEX) {
        S(multiply)((R *)e->w, 2 * (int64_t)e->n, by);
        return;
    }
    S(multiply)(e->wr, 2 * (int64_t)e->n, by);
    for (int i = 0; i < e->n; i++)
        e->w[i] = (mx_complex64){(float)e->wr[i], (float)e->wi[i]};
}

static int S(eig_in)(S(eigen) * e, mx_complex64 *v) {
    int64_t count = S(PARTS) * (int64_t)e->n * e->n;
    R by = S(scale_for)((const R *)e->a, count);
    S(multiply)((R *)e->a, count, by);
    int info = S(reduce)(e);
    if (info == 0)
        info = S(iterate)(e);
    if (info == 0 && v)
        info = S(vectors)(e);
    if (info == 0)
        S(store_values)(e, 1 / by);
    if (info == 0 && v)
        S(store_vectors)(e, v);
    return info;
}

static int S(eig)(int n, void *a, mx_complex64 *w, mx_complex64 *v) {
    S(eigen) e = {.n = n, .ld = n > 1 ? n : 1, .a = a, .w = w};
    int info = S(get_room)(&e, v != NULL) ? S(eig_in)(&e, v) : LAPACK_NO_MEMORY;
    for (int i = 0; i < 5; i++)
        mx_free(e.room[i]);
    return info;
}

#undef SCHUR
#undef SMALLEST
#undef ULP
