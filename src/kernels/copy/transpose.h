/* Interleaving of vectors, the step of a transposition in registers: zip_lo gives the elements
 * of the lower halves of a and b in turn, zip_hi those of the upper halves. log2(n) rounds of
 * zipping row i with row i + n/2 transpose n rows of n lanes. */
#ifndef MX_KERNELS_TRANSPOSE_H
#define MX_KERNELS_TRANSPOSE_H

#define ZIP_LO_2(a, b) __builtin_shufflevector(a, b, 0, 2)
#define ZIP_HI_2(a, b) __builtin_shufflevector(a, b, 1, 3)
#define ZIP_LO_4(a, b) __builtin_shufflevector(a, b, 0, 4, 1, 5)
#define ZIP_HI_4(a, b) __builtin_shufflevector(a, b, 2, 6, 3, 7)
#define ZIP_LO_8(a, b) __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11)
#define ZIP_HI_8(a, b) __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15)
#define ZIP_LO_16(a, b) \
    __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
#define ZIP_HI_16(a, b) \
    __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)

/* Lanes of the square that is transposed at once, by element size. */
#define ZIP_LANES_1 16
#if defined(__AVX512F__)
#define ZIP_LANES_2 16
#define ZIP_LANES_4 16
#define ZIP_LANES_8 8
#elif defined(__AVX2__)
#define ZIP_LANES_2 8
#define ZIP_LANES_4 8
#define ZIP_LANES_8 4
#else
#define ZIP_LANES_2 8
#define ZIP_LANES_4 4
#define ZIP_LANES_8 2
#endif

#define ZIP_JOIN2(a, b)  a##b
#define ZIP_JOIN(a, b)   ZIP_JOIN2(a, b)
#define ZIP_LANES(bytes) ZIP_JOIN(ZIP_LANES_, bytes)
#define ZIP_LO(lanes)    ZIP_JOIN(ZIP_LO_, lanes)
#define ZIP_HI(lanes)    ZIP_JOIN(ZIP_HI_, lanes)

#endif
