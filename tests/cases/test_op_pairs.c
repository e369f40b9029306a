/* Every pair of transforms on every row of the case table, every triple on the composites: see
 * transform_chain.h. With arguments: only the rows of these names. */
#include "transforms/transform_chain.h"

static bool wanted(const op_case *c, int argc, char **argv) {
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], c->name) == 0)
            return true;
    return argc < 2;
}

int main(int argc, char **argv) {
    for (size_t i = 0; i < sizeof families / sizeof *families; i++)
        for (const op_case *c = families[i]; c->name; c++) {
            check_where = c->name;
            if (wanted(c, argc, argv))
                check_pairs(c);
            if (wanted(c, argc, argv) && families[i] == op_cases_composite)
                check_triples(c);
        }
    return check_done();
}
