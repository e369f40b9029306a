defmodule Mlx.Array do
  @moduledoc """
  An array: a value of one dtype and shape, computed or still to be. `Mlx` has the functions.

  `a[i]`, `a[first..last//step]` and `a[[i, first..last]]` take parts, an index or range for each
  axis from the first; negative ones count from the end. One of these may be an array: of integers, the
  indices along its axis, or of booleans, a mask that has the shape of the axes that it stands for (it is
  evaluated). `put_in(a[key], value)`, `update_in/2` and `Mlx.put_at/3` give the array with another part
  there. Arrays are enumerable along their first
  axis: the elements are arrays, too, and `x in a` asks whether one has the values of `x`. `==` asks
  whether two are the same array; for values see `Mlx.array_equal/2`.
  """
  @behaviour Access

  @enforce_keys [:ref]
  defstruct [:ref]

  @type t :: %__MODULE__{ref: reference}

  @impl Access
  def fetch(array, key), do: {:ok, Mlx.Index.get(array, key)}

  @impl Access
  def get_and_update(array, key, function) do
    part = Mlx.Index.get(array, key)

    case function.(part) do
      {got, new} -> {got, Mlx.Index.put(array, key, new)}
      :pop -> Mlx.Error.fail(:get_and_update, "nothing can be taken out of an array")
    end
  end

  @impl Access
  def pop(_array, _key), do: Mlx.Error.fail(:pop, "nothing can be taken out of an array")

  defimpl Inspect do
    import Inspect.Algebra

    # An array that a transform traces, or that fails, shows what is known without its value.
    def inspect(array, _options) do
      {shape, dtype} = Mlx.Native.info(array)
      sizes = shape |> Tuple.to_list() |> Enum.join(", ")
      head = "#Mlx.Array<#{dtype}[#{sizes}]"

      case value(array) do
        {:ok, text} -> concat([head, nest(concat(line(), lines(text)), 2), line(), ">"])
        {:error, why} -> concat([head, why, ">"])
      end
    rescue
      error in Mlx.Error -> concat(["#Mlx.Array<", error.reason |> to_string(), ">"])
    end

    # To look at an array is not to fill the memory.
    @most_bytes 268_435_456

    defp value(array) do
      if Mlx.nbytes(array) > @most_bytes and not Mlx.available?(array),
        do: {:error, " ..."},
        else: text(array)
    end

    defp text(array) do
      text = Mlx.Job.run({:text, array}, 10_000)
      {:ok, text |> String.replace_prefix("array(", "") |> String.replace(~r/, dtype=\w+\)$/, "")}
    rescue
      error in Mlx.Error -> {:error, why(error)}
    end

    # What is traced, or takes long, is not wrong.
    defp why(%{operation: operation}) when operation in ["eval", nil], do: " ..."
    defp why(error), do: " fails: " <> Exception.message(error)

    defp lines(text) do
      text
      |> String.split("\n")
      |> Enum.map(&String.replace_prefix(&1, "      ", ""))
      |> Enum.intersperse(line())
      |> concat()
    end
  end

  defimpl Enumerable do
    def count(array), do: {:ok, size(array)}
    def member?(array, element), do: {:ok, size(array) > 0 and among?(array, element)}

    # An element is one for which Mlx.equal/2 holds everywhere: a number takes the dtype of the array.
    defp among?(array, element) do
      [rows | sizes] = array |> Mlx.shape() |> Tuple.to_list()

      case compared(array, element, List.to_tuple(sizes)) do
        nil -> false
        equal -> equal |> Mlx.reshape([rows, -1]) |> Mlx.all(axis: 1) |> Mlx.any() |> Mlx.item()
      end
    end

    # nil where the element is none of these sizes
    defp compared(array, %Mlx.Array{} = element, sizes),
      do: if(Mlx.shape(element) == sizes, do: Mlx.equal(array, element))

    defp compared(array, element, sizes) do
      one = Mlx.array(element)
      operand = if is_list(element), do: one, else: element
      if Mlx.shape(one) == sizes, do: Mlx.equal(array, operand)
    rescue
      Mlx.Error -> nil
    end

    def slice(array) do
      {:ok, size(array),
       fn start, length, step -> for i <- 0..(length - 1)//1, do: array[start + i * step] end}
    end

    def reduce(array, accumulator, function),
      do: step(array, 0, size(array), accumulator, function)

    defp step(_array, _i, _n, {:halt, accumulator}, _function), do: {:halted, accumulator}

    defp step(array, i, n, {:suspend, accumulator}, function),
      do: {:suspended, accumulator, &step(array, i, n, &1, function)}

    defp step(_array, n, n, {:cont, accumulator}, _function), do: {:done, accumulator}

    defp step(array, i, n, {:cont, accumulator}, function),
      do: step(array, i + 1, n, function.(array[i], accumulator), function)

    defp size(array) do
      case Mlx.shape(array) do
        {} -> Mlx.Error.fail(:enumerate, "an array without axes has no elements to go through")
        shape -> elem(shape, 0)
      end
    end
  end
end

defmodule Mlx.Stream do
  @moduledoc "An ordered queue of work on a device, an option `:stream` of all operations."

  @enforce_keys [:ref]
  defstruct [:ref]

  @type t :: %__MODULE__{ref: reference}

  @doc "A new stream of a device, `:cpu` or `:gpu`."
  @spec new(:cpu | :gpu) :: t
  def new(device \\ :cpu), do: Mlx.Native.place(:new_stream, device)

  @doc "Make it its device's default, for all processes."
  @spec set_default(t | :cpu | :gpu) :: :ok
  def set_default(stream), do: Mlx.Native.place(:set_default_stream, stream)

  defimpl Inspect do
    def inspect(stream, _options) do
      "#Mlx.#{Mlx.Native.place(:describe, stream)}"
    rescue
      error in Mlx.Error -> "#Mlx.Stream<#{error.reason}>"
    end
  end
end

defmodule Mlx.Device do
  @moduledoc "Devices: `:cpu`, and `:gpu` where there is one."

  @doc "The device of operations that name none."
  @spec default :: :cpu | :gpu
  def default, do: Mlx.Native.place(:default_device, nil)

  @doc "Choose it, for the whole VM."
  @spec set_default(:cpu | :gpu) :: :ok
  def set_default(device), do: Mlx.Native.place(:set_default_device, device)

  @doc "Whether it is there."
  @spec available?(:cpu | :gpu) :: boolean
  def available?(device), do: Mlx.Native.place(:available, device)
end
