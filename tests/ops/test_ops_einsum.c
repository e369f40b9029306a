/* einsum, einsum_path, vecdot: values, what the subscripts may say, the order of pairs,
   refusals. */
#include "cases/op_check.h"

#define IN(...) \
    (mx_array *[]){__VA_ARGS__}, (int)(sizeof((mx_array *[]){__VA_ARGS__}) / sizeof(mx_array *))

static mx_array *a, *b; /* (2,3), (3,4) */

/* [0 1 2; 3 4 5] and [0 1 2 3; 4 5 6 7; 8 9 10 11] */
static void make(void) {
    a = ramp(MX_FLOAT32, SHAPE(2, 3));
    b = ramp(MX_FLOAT32, SHAPE(3, 4));
}

static void products(void) {
    const char *want = "array([[20, 23, 26, 29],[56, 68, 80, 92]], dtype=float32)";
    make();
    IS(mx_einsum("ij,jk->ik", IN(a, b)), want);
    IS(mx_einsum("ij,jk", IN(a, b)), want);
    IS(mx_einsum(" i j , j k - > i k", IN(a, b)),
       "[einsum] Subscripts must be letters, but got '-'.");
    IS(mx_einsum(" i j , j k -> i k", IN(a, b)), want);
    IS(mx_einsum("jk,ij->ik", IN(b, a)), want);
    IS(mx_einsum("ij,jk->ki", IN(a, b)),
       "array([[20, 56],[23, 68],[26, 80],[29, 92]], dtype=float32)");
    IS(mx_einsum("ij,jk->", IN(a, b)), "array(394, dtype=float32)");
    IS(mx_einsum("ij,jk->j", IN(a, b)), "array([18, 110, 266], dtype=float32)");
    IS(mx_einsum("i,j->ij", IN(VECTOR(FLOAT32, 1, 2), VECTOR(FLOAT32, 3, 4, 5))),
       "array([[3, 4, 5],[6, 8, 10]], dtype=float32)");
    IS(mx_einsum("ij,ij->i", IN(a, a)), "array([5, 50], dtype=float32)");
    IS(mx_einsum("ij,->ij", IN(a, mx_scalar(2, MX_FLOAT32))),
       "array([[0, 2, 4],[6, 8, 10]], dtype=float32)");
    IS(mx_einsum(",->", IN(mx_scalar(2, MX_FLOAT32), mx_scalar(3, MX_FLOAT32))),
       "array(6, dtype=float32)");
}

static void one_operand(void) {
    make();
    mx_array *m = ramp(MX_INT32, SHAPE(3, 3)), *cube = ramp(MX_INT32, SHAPE(2, 2, 2));
    IS(mx_einsum("ii", IN(m)), "array(12, dtype=int32)");
    IS(mx_einsum("ii->i", IN(m)), "array([0, 4, 8], dtype=int32)");
    IS(mx_einsum("iii->i", IN(cube)), "array([0, 7], dtype=int32)");
    IS(mx_einsum("iij->ij", IN(cube)), "array([[0, 1],[6, 7]], dtype=int32)");
    IS(mx_einsum("ba", IN(a)), "array([[0, 3],[1, 4],[2, 5]], dtype=float32)");
    IS(mx_einsum("aB", IN(a)), "array([[0, 3],[1, 4],[2, 5]], dtype=float32)");
    IS(mx_einsum("ij->", IN(a)), "array(15, dtype=float32)");
    IS(mx_einsum("ij->j", IN(mx_greater(a, mx_scalar(1, MX_FLOAT32)))),
       "array([1, 1, 2], dtype=int32)");
    IS(mx_einsum("", IN(mx_scalar(2, MX_FLOAT16))), "array(2, dtype=float16)");
    IS(mx_einsum("ij->ji", IN(mx_reshape(VECTOR(FLOAT32, 1, 2), SHAPE(1, 2)))),
       "array([[1],[2]], dtype=float32)");
}

