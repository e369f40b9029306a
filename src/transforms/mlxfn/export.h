/* Functions to files and back: see mlxfn.h for the format. */
#ifndef MX_TRANSFORMS_EXPORT_H
#define MX_TRANSFORMS_EXPORT_H

#include "io/io.h"
#include "transforms/closure.h"

/* --- export ------------------------------------------------------------------------ */

/* A file that is being written: complete or not at all, when it is closed. */
typedef struct mx_exporter mx_exporter;

/* One trace is added by each add; shapeless: they may be used with other shapes. metadata may be
   NULL. path NULL: no file, the traces are there to be read. */
mx_exporter *mx_exporter_open(const char *path, bool shapeless, const char *metadata);
/* Calls f on stand-ins for in[]: n_args positional ones, then one for each of the keys, which are
   sorted. Two traces for the same dtypes and shapes are refused. */
bool mx_exporter_add(mx_exporter *e, mx_closure *f, mx_array *const *in, int n_args,
                     const char *const *keys, int n_keys);
/* What was added, as a reader of the file gets it (import_read.h); f is zeroed before and to be
   freed after, also on failure. */
struct mx_fn_file;
bool mx_exporter_read(const mx_exporter *e, struct mx_fn_file *f);
/* There will be no file. */
void mx_exporter_abandon(mx_exporter *e);
/* Writes the file, if anything was added, and frees e (NULL is fine). */
bool mx_exporter_close(mx_exporter *e);

/* --- import ------------------------------------------------------------------------ */

typedef struct mx_imported mx_imported;

mx_imported *mx_import_function(const char *path);
mx_imported *mx_import_source(mx_source *s);
void mx_imported_free(mx_imported *f);
const char *mx_imported_metadata(const mx_imported *f);
/* The results of the trace that fits the arguments. keys are sorted. */
bool mx_imported_call(mx_imported *f, mx_array *const *in, int n_args, const char *const *keys,
                      int n_keys, mx_arrays *out);

#endif
