/* Every step of chains, of every instruction set, against the kernel of its operation alone: the
 * same values, also of NaN, infinities, zeros and numbers that are barely there. */
#include <math.h>
#include <string.h>

#include "check.h"
#include "kernels/kernels.h"
#include "kernels/pointwise/k_pointwise.h"
#include "kernels/pointwise/k_pw_chain.h"

enum { N = 1024 };

static float x[N], y[N], wanted[N], kept[N], got[N];

static const float special[] = {0.0f,       -0.0f,    INFINITY, -INFINITY, NAN,   1.0f,
                                -1.0f,      0.5f,     2.5f,     -2.5f,     3.0f,  0x1p-126f,
                                -0x1p-149f, 0x1p127f, 88.7f,    -103.9f,   1e-3f, 10.0f};

static void fill(float *to, uint64_t seed) {
    uint64_t state = check_seed(seed);
    for (int i = 0; i < N; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        uint32_t high = (uint32_t)(state >> 33);
        to[i] = high % 5 ? (float)high / 0x1p28f - 4
                         : special[high / 5 % (sizeof special / sizeof *special)];
    }
}

static bool same(const float *a, const float *b) {
    for (int i = 0; i < N; i++)
        if (memcmp(a + i, b + i, sizeof *a) && !(isnan(a[i]) && isnan(b[i])))
            return false;
    return true;
}

/* x, the step, kept, the negative of it. */
static void run(const mx_kernels *k, mx_k_step *step, float number) {
    const mx_k_chain *c = k->chain;
    mx_k_link chain[] = {{step, y, number},
                         {c->keep, kept, 0},
                         {c->unary[MX_PW_negative], NULL, 0},
                         {c->end, NULL, 0}};
    c->run(chain, x, got, N / c->block * c->block);
}

static void check(const mx_kernels *k, mx_pointwise op, const char *how) {
    static float negative[N];
    k->pointwise->op[MX_PW_negative][MX_FLOAT32].unary(negative, wanted, N);
    CHECK_MSG(same(kept, wanted), "%s: %s, %s", k->name, mx_pw_infos[op].name, how);
    CHECK_MSG(same(got, negative), "%s: what follows %s, %s", k->name, mx_pw_infos[op].name, how);
}

static void check_unary(const mx_kernels *k, mx_pointwise op) {
    k->pointwise->op[op][MX_FLOAT32].unary(wanted, x, N);
    run(k, k->chain->unary[op], 0);
    check(k, op, "alone");
}

static void check_binary(const mx_kernels *k, mx_pointwise op, int turned) {
    static float all[N];
    mx_k_binary *f = k->pointwise->op[op][MX_FLOAT32].binary;
    f(wanted, turned ? y : x, turned ? x : y, N);
    run(k, k->chain->binary[op][MX_LINK_DATA][turned], 0);
    check(k, op, turned ? "data on the left" : "data on the right");
    for (size_t s = 0; s < sizeof special / sizeof *special; s++) {
        for (int i = 0; i < N; i++)
            all[i] = special[s];
        f(wanted, turned ? all : x, turned ? x : all, N);
        run(k, k->chain->binary[op][MX_LINK_NUMBER][turned], special[s]);
        check(k, op, turned ? "a number on the left" : "a number on the right");
        if (k->chain->plain[op] && special[s] != 0 && !isnan(special[s])) {
            run(k, k->chain->plain[op], special[s]);
            check(k, op, "a plain number");
        }
    }
}

static void steps(void) {
    int count, operations = 0;
    const mx_kernels *const *all = mx_kernels_all(&count);
    fill(x, 1);
    fill(y, 2);
    for (int i = 0; i < count; i++) {
        CHECK(N % all[i]->chain->block == 0);
        for (int op = 0; op < MX_PW_COUNT; op++) {
            if (all[i]->chain->unary[op])
                check_unary(all[i], (mx_pointwise)op);
            for (int turned = 0; turned < 2 && all[i]->chain->binary[op][0][0]; turned++)
                check_binary(all[i], (mx_pointwise)op, turned);
            operations += all[i]->chain->unary[op] || all[i]->chain->binary[op][0][0];
        }
    }
    CHECK(operations >= 20 * count);
}

int main(void) {
    RUN(steps);
    return check_done();
}
