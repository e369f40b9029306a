/* Files: parts read, whole ones mapped, and new ones that appear complete or not at all.
 *
 * A file that was opened is held by its descriptor: renaming, removing or replacing it changes
 * nothing. A file that was cut short or written to since is an error of the next read.
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
 * continued, but writes in place that the host wants to stop (interrupt.h) and mx_writer_heed's.
 */
#ifndef MX_BASE_FILE_H
#define MX_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An open file for reads at offsets, from any threads at once. It has a descriptor, unless that was
   let go. */
typedef struct mx_file mx_file;
mx_file *mx_file_open(const char *op, const char *path);
uint64_t mx_file_size(const mx_file *f); /* when it was opened */
const char *mx_file_path(const mx_file *f);
/* All n bytes, or an error. Much is read by all threads of the pool. */
bool mx_file_read(const mx_file *f, void *to, size_t n, uint64_t at);
/* is it still as it was when it was opened? If not: an error */
bool mx_file_check(const mx_file *f);
int mx_file_duplicate(const mx_file *f); /* a descriptor of it; -1 and an error */
/* Do the open files hold more than a quarter of the descriptors that the process may have? */
bool mx_files_are_many(void);
/* Its descriptor is closed, and opened again for each read: by its name, which must still be that
   of the same file. Before other threads have f. */
void mx_file_let_go(mx_file *f);
void mx_file_close(mx_file *f); /* NULL is fine */

/* A whole file, mapped: its pages are read as they are touched, and what is written to the memory
   does not reach the file. An empty one has data "" and size 0. Pages behind the end of a file that
   was cut short are zeros, and the guard says so. */
typedef struct mx_mapped {
    const unsigned char *data;
    size_t size;
    bool shared;  /* a segment that processes share, not a file */
    int guard;    /* base/guard.h */
    size_t large; /* so much from the beginning lies in large pages, or stays as it is (large.h) */
} mx_mapped;
bool mx_file_map(const mx_file *f, mx_mapped *out);
void mx_file_unmap(mx_mapped *m);

typedef struct mx_writer mx_writer;
mx_writer *mx_writer_open(const char *op, const char *path);
bool mx_writer_put(mx_writer *w, const void *bytes, size_t n); /* the first failure sticks */
/* n bytes of an open file, which the system copies without showing them where it can. */
bool mx_writer_put_file(mx_writer *w, const mx_file *from, uint64_t at, uint64_t n);
/* What is there by the time of the commit is not replaced: that is an error. */
void mx_writer_keep(mx_writer *w);
/* All is one call, which may be made again: until the rename a host that wants to stop
   (interrupt.h, within) ends it, and the old file stays. */
void mx_writer_heed(mx_writer *w);
uint64_t mx_writer_count(const mx_writer *w); /* bytes of the file so far */
uint64_t mx_writer_at(const mx_writer *w);    /* where the next byte goes */
/* at most to the end; not in a pipe */
bool mx_writer_seek(mx_writer *w, uint64_t at);
/* Does the disk have that many bytes left? If not: an error. Of pipes and devices nobody knows. */
bool mx_writer_room(const mx_writer *w, uint64_t bytes);
/* the file ends there, with zeros; not in a pipe */
bool mx_writer_extend(mx_writer *w, uint64_t size);
bool mx_writer_commit(mx_writer *w);  /* frees w; false: nothing has changed */
void mx_writer_abandon(mx_writer *w); /* frees w; NULL is fine */
/* Makes the folders that lead to a path where they are not there. */
bool mx_make_folders(const char *op, const char *path);
/* Removes the temporaries of a folder whose processes are gone, as far as this machine knows. */
void mx_writer_tidy(const char *folder);

/* What the system says of errno `code`; written into room[size]. */
const char *mx_errno_text(int code, char *room, size_t size);

#endif
