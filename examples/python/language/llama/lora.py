"""Low-rank adaptation (Hu et al. 2022) of a LLaMA, whose weights may be quantized: beside each chosen
matrix two small ones are learned, in files as mlx_lm has them."""

import json
import math
import sys
from pathlib import Path

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
import numpy as np
from common import Progress
from mlx.data import write_file
from mlx.utils import tree_flatten, tree_unflatten

KEYS = ["self_attn.q_proj", "self_attn.v_proj"]


class LoRALinear(nn.Module):
    """y = W x + scale x A B, where A (inputs, rank) begins random and B (rank, outputs) as 0. W,
    quantized or not, stays as it is."""

    def __init__(self, linear, inputs, outputs, rank, scale):
        super().__init__()
        self.linear, self.scale = linear, scale
        bound = 1 / math.sqrt(inputs)
        self.lora_a = mx.random.uniform(-bound, bound, (inputs, rank))
        self.lora_b = mx.zeros((rank, outputs))
        self.linear.freeze()

    def __call__(self, x):
        return self.linear(x) + self.scale * ((x @ self.lora_a) @ self.lora_b)


def matrix_shape(linear):
    """(outputs, inputs) of a linear layer, quantized or not."""
    outputs, inputs = linear.weight.shape
    return outputs, inputs * 32 // linear.bits if isinstance(linear, nn.QuantizedLinear) else inputs


def adapt(model, num_layers, lora_parameters):
    """Freeze a model and put adapters into its last layers (-1: all)."""
    model.freeze()
    p, layers = lora_parameters, model.model.layers
    if not -1 <= num_layers <= len(layers):
        raise ValueError(f"num_layers is {num_layers}, and the model has {len(layers)}")
    for layer in layers if num_layers == -1 else layers[len(layers) - num_layers :]:
        places = dict(layer.named_modules())
        for key in p.get("keys", KEYS):
            if not isinstance(places.get(key), (nn.Linear, nn.QuantizedLinear)):
                raise ValueError(f"{key} is no matrix of a layer")
            outputs, inputs = matrix_shape(places[key])
            adapter = LoRALinear(places[key], inputs, outputs, p["rank"], p["scale"])
            layer.update_modules(tree_unflatten([(key, adapter)]))
    return model


