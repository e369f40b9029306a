/* Householder QR with blocks of reflections I - V T V^H (Schreiber and Van Loan 1989): see
 * factor_engine.h.
 *
 *     work:  v (k,m), its conjugates (k,m) if complex; t (k,BLOCK): one T under the other;
 *            w and w2 (most,BLOCK), most = max(k,n); gram (BLOCK,BLOCK); tau (BLOCK)
 *
 * A block's reflections start in row j and reach to row m. Of X^T, whose lines are columns,
 * X -= V T V^H X  is  X^T -= (X^T conj(V)) T^T V^T: three products of what lies in rows. */
#include <string.h>

#include "cpu/linalg/factor_engine.h"

enum {
    BLOCK = 2 * FACTOR_BLOCK, /* at most */
    WIDE_FROM = 500           /* columns that no longer stay in cache between blocks */
};

typedef struct qr {
    const factor_type *f;
    int64_t m, n, k, block;
    char *a, *q, *v, *vc, *t, *tc, *w, *w2, *gram, *tau;
} qr;

int64_t factor_qr_work(int64_t m, int64_t n) {
    int64_t k = m < n ? m : n, most = k < n ? n : k;
    return 2 * k * m + (2 * (k + BLOCK) + 2 * most + BLOCK + 1) * BLOCK;
}

static char *take(const qr *s, char **work, int64_t elements) {
    char *p = *work;
    *work = factor_at(s->f, p, elements);
    return p;
}

static void lay_out(qr *s, char *work) {
    int64_t most = s->k < s->n ? s->n : s->k;
    bool complex = s->f->k->conjugate != NULL;
    s->v = take(s, &work, s->k * s->m);
    s->vc = complex ? take(s, &work, s->k * s->m) : s->v;
    s->t = take(s, &work, (s->k + BLOCK) * BLOCK);
    s->tc = complex ? take(s, &work, (s->k + BLOCK) * BLOCK) : s->t;
    s->w = take(s, &work, most * BLOCK);
    s->w2 = take(s, &work, most * BLOCK);
    s->gram = take(s, &work, BLOCK * BLOCK);
    s->tau = take(s, &work, BLOCK);
}

static void set_one(const qr *s, char *p) {
    if (s->f->dtype == MX_FLOAT64)
        memcpy(p, &(double){1}, sizeof(double));
    else
        memcpy(p, &(mx_complex64){1, 0}, s->f->item);
}

static int64_t width_at(const qr *s, int64_t j) {
    return s->k - j < s->block ? s->k - j : s->block;
}

/* x, `lines` lines from row j on, less (x conj(V)) T^T V^T, or with T^H in T's place. */
static bool reflect(const qr *s, int64_t j, int64_t lines, char *x, bool back) {
    const factor_type *f = s->f;
    int64_t nb = width_at(s, j), rows = s->m - j, at = j * s->m + j;
    mx_matrix t = {factor_at(f, back ? s->tc : s->t, j * BLOCK), back ? nb : 1, back ? 1 : nb};
    return factor_multiply(f, 1, lines, nb, rows, (mx_matrix){x, s->m, 1},
                           (mx_matrix){factor_at(f, s->vc, at), 1, s->m}, s->w, BLOCK) &&
           factor_multiply(f, 1, lines, nb, nb, (mx_matrix){s->w, BLOCK, 1}, t, s->w2, BLOCK) &&
           factor_subtract(f, lines, rows, nb, (mx_matrix){s->w2, BLOCK, 1},
                           (mx_matrix){factor_at(f, s->v, at), s->m, 1}, x, s->m);
}

/* V of the block at j, with its ones and zeros written out. */
static void keep_reflections(const qr *s, int64_t j, int64_t nb) {
    for (int64_t i = 0; i < nb; i++) {
        int64_t line = (j + i) * s->m + j;
        char *v = factor_at(s->f, s->v, line);
        memset(v, 0, (size_t)i * s->f->item);
        set_one(s, factor_at(s->f, v, i));
        memcpy(factor_at(s->f, v, i + 1), factor_at(s->f, s->a, line + i + 1),
               (size_t)(s->m - j - i - 1) * s->f->item);
    }
    factor_conjugate(s->f, nb, s->m - j, factor_at(s->f, s->vc, j * s->m + j),
                     factor_at(s->f, s->v, j * s->m + j), s->m);
}

static bool factor_block(const qr *s, int64_t j) {
    const factor_type *f = s->f;
    int64_t nb = width_at(s, j), rows = s->m - j, at = j * s->m + j;
    char *t = factor_at(f, s->t, j * BLOCK);
    f->k->qr(rows, nb, factor_at(f, s->a, at), s->m, s->tau);
    keep_reflections(s, j, nb);
    if (!factor_multiply(f, 1, nb, nb, rows, (mx_matrix){factor_at(f, s->vc, at), s->m, 1},
                         (mx_matrix){factor_at(f, s->v, at), 1, s->m}, s->gram, nb))
        return false;
    f->k->wy(nb, s->tau, s->gram, t);
    factor_conjugate(f, 1, nb * nb, factor_at(f, s->tc, j * BLOCK), t, 0);
    int64_t next = j + nb;
    return next >= s->n || reflect(s, j, s->n - next, factor_at(f, s->a, next * s->m + j), true);
}

/* The first k columns of the identity, and the blocks' reflections, the last first. Column i is
   still that of the identity above row j when the block at j comes, for i >= j. */
static bool form_q(const qr *s) {
    memset(s->q, 0, (size_t)(s->k * s->m) * s->f->item);
    for (int64_t i = 0; i < s->k; i++)
        set_one(s, factor_at(s->f, s->q, i * s->m + i));
    for (int64_t j = (s->k - 1) / s->block * s->block; j >= 0; j -= s->block)
        if (!reflect(s, j, s->k - j, factor_at(s->f, s->q, j * s->m + j), false))
            return false;
    return true;
}

bool factor_qr(const factor_type *f, int64_t m, int64_t n, char *a, char *q, char *work) {
    qr s = {.f = f, .m = m, .n = n, .k = m < n ? m : n, .a = a, .q = q};
    s.block = s.k < WIDE_FROM ? FACTOR_BLOCK : BLOCK;
    lay_out(&s, work);
    for (int64_t j = 0; j < s.k; j += s.block)
        if (!factor_block(&s, j))
            return false;
    return s.k == 0 || form_q(&s);
}
