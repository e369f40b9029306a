/* Operations over a group of processes. */
#include "catalog/cat.h"

#define GROUP(i) args[i].as.group

typedef struct collective {
    int (*call)(mlx_array *, const mlx_array, const mlx_distributed_group, const mlx_stream);
} collective;

/* x, group, stream */
static int call_collective(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    const collective *f = op->function.family;
    return cat_array(&args[0]) || f->call(OUT, ARRAY(0), GROUP(1), ON(2));
}

typedef struct exchange {
    int (*call)(mlx_array *, const mlx_array, int, const mlx_distributed_group, const mlx_stream);
} exchange;

/* x, process, group, stream */
static int call_exchange(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    const exchange *f = op->function.family;
    return cat_array(&args[0]) || f->call(OUT, ARRAY(0), INT(1), GROUP(2), ON(3));
}

/* shape, dtype, src, group, stream */
static int call_recv(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    (void)op;
    return mlx_distributed_recv(OUT, args[0].as.ints, (size_t)args[0].count, args[1].as.dtype,
                                INT(2), GROUP(3), ON(4));
}

/* backend */
static int call_is_available(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    (void)op;
    const char *name = args[0].as.string;
    *res = (mlx_value){.kind = MLX_VALUE_BOOL, .as.boolean = mlx_distributed_is_available(name)};
    return 0;
}

#define PROCESS "mlx.core.distributed"
#define GROUPED "*, group: Group | None = None, " STREAM

const mlx_operation cat_process_rows[] = {
    {PROCESS, "is_available(backend: str = 'any') -> bool",
     "Whether there is a way to reach other processes.", call_is_available},
    {PROCESS, "all_gather(x: array, " GROUPED,
     "The arrays of all processes, one after the other along the first axis.", call_collective,
     FAMILY(collective, mlx_distributed_all_gather)},
    {PROCESS, "all_sum(x: array, " GROUPED, "The sum of the arrays of all processes.",
     call_collective, FAMILY(collective, mlx_distributed_all_sum)},
    {PROCESS, "all_max(x: array, " GROUPED, "The largest of all processes, element by element.",
     call_collective, FAMILY(collective, mlx_distributed_all_max)},
    {PROCESS, "all_min(x: array, " GROUPED, "The smallest of all processes, element by element.",
     call_collective, FAMILY(collective, mlx_distributed_all_min)},
    {PROCESS, "sum_scatter(x: array, " GROUPED,
     "The sum of the arrays of all processes, of which each gets its part along the first axis.",
     call_collective, FAMILY(collective, mlx_distributed_sum_scatter)},
    {PROCESS, "send(x: array, dst: int, " GROUPED,
     "x, which is sent to a process when it is evaluated.", call_exchange,
     FAMILY(exchange, mlx_distributed_send)},
    {PROCESS, "recv_like(x: array, src: int, " GROUPED,
     "An array from a process, of the shape and dtype of x.", call_exchange,
     FAMILY(exchange, mlx_distributed_recv_like)},
    {PROCESS, "recv(shape: Sequence[int], dtype: Dtype, src: int, " GROUPED,
     "An array from a process.", call_recv},
    {NULL},
};
