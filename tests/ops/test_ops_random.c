/* Random numbers: the same as MLX 0.32 gives for the same keys. */
#include "ops_check.h"

#include "base/threads/pool.h"

static mx_array *key(void) {
    return mx_random_key(7);
}
static mx_array *f32(double v) {
    return mx_scalar(v, MX_FLOAT32);
}
static mx_array *i32(int v) {
    return mx_scalar_i64(v, MX_INT32);
}
static mx_array *uniform(double lo, double hi, int n, mx_dtype t) {
    return mx_random_uniform(f32(lo), f32(hi), &n, 1, t, key());
}
static mx_array *normal(int n, mx_dtype t) {
    return mx_random_normal(&n, 1, t, NULL, NULL, key());
}
static mx_array *integers(double lo, double hi, int n, mx_dtype t) {
    return mx_random_randint(mx_scalar(lo, MX_INT64), mx_scalar(hi, MX_INT64), &n, 1, t, key());
}

static void test_keys(void) {
    VALUES(mx_random_key(((uint64_t)1 << 40) + 5), 0, 256, 5);
    VALUES(mx_random_split(key(), 2), 0, 966301609, 989289821, 1948237315, 1058547403);
    VALUES(mx_random_split(key(), 3), 0, 276534068, 861967409, 1905761346, 1641862660, 2900896126,
           1402713516);
    SHAPE(mx_random_split(key(), 0), 0, 2);
    DTYPE(mx_random_bits(LIST(3), 1, key()), MX_UINT8);
    DTYPE(mx_random_bits(LIST(3), 2, key()), MX_UINT16);
    VALUES(mx_random_split(mx_random_key(5), 2), 0, 3594430910, 534832770, 1784718894, 3813648515);
}

static void test_process_sequence(void) {
    int two = 2;
    mx_random_seed(3);
    VALUES(mx_random_uniform(f32(0), f32(1), &two, 1, MX_FLOAT32, NULL), 0, 0.5208584666252136,
           0.24485553801059723);
    VALUES(mx_random_normal(&two, 1, MX_FLOAT32, NULL, NULL, NULL), 1e-6, -0.08598779141902924,
           -1.8563228845596313);
    mx_random_seed(3);
    VALUES(mx_random_uniform(f32(0), f32(1), &two, 1, MX_FLOAT32, NULL), 0, 0.5208584666252136,
           0.24485553801059723);
}

static void test_uniform(void) {
    VALUES(uniform(0, 1, 5, MX_FLOAT32), 0, 0.06438560783863068, 0.20069243013858795,
           0.6504592299461365, 0.38227593898773193, 0.6754174828529358);
    VALUES(uniform(-3, 5.5, 5, MX_FLOAT32), 0, -2.4527223110198975, -1.294114351272583,
           2.5289034843444824, 0.2493455410003662, 2.741048812866211);
    VALUES(uniform(0, 1, 5, MX_FLOAT16), 0, 0.06439208984375, 0.20068359375, 0.650390625,
           0.38232421875, 0.67529296875);
    VALUES(uniform(0, 1, 5, MX_BFLOAT16), 0, 0.064453125, 0.201171875, 0.65234375, 0.3828125,
           0.67578125);
    mx_array *u = mx_view_as(uniform(0, 1, 100000, MX_FLOAT32), MX_UINT32);
    VALUES(mx_sum_all(mx_astype(u, MX_INT64)), 0,
           105274135601409); // all bits of all of them
}

static void test_normal(void) {
    int n5 = 5;
    VALUES(normal(5, MX_FLOAT32), 1e-6, -1.5189650058746338, -0.8391503095626831,
           0.38656067848205566, -0.2995086908340454, 0.45492252707481384);
    VALUES(mx_random_normal(&n5, 1, MX_FLOAT32, f32(2), f32(3), key()), 1e-6, -2.5568947792053223,
           -0.5174508094787598, 3.159682035446167, 1.1014739274978638, 3.364767551422119);
    VALUES(normal(5, MX_FLOAT16), 0, -1.5185546875, -0.8388671875, 0.38671875, -0.299560546875,
           0.455078125);
    VALUES(mx_random_normal(&n5, 1, MX_BFLOAT16, f32(.7), f32(1.3), key()), 0, -1.265625,
           -0.39453125, 1.203125, 0.310546875, 1.2890625);
    mx_array *z = normal(3, MX_COMPLEX64);
    VALUES(mx_real(z), 1e-6, -1.0740704536437988, -0.10008746385574341, 0.3216788172721863);
    VALUES(mx_imag(z), 1e-6, -0.5933688879013062, -0.21178463101387024, -0.3177284300327301);
    VALUES(normal(3, MX_FLOAT64), 1e-6, -0.7554662437553414, -0.18615793049901,
           -0.11654735256144719);
    mx_array *many = normal(200000, MX_FLOAT32);
    VALUES(mx_mean(many, NULL, 0, false), 1e-2, 0);
    VALUES(mx_var(many, NULL, 0, false, 0), 1e-2, 1);
}

