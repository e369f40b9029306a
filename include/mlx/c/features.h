/* What this library is, for the preprocessor: versions, and what it has beyond mlx-c.
 *
 *     #if MLX_C_HAS_FLIP
 *         mlx_flip(&y, x, s);
 *     #endif
 *
 * MLX_C_HAS_<NAME> is defined for each function mlx_<name> that mlx-c does not have; its value is
 * the version of this library that brought it. Version numbers are 10000 * major + 100 * minor +
 * patch.
 */
#ifndef MLX_C_FEATURES_H
#define MLX_C_FEATURES_H

/* Which of mlx-c's interfaces a program is compiled for: 600 (mlx-c 0.6), or 700 where the program
   defines it so before its first include. Of what was linked or is looked up by name, 0.6's is the
   default (symbol version MLXC_0; where 0.7 changed a signature there is a symbol of version
   MLXC_0_7, too). */
#ifndef MLX_C_INTERFACE
#define MLX_C_INTERFACE 600
#endif

/* Every version of this project stands here and nowhere else: CMake, the packages, the program and
   the documentation read these lines (tools/versions.py).
   The interface of MLX that mlx_version names; */
#define MLX_VERSION_MAJOR 0
#define MLX_VERSION_MINOR 31
#define MLX_VERSION_PATCH 2
#define MLX_VERSION_NUMERIC \
    (10000 * MLX_VERSION_MAJOR + 100 * MLX_VERSION_MINOR + MLX_VERSION_PATCH)
/* this library and what comes with it, as mlx_library_version; */
#define MLX_LIBRARY_VERSION_MAJOR 0
#define MLX_LIBRARY_VERSION_MINOR 1
#define MLX_LIBRARY_VERSION_PATCH 0
#define MLX_LIBRARY_VERSION_NUMERIC                                        \
    (10000 * MLX_LIBRARY_VERSION_MAJOR + 100 * MLX_LIBRARY_VERSION_MINOR + \
     MLX_LIBRARY_VERSION_PATCH)
/* the release of mlx-c that pkg-config and find_package(MLXC) answer to; */
#define MLX_C_VERSION_MAJOR      0
#define MLX_C_VERSION_MINOR      6
#define MLX_C_VERSION_PATCH      0
/* the release of MLX whose Python package this one takes the place of, and which find_package(MLX)
   answers to. */
