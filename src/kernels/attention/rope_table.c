/* The table of angles, in float64. Positions follow each other, so from an exact start
 * in every RESTART-th row the others come by one complex product each: exp(i a (p + 1))
 * = exp(i a p) exp(i a). */
#include <math.h>

#include "kernels/attention/k_rope.h"

#define RESTART 64
#define STRIP   32 /* angles at once */

void mx_rope_inv_freq(double *inv_freq, size_t half, double base, const float *freqs) {
    for (size_t i = 0; i < half; i++) {
        double share = (double)i / (double)half;
        inv_freq[i] = freqs ? 1.0 / (double)freqs[i] : pow(base, -share);
    }
}

/* Rows of up to RESTART positions of m <= STRIP angles. */
static void strip(float *cosine, float *sine, const double *inv_freq, size_t m, size_t half,
                  double first, size_t count, double scale) {
    double c[STRIP], s[STRIP], dc[STRIP], ds[STRIP];
    for (size_t i = 0; i < m; i++) {
        double step = scale * inv_freq[i];
        c[i] = cos(first * step);
        s[i] = sin(first * step);
        dc[i] = count > 1 ? cos(step) : 1;
        ds[i] = count > 1 ? sin(step) : 0;
    }
    for (size_t t = 0; t < count; t++, cosine += half, sine += half)
        for (size_t i = 0; i < m; i++) {
            cosine[i] = (float)c[i];
            sine[i] = (float)s[i];
            double turned = c[i] * dc[i] - s[i] * ds[i];
            s[i] = s[i] * dc[i] + c[i] * ds[i];
            c[i] = turned;
        }
}

void mx_rope_table(float *cosine, float *sine, const double *inv_freq, size_t half, double first,
                   size_t count, double scale) {
    for (size_t t = 0; t < count; t += RESTART)
        for (size_t i = 0; i < half; i += STRIP) {
            size_t rows = count - t < RESTART ? count - t : RESTART;
            size_t m = half - i < STRIP ? half - i : STRIP, at = t * half + i;
            strip(cosine + at, sine + at, inv_freq + i, m, half, first + (double)t, rows, scale);
        }
}
