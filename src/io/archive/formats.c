/* The formats of files of tensors, by what their first bytes are. */
#include "io/archive/formats.h"

#include "base/status.h"

static const mx_archive_format *const formats[] = {&mx_archive_gguf, &mx_archive_npy,
                                                   &mx_archive_pytorch, &mx_archive_npz,
                                                   &mx_archive_safetensors};

const mx_archive_format *mx_format_of(mx_source *s) {
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        if (formats[i]->detect(s))
            return formats[i];
        if (mx_failed())
            return NULL;
    }
    return mx_source_fail(
        s, 0, "it is of no format that can be read: safetensors, GGUF, npy, npz, PyTorch");
}
