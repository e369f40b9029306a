/* Models of the Hugging Face Hub, in its cache on this machine.
 *
 *     mlx_string folder = mlx_string_new();
 *     mlx_hub_pull(&folder, "org/model", NULL, NULL, NULL);
 *     mlx_file_open(&f, mlx_string_data(folder), false);
 *
 * The cache is that of Hugging Face's own programs, and both find each other's files:
 *
 *     <cache>/models--org--model/blobs/<id>                  the bytes of a file, by what they are
 *                               /snapshots/<commit>/<file>   a link to them
 *                               /refs/main                   the commit
 *
 * Environment: HF_ENDPOINT (where the hub is), HF_TOKEN or the file $HF_HOME/token (who asks),
 * HF_HUB_CACHE, HF_HOME (where the cache is; ~/.cache/huggingface), HF_HUB_OFFLINE=1 (ask nobody).
 * Transfers are libcurl's, which is loaded when it is first needed.
 *
 * None of this is in mlx-c.
 */
#ifndef MLX_C_HUB_H
#define MLX_C_HUB_H

#include <stddef.h>
#include <stdint.h>

#include "mlx/c/string.h"

#ifdef __cplusplus
extern "C" {
#endif

/* All members may be zero. Texts are borrowed for the call. */
typedef struct mlx_hub_options_ {
    const char *revision; /* a branch, tag or commit; NULL: "main" */
    /* The files that are wanted, as a shell matches names ("*.safetensors"); none: all. */
    const char *const *patterns;
    size_t pattern_count;
    int connections; /* files at a time; 0: 4 */
} mlx_hub_options;

typedef struct mlx_hub_progress_ {
    const char *file; /* that began last; NULL before the first */
    size_t files_done, files;
    uint64_t bytes_done, bytes; /* of all files; what was there already counts as done */
} mlx_hub_progress;

/* Called now and then on the calling thread; not 0: stop. */
typedef int (*mlx_hub_callback)(const mlx_hub_progress *progress, void *payload);

/* The folder of a model ("org/model") that the cache has, of a revision (NULL: "main"). Asks
   nobody. Returns 2, without a call of the error handler, where it has none. */
MLX_API int mlx_hub_find(mlx_string *res, const char *model, const char *revision);
/* Take what the cache lacks of a model from the hub; *res: its folder. options, call may be NULL.
   Files are resumed where they stopped, also after a failure, and come under their names when their
   SHA-256 is what the hub says. Errors: a model that there is not, a hub that cannot be reached
   (offline: at once), bytes that are others than promised. */
MLX_API int mlx_hub_pull(mlx_string *res, const char *model, const mlx_hub_options *options,
                         mlx_hub_callback call, void *payload);
/* The SHA-256 of a file (FIPS 180-4): 64 digits. call (may be NULL) is told of bytes. Errors:
   the file cannot be read, and that it was stopped. */
MLX_API int mlx_hub_sha256(mlx_string *res, const char *file, mlx_hub_callback call, void *payload);

#ifdef __cplusplus
}
#endif

#endif
