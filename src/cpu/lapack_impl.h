/* Template of one LAPACK table: P(name) is the routine's name with its letter, T the element, R its real
 * type, S the suffix; COMPLEX is 1 where routines take an extra real workspace. See lapack.c. */

extern void P(getrf)(int *, int *, T *, int *, int *, int *);
extern void P(gesv)(int *, int *, T *, int *, int *, T *, int *, int *);
extern void P(getri)(int *, T *, int *, int *, T *, int *, int *);
extern void P(trtri)(char *, char *, int *, T *, int *, int *);
extern void P(trtrs)(char *, char *, char *, int *, int *, T *, int *, T *, int *, int *);
extern void P(potrf)(char *, int *, T *, int *, int *);
extern void P(geqrf)(int *, int *, T *, int *, T *, T *, int *, int *);
extern void Q(gqr)(int *, int *, int *, T *, int *, T *, T *, int *, int *);
#if COMPLEX
extern void P(gesdd)(char *, int *, int *, T *, int *, R *, T *, int *, T *, int *, T *, int *, R *, int *, int *);
extern void P(heevd)(char *, char *, int *, T *, int *, R *, T *, int *, R *, int *, int *, int *, int *);
extern void P(geev)(char *, char *, int *, T *, int *, T *, T *, int *, T *, int *, T *, int *, R *, int *);
#else
extern void P(gesdd)(char *, int *, int *, T *, int *, R *, T *, int *, T *, int *, T *, int *, int *, int *);
extern void P(syevd)(char *, char *, int *, T *, int *, R *, T *, int *, int *, int *, int *);
extern void P(geev)(char *, char *, int *, T *, int *, T *, T *, T *, int *, T *, int *, T *, int *, int *);
#endif

static T *S(work)(T size, int *lwork) {
    double n = (double)REAL_PART(size);
    *lwork = n < 1 ? 1 : n > INT_MAX ? 0 : (int)n;
    return *lwork ? mx_calloc((size_t)*lwork, sizeof(T)) : NULL;
}

static int S(lu)(int m, int n, void *a, int *pivot) {
    int info = 0, lda = m > 1 ? m : 1;
    P(getrf)(&m, &n, a, &lda, pivot, &info);
    return info;
}

static int S(solve)(int n, int rhs, void *a, int *pivot, void *b) {
    int info = 0, ld = n > 1 ? n : 1;
    P(gesv)(&n, &rhs, a, &ld, pivot, b, &ld, &info);
    return info;
}

static int S(invert)(int n, void *a, int *pivot) {
    int info = S(lu)(n, n, a, pivot), ld = n > 1 ? n : 1, lwork = -1;
    T size = 0, *work;
    if (info)
        return info;
    P(getri)(&n, a, &ld, pivot, &size, &lwork, &info);
    if (!(work = S(work)(size, &lwork)))
        return LAPACK_NO_MEMORY;
    P(getri)(&n, a, &ld, pivot, work, &lwork, &info);
    mx_free(work);
    return info;
}

static int S(tri_invert)(bool upper, int n, void *a) {
    int info = 0, ld = n > 1 ? n : 1;
    P(trtri)(upper ? "U" : "L", "N", &n, a, &ld, &info);
    return info;
}

static int S(tri_solve)(bool upper, int n, int rhs, void *a, void *b) {
    int info = 0, ld = n > 1 ? n : 1;
    P(trtrs)(upper ? "U" : "L", "N", "N", &n, &rhs, a, &ld, b, &ld, &info);
    return info;
}

static int S(cholesky)(bool upper, int n, void *a) {
    int info = 0, ld = n > 1 ? n : 1;
    P(potrf)(upper ? "U" : "L", &n, a, &ld, &info);
    return info;
}

/* R is what geqrf leaves on and above the diagonal. */
static void S(copy_r)(int m, int n, int k, const T *a, T *r) {
    for (int j = 0; j < n; j++)
        for (int i = 0; i < k; i++)
            r[i + (size_t)j * (size_t)k] = i <= j ? a[i + (size_t)j * (size_t)m] : 0;
}

