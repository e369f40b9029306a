/* The native half of the Elixir package: what its files share.
 *
 *     atom.c     atoms and texts
 *     fail.c     errors, in Elixir's words
 *     term.c     what crosses the border: arrays as %Mlx.Array{}, dtypes, lists
 *     bind.c     the arguments of a call become values of the catalog
 *     call.c     any operation of the catalog by its row; the rows as Elixir reads them
 *     data.c     arrays from binaries and numbers, and back
 *     job.c      what may take long runs on threads of its own, in the name of a process
 *     task.c     what such a job does
 *     body.c     Elixir functions as closures; transforms of them
 *     program.c  graphs with loops and choices between them
 *     file.c     files of arrays
 *     export.c   functions in files
 *     place.c    devices, streams and groups of processes
 *     lm.c       language models and tokenizers (lm.h), want.c and ask.c their requests
 *     profile.c  profiles
 *     unsafe.c   what can take the VM down
 *     reap.c     graphs that nobody needs are freed away from the schedulers
 *     nif.c      the table of functions
 *
 * It uses libmlxc's public interface alone. An Elixir array is a resource that holds a handle;
 * whoever uses one borrows it (mex_borrow) so that Mlx.deallocate cannot pull it away. Functions
 * that fail leave what they have to say in a note of the thread (mex_fail, mex_fail_mlx) and give
 * false; the function that Elixir called turns the note into an exception (mex_raise).
 */
#ifndef MEX_NIF_H
#define MEX_NIF_H

#include <erl_nif.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "mlx/c/mlx.h"

typedef ERL_NIF_TERM term;

#define MEX_NIF(name) term name(ErlNifEnv *env, int argc, const term argv[])

/* --- atom.c ----------------------------------------------------------------------------------- */

#define MEX_ATOMS      \
    ATOM(ok)           \
    ATOM(error)        \
    ATOM(nil)          \
    ATOM(call)         \
    ATOM(raised)       \
    ATOM(ref)          \
    ATOM(nan)          \
    ATOM(infinity)     \
    ATOM(neg_infinity) \
    ATOM(cpu)          \
    ATOM(gpu)          \
    ATOM(evaluates)    \
    ATOM(later)        \
    ATOM(operation)    \
    ATOM(reason)       \
    ATOM(message)      \
    ATOM(re)           \
    ATOM(im)           \
    ATOM(pressure)

typedef struct mex_atoms {
#define ATOM(name) term name;
    MEX_ATOMS
#undef ATOM
    term yes, no, struct_, exception_, error_module, array_module, stream_module, group_module;
} mex_atoms;
extern mex_atoms mex_atom;

void mex_atoms_load(ErlNifEnv *env);
/* A binary of n bytes. */
term mex_text_term(ErlNifEnv *env, const char *text, size_t n);
/* An atom as Elixir writes it: :sum, :"a b", nil, Mlx.Array; as much as there is room for. */
void mex_atom_text(term atom, char *to, size_t size);
/* The whole characters of a text that there is room for, U+FFFD for bytes that are none; how many
   bytes these are. */
size_t mex_clean_text(char *to, size_t size, const char *text);

/* --- fail.c ----------------------------------------------------------------------------------- */

