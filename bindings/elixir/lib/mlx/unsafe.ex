defmodule Mlx.Unsafe do
  @moduledoc """
  What can take the VM down, and is nowhere else in this package: raw memory, and kernels written in C.

  Nothing here can check what it is given. An address that is not what its caller believes, an array that
  was let go of while something else refers to its memory, or an error in a kernel ends the VM or changes
  memory of others.

  ## Kernels

  A shared library with the function `mlx_plugin_entry` (libmlxc's `mlx/c/plugin.h`) adds operations with
  a shape rule, a kernel, and if it wants derivatives and batching, which work in all transforms:

      Mlx.Unsafe.load_plugin("./softplus.so")
      Mlx.Unsafe.call(:softplus, [x], beta: 2.0)

  ## Memory

      {address, bytes} = Mlx.Unsafe.pointer(array)
      other_library(address, bytes)
  """

  alias Mlx.{Array, Error, Job, Options}

  @type address :: pos_integer

  @doc """
  The address of an array's elements, which must lie in row-major order (see `Mlx.contiguous/2`), and how
  many bytes they are. Computes it. The memory is there for as long as the array is referred to; whoever writes to it changes what other arrays
  may share.
  """
  @spec pointer(Array.t()) :: {non_neg_integer, non_neg_integer}
  def pointer(array), do: Job.run({:pointer, Mlx.eval(array)})

  @doc """
  An array whose elements are at an address, in row-major order, without a copy. The memory must stay, and
  not change, for as long as anything made of the array is to be computed; it is never freed.
  """
  @spec from_pointer(address, Mlx.dtype(), Mlx.shape()) :: Array.t()
  def from_pointer(address, dtype, shape), do: Job.run({:from_pointer, address, shape, dtype})

  @doc "The bytes at an address, copied."
  @spec read(address, non_neg_integer) :: binary
  def read(address, bytes), do: Job.run({:read, address, bytes})

  @doc "Write bytes to an address."
  @spec write(address, binary) :: :ok
  def write(address, bytes), do: Job.run({:write, address, bytes})

  @doc "Load a shared library with operations, formats of files and storages. It stays for good."
  @spec load_plugin(Path.t()) :: :ok
  def load_plugin(path), do: Job.run({:plugin_load, Options.path(path)})

  @doc "Call an operation of a plug-in: its arrays as a list, all else as options."
  @spec call(atom | String.t(), [Array.t()], keyword) :: Array.t() | tuple
  def call(name, arrays, options \\ []) do
    unless is_list(arrays),
      do: Error.fail(:plugin, "arrays are a list, not #{inspect(arrays, limit: 5)}")

    Job.run({:plugin_call, name, List.to_tuple(arrays), options})
  end
end
