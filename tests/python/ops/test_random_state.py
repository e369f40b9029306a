"""mx.random.state is one live array: what is written into it is where the random numbers go on."""

import mlx.core as mx


def draw():
    return mx.random.uniform(shape=(4,)).tolist()


def test_writing_into_the_state_restores_it():
    mx.random.seed(3)
    saved = mx.array(mx.random.state[0])
    numbers = draw()
    mx.random.state[0][:] = saved
    assert draw() == numbers
    mx.random.state[0] = saved
    assert draw() == numbers
    mx.random.state[0] += 0
    mx.random.state[0][0] = saved[0]
    mx.random.state[0][1] = saved[1]
    assert draw() == numbers


def test_the_state_is_one_array_until_numbers_are_drawn():
    mx.random.seed(4)
    state = mx.random.state[0]
    assert state is mx.random.state[0]
    draw()
    now = mx.random.state[0].tolist()
    assert state.tolist() == [0, 4] and now != [0, 4]
    state[:] = 0  # an array of the past
    assert mx.random.state[0].tolist() == now and mx.random.state[0] is not state


def test_what_is_no_key_leaves_the_state():
    mx.random.seed(5)
    key = mx.random.state[0]
    key *= 0.5
    assert key.dtype == mx.float32 and mx.random.state[0].tolist() == [0, 5]


def test_compiled_functions_take_the_state():
    states = [{"keys": mx.random.state}, {}]

    @lambda f: mx.compile(f, inputs=states, outputs=states)
    def two():
        return mx.random.uniform(shape=(2,)), mx.random.uniform(shape=(2,))

    mx.random.seed(6)
    saved = mx.array(mx.random.state[0])
    eager = [mx.random.uniform(shape=(2,)).tolist() for _ in range(4)]
    mx.random.state[0][:] = saved
    compiled = [a.tolist() for _ in range(2) for a in two()]
    assert compiled == eager
    mx.random.state[0][:] = saved
    assert [a.tolist() for a in two()] == eager[:2]
