/* Template of one LAPACK table: S(name) has the dtype's suffix, T is the element, R its real type;
 * COMPLEX is 1 where routines take an extra real workspace. See lapack.c. */

/* The routines, once they are loaded. */
static struct {
#if COMPLEX
    void (*gesdd)(char *, int *, int *, T *, int *, R *, T *, int *, T *, int *, T *, int *, R *,
                  int *, int *);
    void (*heevd)(char *, char *, int *, T *, int *, R *, T *, int *, R *, int *, int *, int *,
                  int *);
    void (*trevc3)(char *, char *, int *, int *, T *, int *, T *, int *, T *, int *, int *, int *,
                   T *, int *, R *, int *, int *);
#else
    void (*gesdd)(char *, int *, int *, T *, int *, R *, T *, int *, T *, int *, T *, int *, int *,
                  int *);
    void (*heevd)(char *, char *, int *, T *, int *, R *, T *, int *, int *, int *, int *);
    void (*lanv2)(T *, T *, T *, T *, T *, T *, T *, T *, T *, T *);
    void (*trevc3)(char *, char *, int *, int *, T *, int *, T *, int *, T *, int *, int *, int *,
                   T *, int *, int *);
#endif
    void (*gebal)(char *, int *, T *, int *, int *, int *, R *, int *);
    void (*gehrd)(int *, int *, int *, T *, int *, T *, T *, int *, int *);
    void (*orghr)(int *, int *, int *, T *, int *, T *, T *, int *, int *);
    void (*gebak)(char *, char *, int *, int *, int *, R *, int *, T *, int *, int *);
} S(routines);

/* The workspace that a routine asked for. A float32 cannot say all sizes: some more, then. */
static T *S(work)(T size, int *lwork) {
    double n = (double)REAL_PART(size);
    n = n > 1 << 24 ? n * (1 + 0x1p-22) : n;
    *lwork = n < 1 ? 1 : n > INT_MAX ? 0 : (int)n;
    return *lwork ? mx_calloc((size_t)*lwork, sizeof(T)) : NULL;
}

/* gesdd twice: first for the size of its workspace. */
static void S(gesdd)(int m, int n, T *a, R *s, T *u, T *vt, T *work, int lwork, R *rwork,
                     int *iwork, int *info) {
    int lda = m > 1 ? m : 1, ldvt = n > 1 ? n : 1;
#if COMPLEX
    S(routines).gesdd(u ? "A" : "N", &m, &n, a, &lda, s, u, &lda, vt, &ldvt, work, &lwork, rwork,
                      iwork, info);
#else
    (void)rwork;
    S(routines).gesdd(u ? "A" : "N", &m, &n, a, &lda, s, u, &lda, vt, &ldvt, work, &lwork, iwork,
                      info);
#endif
}

static int S(svd)(int m, int n, void *a, void *s, void *u, void *vt) {
    int info = 0, lwork = -1;
    size_t k = (size_t)(m < n ? m : n), big = (size_t)(m < n ? n : m);
    T size = 0, *work = NULL;
    size_t reals = COMPLEX
    ? (5 * k + 7 > 2 * big + 2 * k + 1 ? 5 * k + 7 : 2 * big + 2 * k + 1) * k + 7 : 1;
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

static void S(heevd)(bool upper, bool vectors, int n, T *a, R *w, T *work, int lwork, R *rwork,
                     int lrwork, int *iwork, int liwork, int *info) {
    int ld = n > 1 ? n : 1;
#if COMPLEX
    S(routines).heevd(vectors ? "V" : "N", upper ? "U" : "L", &n, a, &ld, w, work, &lwork, rwork,
                      &lrwork, iwork, &liwork, info);
#else
    (void)rwork;
    (void)lrwork;
    S(routines).heevd(vectors ? "V" : "N", upper ? "U" : "L", &n, a, &ld, w, work, &lwork, iwork,
                      &liwork, info);
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

#include "cpu/linalg/lapack_eig.h"

static const lapack S(table) = {S(svd), S(eigh), S(eig)};

#undef S
#undef T
#undef R
#undef REAL_PART
#undef COMPLEX
