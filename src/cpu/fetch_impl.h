/* Template: FETCH_T is the element, FETCH_N the function. See fetch.c. */
static void FETCH_N(char *out, const char *data, const cpu_layout *l, int64_t start, size_t n) {
    FETCH_T *to = (FETCH_T *)out;
    int64_t index[MX_MAX_NDIM];
    int last = l->ndim - 1;
    int64_t offset = seek(l, start, index);
    while (n) {
        int64_t run = l->shape[last] - index[last], step = l->stride[0][last];
        const FETCH_T *from = (const FETCH_T *)data + offset;
        run = run < (int64_t)n ? run : (int64_t)n;
        if (step == 1)
            memcpy(to, from, (size_t)run * sizeof *to);
        else if (step == 0)
            for (int64_t i = 0; i < run; i++)
                to[i] = *from;
        else
            for (int64_t i = 0; i < run; i++)
                to[i] = from[i * step];
        to += run;
        n -= (size_t)run;
        offset = advance(l, offset, index, run);
    }
}
#undef FETCH_T
#undef FETCH_N
