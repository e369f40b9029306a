"""Segment Anything's mask decoder: tokens and image look at each other twice; each mask is the product
of its token with the enlarged image. Names are transformers'."""

import mlx.core as mx
import mlx.nn as nn

from vision.sam.encoder import MLP


class Attention(nn.Module):
    """(B, L, D) to (B, M, D), within fewer dimensions."""

    def __init__(self, config, shrink):
        super().__init__()
        dims, self.heads = config["hidden_size"], config["num_attention_heads"]
        inner = dims // shrink
        self.q_proj, self.k_proj = nn.Linear(dims, inner), nn.Linear(dims, inner)
        self.v_proj, self.out_proj = nn.Linear(dims, inner), nn.Linear(inner, dims)

    def __call__(self, q, k, v):
        def heads(y):
            return y.reshape(*y.shape[:2], self.heads, -1).swapaxes(1, 2)

        q, k, v = heads(self.q_proj(q)), heads(self.k_proj(k)), heads(self.v_proj(v))
        y = mx.fast.scaled_dot_product_attention(q, k, v, scale=q.shape[-1] ** -0.5)
        return self.out_proj(y.swapaxes(1, 2).flatten(2))


class TwoWayLayer(nn.Module):
    """Tokens look at themselves, at the image, and think; then the image looks at them."""

    def __init__(self, config, first):
        super().__init__()
        dims, eps = config["hidden_size"], config["layer_norm_eps"]
        shrink = config["attention_downsample_rate"]
        self.first = first
        self.self_attn = Attention(config, 1)
        self.cross_attn_token_to_image = Attention(config, shrink)
        self.cross_attn_image_to_token = Attention(config, shrink)
        self.layer_norm1, self.layer_norm2 = nn.LayerNorm(dims, eps), nn.LayerNorm(dims, eps)
        self.layer_norm3, self.layer_norm4 = nn.LayerNorm(dims, eps), nn.LayerNorm(dims, eps)
        self.mlp = MLP(config)

    def __call__(self, tokens, image, points, places):
        """`points` are the tokens as they began, `places` the image's positions."""
        if self.first:
            tokens = self.self_attn(tokens, tokens, tokens)
        else:
            q = tokens + points
            tokens = tokens + self.self_attn(q, q, tokens)
        tokens = self.layer_norm1(tokens)
        found = self.cross_attn_token_to_image(tokens + points, image + places, image)
        tokens = self.layer_norm2(tokens + found)
        tokens = self.layer_norm3(tokens + self.mlp(tokens))
        found = self.cross_attn_image_to_token(image + places, tokens + points, tokens)
        return tokens, self.layer_norm4(image + found)


class TwoWayTransformer(nn.Module):
    def __init__(self, config):
        super().__init__()
        count = config["num_hidden_layers"]
        self.layers = [TwoWayLayer(config, first=i == 0) for i in range(count)]
        self.final_attn_token_to_image = Attention(config, config["attention_downsample_rate"])
        self.layer_norm_final_attn = nn.LayerNorm(config["hidden_size"])

    def __call__(self, points, image, places):
        tokens = points
        for layer in self.layers:
            tokens, image = layer(tokens, image, points, places)
        found = self.final_attn_token_to_image(tokens + points, image + places, image)
        return self.layer_norm_final_attn(tokens + found), image


class Head(nn.Module):
    """Linear layers with relu between them."""

    def __init__(self, dims, inner, out, depth):
        super().__init__()
        self.proj_in, self.proj_out = nn.Linear(dims, inner), nn.Linear(inner, out)
        self.layers = [nn.Linear(inner, inner) for _ in range(depth - 2)]

    def __call__(self, x):
        x = nn.relu(self.proj_in(x))
        for layer in self.layers:
            x = nn.relu(layer(x))
        return self.proj_out(x)


class MaskDecoder(nn.Module):
    """Embedding of an image (S, S, D), its positions, prompts (N, D) to masks (count, 4 S, 4 S), logits,
    and how well each overlaps with what is meant (count,): one mask, or three."""

    def __init__(self, config):
        super().__init__()
        dims, self.count = config["hidden_size"], config["num_multimask_outputs"] + 1
        self.iou_token, self.mask_tokens = nn.Embedding(1, dims), nn.Embedding(self.count, dims)
        self.transformer = TwoWayTransformer(config)
        self.upscale_conv1 = nn.ConvTranspose2d(dims, dims // 4, 2, 2)
        self.upscale_conv2 = nn.ConvTranspose2d(dims // 4, dims // 8, 2, 2)
        self.upscale_layer_norm = nn.LayerNorm(dims // 4, 1e-6)
        self.output_hypernetworks_mlps = [Head(dims, dims, dims // 8, 3) for _ in range(self.count)]
        depth, inner = config["iou_head_depth"], config["iou_head_hidden_dim"]
        self.iou_prediction_head = Head(dims, inner, self.count, depth)

    def enlarged(self, image, side):
        """(1, S S, D) to (4 S, 4 S, D / 8)."""
        x = self.upscale_conv1(image.reshape(1, side, side, -1))
        return nn.gelu(self.upscale_conv2(nn.gelu(self.upscale_layer_norm(x))))[0]

    def __call__(self, image, places, prompts, several):
        side = len(image)
        tokens = mx.concatenate([self.iou_token.weight, self.mask_tokens.weight, prompts])
        image, places = image.reshape(1, side * side, -1), places.reshape(1, side * side, -1)
        tokens, image = self.transformer(tokens[None], image, places)
        pixels = self.enlarged(image, side)
        heads = [head(tokens[0, 1 + i]) for i, head in enumerate(self.output_hypernetworks_mlps)]
        masks = mx.moveaxis(pixels @ mx.stack(heads, axis=-1), -1, 0)
        overlap = self.iou_prediction_head(tokens[0, 0])
        return (masks[1:], overlap[1:]) if several else (masks[:1], overlap[:1])
