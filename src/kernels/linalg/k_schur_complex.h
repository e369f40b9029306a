/* The sweeps of complex64, real and imaginary parts in planes of their own: rotations, which make
 *
 *     ( c        s ) (x)         of two rows, and of two columns with the conjugates of s;
 *     ( -conj(s) c ) (y)         c is real. In a list: c, re s, im s.
 *
 * The words are those of k_schur_type.h, whose template for float32 comes before. */

typedef struct rotation {
    float c, re, im;
} rotation;

/* What makes (f, g) to (beta, 0), and beta to *f. Products of four float32 are float64s. */
static inline rotation find_rotation(mx_complex64 *f, mx_complex64 g) {
    double a = f->re, b = f->im, d = g.re, e = g.im, near = a * a + b * b, far = d * d + e * e;
    if (far == 0)
        return (rotation){1, 0, 0};
    if (near == 0) {
        double by = 1 / sqrt(far);
        *f = (mx_complex64){(float)(far * by), 0};
        return (rotation){0, (float)(d * by), (float)(-e * by)};
    }
    double by = 1 / sqrt(near * (near + far)), length = (near + far) * by;
    *f = (mx_complex64){(float)(a * length), (float)(b * length)};
    return (rotation){(float)(near * by), (float)((a * d + b * e) * by),
                      (float)((b * d - a * e) * by)};
}

/* Two numbers in planes x and y, `step` apart; im: that of s, turned for columns. */
static inline void rotate(float *x, float *y, ptrdiff_t step, float c, float re, float im) {
    float a = x[0], b = y[0], d = x[step], e = y[step];
    x[0] = c * a + (re * d - im * e);
    y[0] = c * b + (re * e + im * d);
    x[step] = c * d - (re * a + im * b);
    y[step] = c * e - (re * b - im * a);
}

/* --- chase ------------------------------------------------------------------------------------ */

static inline void rotate_rows(float *x, float *y, ptrdiff_t ld, ptrdiff_t from, ptrdiff_t end,
                               rotation p) {
    vf c = vf_set1(p.c), re = vf_set1(p.re), im = vf_set1(p.im);
    for (ptrdiff_t i = from; i < end; i += VF_LANES) {
        vf a = vf_load(x + i), b = vf_load(y + i), d = vf_load(x + ld + i), e = vf_load(y + ld + i);
        vf_store(x + i, vf_fma(c, a, vf_fnma(im, e, vf_mul(re, d))));
        vf_store(y + i, vf_fma(c, b, vf_fma(im, d, vf_mul(re, e))));
        vf_store(x + ld + i, vf_fnma(re, a, vf_fnma(im, b, vf_mul(c, d))));
        vf_store(y + ld + i, vf_fnma(re, b, vf_fma(im, a, vf_mul(c, e))));
    }
}

static inline void chase_left_c(const mx_k_sweep *s, ptrdiff_t k, rotation p) {
    float *x = (float *)s->h + k * s->ld, *y = x + s->plane;
    ptrdiff_t near = (k + 2 + VF_LANES - 1) / VF_LANES * VF_LANES;
    for (ptrdiff_t c = k; c < near; c++)
        rotate(x + c, y + c, s->ld, p.c, p.re, p.im);
    rotate_rows(x, y, s->ld, near, s->end, p);
}

static void chase_c(const mx_k_sweep *s, const void *start) {
    rotation *p = s->list;
    mx_complex64 f, g;
    memcpy(&f, start, sizeof f);
    memcpy(&g, (const mx_complex64 *)start + 1, sizeof g);
    for (ptrdiff_t k = s->first; k < s->last; k++, p++) {
        float *x = (float *)s->h + k * s->ld + k, *y = x + s->plane;
        *p = find_rotation(&f, g);
        if (k > s->first) {
            x[-1] = f.re;
            y[-1] = f.im;
            x[s->ld - 1] = y[s->ld - 1] = 0;
        } else if (k > s->begin) {
            x[-1] *= p->c;
            y[-1] *= p->c;
        }
        chase_left_c(s, k, *p);
        for (ptrdiff_t r = 1; r <= 2 && k + r <= s->last; r++)
            rotate(x + r * s->ld, y + r * s->ld, 1, p->c, p->re, -p->im);
        f = (mx_complex64){x[s->ld], y[s->ld]};
        g = k + 2 <= s->last ? (mx_complex64){x[2 * s->ld], y[2 * s->ld]} : (mx_complex64){0, 0};
    }
}

/* --- columns ---------------------------------------------------------------------------------- */

/* Two neighbouring columns, real and imaginary parts. */
typedef struct columns {
    vf a, b, d, e;
} columns;

SV columns rotate_columns(columns x, const rotation *p) {
    vf c = vf_set1(p->c), re = vf_set1(p->re), im = vf_set1(p->im);
    return (columns){vf_fma(c, x.a, vf_fma(im, x.e, vf_mul(re, x.d))),
                     vf_fma(c, x.b, vf_fnma(im, x.d, vf_mul(re, x.e))),
                     vf_fnma(re, x.a, vf_fma(im, x.b, vf_mul(c, x.d))),
                     vf_fnma(re, x.b, vf_fnma(im, x.a, vf_mul(c, x.e)))};
}

