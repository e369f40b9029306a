"""A graph convolutional network (Kipf and Welling 2017): the class of every node of a graph, learned
from the edges and the labels of a few nodes.

    python -m methods.gcn                   Zachary's karate club, which split in two: the network
                                            knows the sides of its two heads only
    python -m methods.gcn --graph blocks    400 nodes in four communities, four labels known
"""

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
import numpy as np
from common import Progress, arguments

# Who met whom outside the club (Zachary 1977): each line a member and those with higher numbers.
KARATE = """1 2 3 4 5 6 7 8 9 11 12 13 14 18 20 22 32|2 3 4 8 14 18 20 22 31|3 4 8 9 10 14 28 29 33
4 8 13 14|5 7 11|6 7 11 17|7 17|9 31 33 34|10 34|14 34|15 33 34|16 33 34|19 33 34|20 34|21 33 34
23 33 34|24 26 28 30 33 34|25 26 28 32|26 32|27 30 34|28 34|29 32 34|30 33 34|31 33 34|32 33 34|33 34"""
INSTRUCTORS = {1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 17, 18, 20, 22}


def karate():
    """The edges (E, 2) from 0, the side of each member, and the two whose side is known."""
    lines = [[int(n) - 1 for n in line.split()] for line in KARATE.replace("\n", "|").split("|")]
    edges = [(first, other) for first, *others in lines for other in others]
    sides = [0 if member in INSTRUCTORS else 1 for member in range(1, 35)]
    return np.array(edges), np.array(sides), np.array([0, 33])


def blocks(random, communities=4, size=100, inside=0.08, across=0.008):
    """A stochastic block model: edges are likelier inside a community. One label of each is known."""
    labels = np.repeat(np.arange(communities), size)
    chance = np.where(labels[:, None] == labels, inside, across)
    edges = np.argwhere(np.triu(random.random(chance.shape) < chance, 1))
    return edges, labels, size * np.arange(communities)


class Graph:
    """Edges as a list, for graphs whose matrix would be too large: sources, targets and weights, both
    ways and with a loop at each node."""

    def __init__(self, edges, nodes):
        loops = np.arange(nodes)
        self.source = mx.array(np.concatenate([edges[:, 0], edges[:, 1], loops]))
        self.target = mx.array(np.concatenate([edges[:, 1], edges[:, 0], loops]))
        degree = mx.zeros(nodes).at[self.target].add(1)
        self.weight = mx.rsqrt(degree[self.source] * degree[self.target])

    def spread(self, x):
        """Each node's features (N, D) from its neighbours' and its own: D^-1/2 (A + I) D^-1/2 x."""
        return mx.zeros_like(x).at[self.target].add(self.weight[:, None] * x[self.source])


class GCN(nn.Module):
    """Two layers that mix each node with its neighbours. Nodes have no features but their names, so
    the first layer's weights are rows of an embedding."""

    def __init__(self, nodes, classes, hidden=16):
        super().__init__()
        self.first, self.second = nn.Embedding(nodes, hidden), nn.Linear(hidden, classes)
        self.dropout = nn.Dropout(0.5)

    def __call__(self, graph):
        x = nn.relu(graph.spread(self.first.weight))
        return graph.spread(self.second(self.dropout(x)))


def main(graph="karate", steps=300, rate=0.01, seed=0):
    """Returns the class each node is given and the true ones."""
    mx.random.seed(seed)
    edges, labels, known = karate() if graph == "karate" else blocks(np.random.default_rng(seed))
    net, model = Graph(edges, len(labels)), GCN(len(labels), int(labels.max()) + 1)
    optimizer = optim.AdamW(rate, weight_decay=0.05)
    given, answers = mx.array(known), mx.array(labels[known])
    state = [model.state, optimizer.state, mx.random.state]

    def loss():
        return nn.losses.cross_entropy(model(net)[given], answers, reduction="mean")

    value_and_grad = nn.value_and_grad(model, loss)

    def step():
        value, gradients = value_and_grad()
        optimizer.update(model, gradients)
        return value

    step, progress = mx.compile(step, inputs=state, outputs=state), Progress(steps)
    for i in range(1, steps + 1):
        value = step()
        mx.eval(state, value)
        progress(i, loss=value)
    model.eval()
    return np.array(mx.argmax(model(net), axis=1)), labels


if __name__ == "__main__":
    o = arguments(__doc__, graph=("karate", "blocks"), steps=300, rate=0.01)
    found, labels = main(o.graph, o.steps, o.rate, o.seed)
    if o.graph == "karate":
        for side, name in enumerate(("instructor", "officer")):
            members = [
                f"{n + 1}{'' if labels[n] == side else '!'}" for n in np.flatnonzero(found == side)
            ]
            print(f"with the {name}: {' '.join(members)}")
    print(f"right: {np.sum(found == labels)} of {len(labels)} nodes")
