/* What readers of packed modules have in common: see packed.h. */
#ifndef MX_MODELS_PACKED_PARTS_H
#define MX_MODELS_PACKED_PARTS_H

#include "models/convert/packed/packed.h"

/* What the shapes of a module's parts say. */
typedef struct mx_packed_shape {
    int out, in;
    mx_dtype usual; /* of the numbers, where nobody asks for another */
} mx_packed_shape;

/* A way to pack: gptq, or bytes of nvfp4 in compressed-tensors. */
typedef struct mx_packing {
    bool (*shape)(const mx_model *m, const mx_model_tensor *t, mx_packed_shape *out);
    bool (*read)(const mx_model *m, const mx_model_tensor *t, mx_packed *out);
} mx_packing;

extern const mx_packing mx_packing_gptq, mx_packing_awq;     /* gptq.c */
extern const mx_packing mx_packing_signed, mx_packing_int8;  /* signed.c */
extern const mx_packing mx_packing_float8, mx_packing_nvfp4; /* floats.c */

/* --- config.json ----------------------------------------------------------------------------- */

/* Of a module (NULL: of all) at quantization_config.key; "a|b": the first that is there. NULL:
   nothing is said. */
json_t *mx_packed_option(const mx_model *m, const mx_model_tensor *t, const char *keys);
/* A whole number; false and an error: it is something else. Nothing said: *out stays. */
bool mx_packed_int(const mx_model *m, const mx_model_tensor *t, const char *keys, int64_t *out);
/* What all groups of compressed-tensors that hold integers say of a key of weights; NULL: nothing.
   False and an error: not all say the same. */
bool mx_packed_all_say(const mx_model *m, const char *key, json_t **out);
json_t *mx_packed_weights_option(const mx_model *m, const char *key); /* the same */
/* Of inputs and of caches of keys and values, which are not made coarser here: "k_scale". */
bool mx_packed_is_of_inputs(const char *part);
/* An error that names a key and what it says; false. */
bool mx_packed_refuse(const mx_model *m, const char *key, const char *why);

/* --- tensors --------------------------------------------------------------------------------- */

/* Beside t; NULL: there is none. */
const mx_model_tensor *mx_packed_beside(const mx_model *m, const mx_model_tensor *t,
                                        const char *part);
/* The same; NULL and an error: it is missing. */
const mx_model_tensor *mx_packed_need(const mx_model *m, const mx_model_tensor *t,
                                      const char *part);
/* As it lies, or its values; NULL and an error: it cannot be read. */
mx_array *mx_packed_part(const mx_model *m, const mx_model_tensor *t, const char *part,
                         bool stored);
/* Has a part this shape, "by" what config.json says? columns 0: it is a vector. */
bool mx_packed_has_shape(const mx_model *m, const mx_model_tensor *part, const char *by,
                         int64_t rows, int64_t columns);
/* Are these words of 32 bits; numbers? */
bool mx_packed_are_words(const mx_model *m, const mx_model_tensor *part);
bool mx_packed_are_floats(const mx_model *m, const mx_model_tensor *part);
/* Is each zero point `want`? Error: why it would be. */
bool mx_packed_check_zeros(const mx_model *m, const mx_model_tensor *zeros, mx_array *zero,
                           float want, const char *why);
/* An error about a tensor, unless one is known by which that is NULL; false. */
bool mx_packed_fail(const mx_model *m, const mx_model_tensor *part, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
