/* Template: T is an unsigned type as wide as the element. See k_index.c. */

#define SHORT_ROW 32 /* bytes up to which a loop is faster than a call of memcpy */

static void FN(move)(T *restrict to, int64_t ts, const T *restrict from, int64_t fs, int64_t len) {
    if (ts == 1 && fs == 1 && len * (int64_t)sizeof(T) > SHORT_ROW)
        memcpy(to, from, (size_t)len * sizeof(T));
    else
        for (int64_t j = 0; j < len; j++)
            to[j * ts] = from[j * fs];
}

ALWAYS __attribute__((unused)) void FN(picked)(T *to, const T *from, const int64_t *offset) {
    T x[8];
    _Pragma("GCC unroll 8") for (int k = 0; k < 8; k++) x[k] = from[offset[k]];
    _Pragma("GCC unroll 8") for (int k = 0; k < 8; k++) to[k] = x[k];
}

/* Rows of one element. */
static void FN(each)(T *to, int64_t stride, const T *from, const int64_t *offset, int64_t n) {
    int64_t i = 0;
    for (; stride == 1 && i + 8 <= n; i += 8)
        FN(pick)(to + i, from, offset + i);
    for (; i < n; i++)
        to[i * stride] = from[offset[i]];
}

/* Eight at a time. Bad ones read what index 0 would, and are looked for afterwards. */
ALWAYS int64_t FN(line_by)(T *out, const T *data, const char *idx, int64_t n, mx_index_axis a,
                           size_t bytes, bool is_signed, bool plain) {
    eight bad = {0}, ramp = (eight){0, 1, 2, 3, 4, 5, 6, 7} * (uint64_t)a.ramp;
    int64_t i = 0, offset[8];
    for (; i + 8 <= n; i += 8) {
        eight at;
        load_eight(&at, idx + (size_t)i * bytes, bytes, is_signed);
        if (is_signed)
            at += (uint64_t)a.size & (eight)((eight_signed)at < 0);
        eight wrong = at | ((uint64_t)a.limit - 1 - at);
        bad |= wrong;
        at &= (eight)((eight_signed)wrong >= 0);
        if (!plain)
            at = at * (uint64_t)a.step + ramp;
        memcpy(offset, &at, sizeof at);
        FN(pick)(out + i, data + (plain ? 0 : i * a.ramp), offset);
    }
    for (int k = 0; k < 8; k++)
        if (bad[k] >> 63)
            return first_bad(idx, i, a, bytes, is_signed);
    for (; i < n; i++) {
        if (first_bad(idx + (size_t)i * bytes, 1, a, bytes, is_signed) == 0)
            return i;
        resolve_each(offset, idx + (size_t)i * bytes, 1, a, bytes, is_signed, false, false);
        out[i] = data[(plain ? 0 : i * a.ramp) + offset[0]];
    }
    return -1;
}

#define LINE(name, type, is_signed)                                                         \
    static int64_t FN(line_##name)(void *out, const void *data, const void *idx, int64_t n, \
                                   const mx_index_axis *a) {                                \
        if (a->limit <= 0) /* nothing may be read */                                        \
            return n > 0 ? 0 : -1;                                                          \
        return a->step == 1 && !a->ramp                                                     \
                   ? FN(line_by)(out, data, idx, n, *a, sizeof(type), is_signed, true)      \
                   : FN(line_by)(out, data, idx, n, *a, sizeof(type), is_signed, false);    \
    }
INDEX_TYPES(LINE)
#undef LINE

static void FN(gather)(const mx_index_move *m, int64_t begin, int64_t end) {
    span s;
    while (begin < end) {
        begin = next_span(m, begin, end, &s);
        const T *data = (const T *)m->data + s.data;
        T *rows = (T *)m->rows + s.rows;
        if (m->len == 1)
            FN(each)(rows + s.begin * m->row_stride, m->row_stride, data, m->offset + s.begin,
                     s.end - s.begin);
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
