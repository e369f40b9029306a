/* Factorisations of (...,M,N): the library's own, and those of LAPACK. */
#include "cpu/linalg/linalg_batch.h"

bool cpu_linalg(mx_node *n, mx_array **out, const mx_program *feed) {
    switch (n->prim) {
    case MX_PRIM_svd:
    case MX_PRIM_eigh:
    case MX_PRIM_eig: return cpu_spectral(n, out, feed);
    default: return cpu_factor(n, out, feed);
    }
}
