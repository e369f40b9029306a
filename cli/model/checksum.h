/* Where the SHA-256 that a file should have is said. */
#ifndef CLI_CHECKSUM_H
#define CLI_CHECKSUM_H

/* Into hex, in lower case, 64 digits; what it was taken from, or NULL: nothing says. */
const char *cli_checksum_wanted(char hex[65], const char *path);
/* What is wrong with FILE.sha256: it holds no digest, or that of another file; NULL: nothing. */
const char *cli_checksum_fault(const char *path);

#endif
