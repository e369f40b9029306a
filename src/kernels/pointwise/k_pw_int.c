/* Pointwise kernels on the eight integer types: k_pw_int.inc, once per type. */
#include <math.h>

#include "kernels/pointwise/k_pw.h"
#include "kernels/pointwise/k_pw_number.h"

#define T            uint8_t
#define U            uint8_t
#define W            uint32_t
#define Q            float
#define SIGNED       0
#define FN(op)       KN(k_##op##_u8)
#define NUMBERED(op) KN(k_##op##_u8_number)
#define OF(op)       u8_##op
#include "kernels/pointwise/k_pw_int.inc"

#define T            uint16_t
#define U            uint16_t
#define W            uint32_t
#define Q            float
#define SIGNED       0
#define FN(op)       KN(k_##op##_u16)
#define NUMBERED(op) KN(k_##op##_u16_number)
#define OF(op)       u16_##op
#include "kernels/pointwise/k_pw_int.inc"

#define T            uint32_t
#define U            uint32_t
#define W            uint32_t
#define Q            double
#define SIGNED       0
#define FN(op)       KN(k_##op##_u32)
#define NUMBERED(op) KN(k_##op##_u32_number)
#define OF(op)       u32_##op
#include "kernels/pointwise/k_pw_int.inc"

#define WIDE         PW_WIDE
#define T            uint64_t
#define U            uint64_t
#define W            uint64_t
#define SIGNED       0
#define FN(op)       KN(k_##op##_u64)
#define NUMBERED(op) KN(k_##op##_u64_number)
#define OF(op)       u64_##op
#include "kernels/pointwise/k_pw_int.inc"

#define T            int8_t
#define U            uint8_t
#define W            uint32_t
#define Q            float
#define SIGNED       1
#define FN(op)       KN(k_##op##_i8)
#define NUMBERED(op) KN(k_##op##_i8_number)
#define OF(op)       i8_##op
#include "kernels/pointwise/k_pw_int.inc"

#define T            int16_t
#define U            uint16_t
#define W            uint32_t
#define Q            float
#define SIGNED       1
#define FN(op)       KN(k_##op##_i16)
#define NUMBERED(op) KN(k_##op##_i16_number)
#define OF(op)       i16_##op
#include "kernels/pointwise/k_pw_int.inc"

#define T            int32_t
#define U            uint32_t
#define W            uint32_t
#define Q            double
#define SIGNED       1
#define FN(op)       KN(k_##op##_i32)
#define NUMBERED(op) KN(k_##op##_i32_number)
#define OF(op)       i32_##op
#include "kernels/pointwise/k_pw_int.inc"

#define WIDE         PW_WIDE
#define T            int64_t
#define U            uint64_t
#define W            uint64_t
#define SIGNED       1
#define FN(op)       KN(k_##op##_i64)
#define NUMBERED(op) KN(k_##op##_i64_number)
#define OF(op)       i64_##op
#include "kernels/pointwise/k_pw_int.inc"