static void test_integers(void) {
    VALUES(integers(-5, 17, 8, MX_INT32), 0, -5, 3, 2, -3, 10, 16, 14, 13);
    VALUES(integers(0, 300, 8, MX_UINT8), 0, 3, 43, 43, 27, 43, 43, 4, 2);
    VALUES(integers(0, 2, 8, MX_BOOL), 0, 0, 0, 0, 0, 1, 1, 1, 1);
    VALUES(integers(7, 3, 3, MX_INT32), 0, 7, 7, 7);
    VALUES(integers(0, 0x1p62, 4, MX_INT64), 0, 1037558476877856768, 1062241825726660608,
           2091903884971737088, 1136606607476523008);
    VALUES(mx_random_randint(I(0, 100), I(10, 200), LIST(3, 2), MX_INT32, key()), 0, 0, 120, 4, 138,
           6, 132);
}

static void test_bernoulli(void) {
    VALUES(mx_random_bernoulli(f32(.3), LIST(12), key()), 0, 0, 1, 1, 1, 0, 0, 0, 1, 1, 1, 1, 1);
    VALUES(mx_random_bernoulli(f32(1), LIST(4), key()), 0, 1, 1, 1, 1);
    VALUES(mx_random_bernoulli(mx_astype(F(.25, .75), MX_FLOAT16), LIST(4, 2), key()), 0, 1, 1, 0,
           1, 0, 0, 0, 0);
    DTYPE(mx_random_bernoulli(f32(.3), LIST(12), key()), MX_BOOL);
}

static void test_other_distributions(void) {
    VALUES(mx_random_truncated_normal(f32(-1), f32(2), LIST(5), MX_FLOAT32, key()), 2e-6,
           -0.8017078042030334, -0.45949041843414307, 0.4990210235118866, -0.07128787785768509,
           0.5579138994216919);
    VALUES(mx_random_gumbel(LIST(5), MX_FLOAT32, key()), 1e-6, -1.0090030431747437,
           -0.4737352132797241, 0.8437917828559875, 0.039143629372119904, 0.9354116916656494);
    VALUES(mx_random_laplace(LIST(5), MX_FLOAT32, 0, 1, key()), 1e-6, 2.0497171878814697,
           0.9128343462944031, -0.3579879701137543, 0.2684653103351593, -0.432068407535553);
    VALUES(mx_random_laplace(LIST(5), MX_FLOAT32, 2.3, 1.7, key()), 1e-6, 5.784519195556641,
           3.851818561553955, 1.691420316696167, 2.7563910484313965, 1.565483570098877);
    VALUES(mx_random_laplace(LIST(5), MX_FLOAT16, 2.3, 1.7, key()), 0, 5.78515625, 3.8515625,
           1.6923828125, 2.7578125, 1.56640625);
}

static void test_categorical(void) {
    mx_array *logits = mx_mul_s(ops_grid(3, 4), .1);
    VALUES(mx_random_categorical(logits, -1, key()), 0, 0, 1, 3);
    VALUES(mx_random_categorical(logits, 0, key()), 0, 0, 1, 1, 2);
    VALUES(mx_random_categorical_samples(logits, -1, 5, key()), 0, 1, 1, 1, 3, 3, 2, 3, 1, 3, 0, 1,
           2, 1, 0, 1);
    VALUES(mx_random_categorical_samples(logits, 0, 2, key()), 0, 0, 2, 0, 1, 2, 2, 1, 0);
    VALUES(mx_random_categorical_shape(logits, -1, LIST(2, 3), key()), 0, 0, 3, 1, 2, 1, 0);
    VALUES(mx_random_categorical_shape(logits, 0, LIST(2, 4), key()), 0, 0, 2, 0, 1, 2, 1, 2, 0);
    VALUES(mx_random_categorical(mx_astype(mx_mul_s(logits, 40), MX_FLOAT16), -1, key()), 0, 3, 3,
           3);
    VALUES(mx_random_categorical(I(1, 2, 3), -1, key()), 0, 2);
    DTYPE(mx_random_categorical(logits, -1, key()), MX_UINT32);
}

