/* A Compiled node runs the plan of its recipe. */
#include "cpu/cpu.h"
#include "graph/recipe.h"

bool cpu_compiled(mx_node *n, mx_array **out, const mx_program *feed) {
    const mx_p_compiled *p = n->params;
    (void)feed;
    return mx_recipe_run((const mx_recipe *)p->recipe, n->in, out, &mx_cpu_backend);
}
