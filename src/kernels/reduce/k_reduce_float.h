/* Template: all of one float type: TYPE, T, S, S_LOAD, TRUE (see k_reduce_type.h), V_LOAD,
 * V_LOADN (see k_reduce_vec.h), R_DOUBLE for vectors of float64; undefined again at the end. */
#define R_FLOAT
#include "kernels/reduce/k_reduce_type.h"

#define A S
#ifdef R_DOUBLE
#define V         vd
#define VM        vdm
#define L         VD_LANES
#define W(word)   vd_##word
#define VMW(word) vdm_##word
#define V_HMAX(v) vd_hmax(v)
#define V_HMIN(v) vd_hmin(v)
#else
#define V         vf
#define VM        vm
#define L         VF_LANES
#define W(word)   vf_##word
#define VMW(word) vm_##word
#define V_HMAX(v) vf_hmax(v)
#define V_HMIN(v) vf_hmin(v)
#endif
#include "kernels/reduce/k_reduce_vec.h"

#define G_LIFT(c, x, n) N(lift)(c, x, n)
#define G_FN(f)         N(argmax_##f)
#define G_BETTER(a, b)  (!((a) <= (b)) & ((b) == (b)))
#define G_BEST(x, n)    N(best_max)(x, n)
#define G_AMONG(x, c)   N(among)(MX_RED_MAX, x, c)
#include "kernels/reduce/k_reduce_arg.h"

#define G_FN(f)        N(argmin_##f)
#define G_BETTER(a, b) (!((a) >= (b)) & ((b) == (b)))
#define G_BEST(x, n)   N(best_min)(x, n)
#define G_AMONG(x, c)  N(among)(MX_RED_MIN, x, c)
#include "kernels/reduce/k_reduce_arg.h"

#undef G_LIFT
#undef R_FLOAT
#undef R_DOUBLE
#undef TYPE
#undef T
#undef S
#undef S_LOAD
#undef TRUE
