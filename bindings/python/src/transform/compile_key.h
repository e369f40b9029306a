/* What a trace of a compiled function was made for, as bytes: the structure of the arguments and of
 * the captured inputs, their constants, and the dtype and shape of each array. Two calls with equal
 * keys may share a trace.
 *
 *     f(x, [y, 3])      2  a float32 2 5 7  [ 2  a float32 0  i 3    (one byte or eight bytes each)
 */
#ifndef MPY_COMPILE_KEY_H
#define MPY_COMPILE_KEY_H

#include "transform/tree.h"

typedef struct mpy_key {
    char *data;
    size_t size, room;
    bool shapeless;          /* shapes are left out, numbers of dimensions are in */
    bool state;              /* captured inputs: leaves that are no arrays are passed over */
    mlx_vector_array arrays; /* those of the trees, in order; borrowed */
    char few[1024];
} mpy_key;

void mpy_key_start(mpy_key *key, mlx_vector_array arrays, bool shapeless);
/* -1: an exception is set; a leaf that is neither array nor constant is a ValueError. */
int mpy_key_tree(mpy_key *key, PyObject *tree);
int mpy_key_text(mpy_key *key, PyObject *text);
void mpy_key_free(mpy_key *key);

#endif
