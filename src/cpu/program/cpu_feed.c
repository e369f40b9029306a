/* Which nodes read their input as a program. */
#include "cpu/cpu.h"

/* The input is computed while it is read: worth it unless it is read more than once. */
bool cpu_can_feed(const mx_node *n) {
    return (mx_node_desc(n)->traits & MX_TRAIT_FEED) != 0;
}
