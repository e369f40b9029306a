/* Powers of float64, of every instruction set: beside the C library's in long double, where that
 * is wider, within an ULP (the worst seen is 0.94, near the ends of the range), the same at every
 * place of a vector; whole powers of whole numbers are exact. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "check.h"
#include "kernels/kernels.h"
#include "kernels/pointwise/k_pointwise.h"

enum { N = 4096, KINDS = 4 };

static uint64_t state;

static double any(void) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (double)(state >> 11) / 0x1p53;
}

/* Ordinary; of any size; near one; results near the ends of the range. */
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
    CHECK_MSG(worst < 1, "%s: kind %d is %.3f ULP off", k->name, kind, worst);
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

static void whole(void) {
    int count, n = 0;
    static double want[N];
    const mx_kernels *const *all = mx_kernels_all(&count);
    for (int base = -300; base < 300; base++) {
        double power = base;
        for (int e = 1; n < N && fabs(power) < 0x1p53 && e < 53; e++, power *= base) {
            x[n] = base;
            y[n] = e;
            want[n++] = power;
        }
    }
    for (int i = 0; i < count; i++) {
        all[i]->pointwise->op[MX_PW_power][MX_FLOAT64].binary(got, x, y, (size_t)n);
        for (int k = 0; k < n; k++)
            CHECK_MSG(got[k] == want[k], "%s: %g to the power %g is %.17g", all[i]->name, x[k],
                      y[k], got[k]);
    }
}

int main(void) {
    RUN(errors);
    RUN(whole);
    return check_done();
}