static void test_multivariate(void) {
    mx_array *mean = F(1, -1), *cov = mx_reshape(F(2, .5, .5, 1), LIST(2, 2));
    mx_array *x = mx_random_multivariate_normal(mean, cov, LIST(3), MX_FLOAT32, key());
    VALUES(x, 1e-5, -1.3008103370666504, -2.1399974822998047, 0.7390276193618774,
           -1.3225877285003662, 1.5416414737701416, -1.3435449600219727);
    FAILS(mx_random_multivariate_normal(F(1, 2, 3), cov, LIST(3), MX_FLOAT32, key()),
          "compatible shapes");
    FAILS(mx_random_multivariate_normal(mean, cov, LIST(3), MX_FLOAT16, key()),
          "dtype must be float32.");
}

static void test_refusals(void) {
    int n = 2;
    FAILS(mx_random_bits(&n, 1, 3, key()), "[bits] Bit width");
    FAILS(mx_random_bits(&n, 1, 4, I(1, 2)), "[bits] Expected key type uint32 but received int32.");
    FAILS(mx_random_bits(&n, 1, 4, mx_random_split(key(), 2)),
          "[bits] Expected key shape (2) but received (2,2).");
    FAILS(mx_random_bits(LIST(2, -1), 4, key()), "[bits] Negative dimensions not allowed.");
    FAILS(uniform(0, 1, 2, MX_INT32),
          "[uniform] Can only generate uniform numbers with real floating point type.");
    FAILS(mx_random_uniform(mx_zeros(LIST(3), MX_FLOAT32), f32(1), &n, 1, MX_FLOAT32, key()),
          "[broadcast_shapes] Shapes (2) and (3) cannot be broadcast.");
    FAILS(mx_random_uniform(mx_zeros(LIST(3, 2), MX_FLOAT32), f32(1), &n, 1, MX_FLOAT32, key()),
          "[uniform]");
    FAILS(normal(2, MX_INT32), "[normal] Only floating point and complex64 types are supported.");
    FAILS(integers(0, 3, 2, MX_FLOAT32), "[randint] randint only accepts integer dtypes and bool.");
    FAILS(mx_random_bernoulli(i32(1), &n, 1, key()),
          "[bernoulli] bernoulli probability `p` must be a float type.");
    FAILS(mx_random_truncated_normal(f32(0), f32(1), &n, 1, MX_INT32, key()), "[trunc_normal]");
    FAILS(mx_random_laplace(&n, 1, MX_INT32, 0, 1, key()),
          "[laplace] Only real floating point types are supported.");
    FAILS(mx_random_categorical(ops_grid(3, 4), 4, key()),
          "[categorical] Invalid axis 4 for logits with 2 dimensions.");
    FAILS(mx_random_categorical_shape(ops_grid(3, 4), -1, LIST(2, 2), key()),
          "cannot be broadcast");
}

static void test_threads_do_not_matter(void) {
    mx_array *a = uniform(0, 1, 100001, MX_FLOAT16), *b = uniform(0, 1, 100001, MX_FLOAT16);
    mx_pool_set_threads(1);
    CHECK(mx_eval1(a));
    mx_pool_set_threads(3);
    CHECK(mx_eval1(b));
    mx_pool_set_threads(0);
    CHECK(memcmp(a->data, b->data, 200002) == 0);
}

int main(void) {
    RUN_SCOPED(test_keys);
    RUN_SCOPED(test_process_sequence);
    RUN_SCOPED(test_uniform);
    RUN_SCOPED(test_normal);
    RUN_SCOPED(test_integers);
    RUN_SCOPED(test_bernoulli);
    RUN_SCOPED(test_other_distributions);
    RUN_SCOPED(test_categorical);
    RUN_SCOPED(test_multivariate);
    RUN_SCOPED(test_refusals);
    RUN_SCOPED(test_threads_do_not_matter);
    return check_done();
}