static int S(qr_factor)(int m, int n, T *a, T *r, T *tau) {
    int info = 0, k = m < n ? m : n, lda = m > 1 ? m : 1, lwork = -1, lwork2 = -1;
    T size = 0, size2 = 0, *work;
    P(geqrf)(&m, &n, a, &lda, tau, &size, &lwork, &info);
    Q(gqr)(&m, &k, &k, a, &lda, tau, &size2, &lwork2, &info);
    if (!(work = S(work)(REAL_PART(size) > REAL_PART(size2) ? size : size2, &lwork)))
        return LAPACK_NO_MEMORY;
    P(geqrf)(&m, &n, a, &lda, tau, work, &lwork, &info);
    if (!info) {
        S(copy_r)(m, n, k, a, r);
        Q(gqr)(&m, &k, &k, a, &lda, tau, work, &lwork, &info);
    }
    mx_free(work);
    return info;
}

static int S(qr)(int m, int n, void *a, void *r) {
    int k = m < n ? m : n;
    T *tau = mx_calloc((size_t)k + 1, sizeof(T));
    int info = tau ? S(qr_factor)(m, n, a, r, tau) : LAPACK_NO_MEMORY;
    mx_free(tau);
    return info;
}

/* gesdd twice: first for the size of its workspace. */
static void S(gesdd)(int m, int n, T *a, R *s, T *u, T *vt, T *work, int lwork, R *rwork, int *iwork, int *info) {
    int lda = m > 1 ? m : 1, ldvt = n > 1 ? n : 1;
#if COMPLEX
    P(gesdd)(u ? "A" : "N", &m, &n, a, &lda, s, u, &lda, vt, &ldvt, work, &lwork, rwork, iwork, info);
#else
    (void)rwork;
    P(gesdd)(u ? "A" : "N", &m, &n, a, &lda, s, u, &lda, vt, &ldvt, work, &lwork, iwork, info);
#endif
}

static int S(svd)(int m, int n, void *a, void *s, void *u, void *vt) {
    int info = 0, lwork = -1;
    size_t k = (size_t)(m < n ? m : n), big = (size_t)(m < n ? n : m);
    T size = 0, *work = NULL;
    size_t reals = COMPLEX ? (5 * k + 7 > 2 * big + 2 * k + 1 ? 5 * k + 7 : 2 * big + 2 * k + 1) * k + 7 : 1;
    R *rwork = mx_calloc(reals, sizeof(R));
    int *iwork = mx_calloc(8 * k + 1, sizeof(int));
    if (rwork && iwork) {
        S(gesdd)(m, n, a, s, u, vt, &size, lwork, rwork, iwork, &info);
        work = S(work)(size, &lwork);
    }
    if (work)
        S(gesdd)(m, n, a, s, u, vt, work, lwork, rwork, iwork, &info);
    else
        info = LAPACK_NO_MEMORY;
    mx_free(work);
    mx_free(rwork);
    mx_free(iwork);
    return info;
}

static void S(heevd)(bool upper, bool vectors, int n, T *a, R *w, T *work, int lwork, R *rwork, int lrwork,
                     int *iwork, int liwork, int *info) {
    int ld = n > 1 ? n : 1;
#if COMPLEX
    P(heevd)(vectors ? "V" : "N", upper ? "U" : "L", &n, a, &ld, w, work, &lwork, rwork, &lrwork, iwork, &liwork, info);
#else
    (void)rwork;
    (void)lrwork;
    P(syevd)(vectors ? "V" : "N", upper ? "U" : "L", &n, a, &ld, w, work, &lwork, iwork, &liwork, info);
#endif
}

