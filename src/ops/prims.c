/* The table of all primitives, from the one list of them. */
#include "graph/array/prim.h"

#define PRIM(name, Name, family) extern const mx_prim_desc mx_desc_##name;
#include "graph/array/prims.def"

const mx_prim_desc *const mx_prims[MX_PRIM_COUNT] = {
#define PRIM(name, Name, family) [MX_PRIM_##name] = &mx_desc_##name,
#include "graph/array/prims.def"
};
