/* The directory of a zip archive: where the bytes of its members lie, so that those that are stored
 * as they are can be read in place. (What is compressed goes through libzip.) PKWARE's APPNOTE.TXT
 * 6.3.
 *
 *     members    each a local header (30 bytes, name, extra) and its bytes
 *     directory  46 bytes, name, extra and comment for each
 *     end        PK\5\6, 22 bytes and a comment; before it, where 16 or 32 bits are too few, a
 *                locator (PK\6\7) of another end (PK\6\6) with 64
 *
 * Limits: a million members, a directory of 256 MB. Encrypted members are refused.
 */
#ifndef MX_IO_ZIP_LIST_H
#define MX_IO_ZIP_LIST_H

#include "io/io.h"

typedef struct mx_zip_member {
    const char *name; /* of the list */
    unsigned method;  /* 0: stored, 8: deflated */
    bool encrypted;
    uint64_t packed, size; /* bytes in the file, and of the member */
    uint64_t local;        /* where its local header is */
} mx_zip_member;

typedef struct mx_zip_list {
    mx_zip_member *member; /* in the order of the directory */
    size_t count;
    char *names;
    uint64_t end; /* members lie before */
} mx_zip_list;

bool mx_zip_looks(mx_source *s);                        /* do its first bytes look like one? */
bool mx_zip_open(const mx_source *s, mx_zip_list *out); /* mx_zip_close in any case */
void mx_zip_close(mx_zip_list *z);
const mx_zip_member *mx_zip_find(const mx_zip_list *z, const char *name);
/* Where the bytes of a member begin. */
bool mx_zip_place(const mx_source *s, const mx_zip_list *z, const mx_zip_member *m, uint64_t *at);

#endif
