/* Template: the k-th smallest of n keys of type K, from the most significant byte down; FN names.
 * Destroys a[n] and b[n]. */

__attribute__((unused)) static K FN(select)(K *a, K *b, size_t n, size_t k) {
    for (int shift = 8 * (int)sizeof(K) - 8; shift >= 0; shift -= 8) {
        if (n <= 32) {
            FN(insertion)(a, n);
            return a[k];
        }
        uint32_t counts[256] = {0};
        size_t m = 0;
        unsigned v = 0;
        for (size_t i = 0; i < n; i++)
            counts[(a[i] >> shift) & 255]++;
        for (; k >= counts[v]; v++)
            k -= counts[v];
        for (size_t i = 0; i < n; i++) { // keep those with this byte
            b[m] = a[i];
            m += ((a[i] >> shift) & 255) == v;
        }
        K *t = a;
        a = b, b = t;
        n = m;
    }
    return a[0];
}

#undef FN
