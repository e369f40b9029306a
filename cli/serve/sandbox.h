/* What the process of `mlx serve` may still ask of the kernel once it serves (--sandbox). */
#ifndef CLI_SERVE_SANDBOX_H
#define CLI_SERVE_SANDBOX_H

#include "serve/serve.h"

/* From here on no thread of this process can run a program, fork, open a file for writing or change
   one by its name, make a socket or connect one, send signals elsewhere, or have new executable
   memory: such calls fail with EPERM, whoever makes them. It cannot be undone. False and a fault:
   this kernel or processor has no filter. */
bool srv_sandbox(srv_fault *f);

#endif
