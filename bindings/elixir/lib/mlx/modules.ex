defmodule Mlx.FFT do
  @moduledoc "Fourier transforms."
  use Mlx.Catalog, module: "mlx.core.fft"
end

defmodule Mlx.Linalg do
  @moduledoc "Linear algebra."
  use Mlx.Catalog, module: "mlx.core.linalg"
end

defmodule Mlx.Fast do
  @moduledoc "Operations that have faster ways than their formulas: attention, norms, rotations."
  use Mlx.Catalog, module: "mlx.core.fast"
end

defmodule Mlx.Memory do
  @moduledoc "Memory of arrays: counters and limits, in bytes."

  use Mlx.Catalog, module: "mlx.core.memory"

  @doc """
  What the native half has now: arrays and functions that Elixir refers to, computations that run,
  and threads that are kept for them.
  """
  @spec stats :: %{arrays: integer, closures: integer, jobs: integer, workers: integer}
  def stats do
    {arrays, closures, jobs, workers} = Mlx.Native.stats()
    %{arrays: arrays, closures: closures, jobs: jobs, workers: workers}
  end
end

defmodule Mlx.Random do
  @moduledoc """
  Random numbers. Each process has its own sequence of keys, from the clock unless `seed/1` sets it;
  the option `:key` takes one key instead, always with the same numbers.

      iex> key = Mlx.Random.key(1)
      iex> Mlx.Random.uniform(shape: {3}, key: key) |> Mlx.shape()
      {3}

  The sequence goes on in functions of `Mlx.compile/2`, too, and what `Mlx.checkpoint/1` computes again
  draws the same numbers again. `Mlx.vmap/2` calls its function once, so that a draw of the sequence is one for
  all examples; with a key for each they differ:

      iex> keys = Mlx.Random.split(Mlx.Random.key(1), num: 3)
      iex> rows = Mlx.vmap(&Mlx.Random.uniform(shape: {4}, key: &1)).(keys) |> Mlx.to_list()
      iex> length(Enum.uniq(rows))
      3

  A function that was saved (`Mlx.Export`) has the numbers that were drawn
  then: give it a key as an argument.
  """

  @state :"$mlx_random"
  @most_seed 0xFFFF_FFFF_FFFF_FFFF

  use Mlx.Catalog, module: "mlx.core.random", except: [:seed]

  @doc "Start this process's sequence from a seed."
  @spec seed(non_neg_integer) :: :ok
  def seed(seed) do
    unless is_integer(seed) and seed in 0..@most_seed do
      reason = if is_integer(seed), do: :range, else: :invalid
      wanted = "a seed must be an integer from 0 to 2^64 - 1"
      Mlx.Error.fail(:seed, reason, "#{wanted}, not #{inspect(seed, limit: 5)}")
    end

    Process.put(@state, key(seed))
    :ok
  end

  @doc "The key that the sequence goes on from."
  @spec state :: Mlx.Array.t()
  def state, do: Process.get(@state) || start()

  @doc "Go on from a key."
  @spec set_state(Mlx.Array.t()) :: :ok
  def set_state(key) do
    unless match?(%Mlx.Array{}, key) and {Mlx.shape(key), Mlx.dtype(key)} == {{2}, :uint32},
      do: Mlx.Error.fail(:set_state, "a key is needed, not #{inspect(key, limit: 5)}")

    Process.put(@state, key)
    :ok
  end

  @doc "The next key of the sequence."
  @spec next_key :: Mlx.Array.t()
  def next_key do
    keys = split(state())
    Process.put(@state, keys[0])
    keys[1]
  end

  @doc false
  def keyed(options) when is_list(options) do
    if List.keymember?(options, :key, 0), do: options, else: [{:key, next_key()} | options]
  end

  def keyed(options), do: options

  defp start do
    key = key(:erlang.phash2({self(), System.os_time(), make_ref()}, 4_294_967_296))
    Process.put(@state, key)
    key
  end
end
