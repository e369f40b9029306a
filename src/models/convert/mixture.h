/* Mixtures: names for a mode with exceptions. */
#ifndef MX_MODELS_MIXTURE_H
#define MX_MODELS_MIXTURE_H

#include "models/convert/model.h"

typedef struct mx_mixture {
    const char *name;   /* "q4_k_m" */
    const char *base;   /* of all matrices */
    const char *output; /* of what makes logits: the output, or the embedding where it is tied */
    const char *some;   /* of `rows` in every layer, or in half of them */
    const char *rows;   /* GGUF's names of modules, '|' between them */
    bool half;
    int file_type; /* general.file_type */
} mx_mixture;

const mx_mixture *mx_mixture_named(const char *name); /* NULL: none; large letters are small */
/* *e: the mode of a place where it is not the base. */
bool mx_mixture_for(const mx_mixture *x, const mx_model *m, const mx_place *p, mx_elements *e);

#endif
