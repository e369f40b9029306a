/* Files and file objects as the library takes them (io_files.c). */
#ifndef MPY_IO_FILES_H
#define MPY_IO_FILES_H

#include "py.h"

/* Where bytes come from: a path, which for a file object may be that of its descriptor, or a reader
   of file.read. */
typedef struct mpy_source {
    PyObject *path;       /* bytes, or NULL */
    PyObject *name;       /* bytes, whose ending tells the format; may be NULL */
    mlx_io_reader reader; /* where there is no path */
    PyObject *file;
    int copy; /* descriptor of a copy, or -1 */
} mpy_source;

int mpy_source_open(mpy_source *s, PyObject *file, const char *op);
/* For a format that is not read in order: a path in any case. */
int mpy_source_copy(mpy_source *s, const char *op, const char *magic);
void mpy_source_close(mpy_source *s);

/* A path as bytes (a new reference), or NULL without an exception where file is a file object, or
   with one. */
PyObject *mpy_path_of(PyObject *file, const char *op);
/* Writes to file.write, with the GIL while it does: every byte, or an exception. */
mlx_io_writer mpy_writer_of(PyObject *file);
/* The file object with a write that takes all it is given, as often as the file's own has to be
   called for it. */
PyObject *mpy_whole_writer(PyObject *file);

/* The metadata of an open file as a dict (model_file.c). */
PyObject *mpy_file_metadata(mlx_file f);

#endif