static int S(eigh)(bool upper, bool vectors, int n, void *a, void *w) {
    int info = 0, lwork = -1, liwork = 0;
    T size = 0, *work = NULL;
    R rsize = 0, *rwork = NULL;
    S(heevd)(upper, vectors, n, a, w, &size, -1, &rsize, -1, &liwork, -1, &info);
    int lrwork = rsize < 1 ? 1 : rsize >= (R)INT_MAX ? 0 : (int)rsize;
    int *iwork = mx_calloc((size_t)liwork + 1, sizeof(int));
    rwork = mx_calloc((size_t)lrwork + 1, sizeof(R));
    work = S(work)(size, &lwork);
    if (work && rwork && iwork && lrwork)
        S(heevd)(upper, vectors, n, a, w, work, lwork, rwork, lrwork, iwork, liwork, &info);
    else
        info = LAPACK_NO_MEMORY;
    mx_free(work);
    mx_free(rwork);
    mx_free(iwork);
    return info;
}

#if COMPLEX
static int S(eig)(int n, void *a, mx_complex64 *w, mx_complex64 *v) {
    int info = 0, ld = n > 1 ? n : 1, one = 1, lwork = -1;
    T size = 0, *work = NULL;
    R *rwork = mx_calloc(2 * (size_t)n + 1, sizeof(R));
    if (rwork) {
        P(geev)("N", v ? "V" : "N", &n, a, &ld, (T *)w, NULL, &one, (T *)v, &ld, &size, &lwork, rwork, &info);
        work = S(work)(size, &lwork);
    }
    if (work)
        P(geev)("N", v ? "V" : "N", &n, a, &ld, (T *)w, NULL, &one, (T *)v, &ld, work, &lwork, rwork, &info);
    else
        info = LAPACK_NO_MEMORY;
    mx_free(work);
    mx_free(rwork);
    return info;
}
#else
/* Conjugate pairs share two real columns: re and im of the first, the second is its conjugate. */
static void S(join_vectors)(int n, const T *wi, const T *re, mx_complex64 *v) {
    for (int j = 0; j < n; j++) {
        const T *col = re + (size_t)j * (size_t)n;
        bool pair = wi[j] != 0 && j + 1 < n;
        for (int i = 0; i < n; i++) {
            float im = pair ? (float)col[n + i] : 0;
            v[i + (size_t)j * (size_t)n] = (mx_complex64){(float)col[i], im};
            if (pair)
                v[i + (size_t)(j + 1) * (size_t)n] = (mx_complex64){(float)col[i], -im};
        }
        j += pair;
    }
}

static int S(eig)(int n, void *a, mx_complex64 *w, mx_complex64 *v) {
    int info = 0, ld = n > 1 ? n : 1, one = 1, lwork = -1;
    size_t size_n = (size_t)n + 1, size_v = v ? (size_t)n * (size_t)n + 1 : 1;
    T size = 0, *work = NULL, *wr = mx_calloc(size_n, sizeof(T)), *wi = mx_calloc(size_n, sizeof(T)),
      *re = mx_calloc(size_v, sizeof(T));
    if (wr && wi && re) {
        P(geev)("N", v ? "V" : "N", &n, a, &ld, wr, wi, NULL, &one, re, &ld, &size, &lwork, &info);
        work = S(work)(size, &lwork);
    }
    if (work)
        P(geev)("N", v ? "V" : "N", &n, a, &ld, wr, wi, NULL, &one, re, &ld, work, &lwork, &info);
    else
        info = LAPACK_NO_MEMORY;
    for (int i = 0; info == 0 && i < n; i++)
        w[i] = (mx_complex64){(float)wr[i], (float)wi[i]};
    if (info == 0 && v)
        S(join_vectors)(n, wi, re, v);
    mx_free(work);
    mx_free(wr);
    mx_free(wi);
    mx_free(re);
    return info;
}
#endif

static const lapack S(table) = {
    S(lu), S(solve), S(invert), S(tri_invert), S(tri_solve), S(cholesky), S(qr), S(svd), S(eigh), S(eig),
};

#undef P
#undef Q
#undef S
#undef T
#undef R
#undef REAL_PART
#undef COMPLEX
