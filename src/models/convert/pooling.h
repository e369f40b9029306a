/* How the rows of a text's tokens become its one vector. */
#ifndef MX_MODELS_POOLING_H
#define MX_MODELS_POOLING_H

#include <stdbool.h>
#include <stdint.h>

/* Vectors are made of length 1, so that a mean stands for any other share of the sum.
   WEIGHTED: row i counts i + 1 times. */
typedef enum mx_pooling {
    MX_POOL_NONE,
    MX_POOL_MEAN,
    MX_POOL_FIRST,
    MX_POOL_LAST,
    MX_POOL_MAX,
    MX_POOL_WEIGHTED
} mx_pooling;

/* What sentence-transformers wrote beside a model; *how stays where it wrote nothing. False: a file
   is broken, or asks for what is not done. */
bool mx_pooling_of_folder(const char *op, const char *folder, mx_pooling *how);
/* Writes the same, for rows of `width` features; nothing of NONE. */
bool mx_pooling_to_folder(const char *folder, mx_pooling how, int64_t width);
/* GGUF's numbers. */
mx_pooling mx_pooling_of_number(double n);

#endif