#define MLX_PYTHON_VERSION_MAJOR 0
#define MLX_PYTHON_VERSION_MINOR 32
#define MLX_PYTHON_VERSION_PATCH 4
/* A version as text: MLX_VERSION_TEXT(MLX_LIBRARY_VERSION). */
#define MLX_VERSION_TEXT(version) \
    MLX_VERSION_JOIN_(version##_MAJOR, version##_MINOR, version##_PATCH)
#define MLX_VERSION_JOIN_(major, minor, patch) MLX_VERSION_QUOTE_(major.minor.patch)
#define MLX_VERSION_QUOTE_(text)               #text

/* array.h */
#define MLX_C_HAS_SET_PRINT_PRECISION 100
#define MLX_C_HAS_GET_PRINT_PRECISION 100

/* catalog.h */
#define MLX_C_HAS_VALUE_NEW_INTS   100
#define MLX_C_HAS_VALUE_NEW_LIST   100
#define MLX_C_HAS_VALUE_FREE       100
#define MLX_C_HAS_VALUE_TO_ARRAY   100
#define MLX_C_HAS_VALUE_TO_PAIR    100
#define MLX_C_HAS_OPERATION_CALL   100
#define MLX_C_HAS_OPERATION_MANUAL 100
#define MLX_C_HAS_CATALOG_SIZE     100
#define MLX_C_HAS_CATALOG_GET      100
#define MLX_C_HAS_CATALOG_ALIAS    100
#define MLX_C_HAS_SIGNATURE_PARSE  100

/* convert.h */
#define MLX_C_HAS_CONVERT_OPTIONS_DEFAULT 100
#define MLX_C_HAS_CONVERT                 100
#define MLX_C_HAS_CONVERT_FAMILY          100
#define MLX_C_HAS_CONVERT_OPEN            100

/* debug.h */
#define MLX_C_HAS_DEBUG_SET 100
#define MLX_C_HAS_DEBUG_GET 100

/* device.h */
#define MLX_C_HAS_SET_THREAD_DEVICE 100

/* error.h */
#define MLX_C_HAS_LAST_ERROR_MESSAGE 100
#define MLX_C_HAS_LAST_ERROR_CODE    100
#define MLX_C_HAS_CLEAR_LAST_ERROR   100

/* export.h */
#define MLX_C_HAS_FUNCTION_EXPORTER_ABANDON    100
#define MLX_C_HAS_FUNCTION_EXPORTER_NEW_KWARGS 100
#define MLX_C_HAS_FUNCTION_EXPORTER_NEW_MEMORY 100
#define MLX_C_HAS_FUNCTION_EXPORTER_VISIT      100
#define MLX_C_HAS_IMPORTED_FUNCTION_METADATA   100

/* extra.h */
#define MLX_C_HAS_CBRT                100
#define MLX_C_HAS_EXP2                100
#define MLX_C_HAS_SINC                100
#define MLX_C_HAS_PTP                 100
#define MLX_C_HAS_FMAX                100
#define MLX_C_HAS_FMIN                100
#define MLX_C_HAS_HEAVISIDE           100
#define MLX_C_HAS_HYPOT               100
#define MLX_C_HAS_COPYSIGN            100
#define MLX_C_HAS_SIGNBIT             100
#define MLX_C_HAS_NEXTAFTER           100
#define MLX_C_HAS_ISIN                100
#define MLX_C_HAS_NANSUM              100
#define MLX_C_HAS_NANPROD             100
#define MLX_C_HAS_NANMAX              100
#define MLX_C_HAS_NANMIN              100
#define MLX_C_HAS_NANMEAN             100
#define MLX_C_HAS_NANVAR              100
#define MLX_C_HAS_NANSTD              100
#define MLX_C_HAS_QUANTILE            100
#define MLX_C_HAS_NANQUANTILE         100
#define MLX_C_HAS_HISTOGRAM           100
#define MLX_C_HAS_HISTOGRAM_EDGES     100
#define MLX_C_HAS_NONZERO             100
#define MLX_C_HAS_UNIQUE              100
#define MLX_C_HAS_BINCOUNT            100
#define MLX_C_HAS_LINALG_VECTOR_NORM  100
#define MLX_C_HAS_LINALG_SVDVALS      100
#define MLX_C_HAS_LINALG_MATRIX_POWER 100
#define MLX_C_HAS_LINALG_MATRIX_RANK  100
#define MLX_C_HAS_LINALG_COND         100
#define MLX_C_HAS_LINALG_EXPM         100
#define MLX_C_HAS_LINALG_LSTSQ        100
#define MLX_C_HAS_RANDOM_EXPONENTIAL  100
#define MLX_C_HAS_RANDOM_GAMMA        100
#define MLX_C_HAS_RANDOM_BETA         100
#define MLX_C_HAS_RANDOM_POISSON      100
#define MLX_C_HAS_RANDOM_CHOICE       100

/* fast.h */
#define MLX_C_HAS_FAST_SCALED_DOT_PRODUCT_ATTENTION_FUSED 100
#define MLX_C_HAS_FAST_CROSS_ENTROPY                      100
#define MLX_C_HAS_FAST_GATED_DELTA_UPDATE                 100

/* file.h */
#define MLX_C_HAS_FILE_NEW             100
#define MLX_C_HAS_FILE_OPEN            100
#define MLX_C_HAS_FILE_FREE            100
#define MLX_C_HAS_FILE_FORMAT          100
#define MLX_C_HAS_FILE_PART_COUNT      100
#define MLX_C_HAS_FILE_PART            100
#define MLX_C_HAS_FILE_COUNT           100
#define MLX_C_HAS_FILE_GET             100
#define MLX_C_HAS_FILE_FIND            100
#define MLX_C_HAS_FILE_READ            100
#define MLX_C_HAS_FILE_READ_STORED     100
#define MLX_C_HAS_FILE_METADATA_COUNT  100
#define MLX_C_HAS_FILE_METADATA_KEY    100
#define MLX_C_HAS_FILE_METADATA_FIND   100
#define MLX_C_HAS_FILE_METADATA_KIND   100
#define MLX_C_HAS_FILE_METADATA_TEXT   100
#define MLX_C_HAS_FILE_METADATA_TEXTS  100
#define MLX_C_HAS_FILE_METADATA_ARRAY  100
#define MLX_C_HAS_FILE_METADATA_ITEM   100
#define MLX_C_HAS_FILE_WRITER_NEW      100
#define MLX_C_HAS_FILE_WRITER_OPEN     100
#define MLX_C_HAS_FILE_WRITER_FREE     100
#define MLX_C_HAS_FILE_WRITER_METADATA 100
#define MLX_C_HAS_FILE_WRITER_TEXT     100
#define MLX_C_HAS_FILE_WRITER_TEXTS    100
#define MLX_C_HAS_FILE_WRITER_ARRAY    100
#define MLX_C_HAS_FILE_WRITER_DECLARE  100
#define MLX_C_HAS_FILE_WRITER_PUT      100
#define MLX_C_HAS_FILE_WRITER_FINISH   100

/* graph_utils.h */
#define MLX_C_HAS_GRAPH_TEXT 100

/* hub.h */
#define MLX_C_HAS_HUB_FIND   100
#define MLX_C_HAS_HUB_PULL   100
#define MLX_C_HAS_HUB_SHA256 100

/* io.h */
#define MLX_C_HAS_LOAD_NPZ                100
#define MLX_C_HAS_SAVE_NPZ                100
#define MLX_C_HAS_LOAD_MAPPED             100
#define MLX_C_HAS_LOAD_SAFETENSORS_MAPPED 100
#define MLX_C_HAS_LOAD_GGUF_MAPPED        100
#define MLX_C_HAS_LOAD_GGUF_READER        100

/* io_types.h */
#define MLX_C_HAS_IO_GGUF_GET_METADATA_KEYS 100
#define MLX_C_HAS_IO_GGUF_GET_METADATA_ITEM 100

/* linalg.h */
#define MLX_C_HAS_LINALG_DET     100
#define MLX_C_HAS_LINALG_SLOGDET 100

/* ops_more.h */
#define MLX_C_HAS_POSITIVE           100
#define MLX_C_HAS_TRUNC              100
#define MLX_C_HAS_LOGICAL_XOR        100
#define MLX_C_HAS_LGAMMA             100
#define MLX_C_HAS_DIGAMMA            100
#define MLX_C_HAS_LINSPACE_ENDPOINT  100
#define MLX_C_HAS_ZEROS_LIKE_DTYPE   100
#define MLX_C_HAS_ONES_LIKE_DTYPE    100
#define MLX_C_HAS_FLIP               100
#define MLX_C_HAS_FLIP_AXES          100
#define MLX_C_HAS_UNSTACK            100
#define MLX_C_HAS_COUNT_NONZERO      100
#define MLX_C_HAS_COUNT_NONZERO_AXIS 100
#define MLX_C_HAS_COUNT_NONZERO_AXES 100
#define MLX_C_HAS_CUMSUM_DTYPE       100
#define MLX_C_HAS_CUMPROD_DTYPE      100
#define MLX_C_HAS_DIFF               100
#define MLX_C_HAS_SEARCHSORTED       100
#define MLX_C_HAS_VECDOT             100
#define MLX_C_HAS_EINSUM_PATH        100
#define MLX_C_HAS_EINSUM_PATH_TEXT   100
#define MLX_C_HAS_GATHER_QQMM        100
#define MLX_C_HAS_BROADCAST_SHAPES   100
#define MLX_C_HAS_RESULT_TYPE        100
#define MLX_C_HAS_CAN_CAST           100
#define MLX_C_HAS_ISSUBDTYPE         100
#define MLX_C_HAS_GATHER_QMM_SCALED  100
#define MLX_C_HAS_MATRIX_TRANSPOSE   100
#define MLX_C_HAS_MINMAX             100
#define MLX_C_HAS_MINMAX_AXIS        100
#define MLX_C_HAS_MINMAX_AXES        100
#define MLX_C_HAS_UNIQUE_SIZED       100

/* precise.h */
#define MLX_C_HAS_NAN_TO_NUM_F64                        100
#define MLX_C_HAS_ADDMM_F64                             100
#define MLX_C_HAS_HADAMARD_TRANSFORM_F64                100
#define MLX_C_HAS_FAST_RMS_NORM_F64                     100
#define MLX_C_HAS_FAST_LAYER_NORM_F64                   100
#define MLX_C_HAS_FAST_ROPE_F64                         100
#define MLX_C_HAS_FAST_SCALED_DOT_PRODUCT_ATTENTION_F64 100
#define MLX_C_HAS_RANDOM_LAPLACE_F64                    100

/* plugin.h */
#define MLX_C_HAS_FORMAT_REGISTER       100
#define MLX_C_HAS_STORAGE_REGISTER      100
#define MLX_C_HAS_STORAGE_LOAD          100
#define MLX_C_HAS_STORAGE_STORE         100
#define MLX_C_HAS_OPERATION_REGISTER    100
#define MLX_C_HAS_PLUGIN_OPERATION_FIND 100
#define MLX_C_HAS_PLUGIN_OPERATION_GET  100
#define MLX_C_HAS_PLUGINS_LOAD          100

/* profile.h */
#define MLX_C_HAS_PROFILE_NEW       100
#define MLX_C_HAS_PROFILE_FREE      100
#define MLX_C_HAS_PROFILE_START     100
#define MLX_C_HAS_PROFILE_STOP      100
#define MLX_C_HAS_PROFILE_COUNT     100
#define MLX_C_HAS_PROFILE_GET       100
#define MLX_C_HAS_PROFILE_GET_ARRAY 100
#define MLX_C_HAS_PROFILE_ROW_COUNT 100
#define MLX_C_HAS_PROFILE_GET_ROW   100
#define MLX_C_HAS_PROFILE_TEXT      100
#define MLX_C_HAS_PROFILE_WRITE     100
#define MLX_C_HAS_MACHINE_LIMITS    100
#define MLX_C_HAS_SOURCE_ADD        100
#define MLX_C_HAS_SOURCE_SET_HOOK   100
#define MLX_C_HAS_SOURCE_HERE       100

/* sampler.h */
#define MLX_C_HAS_SAMPLER_NEW       100
#define MLX_C_HAS_SAMPLER_OPEN      100
#define MLX_C_HAS_SAMPLER_COPY      100
#define MLX_C_HAS_SAMPLER_FREE      100
#define MLX_C_HAS_SAMPLER_ACCEPT    100
#define MLX_C_HAS_SAMPLER_FORGET    100
#define MLX_C_HAS_SAMPLER_PICK      100
#define MLX_C_HAS_LOG_PROBABILITIES 100
#define MLX_C_HAS_LOG_PROBABILITY   100
#define MLX_C_HAS_STOP_NEW          100
#define MLX_C_HAS_STOP_OPEN         100
#define MLX_C_HAS_STOP_FREE         100
#define MLX_C_HAS_STOP_FEED         100
#define MLX_C_HAS_STOP_END          100

/* structure.h */
#define MLX_C_HAS_STRUCTURE_NEW                  100
#define MLX_C_HAS_STRUCTURE_OPEN_REGEX           100
#define MLX_C_HAS_STRUCTURE_OPEN_GBNF            100
#define MLX_C_HAS_STRUCTURE_OPEN_CHOICES         100
#define MLX_C_HAS_STRUCTURE_OPEN_SCHEMA          100
#define MLX_C_HAS_STRUCTURE_OPEN_JSON            100
#define MLX_C_HAS_STRUCTURE_FREE                 100
#define MLX_C_HAS_STRUCTURE_LIMIT_STEPS          100
#define MLX_C_HAS_JSON_PLACE                     100
#define MLX_C_HAS_STRUCTURE_VOCABULARY_NEW       100
#define MLX_C_HAS_STRUCTURE_VOCABULARY_OPEN      100
#define MLX_C_HAS_STRUCTURE_VOCABULARY_FREE      100
#define MLX_C_HAS_STRUCTURE_VOCABULARY_BYTES     100
#define MLX_C_HAS_STRUCTURE_MATCHER_NEW          100
#define MLX_C_HAS_STRUCTURE_MATCHER_OPEN         100
#define MLX_C_HAS_STRUCTURE_MATCHER_COPY         100
#define MLX_C_HAS_STRUCTURE_MATCHER_FREE         100
#define MLX_C_HAS_STRUCTURE_MATCHER_MASK         100
#define MLX_C_HAS_STRUCTURE_MATCHER_ACCEPT       100
#define MLX_C_HAS_STRUCTURE_MATCHER_ACCEPT_BYTES 100
#define MLX_C_HAS_STRUCTURE_MATCHER_ROLLBACK     100
#define MLX_C_HAS_STRUCTURE_MATCHER_STEPS        100
#define MLX_C_HAS_STRUCTURE_MATCHER_IS_COMPLETE  100
#define MLX_C_HAS_STRUCTURE_MATCHER_CONTINUES    100
#define MLX_C_HAS_STRUCTURE_MATCHER_IS_ENDED     100
#define MLX_C_HAS_STRUCTURE_MATCHER_FORCED       100

/* template.h */
#define MLX_C_HAS_TEMPLATE_NEW        100
#define MLX_C_HAS_TEMPLATE_OPEN       100
#define MLX_C_HAS_TEMPLATE_OPEN_BYTES 100
#define MLX_C_HAS_TEMPLATE_FREE       100
#define MLX_C_HAS_TEMPLATE_NAMES      100
#define MLX_C_HAS_TEMPLATE_TEXT       100
#define MLX_C_HAS_TEMPLATE_RENDER     100
#define MLX_C_HAS_CHAT_RENDER         100
#define MLX_C_HAS_CHAT_MARK           100
#define MLX_C_HAS_CHAT_ENCODE         100
#define MLX_C_HAS_CHAT_ANSWERS        100

/* tokenizer.h */
#define MLX_C_HAS_TOKENIZER_NEW         100
#define MLX_C_HAS_TOKENIZER_OPEN        100
#define MLX_C_HAS_TOKENIZER_OPEN_BYTES  100
#define MLX_C_HAS_TOKENIZER_FREE        100
#define MLX_C_HAS_TOKENIZER_ENCODE      100
#define MLX_C_HAS_TOKENIZER_ENCODE_PAIR 100
#define MLX_C_HAS_TOKENIZER_ENCODE_ALL  100
#define MLX_C_HAS_TOKENIZER_DECODE      100
#define MLX_C_HAS_TOKENIZER_SIZE        100
#define MLX_C_HAS_TOKENIZER_PIECE       100
#define MLX_C_HAS_TOKENIZER_ID          100
#define MLX_C_HAS_TOKENIZER_ROLE        100
#define MLX_C_HAS_TOKENIZER_IS_SPECIAL  100
#define MLX_C_HAS_TOKENIZER_KIND        100
#define MLX_C_HAS_TOKENS_NEW            100
#define MLX_C_HAS_TOKENS_FREE           100
#define MLX_C_HAS_TOKENS_SIZE           100
#define MLX_C_HAS_TOKENS_DATA           100
#define MLX_C_HAS_TOKENS_TYPES          100
#define MLX_C_HAS_TOKENS_OFFSETS        100
#define MLX_C_HAS_TOKEN_STREAM_NEW      100
#define MLX_C_HAS_TOKEN_STREAM_OPEN     100
#define MLX_C_HAS_TOKEN_STREAM_FOLLOW   100
#define MLX_C_HAS_TOKEN_STREAM_FREE     100
#define MLX_C_HAS_TOKEN_STREAM_PUT      100
#define MLX_C_HAS_TOKEN_STREAM_END      100

/* random.h */
#define MLX_C_HAS_RANDOM_GET_STATE 100
#define MLX_C_HAS_RANDOM_SET_STATE 100

/* storage.h */
#define MLX_C_HAS_ARRAY_STORAGE       100
#define MLX_C_HAS_ARRAY_SHARED_NEW    100
#define MLX_C_HAS_ARRAY_SHARED_OPEN   100
#define MLX_C_HAS_ARRAY_SHARED_REMOVE 100

/* stream.h */
#define MLX_C_HAS_STREAM_NEW_THREAD_UNSAFE   100
#define MLX_C_HAS_NEW_THREAD_LOCAL_STREAM    100
#define MLX_C_HAS_CLEAR_STREAMS              100
#define MLX_C_HAS_STREAM_SET_PRIORITY        100
#define MLX_C_HAS_STREAM_GET_PRIORITY        100
#define MLX_C_HAS_STREAM_SET_THREADS         100
#define MLX_C_HAS_STREAM_GET_THREADS         100
#define MLX_C_HAS_SET_DEFAULT_STREAM_FOR_ALL 100

/* train.h */
#define MLX_C_HAS_TRAIN_OPTIONS_DEFAULT 100
#define MLX_C_HAS_TRAIN_NEW             100
#define MLX_C_HAS_TRAIN_OPEN            100
#define MLX_C_HAS_TRAIN_FREE            100
#define MLX_C_HAS_TRAIN_ABOUT           100
#define MLX_C_HAS_TRAIN_RUN             100
#define MLX_C_HAS_TRAIN_TEST            100
#define MLX_C_HAS_TRAIN_SAVE            100
#define MLX_C_HAS_FUSE                  100

/* transforms.h */
#define MLX_C_HAS_EVAL_SMALL                 100
#define MLX_C_HAS_SET_INTERRUPT_CHECK        100
#define MLX_C_HAS_SET_INTERRUPT_CHECK_WITHIN 100
#define MLX_C_HAS_VMAP                       100

/* version.h */
#define MLX_C_HAS_LIBRARY_VERSION 100

/* fft.h */
#define MLX_C_HAS_FFT_STFT  100
#define MLX_C_HAS_FFT_ISTFT 100

/* lm.h */
#define MLX_C_HAS_LM_NEW            100
#define MLX_C_HAS_LM_OPEN           100
#define MLX_C_HAS_LM_FREE           100
#define MLX_C_HAS_LM_ABOUT          100
#define MLX_C_HAS_LM_TOKENIZER      100
#define MLX_C_HAS_LM_USUAL_SAMPLING 100
#define MLX_C_HAS_LM_CHAT           100
#define MLX_C_HAS_LM_LOGITS         100
#define MLX_C_HAS_LM_TEXTS          100
#define MLX_C_HAS_LM_PAIRS          100
#define MLX_C_HAS_LM_EMBED          100
#define MLX_C_HAS_LM_CLASSIFY       100
#define MLX_C_HAS_LM_BATCH_NEW      100
#define MLX_C_HAS_LM_BATCH_OPEN     100
#define MLX_C_HAS_LM_BATCH_FREE     100
#define MLX_C_HAS_LM_BATCH_ADD      100
#define MLX_C_HAS_LM_BATCH_CANCEL   100
#define MLX_C_HAS_LM_BATCH_STEP     100
#define MLX_C_HAS_LM_BATCH_ABOUT    100

/* memory.h */
#define MLX_C_HAS_GET_ARRAY_BUFFER_SIZE 100
#define MLX_C_HAS_GET_MEMORY_HARD_LIMIT 100
#define MLX_C_HAS_SET_MEMORY_HARD_LIMIT 100

#endif
