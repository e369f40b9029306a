/* Files: whole ones mapped, parts read, and new ones that appear complete or not at all.
 *
 *     mx_writer_open     path.<pid>-<n>.tmp beside the target
 *     mx_writer_put      buffered
 *     mx_writer_commit   flush, fsync, rename over the target, fsync of the directory
 *
 * Until the rename the old file is untouched; any failure, or mx_writer_abandon, removes the
 * temporary. A target that is a device or a pipe is written in place. A symbolic link stays a
 * link to its file.
 *
 * `op` opens the message of an error: "[save] cannot write 'a/b': No space left on device".
 * All errors are MX_IO but allocation. Interrupted calls and short reads or writes are
 * continued.
 */
#ifndef MX_BASE_FILE_H
#define MX_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A regular file, mapped read-only. An empty one has data "" and size 0. The file must not be
   cut short while it is mapped. */
typedef struct mx_mapped {
    const unsigned char *data;
    size_t size;
} mx_mapped;
bool mx_file_map(const char *op, const char *path, mx_mapped *out);
void mx_file_unmap(mx_mapped *m);

/* An open file for reads at offsets, from any threads at once. */
typedef struct mx_file mx_file;
mx_file *mx_file_open(const char *op, const char *path);
uint64_t mx_file_size(const mx_file *f);
bool mx_file_read(const mx_file *f, void *to, size_t n, uint64_t at); /* all n bytes, or an error */
void mx_file_close(mx_file *f);                                       /* NULL is fine */

typedef struct mx_writer mx_writer;
mx_writer *mx_writer_open(const char *op, const char *path);
bool mx_writer_put(mx_writer *w, const void *bytes, size_t n); /* the first failure sticks */
uint64_t mx_writer_count(const mx_writer *w);                  /* bytes put so far */
bool mx_writer_commit(mx_writer *w);  /* frees w; false: nothing has changed */
void mx_writer_abandon(mx_writer *w); /* frees w; NULL is fine */

/* What the system says of errno `code`; written into room[size]. */
const char *mx_errno_text(int code, char *room, size_t size);

#endif
