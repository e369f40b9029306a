/* Powers of float64, of every instruction set: beside the C library's in long double, where that
 * is wider, within 0.85 ULP (the worst seen is 0.77, near the ends of the range), the same at every
 * place of a vector; powers that are numbers are exact; special values are the C library's. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "check.h"
#include "kernels/kernels.h"
#include "kernels/pointwise/k_pointwise.h"

enum { N = 4096, KINDS = 5 };

static uint64_t state;

static double any(void) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (double)(state >> 11) / 0x1p53;
}

/* Beside a place where one interval of the logarithm's table ends, or beside a power of two. */
static double beside(void) {
    double place = floor(any() * 33), edge = place > 0 ? 1 + (place - 0.625) / 32 : 1;
    return ldexp(edge + floor(any() * 9 - 4) * 0x1p-52, (int)(any() * 1000) - 500);
}

/* Ordinary; of any size; near one; results near the ends of the range; at edges of tables. */
static void draw(int kind, double *x, double *y) {
    *x = 0.5 + any();
    if (kind == 0) {
        *y = 0.5 + any();
        return;
    }
    if (kind == 1)
        *x = exp((any() - 0.5) * 1400);
    else if (kind == 2)
        *x = 1 + (any() - 0.5) * exp(-20 * any());
    else if (kind == 4)
        *x = beside();
    double most = kind == 3 ? 600 + 100 * any() : 700 * any();
    *y = (any() < 0.5 ? most : -most) / fabs(log(*x) != 0 ? log(*x) : 1);
}

static double x[N], y[N], got[N];

static void check(const mx_kernels *k, int kind) {
    double worst = 0;
    for (int i = 0; i < N; i++)
        draw(kind, &x[i], &y[i]);
    k->pointwise->op[MX_PW_power][MX_FLOAT64].binary(got, x, y, N);
    for (int i = 0; i < N; i++) {
        long double want = powl(x[i], y[i]);
        double near = fabs((double)want), ulp = nextafter(near, INFINITY) - near;
        double error = (double)(fabsl(got[i] - want) / ulp);
        worst = error > worst ? error : worst;
    }
    CHECK_MSG(worst < 0.85, "%s: kind %d is %.3f ULP off", k->name, kind, worst);
}

static void check_places(const mx_kernels *k) {
    double one;
    for (int i = 0; i < 64; i++) {
        k->pointwise->op[MX_PW_power][MX_FLOAT64].binary(&one, x + i, y + i, 1);
        CHECK(memcmp(&one, got + i, sizeof one) == 0);
    }
}

static void errors(void) {
    int count;
    const mx_kernels *const *all = mx_kernels_all(&count);
    state = check_seed(21);
    for (int i = 0; i < count && LDBL_MANT_DIG > DBL_MANT_DIG; i++)
        for (int kind = 0; kind < KINDS; kind++) {
            check(all[i], kind);
            check_places(all[i]);
        }
}

static double want[N];

/* Places between two numbers of one sign, or NaN and NaN: 0; 0 and -0 are far from each other. */
static int64_t apart(double a, double b) {
    int64_t i, k;
    if (isnan(a) && isnan(b))
        return 0;
    memcpy(&i, &a, sizeof i);
    memcpy(&k, &b, sizeof k);
    return (i < 0) != (k < 0) ? INT64_MAX : i < k ? k - i : i - k;
}

/* The first n powers, of every instruction set, are what is wanted, or as near as is allowed. */
static void check_wanted(int n, int64_t allowed) {
    int count;
    const mx_kernels *const *all = mx_kernels_all(&count);
    for (int i = 0; i < count; i++) {
        all[i]->pointwise->op[MX_PW_power][MX_FLOAT64].binary(got, x, y, (size_t)n);
        for (int k = 0; k < n; k++)
            CHECK_MSG(apart(got[k], want[k]) <= allowed, "%s: %a to the power %a is %a, not %a",
                      all[i]->name, x[k], y[k], got[k], want[k]);
    }
}

static void whole(void) {
    int n = 0;
    for (int base = -300; base < 300; base++) {
        double power = base;
        for (int e = 1; n < N && fabs(power) < 0x1p53 && e < 53; e++, power *= base) {
            x[n] = base;
            y[n] = e;
            want[n++] = power;
        }
    }
    check_wanted(n, 0);
}

/* A number to the power 1, its square where that has 52 bits, and powers of two, of any size. */
static void exact(void) {
    state = check_seed(22);
    for (int i = 0; i < N; i++) {
        double base = ldexp(1 + floor(any() * 0x1p25) * 0x1p-25, (int)(any() * 1000) - 500);
        x[i] = i % 3 ? base : ldexp(1 + any(), (int)(any() * 2000) - 1000);
        y[i] = i % 3 ? 2 : 1;
        want[i] = i % 3 ? base * base : x[i];
        if (i % 3 == 2) {
            int e = (int)(any() * 60) - 30;
            x[i] = ldexp(i % 2 ? -1 : 1, e);
            y[i] = floor(any() * 34);
            want[i] = ldexp(i % 2 && fmod(y[i], 2) == 1 ? -1 : 1, e * (int)y[i]);
        }
    }
    check_wanted(N, 0);
}

/* Zeros, infinities, NaN, the ends of the range: the C library's, or next to it. */
static void specials(void) {
    static const double some[] = {0,         1,           0.5,         2,          3,        4,
                                  1.5,       0x1p52,      0x1p53,      0x1p53 - 1, 0x1p54,   1e300,
                                  0x1p-1022, 0x1p-1074,   0x1.8p-1060, DBL_MAX,    1e-300,   1023,
                                  1024,      1074,        1075,        1e22,       INFINITY, NAN,
                                  0x1p-53,   1 - 0x1p-53, 1 + 0x1p-52, 0x1p63};
    enum { SOME = sizeof some / sizeof *some };
    int n = 0;
    for (int i = 0; i < 2 * SOME; i++)
        for (int k = 0; k < 2 * SOME; k++, n++) {
            x[n] = i % 2 ? -some[i / 2] : some[i / 2];
            y[n] = k % 2 ? -some[k / 2] : some[k / 2];
            want[n] = pow(x[n], y[n]);
        }
    check_wanted(n, 1);
}

int main(void) {
    RUN(errors);
    RUN(whole);
    RUN(exact);
    RUN(specials);
    return check_done();
}
