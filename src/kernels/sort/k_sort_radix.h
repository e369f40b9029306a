/* Template: radix sort of elements E by their unsigned key. Included with
 *
 *     E        element            KEY(e)   its key            BYTES   bytes of the key
 *     FN(f)    names the functions
 *
 * Least significant byte first (Knuth, volume 3, 5.2.5), stable; a byte in which all keys agree
 * costs nothing but its count. Where there are sorts in vectors (k_sort_vector.h) some go unused.
 * All are undefined again at the end.
 */

static void FN(insertion)(E *a, size_t n) {
    for (size_t i = 1; i < n; i++) {
        E e = a[i];
        size_t j = i;
        for (; j && KEY(a[j - 1]) > KEY(e); j--)
            a[j] = a[j - 1];
        a[j] = e;
    }
}

/* Few elements: each goes where the number of smaller ones says, n^2 comparisons in vectors. */
__attribute__((unused)) static void FN(rank)(E *restrict out, const E *restrict a, size_t n) {
    for (size_t i = 0; i < n; i++) {
        uint32_t at = 0;
        for (size_t j = 0; j < i; j++)
            at += KEY(a[j]) <= KEY(a[i]);
        for (size_t j = i + 1; j < n; j++)
            at += KEY(a[j]) < KEY(a[i]);
        out[at] = a[i];
    }
}

/* counts[b][v]: how many keys have v in byte b. */
__attribute__((unused)) static void FN(count)(uint32_t counts[BYTES][256], const E *a, size_t n) {
    memset(counts, 0, sizeof(uint32_t[BYTES][256]));
    for (size_t i = 0; i < n; i++)
        for (int b = 0; b < BYTES; b++)
            counts[b][(KEY(a[i]) >> 8 * b) & 255]++;
}

/* Sorts a[n] with the help of b[n]; the result is in the returned one of the two. n < 2^32. */
__attribute__((unused)) static E *FN(sort)(E *a, E *b, size_t n) {
    uint32_t counts[BYTES][256];
    if (n <= 8) {
        FN(insertion)(a, n);
        return a;
    }
    if (n <= RANK_MOST) {
        FN(rank)(b, a, n);
        return b;
    }
    FN(count)(counts, a, n);
    for (int byte = 0; byte < BYTES; byte++) {
        uint32_t *at = counts[byte], sum = 0;
        if (at[(KEY(a[0]) >> 8 * byte) & 255] == n)
            continue;
        for (int v = 0; v < 256; v++) { // counts become places
            uint32_t c = at[v];
            at[v] = sum;
            sum += c;
        }
        for (size_t i = 0; i < n; i++)
            b[at[(KEY(a[i]) >> 8 * byte) & 255]++] = a[i];
        E *t = a;
        a = b, b = t;
    }
    return a;
}

#undef E
#undef KEY
#undef BYTES
#undef FN