def save(model, folder, num_layers, lora_parameters):
    """adapters.safetensors and adapter_config.json."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    how = {"fine_tune_type": "lora", "num_layers": num_layers, "lora_parameters": lora_parameters}
    mx.save_safetensors(
        str(folder / "adapters.safetensors"), dict(tree_flatten(model.trainable_parameters()))
    )
    write_file(folder / "adapter_config.json", json.dumps(how, indent=4).encode())


def read_config(folder):
    how = json.loads((Path(folder) / "adapter_config.json").read_text())
    if how.get("fine_tune_type", "lora") != "lora":
        raise ValueError(f"its fine_tune_type is {how['fine_tune_type']}, not lora")
    return how


def load(model, folder):
    """Put the adapters of a folder into a model."""
    try:
        how = read_config(folder)
        adapt(model, how["num_layers"], how["lora_parameters"])
        weights = mx.load(str(Path(folder) / "adapters.safetensors"))
        want = {k: v.shape for k, v in tree_flatten(model.trainable_parameters())}
        if want != {k: v.shape for k, v in weights.items()}:
            raise ValueError("its matrices are those of another model")
        model.load_weights(list(weights.items()), strict=False)
    except (OSError, ValueError, RuntimeError, KeyError) as e:
        sys.exit(f"{folder} has no adapters for this model: {e}")
    return model


def fuse(source, folder, output):
    """A folder as Hugging Face has it, of the model at `source`, with the adapters in its weights."""
    how, changes = read_config(folder), mx.load(str(Path(folder) / "adapters.safetensors"))
    if Path(output).exists():
        sys.exit(f"{output} is there already: give the name of a new folder")
    mx.convert_model(source, output, format="hf")
    scale, fused = how["lora_parameters"]["scale"], 0
    for file in Path(output).glob("*.safetensors"):
        weights = mx.load(str(file))
        for name in weights:
            place = name.removesuffix(".weight")
            if f"{place}.lora_a" in changes:
                change = scale * (changes[f"{place}.lora_a"] @ changes[f"{place}.lora_b"]).T
                weights[name] = (weights[name] + change).astype(weights[name].dtype)
                fused += 1
        mx.eval(weights)
        mx.save_safetensors(str(file), weights, {"format": "pt"})
    if 2 * fused != len(changes):
        sys.exit(f"{folder} changes {len(changes) // 2} matrices, of which {output} has {fused}")
    return fused


# --- data -----------------------------------------------------------------------------------------


def example(line, tokenizer, mask_prompt):
    """Tokens of a line of jsonl, and of each whether it is learned. A line has a text, or a prompt and
    its completion, or messages, whose answers alone are learned with mask_prompt."""
    end = [] if tokenizer.eos is None else [tokenizer.eos]
    if "text" in line:
        tokens = tokenizer.encode(line["text"]) + end
        return tokens, [True] * len(tokens)
    if "messages" in line:
        tokens, said = tokenizer.answers(line["messages"], tools=line.get("tools"))
    elif "prompt" in line and "completion" in line:
        first = tokenizer.encode(line["prompt"])
        tokens = first + tokenizer.encode(line["completion"], bare=True) + end
        said = [i >= len(first) for i in range(len(tokens))]
    else:
        raise ValueError("a line has text, or prompt and completion, or messages")
    return tokens, said if mask_prompt else [True] * len(tokens)


def read_jsonl(path, tokenizer, mask_prompt=False, longest=512):
    """Examples of a file; what is longer loses its end."""
    path, examples = Path(path), []
    if not path.is_file():
        sys.exit(f'{path} is missing: a file with an object in each line, such as {{"text": ...}}')
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        try:
            tokens, said = example(json.loads(line), tokenizer, mask_prompt)
        except (ValueError, TypeError, AttributeError) as e:
            sys.exit(f"{path}, line {number}: {e}")
        if any(said[1:longest]):
            examples.append((tokens[:longest], said[:longest]))
    if not examples:
        sys.exit(f"{path} has no example with something to learn")
    return examples


def padded(examples):
    """Tokens (B, L + 1) and 1 for each that is learned; L is a multiple of 32."""
    length = 1 + -(-(max(len(t) for t, _ in examples) - 1) // 32) * 32
    tokens, learned = (np.zeros((len(examples), length), np.int32) for _ in range(2))
    for i, (t, s) in enumerate(examples):
        tokens[i, : len(t)], learned[i, : len(t)] = t, s
    return mx.array(tokens), mx.array(learned)


def batches(examples, size, random):
    """Batches without end, of examples of about one length, in a new order for each pass."""
    order = sorted(range(len(examples)), key=lambda i: len(examples[i][0]))
    groups = [order[i : i + size] for i in range(0, len(order), size)]
    while True:
        for i in random.permutation(len(groups)):
            yield padded([examples[j] for j in groups[i]])


# --- training -------------------------------------------------------------------------------------


def loss(model, tokens, learned):
    """The mean loss of the tokens that are learned, in nats, and how many they are."""
    each = nn.losses.cross_entropy(model(tokens[:, :-1]), tokens[:, 1:])
    learned = learned[:, 1:]
    count = learned.sum()
    return (each.astype(mx.float32) * learned).sum() / count, count


def mean_loss(model, examples, size=4):
    """The loss of a token of examples."""
    total = count = 0
    for i in range(0, len(examples), size):
        value, n = loss(model, *padded(examples[i : i + size]))
        total, count = total + value.item() * n.item(), count + n.item()
    return total / count


def train(model, examples, iters, batch=4, rate=1e-4, seed=0):
    """Learn the adapters of a model with Adam; gives the losses of the iterations."""
    optimizer = optim.Adam(rate)
    step = nn.value_and_grad(model, loss)
    progress, losses = Progress(iters), []
    some = batches(examples, batch, np.random.default_rng(seed))
    for i in range(1, iters + 1):
        (value, _), gradients = step(model, *next(some))
        optimizer.update(model, gradients)
        mx.eval(model.trainable_parameters(), optimizer.state, value)
        losses.append(value.item())
        if not math.isfinite(losses[-1]):
            sys.exit(f"the loss of iteration {i} is {losses[-1]}: try a smaller --rate")
        progress(i, loss=losses[-1])
    return losses
