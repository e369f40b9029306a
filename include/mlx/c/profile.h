/* Seeing what a program does: which operations ran, how long they took, what they moved.
 *
 *     mlx_profile p = mlx_profile_new();
 *     mlx_profile_start(p, 0);
 *     ...                                     evaluations, on any threads
 *     mlx_profile_stop(p);
 *     mlx_profile_text(&table, p);            a table by operation
 *     mlx_profile_write(p, "out.json");       for ui.perfetto.dev and `mlx trace`
 *     mlx_profile_free(p);
 *
 * An event is one operation, or one fused program of several, that was run for the whole process;
 * a call of a compiled function is an event, too, with its parts inside. Profiles may run at the
 * same time; each has a memory of its own, and when that is full the oldest events give way.
 *
 * MLX_TRACE=out.json in the environment profiles any program from its start to its end; %p in the
 * name is the process's number.
 *
 * A profile is started, stopped and freed by one thread at a time; when it is stopped any thread
 * may read it. None of this is in mlx-c.
 */
#ifndef MLX_C_PROFILE_H
#define MLX_C_PROFILE_H

#include "mlx/c/array.h"
#include "mlx/c/string.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mlx_profile_ {
    void *ctx;
} mlx_profile;

/* Texts belong to the profile, and live until it is started again or freed. */
typedef struct mlx_profile_event_ {
    const char *name;    /* "Matmul"; of a program its operations: "Multiply+Add x2" */
    const char *source;  /* where it was written, "train.py:12"; NULL: not known */
    int64_t start_ns;    /* since the profile's start */
    int64_t duration_ns; /* with what is inside */
    int64_t self_ns;     /* without */
    uint64_t bytes_read;
    uint64_t bytes_written;
    double flops;    /* by its shapes: docs/profiling.md has the formulas */
    uint64_t active; /* bytes in use by arrays when it was done */
    int64_t thread;  /* the system's number of the thread */
    int stream;
    int depth;        /* events around it */
    int input_count;  /* arrays that mlx_profile_get_array describes, 12 at most */
    int output_count; /* the same of what it made */
    bool fused;       /* a program of pointwise operations */
    bool failed;
} mlx_profile_event;

typedef struct mlx_profile_array_ {
    mlx_dtype dtype;
    int ndim;
    const int *shape;
} mlx_profile_array;

/* All events of one name that were written at one place. */
typedef struct mlx_profile_row_ {
    const char *name;
    const char *source;
    uint64_t calls;
    int64_t self_ns;
    uint64_t bytes; /* read and written */
    double flops;
    double share; /* of the machine's limit (mlx_machine_limits): the longer of the times that its
                     bytes and its operations take at least, by the time it took. Above 1 where the
                     data lay in caches, or a dtype is faster than float32 */
} mlx_profile_row;

/* A profile that has not run. */
MLX_API mlx_profile mlx_profile_new(void);
/* Let go of the profile, which stops. */
MLX_API int mlx_profile_free(mlx_profile p);
/* Record from now on, in so many bytes of memory (0: 64 MiB, which are touched as they are filled;
   an event takes about 150). What it has from before is forgotten. Errors: it runs already. */
MLX_API int mlx_profile_start(mlx_profile p, size_t memory);
/* Record no longer. Errors: it does not run. */
MLX_API int mlx_profile_stop(mlx_profile p);

/* --- what was recorded. Errors of all: the profile is not stopped ----------------------------- */

/* How many events there are, and how many had to give way. Either result may be NULL. */
MLX_API int mlx_profile_count(size_t *events, uint64_t *dropped, mlx_profile p);
/* Event i, in the order in which they ended. Errors: there is none. */
MLX_API int mlx_profile_get(mlx_profile_event *res, mlx_profile p, size_t i);
/* Input (or output) k of event i. Errors: there is none. */
MLX_API int mlx_profile_get_array(mlx_profile_array *res, mlx_profile p, size_t i, bool output,
                                  int k);
/* How many rows the table has. */
MLX_API int mlx_profile_row_count(size_t *rows, mlx_profile p);
/* Row i of the table, the one that took longest first. Measures the machine if nobody has.
   Errors: there is no such row. */
MLX_API int mlx_profile_get_row(mlx_profile_row *res, mlx_profile p, size_t i);
/* The table as text. Measures the machine if nobody has. */
MLX_API int mlx_profile_text(mlx_string *res, mlx_profile p);
/* Write the events as a trace in Chrome's format: JSON. Errors: the file cannot be written; what
   was there before stays. */
MLX_API int mlx_profile_write(mlx_profile p, const char *path);

/* The bytes a second that this machine reads from memory, and the float32 operations a second that
   it computes, on the library's threads: measured once, in a fifth of a second, by the first call.
   Errors: too little memory. */
MLX_API int mlx_machine_limits(double *bandwidth, double *flops);

/* --- where arrays are made, for bindings ------------------------------------------------------ */

/* The number of a place in the program, which events and errors name as "file:line". 0: no file was
   given, or there is no room for more (65535). */
MLX_API uint32_t mlx_source_add(const char *file, int line);
typedef uint32_t mlx_source_hook(void *data);
/* The function that says at which place the calling thread is, 0 where that is not known. It is
   called when an operation is built, only while a profile runs or mlx_debug_set is on; it may not
   call the library but for mlx_source_add. NULL: nobody knows. */
MLX_API int mlx_source_set_hook(mlx_source_hook *hook, void *data);
/* What an operation that is built now on this thread would have. */
MLX_API uint32_t mlx_source_here(void);

#ifdef __cplusplus
}
#endif

#endif