/* Note an error; false. The reason is an atom's name. */
bool mex_fail(const char *reason, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Note an argument that is not what it should be; false. */
bool mex_expected(ErlNifEnv *env, const char *what, const char *expected, term given);
/* Note what libmlxc's last call on this thread said; false. */
bool mex_fail_mlx(void);
/* The same where an operation refused its arguments: it is the one of mex_operation, whichever of
   its own it was in the middle of. */
bool mex_fail_call(void);
/* Whose errors these are where a message does not say: "sum". */
void mex_operation(const char *name, int length);
/* The note as an exception's term, and raised. */
term mex_error_term(ErlNifEnv *env);
term mex_raise(ErlNifEnv *env);
/* The same for functions that say whose error it is only when there is one. */
term mex_raise_as(ErlNifEnv *env, const char *operation);

/* --- term.c ----------------------------------------------------------------------------------- */

typedef struct mex_array {
    mlx_array handle;
    atomic_int state; /* twice the number of borrowers, plus 1 once it is let go */
    atomic_bool freed;
} mex_array;

typedef struct mex_closure {
    mlx_closure handle;
} mex_closure;

typedef struct mex_stream {
    mlx_stream handle;
} mex_stream;

typedef struct mex_group {
    mlx_distributed_group handle;
} mex_group;

typedef struct mex_imported {
    mlx_imported_function handle;
} mex_imported;

extern ErlNifResourceType *mex_array_type, *mex_buffer_type, *mex_closure_type, *mex_stream_type,
    *mex_imported_type, *mex_job_type, *mex_cell_type, *mex_lm_type, *mex_tokenizer_type,
    *mex_batch_type, *mex_ticket_type, *mex_profile_type, *mex_group_type, *mex_exporter_type;
extern atomic_long mex_live_arrays, mex_live_closures;

void mex_dtypes_load(ErlNifEnv *env);

/* What the field :ref of a struct refers to, which is of that type; NULL: it is no such struct. */
void *mex_held(ErlNifEnv *env, term t, ErlNifResourceType *type);
/* The struct of a module, which owns the resource from then on. */
term mex_holder_term(ErlNifEnv *env, term module, void *object);

/* An array that a term is; NULL with a note. What was borrowed is given back. */
mex_array *mex_borrow(ErlNifEnv *env, term t);
void mex_give_back(mex_array *a);
bool mex_is_array(ErlNifEnv *env, term t);
/* The struct of an array, which the term owns from then on; 0 with a note. */
term mex_array_term(ErlNifEnv *env, mlx_array a);
/* Let go of what the resource holds, once. */
void mex_array_drop(mex_array *a);

/* A list of arrays as a vector that the caller frees, whatever is given back. */
bool mex_arrays(ErlNifEnv *env, mlx_vector_array *out, term list);
/* A vector as a list (tuple: as a tuple); 0 with a note. */
term mex_arrays_term(ErlNifEnv *env, mlx_vector_array v, bool tuple);

bool mex_dtype(ErlNifEnv *env, mlx_dtype *out, term t);
term mex_dtype_term(mlx_dtype t);
const char *mex_dtype_name(mlx_dtype t);

bool mex_bool(ErlNifEnv *env, bool *out, term t);
/* A whole number that an int holds. */
bool mex_int(ErlNifEnv *env, int *out, term t);
/* Ints in a list or tuple, at most max of them. */
bool mex_ints(ErlNifEnv *env, int *out, int max, int *count, term t);
/* How long a list or tuple is; -1: it is neither. */
long mex_length(ErlNifEnv *env, term t);
/* The next item of a list, or of a tuple with *i as place. */
bool mex_next(ErlNifEnv *env, term *rest, int *i, term *item);
/* A binary or an atom but nil, true and false as text that the caller frees (enif_free); NULL with
   a note. */
char *mex_text(ErlNifEnv *env, term t);
term mex_double_term(ErlNifEnv *env, double x);
/* A float, an integer, or one of :nan, :infinity and :neg_infinity. */
bool mex_number(ErlNifEnv *env, double *out, term t);
/* An integer as a double that is to be rounded further, to a float or a half. What has more bits
   than a double is rounded to odd: rounding that gives what rounding the integer itself would
   (Boldo and Melquiond 2008). */
double mex_odd_int(int64_t i);
double mex_odd_uint(uint64_t u);
/* {re, im} or a struct with such fields, as doubles that are to be rounded to floats. */
bool mex_complex(ErlNifEnv *env, double *re, double *im, term t);

/* --- bind.c ----------------------------------------------------------------------------------- */

enum { MEX_INTS = 128, MEX_LONG = 256 };

/* A row as calls need it; rows of one name form a chain. */
typedef struct mex_row {
    const mlx_operation *op;
    mlx_signature signature;
    term names[MLX_PARAMETERS_MAX];
    int next;       /* the next row of this name; -1: none */
    int positional; /* parameters that may be given by position */
    unsigned required;
    bool splits; /* split or unstack: gives as many arrays as it is asked for */
    bool fills;  /* numbers that it is given get the dtype of the result */
} mex_row;

typedef struct mex_frame {
    mlx_value values[MLX_PARAMETERS_MAX];
    mex_array *borrowed[MLX_PARAMETERS_MAX];
    char *strings[MLX_PARAMETERS_MAX];
    int borrowed_count, string_count, used;
    bool given[MLX_PARAMETERS_MAX];
    bool patient;  /* lists may be long: no scheduler waits */
    bool too_long; /* one was, and nothing was bound */
    int ints[MEX_INTS];
} mex_frame;

/* Fill the frame, of which the caller sets patient, for one row from a tuple of positional
   arguments and a keyword list. */
bool mex_bind(ErlNifEnv *env, mex_frame *frame, const mex_row *row, term args, term options);
/* Has a row of the chain each of the options? false with a note that names what there is. */
bool mex_options_known(ErlNifEnv *env, const mex_row *rows, int first, term options);
void mex_frame_free(mex_frame *frame);

/* --- call.c ----------------------------------------------------------------------------------- */

bool mex_rows_load(ErlNifEnv *env);
typedef enum mex_patience { MEX_SCHEDULER, MEX_DIRTY, MEX_JOB } mex_patience;

/* Call the row, or one of its chain, whichever takes the arguments; 0 with a note, or without one
   where *too_long says that lists or results are not for a scheduler. Operations that evaluate are
   a job's to call; elsewhere :evaluates is given. */
term mex_call(ErlNifEnv *env, int row, term args, term options, mex_patience patience,
              bool *too_long);
/* Call an operation that is no row of the catalog; 0 with a note. */
term mex_call_operation(ErlNifEnv *env, const mlx_operation *op, term args, term options);
MEX_NIF(mex_nif_call);
MEX_NIF(mex_nif_catalog);

/* --- data.c ----------------------------------------------------------------------------------- */

MEX_NIF(mex_nif_from_binary);
MEX_NIF(mex_nif_from_numbers);
MEX_NIF(mex_nif_info);
MEX_NIF(mex_nif_available);
MEX_NIF(mex_nif_binary);
MEX_NIF(mex_nif_numbers);
/* A slice or scatter of a name: arguments are read in one environment and the result is in the
   other; 0 with a note. */
term mex_part(ErlNifEnv *env, ErlNifEnv *from, term name, term args);
MEX_NIF(mex_nif_part);
MEX_NIF(mex_nif_deallocate);
void mex_buffer_free(ErlNifEnv *env, void *object);

/* --- job.c ------------------------------------------------------------------------------------ */

typedef struct mex_job mex_job;
struct mex_job {
    ErlNifEnv *env; /* has the reference and the task */
    term ref, task;
    ErlNifPid owner;
    struct mex_worker *worker;
    atomic_bool cancelled;
    bool waiting;       /* for the owner's answer; as all below under the worker's lock */
    ErlNifEnv *answers; /* has the answer; NULL: none yet */
    term answer;
    mex_job *parent;       /* which the same thread is in the middle of */
    mex_job *next;         /* in a queue */
    mex_job *left, *right; /* in the list of all */
    bool raised;           /* a function of Elixir's failed in it */
    bool lasting;          /* it has changed a file, and says so even where it was stopped since */
    int depth;
};

void mex_jobs_load(void);
/* The job that this thread works on; NULL: none. */
mex_job *mex_job_here(void);
/* Has somebody asked it, or one below it, to stop? */
bool mex_job_stopped(const mex_job *job);
/* Send the owner a call of a function, with one list of arrays or a list of n, and wait for the
   answer, whose term is in *env, for the caller to free. */
bool mex_job_ask(mex_job *job, term function, const mlx_vector_array *inputs, int n,
                 ErlNifEnv **env, term *answer);
MEX_NIF(mex_nif_start);
MEX_NIF(mex_nif_answer);
MEX_NIF(mex_nif_cancel);
MEX_NIF(mex_nif_cancel_process);
void mex_job_free(ErlNifEnv *env, void *object);
void mex_job_down(ErlNifEnv *env, void *object, ErlNifPid *pid, ErlNifMonitor *monitor);
long mex_jobs_running(void);
long mex_workers(void);

/* --- task.c ----------------------------------------------------------------------------------- */

/* A kind of task {name, argument, ...} of so many members. It reads the job's environment; its
   result is in env, 0 with a note. Lists end with a row without a name. */
typedef struct mex_task_row {
    const char *name;
    int arity;
    term (*call)(ErlNifEnv *env, mex_job *job, const term *task);
} mex_task_row;

/* Do what a task says, on this thread: its result in env; 0 with a note. */
term mex_task(ErlNifEnv *env, mex_job *job);
MEX_NIF(mex_nif_relieved);
MEX_NIF(mex_nif_eval_small);
MEX_NIF(mex_nif_apply);

/* --- program.c -------------------------------------------------------------------------------- */

extern const mex_task_row mex_program_tasks[];

/* --- body.c ----------------------------------------------------------------------------------- */

MEX_NIF(mex_nif_closure);
MEX_NIF(mex_nif_transform);
MEX_NIF(mex_nif_cell_new);
MEX_NIF(mex_nif_cell_get);
MEX_NIF(mex_nif_cell_put);
void mex_closure_free(ErlNifEnv *env, void *object);
void mex_cell_free(ErlNifEnv *env, void *object);
bool mex_closure_of(ErlNifEnv *env, mlx_closure *out, term t);
/* Has this thread needed a function of Elixir's since it was last set to false? */
extern _Thread_local bool mex_asked;

/* --- file.c ----------------------------------------------------------------------------------- */

/* Tasks of files: {:load, format, path, mapped} and so on; an error where it is none. */
term mex_file_task(ErlNifEnv *env, mex_job *job, const char *name, int arity, const term *task);

/* --- export.c --------------------------------------------------------------------------------- */

extern const mex_task_row mex_export_tasks[];
void mex_exporter_free(ErlNifEnv *env, void *object);
void mex_imported_free(ErlNifEnv *env, void *object);

/* --- lm.c, ask.c ------------------------------------------------------------------------------ */

extern const mex_task_row mex_lm_tasks[];
void mex_lm_free(ErlNifEnv *env, void *object);
void mex_tokenizer_free(ErlNifEnv *env, void *object);
void mex_batch_free(ErlNifEnv *env, void *object);
void mex_ticket_free(ErlNifEnv *env, void *object);
MEX_NIF(mex_nif_lm_cancel);
/* Cancel the requests of a process; how many. */
int mex_lm_cancel_process(const ErlNifPid *pid);

/* --- profile.c, unsafe.c ---------------------------------------------------------------------- */

extern const mex_task_row mex_profile_tasks[], mex_unsafe_tasks[];
void mex_profile_free(ErlNifEnv *env, void *object);

/* --- place.c ---------------------------------------------------------------------------------- */

/* nil, :cpu, :gpu or a stream; borrowed. */
bool mex_stream_of(ErlNifEnv *env, mlx_stream *out, term t);
MEX_NIF(mex_nif_place);
void mex_stream_free(ErlNifEnv *env, void *object);
void mex_group_free(ErlNifEnv *env, void *object);

/* --- reap.c ----------------------------------------------------------------------------------- */

/* Free a handle: at once if that is quick, else on a thread. */
void mex_reap(mlx_array a);
/* Wait until what was handed over is freed. */
void mex_reap_settle(void);
MEX_NIF(mex_nif_stats);

#endif
