/* A template: multiplications with additions in registers, as many chains as hide the latency of
 * one. Before it is included:
 *
 *     NAME     of the function
 *     TARGET   the attribute of its instruction set, or nothing
 *     REAL     float or double
 *     BYTES    of a register
 *
 * Each chain is x = x * 0.5 + 1, which stays near 2.
 */
#define JOIN_(a, b) a##b
#define JOIN(a, b)  JOIN_(a, b)
#define VECTOR      JOIN(NAME, _vector)

typedef REAL VECTOR __attribute__((vector_size(BYTES)));

TARGET static double NAME(long rounds, double *sink) {
    enum { CHAINS = 12, STEPS = 32, LANES = BYTES / sizeof(REAL) };
    VECTOR x[CHAINS], half, one;
    for (int i = 0; i < (int)LANES; i++)
        half[i] = (REAL)0.5, one[i] = (REAL)1;
    for (int c = 0; c < CHAINS; c++)
        x[c] = one * (REAL)c;
    for (long r = 0; r < rounds; r++)
        for (int s = 0; s < STEPS; s++)
            for (int c = 0; c < CHAINS; c++)
                x[c] = x[c] * half + one;
    for (int c = 0; c < CHAINS; c++)
        for (int i = 0; i < (int)LANES; i++)
            *sink += (double)x[c][i];
    return 2.0 * CHAINS * STEPS * LANES * (double)rounds;
}

#undef VECTOR
#undef JOIN
#undef JOIN_
#undef NAME
#undef TARGET
#undef REAL
#undef BYTES
