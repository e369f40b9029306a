/* Codes of integers in groups of columns, with scales and zero points: see packed.h.
 *
 *     gptq.c     gptq and awq
 *     signed.c   compressed-tensors
 *     dynamic.c  which modules of gptq are packed otherwise than all
 */
#ifndef MX_MODELS_PACKED_CODES_H
#define MX_MODELS_PACKED_CODES_H

#include "models/convert/packed/parts.h"

/* How columns of a row are in groups, as config.json says it or, where it does not, scales do. */
typedef struct mx_packed_grouping {
    int64_t bits, group; /* group 0: nothing is said; -1: one of all */
    char by[128];        /* for messages: what says so */
} mx_packed_grouping;

/* --- sizes ----------------------------------------------------------------------------------- */

/* Of a matrix; 0: it is none. */
int64_t mx_packed_rows(const mx_model_tensor *t);
int64_t mx_packed_columns(const mx_model_tensor *t);
/* How many groups a row has; `said`: what scales have. */
int64_t mx_packed_groups(const mx_packed_grouping *g, int64_t in, int64_t said);
bool mx_packed_check_groups(const mx_model *m, const mx_model_tensor *scales,
                            const mx_packed_grouping *g, int64_t in, int64_t groups);
/* Do words hold whole rows of codes? */
bool mx_packed_check_codes(const mx_model *m, const mx_model_tensor *codes,
                           const mx_packed_grouping *g, int64_t words);
/* index: the groups of columns, or NULL */
bool mx_packed_check_index(const mx_model *m, const mx_model_tensor *index, int64_t in);

/* --- arrays ---------------------------------------------------------------------------------- */

/* The groups of columns, int32, where they are not one behind the other; NULL: they are, or with an
   error, they are none. blank: an index that was never filled says nothing. */
mx_array *mx_packed_permutation(const mx_model *m, const mx_model_tensor *t, const char *part,
                                int64_t groups, bool blank);
/* Codes of rows of words as numbers. */
mx_array *mx_packed_codes(mx_array *words, int bits);
/* words (out, in bits / 32), scale and zero (out, groups) */
bool mx_packed_set_words(mx_array *words, mx_array *scale, mx_array *zero, int bits,
                         mx_packed *out);
/* The same with columns of groups here and there. */
bool mx_packed_set_dense(mx_array *words, mx_array *scale, mx_array *zero, mx_array *index,
                         int bits, mx_packed *out);

#endif
