/* Memory: what is in use, and limits. The module metal has the same functions. */
#include "catalog/cat.h"

typedef struct question {
    int (*call)(size_t *);
} question;
typedef struct limit {
    int (*call)(size_t *, size_t);
} limit;
typedef struct action {
    int (*call)(void);
} action;

static int give(mlx_value *res, int status, size_t n) {
    *res = (mlx_value){.kind = MLX_VALUE_INT, .as.integer = (int64_t)n};
    return status;
}

static int call_question(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    const question *f = op->function.family;
    size_t n = 0;
    (void)args;
    int status = f->call(&n);
    return give(res, status, n);
}

/* limit */
static int call_limit(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    const limit *f = op->function.family;
    size_t former = 0;
    if (args[0].as.integer < 0)
        return cat_fail(MX_INVALID, "[memory] a limit cannot be negative");
    int status = f->call(&former, (size_t)args[0].as.integer);
    return give(res, status, former);
}

static int call_action(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    const action *f = op->function.family;
    (void)res, (void)args;
    return f->call();
}

/* path */
static int call_start_capture(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    (void)res, (void)op;
    return mlx_metal_start_capture(args[0].as.string);
}

typedef struct availability {
    int (*call)(bool *);
} availability;

static int call_available(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    const availability *f = op->function.family;
    bool yes = false;
    (void)args;
    int status = f->call(&yes);
    *res = (mlx_value){.kind = MLX_VALUE_BOOL, .as.boolean = yes};
    return status;
}

#define METAL "mlx.core.metal"
#define BOTH(signature, doc, call, family)  \
    {CORE, signature, doc, call, family}, { \
        METAL, signature, doc, call, family \
    }
#define QUESTION(name, f, doc) BOTH(name "() -> int", doc, call_question, FAMILY(question, f))
#define LIMIT(name, f, doc)    BOTH(name "(limit: int) -> int", doc, call_limit, FAMILY(limit, f))
#define ACTION(name, f, doc)   BOTH(name "() -> None", doc, call_action, FAMILY(action, f))

const mlx_operation cat_memory_rows[] = {
    QUESTION("get_active_memory", mlx_get_active_memory, "The bytes that arrays hold."),
    QUESTION("get_cache_memory", mlx_get_cache_memory,
             "The bytes kept for arrays to come, or as packed weights."),
    QUESTION("get_peak_memory", mlx_get_peak_memory,
             "The most bytes that arrays held since the start or the last "
             "reset_peak_memory."),
    {CORE, "get_memory_limit() -> int", "The bytes beyond which memory is not to be used.",
     call_question, FAMILY(question, mlx_get_memory_limit)},
    ACTION("reset_peak_memory", mlx_reset_peak_memory, "Start to count the peak anew."),
    ACTION("clear_cache", mlx_clear_cache,
           "Give the bytes kept for arrays to come back to the system."),
    LIMIT(
        "set_cache_limit", mlx_set_cache_limit,
        "Keep at most so many bytes for arrays to come, half of them as packed weights; gives the "
        "former limit."),
    LIMIT("set_memory_limit", mlx_set_memory_limit,
          "Keep nothing for reuse above so many bytes; allocation goes on there. Gives the former "
          "limit, at first four "
          "fifths of the memory that the machine or its control group has."),
    LIMIT(
        "set_memory_hard_limit", mlx_set_memory_hard_limit,
        "Refuse to allocate beyond so many bytes: a MemoryError. Gives the former limit, at first "
        "one and a half "
        "times the machine's memory."),
    LIMIT("set_wired_limit", mlx_set_wired_limit,
          "A limit for memory that cannot be swapped; gives the former limit. It "
          "has an effect on Metal alone."),
    {METAL, "is_available() -> bool", "Whether there is a Metal backend.", call_available,
     FAMILY(availability, mlx_metal_is_available)},
    {METAL, "start_capture(path: str) -> None",
     "Start to record what the Metal device does: nothing where there is none.",
     call_start_capture},
    {METAL, "stop_capture() -> None", "End the record.", call_action,
     FAMILY(action, mlx_metal_stop_capture)},
    {"mlx.core.cuda", "is_available() -> bool", "Whether there is a CUDA backend.", call_available,
     FAMILY(availability, mlx_cuda_is_available)},
    {NULL},
};
