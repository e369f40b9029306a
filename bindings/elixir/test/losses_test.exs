defmodule Mlx.NN.LossesTest do
  use ExUnit.Case, async: true
  import Mlx.Check
  alias Mlx.NN.Losses

  doctest Mlx.NN.Losses

  defp sigmoid(x), do: 1 / (1 + :math.exp(-x))

  test "losses are their formulas" do
    y = [0.3, -1.2, 2.0, 0.7]
    t = [0.1, 0.4, 1.0, 0.6]
    sign = [1.0, -1.0, 1.0, -1.0]
    p = [0.3, 0.9, 0.5, 0.0]
    log = fn x -> if x <= 0, do: -100, else: max(:math.log(x), -100) end
    ce = fn p, t -> -(t * log.(p) + (1 - t) * log.(1 - p)) end

    huber = fn d, delta ->
      if abs(d) <= delta, do: d * d / 2, else: delta * (abs(d) - delta / 2)
    end

    smooth = fn d, beta -> if abs(d) < beta, do: d * d / (2 * beta), else: abs(d) - beta / 2 end

    cases = [
      {&Losses.l1_loss/3, y, t, [], fn y, t -> abs(y - t) end},
      {&Losses.mse_loss/3, y, t, [], fn y, t -> (y - t) * (y - t) end},
      {&Losses.binary_cross_entropy/3, y, t, [], &ce.(sigmoid(&1), &2)},
      {&Losses.binary_cross_entropy/3, p, t, [with_logits: false], ce},
      {&Losses.smooth_l1_loss/3, y, t, [beta: 0.5], &smooth.(&1 - &2, 0.5)},
      {&Losses.smooth_l1_loss/3, y, t, [beta: 0], fn y, t -> abs(y - t) end},
      {&Losses.huber_loss/3, y, t, [delta: 0.7], &huber.(&1 - &2, 0.7)},
      {&Losses.hinge_loss/3, y, sign, [], fn y, t -> max(1 - y * t, 0) end},
      {&Losses.log_cosh_loss/3, y, t, [], fn y, t -> :math.log(:math.cosh(y - t)) end}
    ]

    for {loss, y, t, options, formula} <- cases do
      wanted = Enum.zip_with(y, t, formula)
      found = &loss.(Mlx.array(y), Mlx.array(t), [reduction: &1] ++ options)
      near(Mlx.to_list(found.(:none)), wanted)
      near(Mlx.item(found.(:sum)), Enum.sum(wanted))
      near(Mlx.item(found.(:mean)), Enum.sum(wanted) / 4)
    end

    for {loss, _y, _t, _options, _formula} <- cases ++ [{&Losses.kl_div_loss/3, 0, 0, 0, 0}],
        {a, b} <- [{[2], [3]}, {[3, 1], [3]}, {[2, 2], []}] do
      assert error(fn -> loss.(Mlx.ones(a), Mlx.ones(b), []) end).message =~ "shapes differ"
    end

    for ranking <- [&Losses.margin_ranking_loss/3, &Losses.gaussian_nll_loss/3],
        [a, b, c] <- [[[2], [2], [1]], [[2], [1], [2]]] do
      message = error(fn -> ranking.(Mlx.ones(a), Mlx.ones(b), Mlx.ones(c)) end).message
      assert message =~ "shapes differ: {2} and {1}"
    end

    for targets <- [[1], [3], [2, 1], [2, 4], []] do
      targets = Mlx.zeros(targets, dtype: :int32)
      message = error(fn -> Losses.nll_loss(Mlx.ones([2, 4]), targets) end).message
      assert message =~ "do not fit inputs of {2, 4}"
    end

    bad = fn -> Losses.l1_loss(Mlx.ones([2]), Mlx.ones([2]), reduction: :most) end
    assert error(bad).message =~ ":most"
  end

  test "integers are floats where losses are made of them" do
    y = [3, 250, 0, 128]
    t = [5, 0, 255, 1]

    for loss <- [
          &Losses.l1_loss/3,
          &Losses.mse_loss/3,
          &Losses.smooth_l1_loss/3,
          &Losses.huber_loss/3,
          &Losses.hinge_loss/3,
          &Losses.log_cosh_loss/3,
          &Losses.binary_cross_entropy/3,
          &Losses.margin_ranking_loss(&1, &2, &1, &3),
          &Losses.gaussian_nll_loss(&1, &2, &1, &3)
        ],
        dtype <- [:uint8, :uint16, :uint32, :uint64, :int16, :int32],
        {a, b} <- [{y, t}, {t, y}] do
      wanted = loss.(Mlx.array(a, :float32), Mlx.array(b, :float32), reduction: :none)
      found = loss.(Mlx.array(a, dtype), Mlx.array(b, dtype), reduction: :none)
      assert {Mlx.dtype(found), Mlx.to_list(found)} == {:float32, Mlx.to_list(wanted)}
    end

    [a, b] = for list <- [y, t], do: Mlx.array([list], :uint8)
    [c, d] = for array <- [a, b], do: Mlx.astype(array, :float32)
    same = &assert(Mlx.to_list(&1) == Mlx.to_list(&2))
    same.(Losses.cosine_similarity_loss(a, b), Losses.cosine_similarity_loss(c, d))
    same.(Losses.triplet_loss(a, b, a), Losses.triplet_loss(c, d, c))
    # beside floats they are those floats
    half = Losses.l1_loss(Mlx.array([1.5], :float16), Mlx.array([3], :uint8))
    assert {Mlx.dtype(half), Mlx.item(half)} == {:float16, 1.5}
  end

  test "options of losses are named" do
    x = Mlx.ones([2, 2])

    for {call, said} <- [
          {fn -> Losses.huber_loss(x, x, delta: :x) end, "delta must be a number from 0, not :x"},
          {fn -> Losses.smooth_l1_loss(x, x, beta: nil) end,
           "beta must be a number from 0, not nil"},
          {fn -> Losses.cross_entropy(x, x, axis: :x) end, "axis must be an integer, not :x"},
          {fn -> Losses.nll_loss(x, x, axis: 0.5) end, "axis must be an integer, not 0.5"},
          {fn -> Losses.triplet_loss(x, x, x, margin: "1") end, "margin must be a number"},
          {fn -> Losses.triplet_loss(x, x, x, p: :two) end,
           "p must be a number above 0, not :two"},
          {fn -> Losses.gaussian_nll_loss(x, x, x, full: 1) end, "full must be true or false"},
          {fn -> Losses.l1_loss(x, x, reduction: "mean") end,
           ~s(reduction must be :none, :mean or :sum, not "mean")}
        ],
        do: assert(error(call).message =~ said)
  end

  test "losses of classes and of several inputs" do
    logits = [[1.0, 2.0, 0.5], [0.0, -1.0, 3.0]]

    logs =
      for row <- logits,
          do: Enum.map(row, &(&1 - :math.log(Enum.sum(Enum.map(row, fn x -> :math.exp(x) end)))))

    [[a1, a2, a3] = first, [b1, b2, b3] = second] = logs
    x = Mlx.array(logits)
    near(Mlx.to_list(Losses.cross_entropy(x, Mlx.array([1, 2]))), [-a2, -b3])
    near(Mlx.to_list(Losses.nll_loss(Mlx.array(logs), Mlx.array([1, 2]))), [-a2, -b3])

    weighted =
      Losses.cross_entropy(x, Mlx.array([1, 2]), weights: Mlx.array([2.0, 0.5]), reduction: :sum)

    near(Mlx.item(weighted), -2 * a2 - 0.5 * b3)
    soft = Mlx.array([[0.5, 0.5, 0.0], [0.0, 0.2, 0.8]])
    near(Mlx.to_list(Losses.cross_entropy(x, soft)), [-(a1 + a2) / 2, -0.2 * b2 - 0.8 * b3])
    smooth = Losses.cross_entropy(x, Mlx.array([1, 2]), label_smoothing: 0.3)

    near(Mlx.to_list(smooth), [
      -0.7 * a2 - 0.3 * (a1 + a2 + a3) / 3,
      -0.7 * b3 - 0.3 * (b1 + b2 + b3) / 3
    ])

    masked = Mlx.array([[0.0, :neg_infinity]])

    for none <- [0, 0.0] do
      loss = Losses.cross_entropy(masked, Mlx.array([0]), label_smoothing: none)
      assert Mlx.to_list(loss) == [0.0]
    end

    near(Mlx.to_list(Losses.cross_entropy(Mlx.transpose(x), Mlx.array([1, 2]), axis: 0)), [
      -a2,
      -b3
    ])

    q = Mlx.array(Enum.map(logs, &Enum.reverse/1))
    kl = Enum.zip_with(first, Enum.reverse(first), fn p, q -> :math.exp(q) * (q - p) end)
    near(Mlx.to_list(Losses.kl_div_loss(Mlx.array(logs), q)[0]), Enum.sum(kl))
    assert length(second) == 3
    wrong = fn -> Losses.cross_entropy(x, Mlx.array([1, 2, 0])) end
    assert error(wrong).message =~ "do not fit"
    assert error(fn -> Losses.cross_entropy(x, soft, label_smoothing: 1) end).message =~ "[0, 1)"

    m = Mlx.array([1.0, 2.0])
    t = Mlx.array([1.5, 0.0])
    v = Mlx.array([0.5, 2.0])
    wanted = [(:math.log(0.5) + 0.25 / 0.5) / 2, (:math.log(2.0) + 4 / 2) / 2]
    near(Mlx.to_list(Losses.gaussian_nll_loss(m, t, v, reduction: :none)), wanted)
    full = Losses.gaussian_nll_loss(m, t, v, full: true)
    near(Mlx.item(full), Enum.sum(wanted) / 2 + :math.log(2 * :math.pi()) / 2)

    [a, p, n] = for row <- [[0.0, 0.0], [3.0, 4.0], [0.0, 2.0]], do: Mlx.array([row])
    near(Mlx.to_list(Losses.triplet_loss(a, p, n)), [5.0 - 2.0 + 1], 1.0e-4)
    near(Mlx.to_list(Losses.cosine_similarity_loss(p, n)), [0.8])
    ranking = Losses.margin_ranking_loss(m, t, Mlx.array([1.0, -1.0]), margin: 0.1)
    near(Mlx.to_list(ranking), [0.6, 2.1])
  end
end
