/* What each pointwise operation takes and gives, from pointwise.def. */
#include "kernels/pointwise/k_pointwise.h"

#define INFO(name, arity, domain, result) \
    [MX_PW_##name] = {#name, arity, MX_PWD_##domain, MX_PWR_##result},

const mx_pw_info mx_pw_infos[MX_PW_COUNT] = {
#define UNARY(name, Name, domain, result)   INFO(name, 1, domain, result)
#define BINARY(name, Name, domain, result)  INFO(name, 2, domain, result)
#define TERNARY(name, Name, domain, result) INFO(name, 3, domain, result)
#include "kernels/pointwise/pointwise.def"
};

/* Each operation of pointwise.def has the rows of k_pw.def that its domain asks for: the name of
 * one that is missing is undeclared here. */
enum {
#define ROW(types, op)  ROW_##types##_##op,
#define F32_1(op, f)    ROW(F32, op)
#define F32_S1(op, f)   ROW(F32, op)
#define F32_ALL(op, f)  ROW(F32, op)
#define F32_2(op, f)    ROW(F32, op)
#define F32_CMP(op, f)  ROW(F32, op)
#define F64_1(op, f)    ROW(F64, op)
#define F64_S1(op, f)   ROW(F64, op)
#define F64_2(op, f)    ROW(F64, op)
#define F64_S2(op, f)   ROW(F64, op)
#define F64_CMP(op, f)  ROW(F64, op)
#define C64_1(op, f)    ROW(C64, op)
#define C64_2(op, f)    ROW(C64, op)
#define C64_ALL1(op, f) ROW(C64, op)
#define C64_ALL2(op, f) ROW(C64, op)
#define C64_CMP(op, f)  ROW(C64, op)
#define C64_PART(op, f) ROW(C64, op)
#define C64_F32_1(op)   ROW(C64, op)
#define C64_F32_2(op)   ROW(C64, op)
#define INT_1(op)       ROW(INT, op)
#define INT_2(op)       ROW(INT, op)
#define INT_CMP(op)     ROW(INT, op)
#define BOOL_1(op, f)   ROW(BOOL, op)
#define BOOL_2(op, f)   ROW(BOOL, op)
#define SAME(op, types) ROW(types, op)
#include "kernels/pointwise/k_pw.def"
    ROWS
};

#define WANT_ORDERED(op) ROW_INT_##op + ROW_F32_##op + ROW_F64_##op
#define WANT_FLOAT(op)   ROW_F32_##op + ROW_F64_##op
#define WANT_INEXACT(op) WANT_FLOAT(op) + ROW_C64_##op
#define WANT_NUMBER(op)  WANT_ORDERED(op) + ROW_C64_##op
#define WANT_REAL(op)    ROW_BOOL_##op + WANT_ORDERED(op)
#define WANT_ALL(op)     WANT_REAL(op) + ROW_C64_##op
#define WANT_BITS(op)    ROW_BOOL_##op + ROW_INT_##op
#define WANT_LOGIC(op)   ROW_BOOL_##op
enum {
#define UNARY(name, Name, domain, result)  WANT_##name = WANT_##domain(name),
#define BINARY(name, Name, domain, result) WANT_##name = WANT_##domain(name),
#include "kernels/pointwise/pointwise.def"
    WANTED
};

bool mx_pw_accepts(mx_pw_domain d, mx_dtype t) {
    bool integer = mx_dtype_is_integer(t), real = t == MX_FLOAT32 || t == MX_FLOAT64;
    bool boolean = t == MX_BOOL, complex = t == MX_COMPLEX64;
    switch (d) {
    case MX_PWD_ALL: return boolean || integer || real || complex;
    case MX_PWD_NUMBER: return integer || real || complex;
    case MX_PWD_REAL: return boolean || integer || real;
    case MX_PWD_ORDERED: return integer || real;
    case MX_PWD_FLOAT: return real;
    case MX_PWD_INEXACT: return real || complex;
    case MX_PWD_BITS: return boolean || integer;
    case MX_PWD_LOGIC: return boolean;
    }
    return false;
}
