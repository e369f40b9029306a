/* Template: T is an unsigned type as wide as the element. See k_index.c. */

#define SHORT_ROW 32 /* bytes up to which a loop is faster than a call of memcpy */

static void FN(move)(T *restrict to, int64_t ts, const T *restrict from, int64_t fs, int64_t len) {
    if (ts == 1 && fs == 1 && len * (int64_t)sizeof(T) > SHORT_ROW)
        memcpy(to, from, (size_t)len * sizeof(T));
    else
        for (int64_t j = 0; j < len; j++)
            to[j * ts] = from[j * fs];
}

static void FN(gather)(const mx_index_move *m, int64_t begin, int64_t end) {
    span s;
    while (begin < end) {
        begin = next_span(m, begin, end, &s);
        const T *data = (const T *)m->data + s.data;
        T *rows = (T *)m->rows + s.rows;
        if (m->len == 1)
            for (int64_t i = s.begin; i < s.end; i++)
                rows[i * m->row_stride] = data[m->offset[i]];
        else
            for (int64_t i = s.begin; i < s.end; i++)
                FN(move)(rows + i * m->row_stride, m->rows_step, data + m->offset[i], m->data_step,
                         m->len);
    }
}

static void FN(set)(const mx_index_move *m, int64_t begin, int64_t end) {
    span s;
    while (begin < end) {
        begin = next_span(m, begin, end, &s);
        T *data = (T *)m->data + s.data;
        const T *rows = (const T *)m->rows + s.rows;
        for (int64_t i = s.begin; i < s.end; i++)
            FN(move)(data + m->offset[i], m->data_step, rows + i * m->row_stride, m->rows_step,
                     m->len);
    }
}

static int64_t FN(masked)(void *out, const uint8_t *mask, int64_t n, const void *src) {
    T *to = out;
    const T *from = src;
    int64_t taken = 0;
    for (int64_t i = 0; i < n; i++)
        if (mask[i])
            to[i] = from[taken++];
    return taken;
}

#undef T
#undef FN
#undef SHORT_ROW
