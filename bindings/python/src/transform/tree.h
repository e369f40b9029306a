/* Trees of dict, list and tuple: walks over their leaves.
 *
 *     {"w": x, "layers": [y, (z, 3)]}      leaves x, y, z, 3, in this order
 *
 * Subclasses count as what they derive from, and copies are of the same type: a module, an
 * OrderedDict, a named tuple. Anything else is a leaf. A *template* is a tree whose arrays have
 * been replaced by holes, so that it holds no memory.
 */
#ifndef MPY_TREE_H
#define MPY_TREE_H

#include "py.h"

typedef int mpy_tree_visitor(PyObject *leaf, void *state);
typedef PyObject *mpy_tree_mapper(PyObject *leaf, void *state); /* a new reference */

/* Calls of visit for each leaf until one is not 0, which is the result. */
int mpy_tree_visit(PyObject *tree, mpy_tree_visitor *visit, void *state);
PyObject *mpy_tree_map(PyObject *tree, mpy_tree_mapper *map, void *state);
/* The same in place: lists and dicts keep their identity and get new leaves; a tuple that changes
   is replaced in what holds it. */
int mpy_tree_place(PyObject *tree, mpy_tree_mapper *map, void *state);
/* Likewise; what stands where `tree` stood: itself, unless it is a leaf or a tuple that changed. */
PyObject *mpy_tree_placed(PyObject *tree, mpy_tree_mapper *map, void *state);

/* Appends the arrays; any other leaf is a ValueError. */
int mpy_tree_only_arrays(mlx_vector_array out, PyObject *tree);
PyObject *mpy_tree_template(PyObject *tree);
/* Its dicts and lists are plain. */
PyObject *mpy_tree_plain_template(PyObject *tree);
extern PyObject *mpy_hole; /* what stands for an array */

/* Array i of a vector as an object. */
PyObject *mpy_vector_item(mlx_vector_array arrays, size_t i);
/* All of them. */
PyObject *mpy_vector_list(mlx_vector_array arrays);
int mpy_vector_add(mlx_vector_array arrays, PyObject *array);

#endif
