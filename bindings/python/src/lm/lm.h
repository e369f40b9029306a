/* Between the files of mlx.core._lm, what mlx.lm is made of. */
#ifndef MPY_LM_H
#define MPY_LM_H

#include "py.h"

typedef struct mpy_lm {
    PyObject_HEAD mlx_lm handle;
    mlx_tokenizer tokenizer;
} mpy_lm;

extern PyTypeObject mpy_lm_type, mpy_lm_batch_type;

/* --- texts and tokens (values.c) ------------------------------------------------------- */

/* A str as UTF-8, or bytes, borrowed; what is no text is a ValueError. */
const char *mpy_lm_text(PyObject *o, size_t *n);
/* A str without zeros as UTF-8, borrowed; anything else is an exception that names the argument. */
const char *mpy_lm_word(PyObject *o, const char *argument);
/* For O&: True or False into an int; anything else is a TypeError. */
int mpy_lm_flag(PyObject *o, void *flag);
/* A whole number of 64 bits that is not negative; anything else is an exception that names it. */
bool mpy_lm_unsigned(PyObject *o, const char *argument, uint64_t *out);
/* A token's number; what no token can be is an exception. */
bool mpy_lm_token(PyObject *item, int *id);
/* Tokens of a list, for PyMem_Free; *n of them. NULL with an exception. */
int *mpy_lm_tokens(PyObject *list, size_t *n);
PyObject *mpy_lm_token_list(const int *tokens, size_t n);
/* Readies a type that is made by `make` alone. */
int mpy_lm_ready(PyTypeObject *type, destructor let_go, PyMethodDef *methods);

/* --- functions of the module, and what readies the types -------------------------------- */

PyObject *mpy_lm_open(PyObject *module, PyObject *args);
PyObject *mpy_lm_batch_open(PyObject *module, PyObject *args, PyObject *kwargs);
PyObject *mpy_lm_tokenizer_open(PyObject *module, PyObject *args);
PyObject *mpy_lm_tokenizer_bytes(PyObject *module, PyObject *args);
PyObject *mpy_lm_find(PyObject *module, PyObject *args); /* in the hub's cache: a folder, or None */
/* Takes the handle over. */
PyObject *mpy_lm_tokenizer_wrap(mlx_tokenizer handle);
int mpy_lm_init_tokenizer(void);
int mpy_lm_init_model(void);
int mpy_lm_init_batch(void);

#endif
