/* What the process's control groups allow it (cgroup v1 and v2, Linux kernel documentation). A
 * group's limit holds for those below it, so the least of the process's own group and all above it
 * counts. `mount` is where the groups are seen ("/sys/fs/cgroup"), `self` the file that names those
 * of the process ("/proc/self/cgroup"); in a container the names may be those of the host, and what
 * the mount itself says is then all that there is.
 */
#ifndef MX_BASE_CGROUP_H
#define MX_BASE_CGROUP_H

#include <stddef.h>

size_t mx_cgroup_memory(const char *mount, const char *self);  /* bytes; SIZE_MAX: no limit */
int mx_cgroup_processors(const char *mount, const char *self); /* rounded up; INT_MAX: no limit */

#endif
