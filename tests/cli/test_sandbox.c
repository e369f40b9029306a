/* What a process behind the filter of `mlx serve --sandbox` can do, and what it cannot. Each is
 * tried in a child, as there is no way back. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "serve/sandbox.h"
#include "own_folder.h"

static int listening, other, reached, connected[2];
static struct sockaddr_in address; // of `reached`
static char folder[128], file[160];

/* Each says whether it went well, or leaves errno. */
static bool run_program(void) {
    char *const words[] = {"true", NULL};
    return execv("/bin/true", words) == 0;
}

static bool run_from_descriptor(void) {
    char *const words[] = {"true", NULL};
    return syscall(SYS_execveat, AT_FDCWD, "/bin/true", words, NULL, 0) == 0;
}

static bool fork_itself(void) {
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    return child > 0;
}

static bool write_new(void) {
    char name[192];
    snprintf(name, sizeof name, "%s/new", folder);
    return open(name, O_WRONLY | O_CREAT, 0600) >= 0;
}

static bool write_old(void) {
    return open(file, O_RDWR) >= 0;
}

static bool cut_short(void) {
    return open(file, O_RDONLY | O_TRUNC) >= 0;
}

static bool take_away(void) {
    return unlink(file) == 0;
}

static bool give_another_name(void) {
    return rename(file, "/tmp/mlx-sandbox-other") == 0;
}

static bool change_rights(void) {
    return chmod(file, 0777) == 0;
}

static bool make_socket(void) {
    return socket(AF_INET, SOCK_STREAM, 0) >= 0;
}

static bool connect_one(void) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};
    return connect(listening, (struct sockaddr *)&to, sizeof to) == 0;
}

/* A socket that listened no more is one that can be connected, and sending can do it. */
static bool connect_by_sending(void) {
    shutdown(other, SHUT_RDWR);
    return sendto(other, "x", 1, MSG_FASTOPEN, (struct sockaddr *)&address, sizeof address) >= 0;
}

static bool connect_by_message(void) {
    struct iovec part = {"x", 1};
    struct msghdr message = {
        .msg_name = &address, .msg_namelen = sizeof address, .msg_iov = &part, .msg_iovlen = 1};
    shutdown(other, SHUT_RDWR);
    return sendmsg(other, &message, MSG_FASTOPEN) >= 0;
}

static bool map_code(void) {
    return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) !=
           MAP_FAILED;
}

static bool turn_into_code(void) {
    void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return mprotect(p, 4096, PROT_READ | PROT_WRITE | PROT_EXEC) == 0;
}

static bool stop_parent(void) {
    return kill(getppid(), SIGCONT) == 0;
}

/* The kernel would send it when something comes. */
static bool have_parent_signalled(void) {
    return fcntl(connected[0], F_SETOWN, getppid()) == 0;
}

static bool choose_signal(void) {
    return fcntl(connected[0], F_SETSIG, SIGCONT) == 0;
}

static bool look_into_parent(void) {
    return syscall(SYS_ptrace, 16 /* PTRACE_ATTACH */, getppid(), 0, 0) == 0;
}

static bool read_file(void) {
    char c = 0;
    int fd = open(file, O_RDONLY);
    return fd >= 0 && read(fd, &c, 1) == 1 && c == 'x' && close(fd) == 0;
}

static void *nothing(void *at) {
    return at;
}

static bool start_thread(void) {
    pthread_t thread;
    errno = pthread_create(&thread, NULL, nothing, NULL);
    return errno == 0 && pthread_join(thread, NULL) == 0;
}

static bool take_memory(void) {
    char *p = malloc(64 << 20);
    if (p)
        p[5] = 1;
    free(p);
    return p;
}

static bool talk(void) {
    char c = 0;
    return send(connected[0], "y", 1, 0) == 1 && recv(connected[1], &c, 1, 0) == 1 && c == 'y';
}

static bool wait_for_nothing(void) {
    int flags = fcntl(connected[0], F_GETFL);
    return flags >= 0 && fcntl(connected[0], F_SETFL, flags | O_NONBLOCK) == 0;
}

static bool wait_for_another(void) {
    int fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    return fd >= 0 || errno == EAGAIN;
}

typedef struct row {
    const char *name;
    bool (*act)(void);
    int wanted; /* 0, or what errno says */
} row;

static const row rows[] = {{"run a program", run_program, EPERM},
                           {"run one from a descriptor", run_from_descriptor, EPERM},
                           {"fork", fork_itself, EPERM},
                           {"write a new file", write_new, EPERM},
                           {"write to a file", write_old, EPERM},
                           {"cut a file short", cut_short, EPERM},
                           {"remove a file", take_away, EPERM},
                           {"rename a file", give_another_name, EPERM},
                           {"change rights", change_rights, EPERM},
                           {"make a socket", make_socket, EPERM},
                           {"connect", connect_one, EPERM},
                           {"connect by sending", connect_by_sending, EPERM},
                           {"connect by a message", connect_by_message, EPERM},
                           {"map code", map_code, EPERM},
                           {"make code of memory", turn_into_code, EPERM},
                           {"signal another process", stop_parent, EPERM},
                           {"have another process signalled", have_parent_signalled, EPERM},
                           {"choose the signal", choose_signal, EPERM},
                           {"trace another process", look_into_parent, EPERM},
                           {"read a file", read_file, 0},
                           {"start a thread", start_thread, 0},
                           {"take memory", take_memory, 0},
                           {"talk over a connection", talk, 0},
                           {"not wait for what comes", wait_for_nothing, 0},
                           {"wait for a connection", wait_for_another, 0}};

/* What a child says of it: 0, errno, or 255 without a filter. */
static int tried(const row *r) {
    pid_t child = fork();
    if (child == 0) {
        srv_fault f = {0};
        if (!srv_sandbox(&f))
            _exit(255);
        errno = 0;
        _exit(r->act() ? 0 : errno);
    }
    int status = 0;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK_MSG(WIFEXITED(status), "%s: signal %d", r->name, WTERMSIG(status));
    return WEXITSTATUS(status);
}

static void each(void) {
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int found = tried(&rows[i]);
        CHECK_MSG(found == rows[i].wanted, "%s: %d", rows[i].name, found);
    }
}

static int listen_somewhere(void) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    CHECK(fd >= 0 && listen(fd, 1) == 0);
    return fd;
}

static void prepare(void) {
    own_folder(folder, sizeof folder, "mlx-sandbox");
    snprintf(file, sizeof file, "%s/file", folder);
    FILE *f = fopen(file, "w");
    CHECK(f && fputs("x", f) >= 0 && fclose(f) == 0);
    listening = listen_somewhere(), other = listen_somewhere(), reached = listen_somewhere();
    socklen_t length = sizeof address;
    CHECK(getsockname(reached, (struct sockaddr *)&address, &length) == 0);
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, connected) == 0);
}

int main(void) {
    prepare();
    if (tried(&(row){"nothing", take_memory, 0}) == 255) {
        puts("skipped: this kernel has no filters of system calls");
        return 77;
    }
    RUN(each);
    CHECK(unlink(file) == 0 && rmdir(folder) == 0);
    return check_done();
}
