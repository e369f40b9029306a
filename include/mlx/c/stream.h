/* Streams: ordered queues of work on a device. An empty stream stands for the
 * default one.
 */
#ifndef MLX_C_STREAM_H
#define MLX_C_STREAM_H

#include "mlx/c/device.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mlx_stream_ {
    void *ctx;
} mlx_stream;

/* An empty handle, which stands for the default stream. */
MLX_API mlx_stream mlx_stream_new(void);
/* A new queue of a device (empty: the default one). */
MLX_API mlx_stream mlx_stream_new_device(mlx_device dev);
/* Copy src into stream. */
MLX_API int mlx_stream_set(mlx_stream *stream, const mlx_stream src);
/* Let go of the handle; the queue and what is in it go on. A handle that was freed
   before, or is none, is an error. */
MLX_API int mlx_stream_free(mlx_stream stream);
/* A stream as text, "Stream(Device(cpu, 0), 0)". */
MLX_API int mlx_stream_tostring(mlx_string *str, mlx_stream stream);
/* Whether both name the same stream. */
MLX_API bool mlx_stream_equal(mlx_stream lhs, mlx_stream rhs);
/* The device that a stream belongs to. */
MLX_API int mlx_stream_get_device(mlx_device *dev, mlx_stream stream);
/* A stream's number in the process; the default stream of the CPU has 0. */
MLX_API int mlx_stream_get_index(int *index, mlx_stream stream);

/* Wait until all work on the stream is done; its errors are reported here. Errors: those of the
   work on the stream. */
MLX_API int mlx_synchronize(mlx_stream stream);
/* The default stream of a device (empty: the default one). */
MLX_API int mlx_get_default_stream(mlx_stream *stream, mlx_device dev);
/* Make a stream its device's default stream, for the calling thread. Errors: its device is not
   available. */
MLX_API int mlx_set_default_stream(mlx_stream stream);
/* The same for the calling thread and all that made no choice of their own, as a host does whose
   work moves from thread to thread. Errors: its device is not available. */
MLX_API int mlx_set_default_stream_for_all(mlx_stream stream);
/* A handle for the default stream of the CPU. */
MLX_API mlx_stream mlx_default_cpu_stream_new(void);
/* A handle for the default stream of the GPU, for which the CPU stands where MLX_GPU_ON_CPU=1 is
   in the environment. Errors: there is no GPU. */
MLX_API mlx_stream mlx_default_gpu_stream_new(void);

/* The same as mlx_stream_new_device, under the name that mlx-c 0.7 has for streams that any thread
   may use: every stream here is one. */
MLX_API mlx_stream mlx_stream_new_thread_unsafe(mlx_device dev);
/* A stream for the calling thread's own use; as any other, since streams belong to the
   process. */
MLX_API mlx_stream mlx_new_thread_local_stream(mlx_device dev);
/* Wait until all work on all streams is done. A stream holds nothing else to let go. Errors:
   those of the work. */
MLX_API int mlx_clear_streams(void);

/* Evaluations on several threads run at the same time where they share nothing that is still to
   be computed. While one of a higher priority is under way the others pause: between their
   steps, and within large ones. From -100 to 100, 0 unless set; an evaluation has that of the
   stream of the last array that is asked for. For the first 4096 streams. Errors: another
   number, a later stream. */
MLX_API int mlx_stream_set_priority(mlx_stream stream, int priority);
/* The stream's priority. */
MLX_API int mlx_stream_get_priority(int *priority, mlx_stream stream);
/* How many threads may compute at a time for an evaluation on the stream, the calling one
   included: 1 to 1024, or 0 for all, which it is unless set. Results do not depend on it. For
   the first 4096 streams. Errors: another number, a later stream. */
MLX_API int mlx_stream_set_threads(mlx_stream stream, int threads);
/* What mlx_stream_set_threads set; 0: all. */
MLX_API int mlx_stream_get_threads(int *threads, mlx_stream stream);

#ifdef __cplusplus
}
#endif

#endif
