defmodule Mlx.Distributed do
  @moduledoc """
  Operations over a group of processes.

  This version has no way to other processes: every group is of this one alone. Sums, largest and
  smallest of all and what is gathered are the array itself, and a program that was written for many
  machines runs on one. `send/3`, `recv/4` and `recv_like/3` raise, as there is nobody.

      iex> group = Mlx.Distributed.init()
      iex> {Mlx.Distributed.rank(group), Mlx.Distributed.size(group)}
      {0, 1}
      iex> Mlx.array([1.0, 2.0]) |> Mlx.Distributed.all_sum(group: group) |> Mlx.to_list()
      [1.0, 2.0]

  The option `:group` of operations is a group of `init/1` or `split/3`, or nil for all processes. The
  processes are those of the system: for those of Erlang's see `Task`.
  """

  use Mlx.Catalog, module: "mlx.core.distributed"

  alias Mlx.{Native, Options}

  defmodule Group do
    @moduledoc "A group of processes (`Mlx.Distributed`)."

    @enforce_keys [:ref]
    defstruct [:ref]

    @type t :: %__MODULE__{ref: reference}

    defimpl Inspect do
      def inspect(group, _options) do
        "#Mlx.Distributed.Group<#{Mlx.Distributed.rank(group)} of #{Mlx.Distributed.size(group)}>"
      rescue
        error in Mlx.Error -> "#Mlx.Distributed.Group<#{error.reason}>"
      end
    end
  end

  @doc """
  The group of all processes.

  Options:

    * `:strict` a group of one is an error, with the reason `:unsupported` (false)
    * `:backend` the way to others: `:any`, `:mpi`, `:nccl`, `:jaccl` or `:ring` (`:any`)
  """
  @spec init(keyword) :: Group.t()
  def init(options \\ []) do
    %{strict: strict, backend: backend} =
      Options.read(:init, options, strict: false, backend: :any)

    Native.place(:init, {strict, backend})
  end

  @doc "Whether there is a way to reach other processes: `is_available(backend: backend)`."
  @spec available?(atom | String.t()) :: boolean
  def available?(backend \\ :any), do: is_available(backend: backend)

  @doc "This process's number in a group, from 0."
  @spec rank(Group.t() | nil) :: non_neg_integer
  def rank(group \\ nil), do: Native.place(:rank, group)

  @doc "How many processes are in a group."
  @spec size(Group.t() | nil) :: pos_integer
  def size(group \\ nil), do: Native.place(:size, group)

  @doc "The group of those processes of a group that give the same color, ordered by key."
  @spec split(Group.t() | nil, integer, integer) :: Group.t()
  def split(group, color, key \\ -1), do: Native.place(:split, {group, color, key})
end