/* `count` rotations of columns that are `vectors` vectors long. */
SV void wave_c(float *z, ptrdiff_t plane, ptrdiff_t ld, const int vectors, ptrdiff_t count,
               const rotation *p) {
    vf a[4], b[4];
    for (int i = 0; i < vectors; i++) {
        a[i] = vf_load(z + i * VF_LANES);
        b[i] = vf_load(z + plane + i * VF_LANES);
    }
    for (const rotation *end = p + count; p < end; p++, z += ld)
        for (int i = 0; i < vectors; i++) {
            float *at = z + i * VF_LANES;
            columns x = {a[i], b[i], vf_load(at + ld), vf_load(at + plane + ld)};
            x = rotate_columns(x, p);
            vf_store(at, x.a);
            vf_store(at + plane, x.b);
            a[i] = x.d;
            b[i] = x.e;
        }
    for (int i = 0; i < vectors; i++) {
        vf_store(z + i * VF_LANES, a[i]);
        vf_store(z + plane + i * VF_LANES, b[i]);
    }
}

static void waves_c(float *z, ptrdiff_t plane, ptrdiff_t ld, ptrdiff_t vectors, ptrdiff_t count,
                    const rotation *p) {
    switch (vectors) {
    case 1: wave_c(z, plane, ld, 1, count, p); return;
    case 2: wave_c(z, plane, ld, 2, count, p); return;
    case 3: wave_c(z, plane, ld, 3, count, p); return;
    case 4: wave_c(z, plane, ld, 4, count, p); return;
    default: return;
    }
}

/* The last rows, fewer than a vector has. */
static void wave_rest_c(float *z, ptrdiff_t plane, ptrdiff_t ld, size_t rows, ptrdiff_t count,
                        const rotation *p) {
    columns x = {.d = vf_loadn(z, rows), .e = vf_loadn(z + plane, rows)};
    for (const rotation *end = p + count; p < end; p++, z += ld) {
        x = (columns){x.d, x.e, vf_loadn(z + ld, rows), vf_loadn(z + plane + ld, rows)};
        x = rotate_columns(x, p);
        vf_storen(z, x.a, rows);
        vf_storen(z + plane, x.b, rows);
    }
    vf_storen(z, x.d, rows);
    vf_storen(z + plane, x.e, rows);
}

static void turn_c(void *z, ptrdiff_t plane, ptrdiff_t ld, ptrdiff_t rows, ptrdiff_t count,
                   const void *list) {
    ptrdiff_t r = 0;
    while (rows - r >= VF_LANES) {
        ptrdiff_t vectors = (rows - r) / VF_LANES < 4 ? (rows - r) / VF_LANES : 4;
        waves_c((float *)z + r, plane, ld, vectors, count, list);
        r += vectors * VF_LANES;
    }
    if (r < rows)
        wave_rest_c((float *)z + r, plane, ld, (size_t)(rows - r), count, list);
}

/* --- finish ----------------------------------------------------------------------------------- */

/* As wave_stairs of k_schur_type.h. */
static void wave_stairs_c(float *z, ptrdiff_t plane, ptrdiff_t ld, ptrdiff_t row, ptrdiff_t from,
                          ptrdiff_t to, const rotation *p) {
    vf a = vf_load(z), b = vf_load(z + plane);
    for (ptrdiff_t k = from; k < to; k++, z += ld, p++) {
        columns old = {a, b, vf_load(z + ld), vf_load(z + plane + ld)}, x = rotate_columns(old, p);
        vm reached = vm_first((size_t)(k - row + 1));
        vf_store(z, vf_select(reached, x.a, old.a));
        vf_store(z + plane, vf_select(reached, x.b, old.b));
        a = vf_select(reached, x.d, old.d);
        b = vf_select(reached, x.e, old.e);
    }
    vf_store(z, a);
    vf_store(z + plane, b);
}

static void finish_strip_c(const strip_f *t, ptrdiff_t plane) {
    const mx_k_sweep *s = t->s;
    const rotation *list = s->list;
    for (ptrdiff_t v = 0; v <= t->vectors; v++) {
        ptrdiff_t row = t->row + v * VF_LANES, from = within_f(row, t->from, s->last),
                  to = v < t->vectors ? within_f(row + VF_LANES, t->from, s->last) : s->last;
        const rotation *p = list + (from - s->first);
        float *z = t->room + (from - t->from) * t->ld;
        if (from == to)
            continue;
        waves_c(z, plane, t->ld, v, to - from, p);
        if (v < t->vectors)
            wave_stairs_c(z + v * VF_LANES, plane, t->ld, row, from, to, p);
    }
}

static void finish_c(const mx_k_sweep *s, void *room) {
    ptrdiff_t plane = MX_K_SCHUR_STRIP * s->ld;
    mx_k_sweep imaginary = *s;
    imaginary.h = (float *)s->h + s->plane;
    for (ptrdiff_t row = s->top; row < s->last;) {
        ptrdiff_t left = (s->last - row + VF_LANES - 1) / VF_LANES, vectors = left < 4 ? left : 4,
                  from = row > s->first ? row : s->first;
        strip_f t = {s, room, row, from, vectors, vectors * VF_LANES}, u = t;
        u.s = &imaginary;
        u.room += plane;
        move_f(&t, false);
        move_f(&u, false);
        finish_strip_c(&t, plane);
        move_f(&t, true);
        move_f(&u, true);
        row += vectors * VF_LANES;
    }
}

const mx_k_schur KN(mx_schur_c64) = {chase_c, finish_c, turn_c};
