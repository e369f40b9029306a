/* Readers and writers of the program as sources and sinks. */
#ifndef MX_CAPI_IO_H
#define MX_CAPI_IO_H

#include "io/io.h"
#include "mlx/c/mlx.h"

/* A source of what a reader gives from where it stands: read in order, as far as the headers say.
   The program's functions run here, with no lock held. False, with an error recorded: one of them
   failed. */
bool capi_source(mx_source *s, const char *op, mlx_io_reader reader);

/* A sink into a writer, which is borrowed. */
bool capi_sink(mx_sink *k, const char *op, mlx_io_writer writer);
/* After it was written to, with success or not: gives that. A call that was interrupted when the
   first bytes were out is no interrupted one any more, as it may not be made again. */
bool capi_sink_done(mx_sink *k, bool ok);

mx_gguf *capi_gguf(mlx_io_gguf g); /* borrowed; NULL and an error: an empty handle */
/* The contents are taken over, also on failure. */
bool capi_put_gguf(mlx_io_gguf *res, mx_gguf *contents);
/* The k-th text of a value that is no array; false and an error: there is none. */
bool capi_put_item(const char **res, size_t *length, const mx_meta *m, size_t k);

#endif
