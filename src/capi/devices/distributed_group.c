/* Groups of processes. There is no way to reach other processes yet: every group is of this one
 * alone, and an empty handle is the group of all. */
#include <string.h>

#include "base/mem.h"
#include "capi/capi.h"

typedef struct group {
    int rank, size;
} group;

static bool put_group(mlx_distributed_group *res, group g) {
    if (!capi_slot(res, "distributed_group"))
        return false;
    group *box = res->ctx ? res->ctx : mx_malloc(sizeof *box);
    if (!box)
        return false;
    *box = g;
    res->ctx = box;
    return true;
}

mlx_distributed_group mlx_distributed_group_new(void) {
    return (mlx_distributed_group){NULL};
}

int mlx_distributed_group_free(mlx_distributed_group handle) {
    int status;
    if (capi_frees(handle.ctx, "distributed_group", &status))
        mx_free(handle.ctx);
    return status;
}

bool mlx_distributed_is_available(const char *bk) {
    (void)bk;
    return false;
}

static bool is_known(const char *bk) {
    static const char *const known[] = {"any", "mpi", "nccl", "jaccl", "ring"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(bk, known[i]) == 0)
            return true;
    return mx_fail(
        MX_INVALID,
        "[distributed] The only valid values for backend are 'any', 'mpi', 'nccl', 'jaccl' "
        "and 'ring' but '%s' was provided.",
        bk);
}

int mlx_distributed_init(mlx_distributed_group *res, bool strict, const char *bk) {
    mx_error_clear();
    bool ok = !bk || is_known(bk);
    if (ok && strict)
        ok =
            mx_fail(MX_UNSUPPORTED,
                    "[distributed] Couldn't initialize %s: this library reaches no other processes",
                    bk ? bk : "any backend");
    return capi_done(ok && put_group(res, (group){0, 1}));
}

/* Empty: the group of all; of what is no group nothing, with an error. */
static group group_of(mlx_distributed_group handle) {
    mx_error_clear();
    bool ok = capi_empty_or_object(handle.ctx, "distributed_group");
    capi_done(ok);
    return !ok ? (group){0} : handle.ctx ? *(group *)handle.ctx : (group){0, 1};
}

int mlx_distributed_group_rank(mlx_distributed_group handle) {
    return group_of(handle).rank;
}

int mlx_distributed_group_size(mlx_distributed_group handle) {
    return group_of(handle).size;
}

/* Whatever the color, the one process is alone in its part. */
int mlx_distributed_group_split(mlx_distributed_group *res, mlx_distributed_group handle, int color,
                                int key) {
    mx_error_clear();
    (void)color;
    (void)key;
    return capi_done(capi_empty_or_object(handle.ctx, "distributed_group") &&
                     put_group(res, (group){0, 1}));
}
