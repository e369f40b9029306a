defmodule Mlx do
  @moduledoc """
  Arrays that are lazy, differentiated, vectorised and compiled.

      iex> x = Mlx.array([[1, 2], [3, 4]], :float32)
      iex> x |> Mlx.square() |> Mlx.sum(axis: 1) |> Mlx.to_list()
      [5.0, 25.0]

  Functions make arrays that are still to be computed; `eval/2`, `to_list/1`, `item/1` and
  `to_binary/1` compute them, on threads beside the schedulers. Most functions here come from the
  catalog of libmlxc, which the Python package has, too: what is required goes by position, all else
  as options. Errors are `Mlx.Error`.

  What stands for an array may be a number, `true` or `false`, one of `:nan`, `:infinity` and
  `:neg_infinity`, or a complex number as `{re, im}`: such scalars take the dtype of what they meet.
  Sizes and axes go in lists or tuples.
  """

  alias Mlx.{Array, Error, Job, Native, Options, Tree}

  @typedoc "`:float32` and so on, or as Nx writes it: `{:f, 32}`."
  @type dtype :: atom | {atom, pos_integer}
  @type scalar ::
          number | boolean | :nan | :infinity | :neg_infinity | {number, number} | Array.t()
  @type shape :: tuple | [integer]

  use Mlx.Catalog, module: "mlx.core", except: [:arange]

  {rows, _aliases} = Native.catalog()

  @arange Enum.find_value(
            rows,
            &(elem(&1, 1) == "mlx.core" && elem(&1, 2) == :arange && elem(&1, 0))
          )
  @fingerprint Mlx.Catalog.fingerprint()

  @doc false
  def __catalog__, do: @fingerprint

  # --- ranges ---------------------------------------------------------------------------------

  @doc "The numbers 0, 1, ... before stop."
  @spec arange(number) :: Array.t()
  def arange(stop), do: Job.call(@arange, {stop}, [])

  @doc """
  The numbers start, start + step, ... before stop: `arange(start, stop)`, `arange(stop, options)`.

  They are float32 where one of the three is a float, else int32, or int64 where that is too small.

  Options:

    * `:step` (number, 1)
    * `:dtype`
  """
  @spec arange(number, number | keyword) :: Array.t()
  def arange(stop, options) when is_list(options), do: Job.call(@arange, {stop}, options)
  def arange(start, stop), do: Job.call(@arange, {start, stop}, [])

  @doc "`arange(start, stop, options)` as `arange/2`."
  @spec arange(number, number, keyword) :: Array.t()
  def arange(start, stop, options), do: Job.call(@arange, {start, stop}, options)

  # --- in -------------------------------------------------------------------------------------

  @doc """
  An array of a number, a list of numbers, or lists of lists: bool, int32 (int64 or uint64 where it
  must be), float32 or complex64, unless a dtype is given.

      iex> Mlx.array([[1, 2, 3], [4, 5, 6]]) |> Mlx.shape()
      {2, 3}
      iex> Mlx.array([1, 0.5, :infinity], :float16) |> Mlx.to_list()
      [1.0, 0.5, :infinity]
  """
  @spec array(scalar | list, dtype | nil) :: Array.t()
  def array(data, dtype \\ nil)
  def array(%Array{} = a, nil), do: a
  def array(%Array{} = a, dtype), do: astype(a, dtype)

  def array(data, dtype) do
    {shape, numbers} = flat(data)
    Native.from_numbers(numbers, shape, dtype)
  end

  @integers [:uint8, :uint16, :uint32, :uint64, :int8, :int16, :int32, :int64]

  @doc false
  # Numbers that go where others of a dtype are: they are read as that dtype, but finite floats among integers
  # are cut. What does not fit is an error, as beside an operator.
  def as_array(%Array{} = a, _dtype), do: a

  def as_array(value, dtype) when dtype in @integers,
    do: value |> whole() |> array(dtype)

  def as_array(value, dtype), do: array(value, dtype)

  defp whole(list) when is_list(list) and list != [],
    do: if(List.improper?(list), do: list, else: Enum.map(list, &whole/1))

  defp whole(x) when is_float(x), do: Kernel.trunc(x)
  defp whole(other), do: other

  defp flat(list) when is_list(list) do
    {shape, levels} = levels(list, [length_of(list)])
    {shape, levels}
  end

  defp flat(scalar), do: {[], [scalar]}

  # A level at a time: lists of one length become the next level.
  defp levels([first | _] = items, shape) when is_list(first) do
    n = length_of(first)

    unless Enum.all?(items, &(is_list(&1) and length_of(&1) == n)) do
      Error.fail(:array, "lists within a list must be of one length")
    end

    if length(shape) > 64, do: Error.fail(:array, :range, "lists are more than 64 levels deep")
    levels(Enum.concat(items), [n | shape])
  end

  defp levels(items, shape), do: {Enum.reverse(shape), items}

  defp length_of(list) do
    if List.improper?(list), do: Error.fail(:array, "an improper list is no array")
    length(list)
  end

  @doc """
  An array from elements in row-major order, in the machine's byte order. Large binaries are not
  copied: the array keeps them.
  """
  @spec from_binary(binary, dtype, shape) :: Array.t()
  def from_binary(binary, dtype, shape), do: Native.from_binary(binary, shape, dtype)

  # --- asking ---------------------------------------------------------------------------------

  @doc "The sizes, as a tuple."
  @spec shape(Array.t()) :: tuple
  def shape(array), do: array |> Native.info() |> elem(0)

  @doc "The dtype, as an atom."
  @spec dtype(Array.t()) :: atom
  def dtype(array), do: array |> Native.info() |> elem(1)

  @doc "The number of axes."
  @spec ndim(Array.t()) :: non_neg_integer
  def ndim(array), do: array |> shape() |> tuple_size()

  @doc "The number of elements."
  @spec size(Array.t()) :: non_neg_integer
  def size(array), do: array |> shape() |> Tuple.product()

  @doc "The bytes of all elements."
  @spec nbytes(Array.t()) :: non_neg_integer
  def nbytes(array), do: size(array) * itemsize(dtype(array))

  @doc "The bytes of an element of a dtype."
  @spec itemsize(dtype) :: pos_integer
  def itemsize(dtype) do
    case 0 |> array(dtype) |> dtype() |> to_string() |> String.replace(~r/\D/, "") do
      "" -> 1
      bits -> div(String.to_integer(bits), 8)
    end
  end

  @doc "Whether it has been computed."
  @spec available?(Array.t()) :: boolean
  def available?(array), do: Native.available?(array)

  # --- evaluating and out ---------------------------------------------------------------------

  @doc """
  Compute the arrays of a tree (an array, or lists, tuples, maps of arrays), and give it back.

  What takes microseconds is computed at once, all else on a thread: the process waits, schedulers do not. `cancel/1`, the end of the process and the option `:timeout`
  (milliseconds) stop it: what was computed stays, and the same may be evaluated again.
  """
  @spec eval(tree, keyword) :: tree when tree: term
  def eval(tree, options \\ []) do
    %{timeout: timeout} = Options.read(:eval, options, timeout: :infinity)
    Job.eval(Tree.leaves(tree), timeout)
    tree
  end

  @doc """
  Stop all that is computed for a process; how many computations that were. Each of them raises
  `Mlx.Error` with the reason `:interrupted` in that process.
  """
  @spec cancel(pid) :: non_neg_integer
  def cancel(pid), do: Native.cancel_process(pid)

  @doc "The elements as nested lists (a number where there are no axes). Computes."
  @spec to_list(Array.t()) :: term
  def to_list(array) do
    {shape, _dtype} = Native.info(array)
    numbers = array |> readable() |> Native.numbers()
    nest(numbers, shape |> Tuple.to_list() |> Enum.reverse())
  end

  defp nest([number], []), do: number
  defp nest(numbers, [_size]), do: numbers

  defp nest(numbers, [0 | sizes]) do
    [first | rest] = Enum.reverse(sizes)
    empty = Enum.reduce(Enum.reverse(rest), [], &List.duplicate(&2, &1))
    _ = numbers
    List.duplicate(empty, first)
  end

  defp nest(numbers, [size | sizes]), do: numbers |> Enum.chunk_every(size) |> nest(sizes)

  @doc "The value of an array of one element. Computes."
  @spec item(Array.t()) :: scalar
  def item(array) do
    case array |> reshape([size(array)]) |> to_list() do
      [value] -> value
      list -> Error.fail(:item, "an array of one element is needed, not of #{length(list)}")
    end
  end

  @doc """
  The elements in row-major order, in the machine's byte order. Computes. The binary refers to the
  array's memory without a copy and keeps it.
  """
  @spec to_binary(Array.t()) :: binary
  def to_binary(array), do: array |> readable() |> Native.binary()

  defp readable(array), do: array |> contiguous() |> eval()

  @doc """
  Let go of an array's memory at once, as far as nothing else needs it. The array cannot be used any
  more.
  """
  @spec deallocate(Array.t()) :: :ok
  def deallocate(array), do: Native.deallocate(array)

  # --- parts ----------------------------------------------------------------------------------

  @doc "The same as `array[key]`."
  @spec at(Array.t(), term) :: Array.t()
  def at(array, key), do: Mlx.Index.get(array, key)

  @doc "The array with another value at `key`, which is as in `array[key]`."
  @spec put_at(Array.t(), term, scalar | list) :: Array.t()
  def put_at(array, key, value), do: Mlx.Index.put(array, key, value)

  # --- transforms -----------------------------------------------------------------------------

  alias Mlx.Transforms

  @doc """
  A function that gives what `function` gives, and the gradients of its first result, a scalar,
  towards the arguments `:argnums` (one, 0 by default, or a list). Arguments may be trees of arrays;
  a gradient has its argument's structure and dtypes. These are floats or complex numbers: integers and
  booleans are refused, and numbers are arrays of float32. What a transform calls runs in the calling
  process.

  Of all transforms: numbers among the arguments reach the function as numbers, but where derivatives are
  taken towards them. Numbers that the function gives are arrays.

      iex> f = fn w, x -> Mlx.sum(Mlx.multiply(w, x)) end
      iex> {value, gradient} = Mlx.value_and_grad(f).(Mlx.array([1.0, 2.0]), Mlx.array([3.0, 4.0]))
      iex> {Mlx.item(value), Mlx.to_list(gradient)}
      {11.0, [3.0, 4.0]}
  """
  @spec value_and_grad(function, keyword) :: function
  def value_and_grad(function, options \\ []), do: Transforms.value_and_grad(function, options)

  @doc "The gradients alone; as `value_and_grad/2`."
  @spec grad(function, keyword) :: function
  def grad(function, options \\ []), do: Transforms.grad(function, options)

  @doc """
  The results of `function` at a list of arguments, and the products of cotangents (in the structure
  of the results) with its derivative: one for each argument, of its dtype: towards integers it is cut
  to integers.
  """
  @spec vjp(function, list, term) :: {term, list}
  def vjp(function, primals, cotangents), do: Transforms.vjp(function, primals, cotangents)

  @doc """
  The results of `function` at a list of arguments, and the products of its derivative with tangents,
  one for each argument: in the structure of the results.
  """
  @spec jvp(function, list, list) :: {term, term}
  def jvp(function, primals, tangents), do: Transforms.jvp(function, primals, tangents)

  @doc """
  A function over batches of `function`, which is written for one example.

  Options:

    * `:in_axes` the batch axis of all arguments (0), or a list with one for each; negative ones
      count from the last, and nil is none; what has no arrays needs none
    * `:out_axes` that of the results, or one for each part of a tuple

  Numbers that `function` draws (`Mlx.Random`) are the same for each example unless it takes a key for each.
  """
  @spec vmap(function, keyword) :: function
  def vmap(function, options \\ []), do: Transforms.vmap(function, options)

  @doc """
  The compiled form of `function`: called once for each set of structures, dtypes and shapes of its
  arguments, then run without a call. Numbers and other values among the arguments are constants of
  that set. Arrays that the function captures are constants, too; numbers that it draws (`Mlx.Random`)
  go on from call to call.

  Options:

    * `:shapeless` a trace serves other sizes, too (false)
  """
  @spec compile(function, keyword) :: function
  def compile(function, options \\ []), do: Transforms.compile(function, options)

  @doc "`function`, whose inner values are computed again for derivatives instead of being kept."
  @spec checkpoint(function) :: function
  def checkpoint(function), do: Transforms.checkpoint(function)

  @doc """
  `function` with a derivative of its own: `rule` takes the list of arguments, the cotangents and the
  results, and gives a list of cotangents, one for each argument. What it gives for a number or another
  value without arrays counts for nothing, and may be `nil`.
  """
  @spec custom_vjp(function, (list, term, term -> list)) :: function
  def custom_vjp(function, rule), do: Transforms.custom_vjp(function, rule)
end
