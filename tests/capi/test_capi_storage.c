/* What arrays lie on, and shared memory between processes (mlx/c/storage.h). */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "io_files.h"

static mlx_stream cpu = {NULL};
static char name[64];

static mlx_array_place place_of(mlx_array a) {
    mlx_array_place p = {0};
    CHECK_OK(mlx_array_storage(&p, a));
    return p;
}

static mlx_array numbers(int n) {
    mlx_array a = mlx_array_new();
    CHECK_OK(mlx_arange(&a, 0, n, 1, MLX_FLOAT32, cpu));
    return a;
}

static void nothing(void *p) {
    (void)p;
}

static void tells_kinds(void) {
    static float lent[8];
    mlx_array a = numbers(100000), b = mlx_array_new(), part = mlx_array_new();
    CHECK_EQ_INT(place_of(a).kind, MLX_STORAGE_NONE);
    CHECK_OK(mlx_array_eval(a));
    CHECK_EQ_INT(place_of(a).kind, MLX_STORAGE_POOL);
    CHECK(!place_of(a).view && place_of(a).bytes >= 400000);
    CHECK_OK(mlx_slice(&part, a, (int[]){10}, 1, (int[]){20}, 1, (int[]){1}, 1, cpu));
    CHECK_OK(mlx_array_eval(part));
    CHECK(place_of(part).kind == MLX_STORAGE_POOL && place_of(part).view);
    CHECK_EQ_INT(place_of(part).offset, 40);
    mlx_array l = mlx_array_new_data_managed(lent, (int[]){8}, 1, MLX_FLOAT32, nothing);
    CHECK_EQ_INT(place_of(l).kind, MLX_STORAGE_BORROWED);
    CHECK_OK(mlx_save(own_path("a.npy"), a));
    CHECK_OK(mlx_load_mapped(&b, own_path("a.npy"), cpu));
    CHECK_OK(mlx_array_eval(b));
    CHECK_EQ_INT(place_of(b).kind, MLX_STORAGE_MAPPED);
    CHECK_EQ_INT(place_of(b).bytes - place_of(b).offset, 400000);
    CHECK_OK(mlx_load(&b, own_path("a.npy"), cpu));
    CHECK_OK(mlx_array_eval(b));
    CHECK_EQ_INT(place_of(b).kind, MLX_STORAGE_POOL);
    mlx_array_free(a), mlx_array_free(b), mlx_array_free(part), mlx_array_free(l);
}

/* The child opens it, adds up, and says whether the sum is right. */
static void shares(void) {
    mlx_array a = numbers(1000), s = mlx_array_new();
    CHECK_OK(mlx_reshape(&a, a, (int[]){10, 100}, 2, cpu));
    CHECK_OK(mlx_array_shared_new(&s, name, a));
    CHECK_EQ_INT(place_of(s).kind, MLX_STORAGE_SHARED);
    CHECK_EQ_INT(mlx_array_dim(s, 1), 100);
    pid_t child = fork();
    if (child == 0) {
        mlx_array x = mlx_array_new();
        float sum = 0;
        bool ok = !mlx_array_shared_open(&x, name) && !mlx_sum(&x, x, false, cpu) &&
                  !mlx_array_item_float32(&sum, x);
        _exit(ok && sum == 499500 ? 0 : 1);
    }
    int status = -1;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK_EQ_INT(status, 0);
    // what is written to one array shows in no other: in-place updates and lent memory get pages of
    // their own
    mlx_array other = mlx_array_new();
    CHECK_OK(mlx_array_shared_open(&other, name));
    ((float *)(uintptr_t)mlx_array_data_float32(s))[3] = -1;
    CHECK_NEAR(mlx_array_data_float32(other)[3], 3, 0);
    CHECK_OK(mlx_array_shared_remove(name));
    CHECK_OK(mlx_array_shared_remove(name)); // it is not there: fine
    CHECK_NEAR(mlx_array_data_float32(other)[999], 999, 0);
    CHECK_FAILS(mlx_array_shared_open(&other, name), "cannot open the shared memory");
    mlx_array_free(a), mlx_array_free(s), mlx_array_free(other);
}

static void replaces(void) {
    mlx_array a = mlx_array_new_float(1), b = mlx_array_new_int(7), s = mlx_array_new(),
              t = mlx_array_new();
    CHECK_OK(mlx_array_shared_new(&s, name, a));
    CHECK_OK(mlx_array_shared_new(&t, name, b));
    float was = 0;
    int is = 0;
    CHECK_OK(mlx_array_item_float32(&was, s));
    CHECK_OK(mlx_array_item_int32(&is, t));
    CHECK(was == 1 && is == 7);
    mlx_array_shared_remove(name);
    mlx_array_free(a), mlx_array_free(b), mlx_array_free(s), mlx_array_free(t);
}

static void try_segment(const void *bytes, size_t n) {
    mlx_array a = mlx_array_new();
    shm_unlink(name);
    int fd = shm_open(name, O_RDWR | O_CREAT, 0600);
    CHECK(fd >= 0 && write(fd, bytes, n) == (ssize_t)n);
    close(fd);
    CHECK_FAILS(mlx_array_shared_open(&a, name), "holds no whole array");
    shm_unlink(name);
}

static void refuses(void) {
    static struct {
        char magic[8];
        int32_t dtype, ndim, shape[64];
        char rest[8192];
    } h = {"MLXSHM1", 10, 1, {100}, {0}};
    mlx_array a = mlx_array_new_float(1), s = mlx_array_new();
    try_segment("", 0);
    try_segment("short", 5);
    try_segment(&h, 4096 + 399); // 100 floats need 400
    h.shape[0] = -1;
    try_segment(&h, sizeof h);
    h.shape[0] = 1;
    h.ndim = 65;
    try_segment(&h, sizeof h);
    h.ndim = 1;
    h.dtype = 99;
    try_segment(&h, sizeof h);
    h.dtype = 10;
    h.magic[0] = 0; // not whole yet
    try_segment(&h, sizeof h);
    CHECK_FAILS(mlx_array_shared_new(&s, "weights", a), "is no name of shared memory");
    CHECK_FAILS(mlx_array_shared_new(&s, "/a/b", a), "is no name of shared memory");
    CHECK_FAILS(mlx_array_shared_open(&s, "/"), "is no name of shared memory");
    CHECK_FAILS(mlx_array_shared_open(&s, NULL), "the name is NULL");
    mlx_array_free(a), mlx_array_free(s);
}

/* A mapped file that was cut short is an error of the evaluation. */
static void notices_a_cut_file(void) {
    mlx_array a = numbers(100000), b = mlx_array_new();
    CHECK_OK(mlx_save(own_path("cut.npy"), a));
    CHECK_OK(mlx_load_mapped(&b, own_path("cut.npy"), cpu));
    CHECK_EQ_INT(truncate(own_path("cut.npy"), 1000), 0);
    CHECK_FAILS(mlx_array_eval(b), "it was cut short after it was opened");
    mlx_array_free(a), mlx_array_free(b);
}

int main(void) {
    snprintf(name, sizeof name, "/mlx-test-%ld", (long)getpid());
    mlx_set_error_handler(count_told, NULL, NULL);
    RUN(tells_kinds);
    RUN(shares);
    RUN(replaces);
    RUN(refuses);
    RUN(notices_a_cut_file);
    files_done();
    return check_done();
}
