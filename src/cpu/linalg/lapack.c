/* The LAPACK tables: see lapack.h. */
#include "cpu/linalg/lapack.h"

#include <complex.h>
#include <limits.h>

#include "base/mem.h"

#define S(name)      s_##name
#define T            float
#define R            float
#define REAL_PART(x) (x)
#define COMPLEX      0
#include "cpu/linalg/lapack_impl.h"

#define S(name)      d_##name
#define T            double
#define R            double
#define REAL_PART(x) (x)
#define COMPLEX      0
#include "cpu/linalg/lapack_impl.h"

#define S(name)      c_##name
#define T            float _Complex
#define R            float
#define REAL_PART(x) crealf(x)
#define COMPLEX      1
#include "cpu/linalg/lapack_impl.h"

#define SYMBOL(name, routine) {name, (void **)(void *)&routine}
static const lapack_symbol symbols[] = {
    SYMBOL("sgesdd_", s_routines.gesdd), SYMBOL("ssyevd_", s_routines.heevd),
    SYMBOL("sgeev_", s_routines.geev),   SYMBOL("dgesdd_", d_routines.gesdd),
    SYMBOL("dsyevd_", d_routines.heevd), SYMBOL("dgeev_", d_routines.geev),
    SYMBOL("cgesdd_", c_routines.gesdd), SYMBOL("cheevd_", c_routines.heevd),
    SYMBOL("cgeev_", c_routines.geev),
};

const lapack *lapack_open(mx_dtype t) {
    if (!lapack_load(symbols, sizeof symbols / sizeof *symbols))
        return NULL;
    return t == MX_FLOAT64 ? &d_table : t == MX_COMPLEX64 ? &c_table : &s_table;
}
