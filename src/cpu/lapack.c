/* The LAPACK tables: see lapack.h. The routines come with OpenBLAS. */
#include "cpu/lapack.h"

#include <complex.h>
#include <limits.h>

#include "base/mem.h"

#define P(name) s##name##_
#define Q(name) sor##name##_
#define S(name) s_##name
#define T float
#define R float
#define REAL_PART(x) (x)
#define COMPLEX 0
#include "cpu/lapack_impl.h"

#define P(name) d##name##_
#define Q(name) dor##name##_
#define S(name) d_##name
#define T double
#define R double
#define REAL_PART(x) (x)
#define COMPLEX 0
#include "cpu/lapack_impl.h"

#define P(name) c##name##_
#define Q(name) cun##name##_
#define S(name) c_##name
#define T float _Complex
#define R float
#define REAL_PART(x) crealf(x)
#define COMPLEX 1
#include "cpu/lapack_impl.h"

const lapack *lapack_of(mx_dtype t) {
    switch (t) {
    case MX_FLOAT32: return &s_table;
    case MX_FLOAT64: return &d_table;
    case MX_COMPLEX64: return &c_table;
    default: return NULL;
    }
}
