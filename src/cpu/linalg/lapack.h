/* Singular values and eigenvalues of one column-major matrix by LAPACK (Anderson et al. 1999), with
 * their workspace.
 *
 * OpenBLAS, or another library that has LAPACK's routines, is loaded by the first call that needs
 * it: until then a process pays nothing for it, and one that has none computes everything else.
 *
 * One table per dtype: float32, float64, complex64. Each function returns LAPACK's info: 0 is
 * success, above 0 it did not converge; LAPACK_NO_MEMORY when the workspace cannot be had. Elements
 * are finite, matrices not empty and without gaps between columns. "real" is the real type of the
 * dtype.
 *
 * The routines need more stack than a host's thread may have: lapack_run calls them.
 */
#ifndef MX_CPU_LAPACK_H
#define MX_CPU_LAPACK_H

#include "base/dtype.h"

enum { LAPACK_NO_MEMORY = -1000 };

typedef struct lapack {
    /* s[min(m,n)] real; u (m,m) and vt (n,n), or both NULL; a is destroyed */
    int (*svd)(int m, int n, void *a, void *s, void *u, void *vt);
    /* w[n] real, ascending; a becomes the eigenvectors when wanted */
    int (*eigh)(bool upper, bool vectors, int n, void *a, void *w);
    /* w[n] complex64; v (n,n) complex64 or NULL; a is destroyed */
    int (*eig)(int n, void *a, mx_complex64 *w, mx_complex64 *v);
} lapack;

/* The largest side of a matrix: LAPACK counts its workspace in ints. */
enum { LAPACK_MOST = 20000 };

/* The dtype's table, ready to be called; NULL and mx_fail where no library can be had: none is
   installed, it does not run on this processor, or too little memory or too few threads are left
   for it. */
const lapack *lapack_open(mx_dtype t);

/* body(ctx) on up to `threads` threads at once with stacks for LAPACK, each at least once; waits
   for them. False and mx_fail when there is no memory for one. LAPACK itself runs on one thread
   meanwhile. Calls from several threads take turns: OpenBLAS has buffers for some threads only. */
bool lapack_run(int threads, void (*body)(void *), void *ctx);

/* Between the files of the loader: a routine's name and where its address goes. */
typedef struct lapack_symbol {
    const char *name;
    void **address;
} lapack_symbol;
/* Loads a library that has all `count` symbols, once; false and mx_fail. (lapack_load.c) */
bool lapack_load(const lapack_symbol *symbols, int count);

#endif