static void ellipses(void) {
    make();
    mx_array *batch = ramp(MX_FLOAT32, SHAPE(2, 1, 3)); // with a (2,3): (2,2)
    IS(mx_einsum("...i,...i", IN(batch, a)), "array([[5, 14],[14, 50]], dtype=float32)");
    IS(mx_einsum("...i,i", IN(a, VECTOR(FLOAT32, 1, 0, 2))), "array([4, 13], dtype=float32)");
    IS(mx_einsum("i...->...", IN(a)), "array([3, 5, 7], dtype=float32)");
    IS(mx_einsum("...i->i", IN(a)), "array([3, 5, 7], dtype=float32)");
    IS(mx_einsum("j...", IN(a)), "array([[0, 3],[1, 4],[2, 5]], dtype=float32)");
    IS(mx_einsum("ij...->ij", IN(a)), "array([[0, 1, 2],[3, 4, 5]], dtype=float32)");
    IS(mx_einsum("...ij,...jk", IN(a, b)),
       "array([[20, 23, 26, 29],[56, 68, 80, 92]], dtype=float32)");
    mx_array *one = mx_ones(SHAPE(1, 3), MX_FLOAT32);
    IS(mx_einsum("ij,ij->ij", IN(a, one)), "array([[0, 1, 2],[3, 4, 5]], dtype=float32)");
    IS(mx_einsum("ij,ij->i", IN(a, one)), "array([3, 12], dtype=float32)");
    IS(mx_einsum("ij,jk->ik", IN(mx_ones(SHAPE(2, 1), MX_FLOAT32), b)),
       "array([[12, 15, 18, 21],[12, 15, 18, 21]], dtype=float32)");
}

static void dtypes(void) {
    mx_array *i = ramp(MX_INT8, SHAPE(2, 2)), *h = ramp(MX_FLOAT16, SHAPE(2, 2)),
             *yes = mx_ones(SHAPE(2, 2), MX_BOOL);
    IS(mx_einsum("ij,jk", IN(i, i)), "array([[2, 3],[6, 11]], dtype=int8)");
    IS(mx_einsum("ij,ij->", IN(i, i)), "array(14, dtype=int8)");
    IS(mx_einsum("ij,jk", IN(h, i)), "array([[2, 3],[6, 11]], dtype=float16)");
    IS(mx_einsum("ij,jk", IN(h, mx_astype(i, MX_BFLOAT16))),
       "array([[2, 3],[6, 11]], dtype=float32)");
    IS(mx_einsum("ij,jk", IN(yes, yes)), "array([[True, True],[True, True]], dtype=bool)");
    IS(mx_einsum("ij,ij->i", IN(yes, yes)), "array([True, True], dtype=bool)");
    mx_array *z = mx_full(SHAPE(2), complex_of(1, 1), MX_COMPLEX64);
    IS(mx_einsum("i,i", IN(z, z)), "array(0+4j, dtype=complex64)");
}

static void refusals(void) {
    make();
    FAILS(mx_einsum("ij", NULL, 0), "[einsum] At least one operand is required.");
    FAILS(mx_einsum(NULL, IN(a)), "[einsum] There are no subscripts.");
    FAILS(mx_einsum("ij,jk", IN(a)),
          "[einsum] Number of operands, 1, does not match number of input subscripts, 2");
    FAILS(mx_einsum("ijk", IN(a)),
          "[einsum] Invalid number of subscripts 3 for input 0 with 2 dimensions.");
    FAILS(mx_einsum("i", IN(a)),
          "[einsum] Invalid number of subscripts 1 for input 0 with 2 dimensions.");
    FAILS(mx_einsum("i1", IN(a)), "[einsum] Subscripts must be letters, but got '1'.");
    FAILS(mx_einsum("..i", IN(a)), "[einsum] Subscripts must be letters, but got '.'.");
    FAILS(mx_einsum("...i...", IN(a)), "[einsum] Subscripts must be letters, but got '.'.");
    FAILS(mx_einsum("ij->ij->", IN(a)), "[einsum] Subscripts must be letters, but got '-'.");
    FAILS(mx_einsum("ij->i,", IN(a)), "[einsum] Subscripts must be letters, but got ','.");
    FAILS(mx_einsum("ij->ii", IN(a)), "[einsum] Repeat indices not allowed in output.");
    FAILS(mx_einsum("ij->iz", IN(a)), "[einsum] the output subscript 'z' is in no input.");
    FAILS(mx_einsum("ii", IN(a)),
          "[einsum] Dimensions of repeated subscripts do not have the same size (2 != 3).");
    FAILS(mx_einsum("ij,jk", IN(a, a)),
          "[einsum] Cannot broadcast dimension 0 of input 1 with shape (2,3) to size 3.");
}

/* Operands of ones with these shapes; the pairs as text. */
static const char *path_of(const char *subscripts, mx_array *const *in, int n) {
    static char text[256];
    int path[64];
    size_t len = 0;
    text[0] = 0;
    if (!mx_einsum_path(subscripts, in, n, path, NULL))
        return mx_error_message();
    for (int i = 0; i < (n > 1 ? n - 1 : 1); i++)
        len += (size_t)snprintf(text + len, sizeof text - len, "(%d %d)", path[2 * i],
                                path[2 * i + 1]);
    return text;
}
#define ONES(...) mx_ones(SHAPE(__VA_ARGS__), MX_FLOAT32)

