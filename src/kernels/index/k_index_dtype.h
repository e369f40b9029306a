/* Template: scatters that combine. T is the element, C what it is computed in, LOAD and STORE
 * lead from one to the other; PLUS, TIMES, LARGER and SMALLER are expressions of C. VLOAD and
 * VSTORE, where defined, do the same for vectors of float32. See k_index.c. */

ALWAYS C FN(combine)(C a, C b, mx_scatter_kind kind) {
    switch (kind) {
    case MX_SCATTER_ADD: return PLUS(a, b);
    case MX_SCATTER_MUL: return TIMES(a, b);
    case MX_SCATTER_MAXIMUM: return LARGER(a, b);
    default: return SMALLER(a, b);
    }
}

#ifdef VLOAD
ALWAYS vf FN(combine_vector)(vf a, vf b, mx_scatter_kind kind) {
    switch (kind) {
    case MX_SCATTER_ADD: return vf_add(a, b);
    case MX_SCATTER_MUL: return vf_mul(a, b);
    case MX_SCATTER_MAXIMUM: return vf_max_nan(a, b);
    default: return vf_min_nan(a, b);
    }
}
#endif

/* Contiguous on both sides. */
ALWAYS void FN(combine_line)(T *to, const T *from, int64_t len, mx_scatter_kind kind) {
    int64_t j = 0;
#ifdef VLOAD
    for (; j + VF_LANES <= len; j += VF_LANES)
        VSTORE(to + j, FN(combine_vector)(VLOAD(to + j), VLOAD(from + j), kind));
#endif
    for (; j < len; j++)
        to[j] = STORE(FN(combine)(LOAD(to[j]), LOAD(from[j]), kind));
}

ALWAYS void FN(combine_row)(T *to, int64_t ts, const T *from, int64_t fs, int64_t len,
                            mx_scatter_kind kind) {
    if (ts == 1 && fs == 1)
        FN(combine_line)(to, from, len, kind);
    else
        for (int64_t j = 0; j < len; j++)
            to[j * ts] = STORE(FN(combine)(LOAD(to[j * ts]), LOAD(from[j * fs]), kind));
}

/* Rows of one element. */
ALWAYS void FN(combine_each)(T *to, const int64_t *offset, const T *from, int64_t stride, int64_t n,
                             mx_scatter_kind kind) {
    for (int64_t i = 0; i < n; i++, from += stride) {
        T *at = to + offset[i];
        *at = STORE(FN(combine)(LOAD(*at), LOAD(*from), kind));
    }
}

ALWAYS void FN(scatter)(const mx_index_move *m, int64_t begin, int64_t end, mx_scatter_kind kind) {
    span s;
    while (begin < end) {
        begin = next_span(m, begin, end, &s);
        T *data = (T *)m->data + s.data;
        const T *rows = (const T *)m->rows + s.rows;
        if (m->len == 1)
            FN(combine_each)(data, m->offset + s.begin, rows + s.begin * m->row_stride,
                             m->row_stride, s.end - s.begin, kind);
        else
            for (int64_t i = s.begin; i < s.end; i++)
                FN(combine_row)(data + m->offset[i], m->data_step, rows + i * m->row_stride,
                                m->rows_step, m->len, kind);
    }
}

static void FN(add)(const mx_index_move *m, int64_t begin, int64_t end) {
    FN(scatter)(m, begin, end, MX_SCATTER_ADD);
}
static void FN(mul)(const mx_index_move *m, int64_t begin, int64_t end) {
    FN(scatter)(m, begin, end, MX_SCATTER_MUL);
}
static void FN(max)(const mx_index_move *m, int64_t begin, int64_t end) {
    FN(scatter)(m, begin, end, MX_SCATTER_MAXIMUM);
}
static void FN(min)(const mx_index_move *m, int64_t begin, int64_t end) {
    FN(scatter)(m, begin, end, MX_SCATTER_MINIMUM);
}

#undef T
#undef FN
