defmodule Mlx.Profile do
  @moduledoc """
  Where the time goes: which operations ran, how long, and what they moved.

      {result, profile} = Mlx.Profile.run(fn -> Mlx.matmul(a, b) |> Mlx.exp() |> Mlx.eval() end)
      IO.puts(Mlx.Profile.table(profile))
      Mlx.Profile.write(profile, "out.json")

  An event is one operation, or one program of several that were fused. A profile sees the whole VM:
  what other processes compute meanwhile is in it. The file is for ui.perfetto.dev and the program
  `mlx trace`.
  """

  alias Mlx.{Error, Job, Options}

  @enforce_keys [:ref]
  defstruct [:ref]

  @type t :: %__MODULE__{ref: reference}

  @typedoc """
  `name` of the operation, of a program those of its operations; times in nanoseconds, `self` without
  what is inside; `bytes_read`, `bytes_written`, `flops` by the shapes; `active` bytes in use when it was
  done; `inputs` and `outputs` are `{dtype, shape}`.
  """
  @type event :: %{atom => term}

  @doc """
  Call a function and record what is evaluated meanwhile: what the function gives (arrays in it are
  evaluated), and the profile. Options: `:memory` for events, in bytes (64 MiB); when it is full the oldest
  give way.
  """
  @spec run((... -> result), keyword) :: {result, t} when result: term
  def run(function, options \\ []) do
    profile = start(options)

    try do
      Mlx.eval(callable!(function).())
    else
      result -> {result, stop(profile)}
    catch
      kind, reason ->
        stop(profile)
        :erlang.raise(kind, reason, __STACKTRACE__)
    end
  end

  @doc "A profile that records from now on. Options as of `run/2`."
  @spec start(keyword) :: t
  def start(options \\ []) do
    %{memory: memory} = Options.read(:profile, options, memory: 0)
    %__MODULE__{ref: Job.run({:profile_start, memory})}
  end

  @doc "Record no longer."
  @spec stop(t) :: t
  def stop(profile) do
    :ok = Job.run({:profile_stop, ref(:stop, profile)})
    profile
  end

  @names [:name, :source, :start, :duration, :self, :bytes_read, :bytes_written, :flops, :active] ++
           [:thread, :stream, :depth, :fused, :failed, :inputs, :outputs]

  @doc "What was recorded, in the order in which it ended."
  @spec events(t) :: [event]
  def events(profile) do
    {events, _dropped} = Job.run({:profile_events, ref(:events, profile)})
    for event <- events, do: Map.new(Enum.zip(@names, Tuple.to_list(event)))
  end

  @doc "How many events gave way to others."
  @spec dropped(t) :: non_neg_integer
  def dropped(profile), do: Job.run({:profile_events, ref(:dropped, profile)}) |> elem(1)

  @columns [:name, :source, :calls, :self, :bytes, :flops, :share]

  @doc """
  The events by name, what took longest first: calls, nanoseconds, bytes, operations, and the share of
  what the machine can do (above 1 where data lay in caches). Measures the machine once.
  """
  @spec rows(t) :: [%{atom => term}]
  def rows(profile) do
    for row <- Job.run({:profile_rows, ref(:rows, profile)}),
        do: Map.new(Enum.zip(@columns, Tuple.to_list(row)))
  end

  @doc "The rows as text."
  @spec table(t) :: String.t()
  def table(profile), do: Job.run({:profile_table, ref(:table, profile)})

  @doc "Write the events as a trace in Chrome's format."
  @spec write(t, Path.t()) :: :ok
  def write(profile, path),
    do: Job.run({:profile_write, ref(:write, profile), Options.path(path, :write)})

  defp callable!(function) when is_function(function, 0), do: function

  defp callable!(other) do
    Error.fail(
      :profile,
      "a function without arguments is needed, not #{inspect(other, limit: 5)}"
    )
  end

  defp ref(name, profile), do: Options.ref(name, profile, __MODULE__)

  @doc """
  The bytes a second that this machine reads from memory, and the float32 operations a second that it
  computes: measured once, in a fifth of a second.
  """
  @spec machine_limits :: %{bandwidth: float, flops: float}
  def machine_limits do
    {bandwidth, flops} = Job.run({:machine_limits})
    %{bandwidth: bandwidth, flops: flops}
  end
end
