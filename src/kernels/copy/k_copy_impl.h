/* Template: T is an unsigned type of BYTES bytes, FN(name) a function's name for it. See
 * k_copy.c. */

#define N     ZIP_LANES(BYTES)
#define BRIEF (16 / BYTES)
typedef T FN(vec) __attribute__((vector_size(N * BYTES), aligned(BYTES), may_alias));
typedef T FN(brief) __attribute__((vector_size(16), aligned(BYTES), may_alias));

/* n times x: long runs of equal bytes as the C library does it, which need not read the lines that
   it writes. */
static void FN(fill)(T *out, T x, int64_t n) {
    if (n >= LONG_FILL / BYTES && x == (T)((x & 255) * ((T)-1 / 255)))
        memset(out, (int)(x & 255), (size_t)n * sizeof *out);
    else
        for (int64_t i = 0; i < n; i++)
            out[i] = x;
}

/* One row: n elements at strides os and is. */
static void FN(row)(T *restrict out, int64_t os, const T *restrict in, int64_t is, int64_t n) {
    if (os == 1 && is == 1) {
        memcpy(out, in, (size_t)n * sizeof *out);
    } else if (is == 0) {
        T x = *in;
        if (os == 1)
            FN(fill)(out, x, n);
        else
            for (int64_t i = 0; i < n; i++)
                out[i * os] = x;
    } else if (os == 1 && is == 2) {
        for (int64_t i = 0; i < n; i++)
            out[i] = in[2 * i];
    } else if (os == 1 && is == -1) {
        for (int64_t i = 0; i < n; i++)
            out[i] = in[-i];
    } else if (os == 1) {
        for (int64_t i = 0; i < n; i++)
            out[i] = in[i * is];
    } else {
        for (int64_t i = 0; i < n; i++)
            out[i * os] = in[i * is];
    }
}

/* Elements 2, 4 or 8 times each, N at a time; how many of them. */
static inline __attribute__((always_inline)) int64_t FN(spread_even)(T *out, const T *in, int64_t r,
                                                                     const int c) {
    int64_t i = 0;
    for (; i + N <= r; i += N) {
        FN(vec) v[8];
        v[0] = *(const FN(vec) *)(in + i);
        _Pragma("GCC unroll 4") for (int w = 1; w < c; w *= 2)
            _Pragma("GCC unroll 4") for (int k = w - 1; k >= 0; k--) {
            v[2 * k + 1] = ZIP_HI(N)(v[k], v[k]);
            v[2 * k] = ZIP_LO(N)(v[k], v[k]);
        }
        _Pragma("GCC unroll 8") for (int k = 0; k < c; k++) * (FN(vec) *)(out + i * c + k * N) =
            v[k];
    }
    return i;
}

/* c times by whole vectors: the next element is written over what is too much of one. The last
   few, behind which is nothing of ours, are left. */
static inline __attribute__((always_inline)) int64_t FN(spread_over)(T *out, const T *in,
                                                                     int64_t is, int64_t r,
                                                                     int64_t c, int64_t whole) {
    int64_t i = 0;
    for (; i * c + whole <= r * c; i++, out += c) {
        FN(brief) v = in[i * is] + (FN(brief)){0};
        for (int64_t j = 0; j < whole; j += BRIEF)
            *(FN(brief) *)(out + j) = v;
    }
    return i;
}

/* r elements c times each. */
static void FN(spread)(T *out, const T *in, int64_t is, int64_t r, int64_t c) {
    int64_t i = 0;
    if (is == 1 && c == 2)
        i = FN(spread_even)(out, in, r, 2);
    else if (is == 1 && c == 4)
        i = FN(spread_even)(out, in, r, 4);
    else if (is == 1 && c == 8)
        i = FN(spread_even)(out, in, r, 8);
    else if (c <= BRIEF)
        i = FN(spread_over)(out, in, is, r, c, BRIEF);
    else
        i = FN(spread_over)(out, in, is, r, c, (c + BRIEF - 1) / BRIEF * BRIEF);
    for (; i < r; i++)
        for (int64_t j = 0; j < c; j++)
            out[i * c + j] = in[i * is];
}

/* out[i][j] = in[j][i], N by N, rows of both contiguous. */
static inline __attribute__((always_inline)) void FN(square)(T *out, int64_t os, const T *in,
                                                             int64_t is) {
    FN(vec) v[N], w[N];
    _Pragma("GCC unroll 16") for (int i = 0; i < N; i++) v[i] = *(const FN(vec) *)(in + i * is);
    _Pragma("GCC unroll 4") for (int round = 1; round < N; round *= 2) {
        _Pragma("GCC unroll 8") for (int i = 0; i < N / 2; i++) {
            w[2 * i] = ZIP_LO(N)(v[i], v[i + N / 2]);
            w[2 * i + 1] = ZIP_HI(N)(v[i], v[i + N / 2]);
        }
        _Pragma("GCC unroll 16") for (int i = 0; i < N; i++) v[i] = w[i];
    }
    _Pragma("GCC unroll 16") for (int i = 0; i < N; i++) * (FN(vec) *)(out + i * os) = v[i];
}

