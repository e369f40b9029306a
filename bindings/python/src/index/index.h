/* x[...]: an index read once, the same for reading and for writing.
 *
 *     x (2,3,4), x[1, None, ..., [0,2]]     items:  INT 1 | NEW | SLICE : | ARRAY [0,2]
 *                                            axes:   0             1         2
 *                                            result: the index block (2), NEW (1), SLICE (3)
 *
 * The rules are NumPy's: arrays, lists and (beside them) integers are broadcast to one block of
 * axes. It stands where the first of them stood, or in front where a slice or a new axis came
 * between them, for reading and for writing.
 */
#ifndef MPY_INDEX_H
#define MPY_INDEX_H

#include "py.h"

enum { MPY_MAX_NDIM = 64, MPY_MAX_ITEMS = 2 * MPY_MAX_NDIM };

typedef enum mpy_item_kind { MPY_SLICE, MPY_AT, MPY_NEW, MPY_ARRAY } mpy_item_kind;

typedef struct mpy_item {
    mpy_item_kind kind;
    int axis;                /* of x; not for NEW */
    int start, length, step; /* SLICE; AT has length and step 1 */
    int asked[3];            /* start, stop and step in words that mean the same for other sizes */
    mlx_array array;         /* ARRAY: the index's own handle */
} mpy_item;

typedef struct mpy_index {
    mlx_array x; /* borrowed */
    int ndim;    /* of x */
    int n;       /* items: each axis of x has one, in order, with NEW between them */
    int arrays;  /* how many are ARRAY */
    mpy_item item[MPY_MAX_ITEMS];
} mpy_index;

/* Read `key` as an index of x. An exception and -1 where it is none; mpy_index_free in any case. */
int mpy_index_read(mpy_index *ix, mlx_array x, PyObject *key);
void mpy_index_free(mpy_index *ix);
/* x[...] of an index that has been read. 1: the library refused. */
int mpy_index_get(mlx_array *out, const mpy_index *ix);

/* Is the item all of its axis, in order? */
int mpy_item_full(const mpy_index *ix, const mpy_item *item);
/* start, stop and step of each axis for the library's slices, as they were asked for, so that they
   hold for other sizes; an ARRAY's axis is taken whole. Returns whether anything may be left out or
   reversed. */
int mpy_index_words(const mpy_index *ix, int *start, int *stop, int *step);

/* The result's axes: SLICE and NEW items by number, and MPY_BLOCK for the block of the index
   arrays, if any. Returns how many there are. */
enum { MPY_BLOCK = -1 };
int mpy_index_order(const mpy_index *ix, int *order);
/* Is it a boolean array, list of bools or bool that masks the first axes of x? */
int mpy_is_mask(PyObject *key);

#endif
