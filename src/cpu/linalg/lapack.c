/* The LAPACK tables: see lapack.h. */
#include "cpu/linalg/lapack.h"

#include <complex.h>
#include <float.h>
#include <limits.h>
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "cpu/linalg/schur.h"

#define S(name)      s_##name
#define T            float
#define R            float
#define REAL_PART(x) (x)
#define COMPLEX      0
#define SCHUR(name)  name##_f
#define SMALLEST     FLT_MIN
#define ULP          FLT_EPSILON
#include "cpu/linalg/lapack_impl.h"

#define S(name)      d_##name
#define T            double
#define R            double
#define REAL_PART(x) (x)
#define COMPLEX      0
#define SCHUR(name)  name##_d
#define SMALLEST     DBL_MIN
#define ULP          DBL_EPSILON
#include "cpu/linalg/lapack_impl.h"

#define S(name)      c_##name
#define T            float _Complex
#define R            float
#define REAL_PART(x) crealf(x)
#define COMPLEX      1
#define SCHUR(name)  name##_c
#define SMALLEST     FLT_MIN
#define ULP          FLT_EPSILON
#include "cpu/linalg/lapack_impl.h"

#define SYMBOL(name, routine) {name, (void **)(void *)&routine}
#define SYMBOLS_ALL(t)                                                                    \
    SYMBOL(#t "gesdd_", t##_routines.gesdd), SYMBOL(#t "gebal_", t##_routines.gebal),     \
        SYMBOL(#t "gehrd_", t##_routines.gehrd), SYMBOL(#t "gebak_", t##_routines.gebak), \
        SYMBOL(#t "trevc3_", t##_routines.trevc3)
#define SYMBOLS_REAL(t)                                                               \
    SYMBOL(#t "syevd_", t##_routines.heevd), SYMBOL(#t "orghr_", t##_routines.orghr), \
        SYMBOL(#t "lanv2_", t##_routines.lanv2)
static const lapack_symbol symbols[] = {
    SYMBOLS_ALL(s),
    SYMBOLS_ALL(d),
    SYMBOLS_ALL(c),
    SYMBOLS_REAL(s),
    SYMBOLS_REAL(d),
    SYMBOL("cheevd_", c_routines.heevd),
    SYMBOL("cunghr_", c_routines.orghr),
};

const lapack *lapack_open(mx_dtype t) {
    if (!lapack_load(symbols, sizeof symbols / sizeof *symbols))
        return NULL;
    return t == MX_FLOAT64 ? &d_table : t == MX_COMPLEX64 ? &c_table : &s_table;
}
