/* Files of arrays.
 *
 * Loading reads the headers. Arrays stay pending, and each is read when it is evaluated,
 * into memory of its own: after that nothing depends on the file. Until then the file is
 * held open, so that renaming, removing or replacing it changes nothing; one that was cut
 * short or written to in the meantime is an error of the evaluation. What is small, what
 * is packed (npz), what GGUF has in a way of quantization that MLX has as well (Q4_0, Q4_1,
 * Q8_0, MXFP4: it is packed again) and what comes from a reader is read at once.
 *
 * The functions named _mapped give arrays that are pages of the file. Evaluation reads
 * nothing then: pages come when they are touched, and the system may drop them again, so
 * that weights larger than memory can be used. The price: while such an array lives the
 * file must not be cut short or written to. Evaluation refuses a file that has changed
 * since it was loaded; where it loses pages later, zeros are read and evaluations that meet
 * them are errors, and what is written shows in the arrays. Booleans, big-endian and
 * misaligned elements are copied all the same. The size of the file counts as active memory.
 *
 * Saving writes to a temporary name, syncs and renames: a full disk leaves the former file
 * as it was. A writer of the program's gets every byte in order, in one or several calls;
 * `good` is asked after each. Every length and offset in a file is checked against its
 * size; a file that lies is an error.
 */
#ifndef MLX_C_IO_H
#define MLX_C_IO_H

#include "mlx/c/array.h"
#include "mlx/c/closure.h"
#include "mlx/c/distributed_group.h"
#include "mlx/c/io_types.h"
#include "mlx/c/map.h"
#include "mlx/c/stream.h"
#include "mlx/c/string.h"
#include "mlx/c/vector.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One array from a file in NumPy's npy format. Errors: a file that cannot
   be opened or is not what it should be, at once. */
MLX_API int mlx_load(mlx_array *res, const char *file, const mlx_stream s);
/* The same of pages of the file (see above). (Not in mlx-c.) */
MLX_API int mlx_load_mapped(mlx_array *res, const char *file, const mlx_stream s);
/* The same from a reader (io_types.h), which then stands behind what was read. */
MLX_API int mlx_load_reader(mlx_array *res, mlx_io_reader in_stream, const mlx_stream s);
/* Write an array as npy file, evaluated; ".npy" is added to a name without it. The file appears
   whole or not at all. Errors: what evaluation meets, a file that cannot be written. */
MLX_API int mlx_save(const char *file, const mlx_array a);
/* The same through a writer. */
MLX_API int mlx_save_writer(mlx_io_writer out_stream, const mlx_array a);

/* A NumPy npz archive: arrays by name. Errors: a file that cannot be opened or is not what it
   should be. (Not in mlx-c.) */
MLX_API int mlx_load_npz(mlx_map_string_to_array *res, const char *file, const mlx_stream s);
/* Write named arrays as npz archive, with its members deflated where compressed. Errors: what
   evaluation meets, a file that cannot be written. */
MLX_API int mlx_save_npz(const char *file, const mlx_map_string_to_array arrays, bool compressed);

/* A safetensors file: res_0 the arrays by name, res_1 the metadata. Either may be NULL, which
   leaves it out. Errors: a file that cannot be opened or is not what it should be. */
MLX_API int mlx_load_safetensors(mlx_map_string_to_array *res_0, mlx_map_string_to_string *res_1,
                                 const char *file, const mlx_stream s);
/* The same of pages of the file. (Not in mlx-c.) */
MLX_API int mlx_load_safetensors_mapped(mlx_map_string_to_array *res_0,
                                        mlx_map_string_to_string *res_1, const char *file,
                                        const mlx_stream s);
/* The same from a reader. */
MLX_API int mlx_load_safetensors_reader(mlx_map_string_to_array *res_0,
                                        mlx_map_string_to_string *res_1, mlx_io_reader in_stream,
                                        const mlx_stream s);
/* Write named arrays, and metadata (may be empty), as safetensors file; ".safetensors" is added
   to a name without it. Errors: what evaluation meets, a file that cannot be written. */
MLX_API int mlx_save_safetensors(const char *file, const mlx_map_string_to_array param,
                                 const mlx_map_string_to_string metadata);
/* The same through a writer. */
MLX_API int mlx_save_safetensors_writer(mlx_io_writer in_stream,
                                        const mlx_map_string_to_array param,
                                        const mlx_map_string_to_string metadata);

/* A GGUF file: arrays and metadata (io_types.h). Tensors of Q4_0, Q4_1 and Q8_0 become what
   mlx_quantize makes, with name.scales and name.biases (MXFP4: uint8 scales alone); all other
   blocks become float16. file.h leaves them as they are. Of a split model the first file opens
   all: "-00001-of-00003.gguf". Errors: a file that cannot be opened or is not what it should be. */
MLX_API int mlx_load_gguf(mlx_io_gguf *gguf, const char *file, const mlx_stream s);
/* The same of pages of the file. (Not in mlx-c.) */
MLX_API int mlx_load_gguf_mapped(mlx_io_gguf *gguf, const char *file, const mlx_stream s);
/* The same from a reader. (Not in mlx-c.) */
MLX_API int mlx_load_gguf_reader(mlx_io_gguf *gguf, mlx_io_reader in_stream, const mlx_stream s);
/* Write the contents of a GGUF file; ".gguf" is added to a name without it. Errors: what
   evaluation meets, a dtype that GGUF does not have, a file that cannot be written. */
MLX_API int mlx_save_gguf(const char *file, mlx_io_gguf gguf);

#ifdef __cplusplus
}
#endif

#endif
