"""Where NULL or an empty handle is no error but means something, as rows of

    function    parameter    what it means

Both are patterns, of which the first row that fits counts. Without a row they are errors. The pages
say so, and tests/capi/test_capi_arguments.c calls every function either way.
"""

import re
from fnmatch import fnmatchcase

ROWS = [
    ("mlx_*_free", "handle", "nothing is done"),
    ("mlx_value_free", "value", "nothing is done"),
    ("mlx_device_equal", "handle", "equal to another empty one"),
    ("mlx_stream_equal", "handle", "equal to another empty one"),
    ("*", "stream", "the default stream"),
    ("mlx_set_default_stream*", "stream", "the default stream"),
    ("mlx_set_thread_device", "former", "nobody is told"),
    ("mlx_set_thread_device", "dev", "the process's default device"),
    ("mlx_distributed*", "group", "the group of all processes"),
    ("mlx_distributed*", "bk", "any way to reach other processes"),
    ("mlx_custom_function", "fun_*", "the rule is derived from fun"),
    ("mlx_array_new_data_managed*", "dtor", "the caller keeps the memory alive"),
    ("*", "dtor", "nobody is told"),
    ("*", "payload", "handed on as it is"),
    ("mlx_io_*_new", "desc", "handed on as it is"),
    ("mlx_source_set_hook", "hook", "nobody knows"),
    ("mlx_set_error_handler", "handler", "messages go to stderr"),
    ("mlx_set_interrupt_check*", "check", "no check"),
    ("mlx_set_*", "data", "handed on as it is"),
    ("mlx_source_set_hook", "data", "handed on as it is"),
    ("mlx_load_safetensors*", "res_*", "it is left out"),
    ("mlx_debug_get", "*", "it is left out"),
    ("mlx_profile_count", "[ed]*", "it is left out"),
    ("mlx_pad*", "mode", '"constant"'),
    ("mlx_pad*", "pad_value", "0"),
    ("mlx_quantize", "mode", '"affine"'),
    ("mlx_dequantize", "mode", '"affine"'),
    ("mlx_quantized_matmul", "mode", '"affine"'),
    ("mlx_gather_qmm", "mode", '"affine"'),
    ("mlx_dequantize", "scales", "none: blocks of GGUF have theirs inside"),
    ("mlx_quantized_matmul", "scales", "none: blocks of GGUF have theirs inside"),
    ("mlx_gather_qmm", "scales", "none: blocks of GGUF have theirs inside"),
    ("mlx_*", "biases", "none"),
    ("mlx_*", "global_scale*", "none"),
    ("mlx_*", "[lr]hs_indices", "the matrices in their order"),
    ("mlx_*qqmm*", "w_scales", "w is not quantized"),
    ("mlx_clip", "a_m*", "no bound on this side; one of both is needed"),
    ("mlx_block_masked_mm", "mask_*", "no mask"),
    ("mlx_nan_to_num_f64", "posinf", "the largest number of the dtype"),
    ("mlx_nan_to_num_f64", "neginf", "the least number of the dtype"),
    ("mlx_hadamard_transform_f64", "scale", "1/sqrt(n)"),
    ("mlx_fast_rope_f64", "base", "freqs are given instead"),
    ("mlx_fast_rope*", "freqs", "they follow from base"),
    ("mlx_fast_*", "weight", "none"),
    ("mlx_fast_*", "bias", "none"),
    ("mlx_fast_*", "sinks", "none"),
    ("mlx_fast_*", "mask*", "none"),
    ("mlx_fast_*", "initial_state", "zeros"),
    ("mlx_fast_*_kernel_new", "header", "none"),
    ("mlx_fft_*", "window", "ones"),
    ("mlx_fft_stft", "onesided", "as the input is real or complex"),
    ("mlx_fft_stft", "pad_mode", '"reflect"'),
    ("mlx_unique_sized", "fill_value", "the first value"),
    ("mlx_random_normal_broadcast", "loc", "0"),
    ("mlx_random_normal_broadcast", "scale", "1"),
    ("mlx_random_split*", "key", ""),
    ("mlx_random_*", "key", "the next key of the calling thread's sequence"),
    ("mlx_random_choice", "p", "all are equally likely"),
    ("mlx_histogram*", "weights", "each counts once"),
    ("mlx_bincount", "weights", "each counts once"),
    ("mlx_histogram_edges", "range", "from the smallest to the largest element"),
    ("mlx_linalg_matrix_rank", "rtol", "the dtype's precision times the larger side"),
    ("mlx_linalg_cond", "ord", "2"),
    ("mlx_function_exporter*", "metadata", "none"),
    ("mlx_save_safetensors*", "metadata", "none"),
    ("mlx_file_writer_open", "format", "by the ending of the name"),
    ("mlx_hub_find", "revision", '"main"'),
    ("mlx_hub_*", "call", "nobody is told"),
    ("mlx_*", "progress", "nobody is told"),
    ("mlx_train_*", "callback", "nobody is told"),
    ("mlx_lm_batch_step", "call", "nobody is told"),
    ("mlx_train_open", "data", "none is read"),
    ("mlx_sampler_open", "options", ""),
    ("mlx_*", "options", "the usual ones"),
    ("mlx_lm_[ec]*", "types", "all are of the first text"),
    ("mlx_sampler_pick", "allowed", "all are"),
    ("mlx_template_open", "name", '"default", or the only one'),
    ("mlx_*stream*", "dev", "the default device"),
    ("mlx_device_info_get", "dev", "the default device"),
]


def meaning(function, kind, name):
    """What it means when nothing is given for a parameter; "" where that is an error."""
    is_result = re.match(r"mlx_(?!source_hook)\w+ \*$", kind)
    if kind.endswith("mlx_stream"):
        name = "stream"
    elif re.match(r"(const )?mlx_\w+$", kind) and function.endswith(("_free", "_equal")):
        name = "handle"
    elif is_result and name in ("stream", "dev", "options"):
        return ""
    fits = (means for f, p, means in ROWS if fnmatchcase(function, f) and fnmatchcase(name, p))
    return next(fits, "")
