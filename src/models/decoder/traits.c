/* What families are beyond their tensors and config.json: see build.h. */
#include "models/decoder/build.h"

const dec_trait dec_traits[] = {
    {.family = "llama"},
    {.family = "mistral", .may_window = true},
    {.family = "mixtral", .may_window = true},
    {.family = "qwen2", .may_window = true},
    {.family = "qwen3", .may_window = true},
    {.family = "gemma2", .may_window = true, .root_embedding = true, .scalar = true, .every = 2},
    {.family = "gemma3",
     .may_window = true,
     .root_embedding = true,
     .scalar = true,
     .period = "sliding_window_pattern",
     .local_theta = "rope_local_base_freq"},
    {.family = "phi3", .may_window = true},
};
const size_t dec_trait_count = sizeof dec_traits / sizeof *dec_traits;
