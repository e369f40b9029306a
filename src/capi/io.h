/* Readers and writers of the program as sources and sinks. */
#ifndef MX_CAPI_IO_H
#define MX_CAPI_IO_H

#include "io/io.h"
#include "mlx/c/mlx.h"

/* What a reader gives from where it stands to its end, in memory. The program's functions run here,
   with no lock held. */
typedef struct capi_reading {
    mx_source source;
    mlx_io_reader reader;
    size_t start; /* where the reader stood */
} capi_reading;
/* False, with an error recorded: a function of the program failed. To be closed all the same. */
bool capi_reading_open(capi_reading *r, const char *op, mlx_io_reader reader);
/* Leaves the reader behind the first `used` bytes, if all went well. False: something failed. */
bool capi_reading_close(capi_reading *r, size_t used);

/* A sink into a writer, which is borrowed. */
bool capi_sink(mx_sink *k, const char *op, mlx_io_writer writer);

mx_gguf *capi_gguf(mlx_io_gguf g); /* borrowed; NULL and an error: an empty handle */
/* The contents are taken over, also on failure. */
bool capi_put_gguf(mlx_io_gguf *res, mx_gguf *contents);

#endif