/* out[i][j] = in[j][i] for r by c elements: squares first, what is left over element by
   element. */
static void FN(turn)(T *out, int64_t os, const T *in, int64_t is, int64_t r, int64_t c) {
    int64_t i = 0;
    for (; i + N <= r; i += N) {
        int64_t j = 0;
        for (; j + N <= c; j += N)
            FN(square)(out + i * os + j, os, in + j * is + i, is);
        for (; j < c; j++)
            for (int64_t k = i; k < i + N; k++)
                out[k * os + j] = in[j * is + k];
    }
    for (; i < r; i++)
        for (int64_t j = 0; j < c; j++)
            out[i * os + j] = in[j * is + i];
}

/* The same for any size, in blocks whose rows of the output are long enough to be asked for ahead,
   and whose input stays in the second cache. */
static void FN(turn_blocks)(T *out, int64_t os, const T *in, int64_t is, int64_t r, int64_t c) {
    for (int64_t j = 0; j < c; j += TURN_RUN)
        for (int64_t i = 0; i < r; i += TURN_ROWS)
            FN(turn)(out + i * os + j, os, in + j * is + i, is, least(TURN_ROWS, r - i),
                     least(TURN_RUN, c - j));
}

/* Rows one by one, each along the longer side; long columns in pieces that stay in cache. */
static void FN(plane_rows)(T *out, const T *in, plane p) {
    if (p.c >= FEW_COLUMNS || p.r <= p.c) {
        for (int64_t i = 0; i < p.r; i++)
            FN(row)(out + i * p.os0, p.os1, in + i * p.is0, p.is1, p.c);
        return;
    }
    for (int64_t i = 0; i < p.r; i += COLUMN_PIECE)
        for (int64_t j = 0; j < p.c; j++)
            FN(row)(out + i * p.os0 + j * p.os1, p.os0, in + i * p.is0 + j * p.is1, p.is0,
                    least(COLUMN_PIECE, p.r - i));
}

/* Neither side runs along memory in both: small blocks, so that lines read are used up. */
static void FN(plane_blocks)(T *out, const T *in, plane p) {
    for (int64_t j = 0; j < p.c; j += SCATTER_BLOCK)
        for (int64_t i = 0; i < p.r; i++)
            FN(row)(out + i * p.os0 + j * p.os1, p.os1, in + i * p.is0 + j * p.is1, p.is1,
                    least(SCATTER_BLOCK, p.c - j));
}

static void FN(plane)(T *out, const T *in, plane p) {
    if (p.os0 == 1 && p.os1 != 1)
        p = turned(p);
    if (p.is0 == -1) { // from the last row on
        in -= p.r - 1;
        out += (p.r - 1) * p.os0;
        p.is0 = 1;
        p.os0 = -p.os0;
    }
    if (p.c == 1 && p.os0 == 1 && p.is0 == 0)
        FN(fill)(out, *in, p.r);
    else if (p.is1 == 0 && p.os1 == 1 && p.os0 == p.c && p.c <= SPREAD)
        FN(spread)(out, in, p.is0, p.r, p.c);
    else if (p.os1 == 1 && p.is0 == 1 && p.is1 != 0 && p.r >= N && p.c >= N)
        FN(turn_blocks)(out, p.os0, in, p.is1, p.r, p.c);
    else if (steep(&p))
        FN(plane_blocks)(out, in, p);
    else
        FN(plane_rows)(out, in, p);
}

static void FN(fetch)(void *out, const void *in, int ndim, const int64_t *shape,
                      const int64_t *stride, int64_t start, int64_t n) {
    T *to = out;
    if (ndim < 2) {
        int64_t s = ndim ? *stride : 0;
        FN(row)(to, 1, (const T *)in + start * s, s, n);
        return;
    }
    int last = ndim - 1;
    walk w = {.ndim = ndim, .shape = shape, .is = stride, .os = NULL};
    seek(&w, start);
    while (n > 0) {
        const T *from = (const T *)in + w.in;
        int64_t inner = shape[last], done;
        if (w.index[last] || n < inner) {
            done = least(inner - w.index[last], n);
            FN(row)(to, 1, from, stride[last], done);
            advance(&w, last, done);
        } else {
            int64_t r = least(n / inner, shape[last - 1] - w.index[last - 1]);
            FN(plane)(to, from, (plane){r, inner, inner, 1, stride[last - 1], stride[last]});
            advance(&w, last - 1, r);
            done = r * inner;
        }
        to += done;
        n -= done;
    }
}

static void FN(rows)(void *out, const int64_t *os, const void *in, const int64_t *is, int ndim,
                     const int64_t *shape, int64_t begin, int64_t end) {
    int last = ndim - 1;
    walk w = {.ndim = last, .shape = shape, .is = is, .os = os};
    seek(&w, begin);
    while (begin < end) {
        int64_t r = least(end - begin, shape[last - 1] - w.index[last - 1]);
        FN(plane)((T *)out + w.out, (const T *)in + w.in,
                  (plane){r, shape[last], os[last - 1], os[last], is[last - 1], is[last]});
        advance(&w, last - 1, r);
        begin += r;
    }
}

#undef N
#undef BRIEF
#undef T
#undef FN
#undef BYTES
