/* How the rows of a text's tokens become its one vector. */
#ifndef MX_MODELS_POOLING_H
#define MX_MODELS_POOLING_H

#include <stdbool.h>
#include <stdint.h>

#include "io/archive/archive.h"

/* WEIGHTED: row i counts i + 1 times. ROOT: the sum, divided by the root of how many there are. */
typedef enum mx_pooling {
    MX_POOL_NONE,
    MX_POOL_MEAN,
    MX_POOL_FIRST,
    MX_POOL_LAST,
    MX_POOL_MAX,
    MX_POOL_WEIGHTED,
    MX_POOL_ROOT
} mx_pooling;

/* What sentence-transformers wrote beside a model. */
enum { MX_MOST_POOLINGS = 6, MX_MOST_DENSE = 4, MX_DENSE_NAME = 128 };
typedef struct mx_vectors {
    mx_pooling pooling[MX_MOST_POOLINGS]; /* one behind the other; none: it wrote nothing */
    int poolings;
    char dense[MX_MOST_DENSE][MX_DENSE_NAME]; /* folders of matrices behind them */
    int denses;
    int64_t most;      /* tokens of a text: the rest is cut off; 0: nothing is said */
    const char *limit; /* the file that says so */
    bool lower;        /* texts are made lower case */
} mx_vectors;

/* False: a file is broken, or asks for what is not done. */
bool mx_vectors_of_folder(const char *op, const char *folder, mx_vectors *out);
/* What a GGUF file keeps of that about texts alone: `most` and `lower`. */
bool mx_vectors_limit(const char *op, const mx_archive *a, mx_vectors *out);
/* The same of what is one pooling and nothing else, as vectors of length 1 show it; *how stays
   where nothing is written. */
bool mx_pooling_of_folder(const char *op, const char *folder, mx_pooling *how);
/* Writes the same, for rows of `width` features; nothing of NONE. */
bool mx_pooling_to_folder(const char *folder, mx_pooling how, int64_t width);
/* GGUF's numbers. */
mx_pooling mx_pooling_of_number(double n);

#endif