static void paths(void) {
    mx_array *m = ONES(8, 8), *t = ONES(8, 8, 8, 8);
    CHECK_STR(path_of("ij,jk->ik", IN(ONES(2, 3), ONES(3, 4))), "(0 1)");
    CHECK_STR(path_of("ij->", IN(ONES(2, 3))), "(0 -1)");
    CHECK_STR(path_of("ij,jk,kl->il", IN(ONES(10, 2), ONES(2, 50), ONES(50, 3))), "(1 2)(0 1)");
    CHECK_STR(path_of("i,j,k->", IN(ONES(2), ONES(3), ONES(4))), "(0 1)(0 1)");
    CHECK_STR(path_of("i,ij,j->", IN(ONES(3), ONES(3, 4), ONES(4))), "(1 2)(0 1)");
    CHECK_STR(path_of("ij,jk,ki->", IN(ONES(50, 60), ONES(60, 70), ONES(70, 50))), "(1 2)(0 1)");
    CHECK_STR(path_of("ab,bc,cd,de->ae", IN(ONES(2, 30), ONES(30, 2), ONES(2, 30), ONES(30, 2))),
              "(0 1)(0 1)(0 1)");
    CHECK_STR(path_of("ij,ij,ij->ij", IN(m, m, m)), "(1 2)(0 1)");
    mx_text text = {0};
    CHECK(mx_einsum_path("ea,fb,abcd,gc,hd->efgh", IN(m, m, t, m, m), NULL, &text));
    CHECK_STR(mx_text_view(&text), "  Complete contraction:  ea,fb,abcd,gc,hd->efgh\n"
                                   "         Naive scaling:  8\n"
                                   "     Optimized scaling:  5\n"
                                   "      Naive FLOP count:  83886080\n"
                                   "  Optimized FLOP count:  262144\n");
    mx_text_free(&text);
}

/* A chain of matrices, more than are tried exactly: alternating sizes 2 and 30, so that each
   pair over the long axis comes first. */
static void long_chain(void) {
    enum { COUNT = 12 };
    mx_array *in[COUNT], *want = NULL;
    char text[64] = "", *p = text;
    for (int i = 0; i < COUNT; i++) {
        in[i] = mx_mul_s(i % 2 ? ONES(30, 2) : ONES(2, 30), 0.25);
        want = want ? mx_matmul(want, in[i]) : in[i];
        p += snprintf(p, 8, "%s%c%c", i ? "," : "", 'a' + i, 'b' + i);
    }
    CHECK_STR(path_of(text, in, COUNT), "(0 1)(0 1)(0 1)(0 1)(0 1)(0 1)(0 1)(0 4)(0 3)(0 2)(0 1)");
    IS(mx_allclose(mx_einsum(text, in, COUNT), want, 1e-5, 0, false), "array(True, dtype=bool)");
}

static void vecdots(void) {
    make();
    mx_array *u[2] = {complex_of(1, 2), complex_of(0, 3)},
             *v[2] = {complex_of(1, 1), complex_of(2, 0)};
    IS(mx_vecdot(a, a, -1), "array([5, 50], dtype=float32)");
    IS(mx_vecdot(a, a, 0), "array([9, 17, 29], dtype=float32)");
    IS(mx_vecdot(a, VECTOR(FLOAT32, 1, 0, 2), -1), "array([4, 13], dtype=float32)");
    IS(mx_vecdot(ramp(MX_INT8, SHAPE(2, 3)), mx_scalar(1, MX_INT8), -1),
       "[vecdot] inputs must be at least 1D.");
    IS(mx_vecdot(mx_stack(u, 2, 0), mx_stack(v, 2, 0), 0), "array(3-7j, dtype=complex64)");
    IS(mx_vecdot(ONES(3, 0), ONES(3, 0), -1), "array([0, 0, 0], dtype=float32)");
    IS(mx_vecdot(ramp(MX_INT8, SHAPE(2, 3)), ramp(MX_INT8, SHAPE(2, 3)), -1),
       "array([5, 50], dtype=int32)");
    FAILS(mx_vecdot(a, a, 2), "[vecdot] axis is out of bounds.");
    FAILS(mx_vecdot(a, a, -3), "[vecdot] axis is out of bounds.");
    FAILS(mx_vecdot(a, b, -1), "[vecdot] a and b must have the same size along axis.");
    FAILS(mx_vecdot(ONES(4, 3), ONES(5, 3), -1),
          "[broadcast_shapes] Shapes (4,3) and (5,3) cannot be broadcast.");
}

int main(void) {
    SCOPED(products);
    SCOPED(one_operand);
    SCOPED(ellipses);
    SCOPED(dtypes);
    SCOPED(refusals);
    SCOPED(paths);
    SCOPED(long_chain);
    SCOPED(vecdots);
    return check_done();
}
