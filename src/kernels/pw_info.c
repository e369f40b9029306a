/* What each pointwise operation takes and gives, from pointwise.def. */
#include "kernels/k_pointwise.h"

#define INFO(name, arity, domain, result) \
    [MX_PW_##name] = {#name, arity, MX_PWD_##domain, MX_PWR_##result},

const mx_pw_info mx_pw_infos[MX_PW_COUNT] = {
#define UNARY(name, Name, domain, result) INFO(name, 1, domain, result)
#define BINARY(name, Name, domain, result) INFO(name, 2, domain, result)
#define TERNARY(name, Name, domain, result) INFO(name, 3, domain, result)
#include "kernels/pointwise.def"
};

bool mx_pw_accepts(mx_pw_domain d, mx_dtype t) {
    bool integer = mx_dtype_is_integer(t), real = t == MX_FLOAT32 || t == MX_FLOAT64;
    bool boolean = t == MX_BOOL, complex = t == MX_COMPLEX64;
    switch (d) {
    case MX_PWD_ALL:     return boolean || integer || real || complex;
    case MX_PWD_NUMBER:  return integer || real || complex;
    case MX_PWD_REAL:    return boolean || integer || real;
    case MX_PWD_ORDERED: return integer || real;
    case MX_PWD_FLOAT:   return real;
    case MX_PWD_INEXACT: return real || complex;
    case MX_PWD_BITS:    return boolean || integer;
    case MX_PWD_LOGIC:   return boolean;
    }
    return false;
}
