defmodule Mlx.Backend.Linear do
  @moduledoc false
  # Products, convolutions, factors of matrices, Fourier transforms.

  import Mlx.Backend.Types, only: [array: 1, cast: 2, computed: 1, dtype: 1, tensor: 2]
  alias Mlx.Backend.Windows

  # --- products -------------------------------------------------------------------------------

  # {batch, free, contracted} times {batch, contracted, free}
  def dot(out, a, axes_a, batch_a, b, axes_b, batch_b) do
    dtype = computed(dtype(out.type))
    {a, lead, free_a} = arranged(cast(array(a), dtype), batch_a, axes_a, :last)
    {b, _lead, free_b} = arranged(cast(array(b), dtype), batch_b, axes_b, :first)
    a |> product(b) |> Mlx.reshape(lead ++ free_a ++ free_b) |> tensor(out)
  end

  defp product(a, b) do
    if Mlx.Backend.Types.integer?(Mlx.dtype(a)) do
      left = Mlx.expand_dims(a, [-1])
      right = Mlx.expand_dims(b, [-3])
      left |> Mlx.multiply(right) |> Mlx.sum(axis: -2)
    else
      Mlx.matmul(a, b)
    end
  end

  defp arranged(a, batch, axes, place) do
    all = Enum.to_list(0..(tuple_size(Mlx.shape(a)) - 1)//1)
    free = all -- (batch ++ axes)
    size = fn axes -> for i <- axes, do: elem(Mlx.shape(a), i) end
    order = if place == :last, do: batch ++ free ++ axes, else: batch ++ axes ++ free
    [n, k] = for x <- [free, axes], do: Enum.product(size.(x))
    shape = if place == :last, do: [n, k], else: [k, n]

    {a |> Mlx.transpose(axes: order) |> Mlx.reshape(size.(batch) ++ shape), size.(batch),
     size.(free)}
  end

  # --- convolutions ---------------------------------------------------------------------------

  # MLX has channels last: (N, ..., C) with (O, ..., C / groups).
  def conv(out, tensor, kernel, options) do
    dtype = computed(dtype(out.type))
    a = cast(array(tensor), dtype) |> Mlx.transpose(axes: options[:input_permutation])
    w = cast(array(kernel), dtype) |> Mlx.transpose(axes: options[:kernel_permutation])
    last = fn x -> Mlx.moveaxis(x, 1, -1) end
    result = batches(last.(a), last.(w), options, options[:batch_group_size] || 1)
    back = inverse(options[:output_permutation])
    result |> Mlx.moveaxis(-1, 1) |> Mlx.transpose(axes: back) |> tensor(out)
  end

  defp inverse(permutation) do
    for i <- 0..(length(permutation) - 1)//1, do: Enum.find_index(permutation, &(&1 == i))
  end

  # Groups of examples, each with filters of its own.
  defp batches(a, w, options, 1), do: convolved(a, w, options)

  defp batches(a, w, options, n) do
    [Mlx.split(a, n, axis: 0), Mlx.split(w, n, axis: 0)]
    |> Enum.zip_with(fn [x, y] -> convolved(x, y, options) end)
    |> Mlx.concatenate(axis: -1)
  end

  defp convolved(a, w, options) do
    dtype = Mlx.dtype(a)

    cond do
      dtype == :complex64 ->
        complex(a, w, options)

      Mlx.Backend.Types.integer?(dtype) ->
        cast(real(cast(a, :float64), cast(w, :float64), options), dtype)

      true ->
        real(a, w, options)
    end
  end

  defp complex(a, w, options) do
    [ar, ai, wr, wi] = [Mlx.real(a), Mlx.imag(a), Mlx.real(w), Mlx.imag(w)]
    re = Mlx.subtract(real(ar, wr, options), real(ai, wi, options))
    im = Mlx.add(real(ar, wi, options), real(ai, wr, options))
    Mlx.add(re, Mlx.multiply(im, {0, 1}))
  end

  # Padding may be negative: the array is padded first, spread by its dilation.
  defp real(a, w, options) do
    dilation = options[:input_dilation]

    config = for {{low, high}, d} <- Enum.zip(options[:padding], dilation), do: {low, high, d - 1}

    padded = Windows.pad(a, Mlx.array(0, Mlx.dtype(a)), [{0, 0, 0}] ++ config ++ [{0, 0, 0}])

    Mlx.conv_general(padded, w,
      stride: options[:strides],
      kernel_dilation: options[:kernel_dilation],
      groups: options[:feature_group_size] || 1
    )
  end

  # --- matrices -------------------------------------------------------------------------------

  def lu({p, l, u}, tensor, _options) do
    [order, lower, upper] =
      tensor |> array() |> cast(computed(dtype(l.type))) |> Mlx.Linalg.lu() |> parts()

    n = u.shape |> Tuple.to_list() |> List.last()
    # row i of the tensor is row order[i] of l u
    rows = Mlx.expand_dims(order, [-1])
    swap = Mlx.equal(rows, Mlx.arange(n, dtype: Mlx.dtype(order)))
    {tensor(swap, p), tensor(lower, l), tensor(upper, u)}
  end

  defp parts(tuple) when is_tuple(tuple), do: Tuple.to_list(tuple)
  defp parts(list), do: list

  def cholesky(out, tensor) do
    # adding 0 makes -0.0 in imaginary parts 0.0
    tensor
    |> array()
    |> cast(computed(dtype(out.type)))
    |> Mlx.Linalg.cholesky()
    |> Mlx.add(0)
    |> definite()
    |> tensor(out)
  end

  # Rows from the first pivot that is not positive on, which are no factor, become NaN, as in Nx.
  defp definite(l) do
    pivots = l |> Mlx.diagonal(axis1: -2, axis2: -1) |> Mlx.real()
    fine = pivots |> Mlx.greater(0) |> Mlx.astype(:uint8) |> Mlx.cumprod(axis: -1)
    n = l |> Mlx.shape() |> Tuple.to_list() |> List.last()
    lower = Mlx.tri(n, dtype: :bool)
    no_factor = fine |> Mlx.equal(0) |> Mlx.expand_dims([-1]) |> Mlx.logical_and(lower)
    Mlx.where(no_factor, :nan, l)
  end

  # a x = b, or x a = b where left_side is false; a may be transposed.
  def triangular_solve(out, a, b, options) do
    dtype = computed(dtype(out.type))
    [a, b] = for t <- [a, b], do: cast(array(t), dtype)
    lower = Keyword.get(options, :lower, true)
    left = Keyword.get(options, :left_side, true)
    transposed = Keyword.get(options, :transform_a, :none) == :transpose
    a = if transposed, do: Mlx.swapaxes(a, -1, -2), else: a
    upper = if transposed, do: lower, else: not lower

    solution(a, b, upper, left, tuple_size(Mlx.shape(b)) < tuple_size(Mlx.shape(a)))
    |> tensor(out)
  end

  defp solution(a, b, upper, left, true),
    do:
      a
      |> solution(Mlx.expand_dims(b, [if(left, do: -1, else: -2)]), upper, left, false)
      |> Mlx.reshape(Mlx.shape(b))

  defp solution(a, b, upper, true, false), do: Mlx.Linalg.solve_triangular(a, b, upper: upper)

  defp solution(a, b, upper, false, false) do
    [at, bt] = for x <- [a, b], do: Mlx.swapaxes(x, -1, -2)
    at |> Mlx.Linalg.solve_triangular(bt, upper: not upper) |> Mlx.swapaxes(-1, -2)
  end

  # The largest eigenvalues, by their absolute values, come first.
  def eigh({values, vectors}, tensor, _options) do
    [w, v] = tensor |> matrix(values.type) |> Mlx.Linalg.eigh() |> parts()
    order = w |> Mlx.abs() |> Mlx.argsort(axis: -1, descending: true)

    {w |> Mlx.take_along_axis(order, axis: -1) |> tensor(values),
     v |> Mlx.take_along_axis(Mlx.expand_dims(order, [-2]), axis: -1) |> tensor(vectors)}
  end

  def svd(outs, tensor, options) do
    case as_nx(Nx.LinAlg.SVD, :svd, tensor, options) do
      nil -> singular(outs, tensor, options)
      {u, s, v} -> {u, without_noise(s), v}
    end
  end

  # Singular values that f32 does not tell from zero are zero.
  defp without_noise(%{type: {:f, 32}} = s) do
    a = array(s)
    least = a |> Mlx.max(axis: -1, keepdims: true) |> Mlx.multiply(1.0e-7)
    a |> Mlx.less(least) |> Mlx.where(0.0, a) |> tensor(s)
  end

  defp without_noise(s), do: s

  def qr(outs, tensor, options),
    do: as_nx(Nx.LinAlg.QR, :qr, tensor, options) || orthogonal(outs, tensor, options)

  # To the last digit as Nx's own backend: by the same steps.
  defp as_nx(module, name, tensor, options) do
    if computed(:float32) == :float64 and Code.ensure_loaded?(module) and
         function_exported?(module, name, 2) do
      Nx.Defn.jit(&apply(module, name, [&1, options]), compiler: Nx.Defn.Evaluator).(tensor)
    end
  end

  defp singular({u, s, v}, tensor, options) do
    full = Keyword.get(options, :full_matrices?, true)
    a = matrix(tensor, s.type)
    [a_u, a_s, a_v] = a |> Mlx.Linalg.svd(full_matrices: full) |> parts()
    {tensor(a_u, u), tensor(a_s, s), tensor(a_v, v)}
  end

  # With a diagonal of r that is not negative.
  defp orthogonal({q, r}, tensor, options) do
    mode = if options[:mode] == :complete, do: "complete", else: "reduced"
    [a_q, a_r] = tensor |> matrix(r.type) |> Mlx.Linalg.qr(mode: mode) |> parts()
    n = a_r |> Mlx.shape() |> Tuple.to_list() |> Enum.take(-2) |> Enum.min()
    size = a_q |> Mlx.shape() |> Tuple.to_list() |> List.last()
    diagonal = Mlx.diagonal(a_r, axis1: -2, axis2: -1)
    signs = Mlx.where(Mlx.less(diagonal, 0), -1.0, 1.0) |> cast(Mlx.dtype(a_r))
    lead = Tuple.to_list(Mlx.shape(signs)) |> Enum.drop(-1)
    rest = Mlx.ones(lead ++ [size - n], dtype: Mlx.dtype(a_r))
    signs = Mlx.concatenate([signs, rest], axis: -1)

    {a_q |> Mlx.multiply(Mlx.expand_dims(signs, [-2])) |> tensor(q),
     a_r |> Mlx.multiply(Mlx.expand_dims(signs, [-1])) |> tensor(r)}
  end

  # In float64: what calls svd takes values below 1e-10 for zeros, which f32 does not tell apart.
  defp matrix(tensor, type) do
    dtype = dtype(type)
    dtype = if Mlx.Backend.Types.float?(dtype), do: :float64, else: dtype
    tensor |> array() |> cast(dtype)
  end

  # --- Fourier transforms ---------------------------------------------------------------------

  # What is smaller than eps becomes 0.
  def fourier(out, tensor, options, transform) do
    axis = options[:axis] || -1
    result = tensor |> array() |> cast(:complex64) |> transform.(n: options[:length], axis: axis)
    eps = options[:eps]
    result |> flush(eps) |> tensor(out)
  end

  defp flush(a, nil), do: a

  defp flush(a, eps) do
    [re, im] =
      for x <- [Mlx.real(a), Mlx.imag(a)], do: Mlx.where(Mlx.less_equal(Mlx.abs(x), eps), 0.0, x)

    Mlx.add(re, Mlx.multiply(im, {0, 1}))
  end
end
