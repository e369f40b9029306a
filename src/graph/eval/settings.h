/* What the environment asks for, checked before anything is computed. */
#ifndef MX_SETTINGS_H
#define MX_SETTINGS_H

#include <stdbool.h>

/* False and an error that lists what there is: MLX_CPU_ISA names no instruction set of this
   processor, MLX_NUM_THREADS is no number, or
   MLX_DEBUG no word that is known. */
bool mx_settings_check(void);

#endif
