/* A filter of system calls (seccomp(2)), installed for all threads at once: a list of what
 * answering takes, and EPERM for everything else, so that a call which this list forgets is a
 * failure of that call and not of the server.
 *
 * A filter is a program of the classic BPF machine over struct seccomp_data: the architecture is
 * compared first, then each row of the list in its order. */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "serve/sandbox.h"

#if defined __x86_64__
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined __aarch64__
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#define ARCHITECTURE 0
#endif

/* When a row's call is allowed; the argument is compared in its lower 32 bits, which are all that
   the kernel takes of those that stand here. */
enum when { ALWAYS, WITHOUT, WITH, EQUAL, MISSING };

typedef struct rule {
    unsigned call;
    enum when when;
    unsigned argument, bits;
} rule;

#define WRITING (O_ACCMODE | O_CREAT | O_TRUNC)

static const rule rules[] = {
#define R(name) {.call = SYS_##name}
    R(read),
    R(write),
    R(readv),
    R(writev),
    R(pread64),
    R(preadv),
    R(lseek),
    R(close),
    R(fstat),
    R(newfstatat),
    R(statx),
    R(faccessat),
    R(faccessat2),
    R(readlinkat),
    R(getdents64),
    R(getcwd),
    R(fadvise64),
    R(readahead),
    R(statfs),
    R(fstatfs),
    R(sendfile),
    {SYS_openat, WITHOUT, 2, WRITING},
    // not F_SETOWN and F_SETSIG, by which the kernel sends a signal anywhere
    {SYS_fcntl, EQUAL, 1, F_GETFD},
    {SYS_fcntl, EQUAL, 1, F_SETFD},
    {SYS_fcntl, EQUAL, 1, F_GETFL},
    {SYS_fcntl, EQUAL, 1, F_SETFL},
    {SYS_fcntl, EQUAL, 1, F_DUPFD_CLOEXEC},
    {SYS_ioctl, EQUAL, 1, TCGETS},
    {SYS_ioctl, EQUAL, 1, TIOCGWINSZ},
    {SYS_ioctl, EQUAL, 1, FIONREAD},
    {SYS_ioctl, EQUAL, 1, FIONBIO},
    // memory, none of it executable
    {SYS_mmap, WITHOUT, 2, PROT_EXEC},
    {SYS_mprotect, WITHOUT, 2, PROT_EXEC},
    R(munmap),
    R(mremap),
    R(madvise),
    R(brk),
    R(msync),
    R(mincore),
    R(mlock),
    R(munlock),
    R(membarrier),
    // threads and time; glibc falls back to clone, whose flags a filter can see
    {SYS_clone, WITH, 0, CLONE_THREAD},
    {SYS_clone3, MISSING, 0, 0},
    R(futex),
    R(set_robust_list),
    R(get_robust_list),
    R(rseq),
    R(exit),
    R(exit_group),
    R(sched_yield),
    R(sched_getaffinity),
    R(sched_setaffinity),
    R(sched_getparam),
    R(sched_getscheduler),
    R(getcpu),
    R(nanosleep),
    R(clock_nanosleep),
    R(clock_gettime),
    R(clock_getres),
    R(gettimeofday),
    R(times),
    R(getrusage),
    R(getrlimit),
    {SYS_prlimit64, EQUAL, 0, 0},
    R(sysinfo),
    R(uname),
    R(getpid),
    R(getppid),
    R(gettid),
    R(getuid),
    R(geteuid),
    R(getgid),
    R(getegid),
    R(getrandom),
    R(restart_syscall),
    {SYS_prctl, EQUAL, 0, PR_SET_NAME},
    {SYS_prctl, EQUAL, 0, PR_GET_NAME},
    // signals to itself
    R(rt_sigaction),
    R(rt_sigprocmask),
    R(rt_sigreturn),
    R(rt_sigtimedwait),
    R(rt_sigsuspend),
    R(sigaltstack),
    // connections that came
    R(ppoll),
    R(pselect6),
    R(epoll_create1),
    R(epoll_ctl),
    R(epoll_pwait),
    R(eventfd2),
    R(pipe2),
    R(accept),
    R(accept4),
    R(recvfrom),
    R(recvmsg),
    // MSG_FASTOPEN connects, also what listened and was shut down
    {SYS_sendto, WITHOUT, 3, MSG_FASTOPEN},
    {SYS_sendmsg, WITHOUT, 2, MSG_FASTOPEN},
    R(shutdown),
    R(getsockopt),
    R(setsockopt),
    R(getsockname),
    R(getpeername),
#if defined __x86_64__ // what arm64 has under newer names alone
    {SYS_open, WITHOUT, 1, WRITING},
    R(stat),
    R(lstat),
    R(access),
    R(readlink),
    R(poll),
    R(select),
    R(epoll_wait),
    R(pipe),
    R(time),
    R(arch_prctl),
#endif
#undef R
};

enum { COUNT = sizeof rules / sizeof *rules, STEPS = 5, SPECIAL = 8 };

typedef struct filter {
    struct sock_filter step[COUNT * STEPS + 2 * STEPS + SPECIAL];
    unsigned short count;
} filter;

static void put(filter *f, unsigned code, unsigned yes, unsigned no, unsigned k) {
    f->step[f->count++] =
        (struct sock_filter){(unsigned short)code, (unsigned char)yes, (unsigned char)no, k};
}

static void load(filter *f, size_t offset) {
    put(f, BPF_LD | BPF_W | BPF_ABS, 0, 0, (unsigned)offset);
}

static void answer(filter *f, unsigned action) {
    put(f, BPF_RET | BPF_K, 0, 0, action);
}

/* The call's number is in the accumulator before and after it. */
static void put_rule(filter *f, const rule *r) {
    bool plain = r->when == ALWAYS || r->when == MISSING;
    put(f, BPF_JMP | BPF_JEQ | BPF_K, 0, plain ? 1 : 4, r->call);
    if (!plain) {
        load(f, offsetof(struct seccomp_data, args) + 8 * r->argument); // little-endian
        unsigned compare = r->when == EQUAL ? BPF_JEQ : BPF_JSET;
        put(f, BPF_JMP | compare | BPF_K, r->when == WITHOUT, r->when != WITHOUT, r->bits);
    }
    answer(f, r->when == MISSING ? SECCOMP_RET_ERRNO | ENOSYS : SECCOMP_RET_ALLOW);
    if (!plain)
        load(f, offsetof(struct seccomp_data, nr));
}

static void build(filter *f) {
    load(f, offsetof(struct seccomp_data, arch));
    put(f, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, ARCHITECTURE);
    answer(f, SECCOMP_RET_KILL_PROCESS); // calls of another architecture have other numbers
    load(f, offsetof(struct seccomp_data, nr));
    for (size_t i = 0; i < COUNT; i++)
        put_rule(f, &rules[i]);
    // a thread that ends the process by a failed check of the C library's: to this process alone
    put_rule(f, &(rule){SYS_tgkill, EQUAL, 0, (unsigned)getpid()});
    answer(f, SECCOMP_RET_ERRNO | EPERM);
}

bool srv_sandbox(srv_fault *f) {
    if (!ARCHITECTURE)
        return srv_fail(f, 500, "--sandbox: there is no filter for this processor");
    filter program = {.count = 0};
    build(&program);
    struct sock_fprog given = {program.count, program.step};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
        syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &given))
        return srv_fail(f, 500, "--sandbox: the kernel takes no filter of system calls: %s",
                        strerror(errno));
    return true;
}
