defmodule Mlx.NxNewerTest do
  use ExUnit.Case, async: false
  alias Mlx.Backend
  alias Mlx.Backend.Types

  # What newer versions of Nx call, called here with whatever Nx there is.

  setup do
    Nx.default_backend(Backend)
    :ok
  end

  defp block(name, fields \\ [], out, args) do
    struct = Map.new([{:__struct__, Module.concat(Nx.Block, name)} | fields])
    Backend.block(struct, out, args, fn _struct, t -> Nx.multiply(t, 2) end)
  end

  test "blocks" do
    t = Nx.tensor([[2.0, 1.0], [1.0, 3.0]])
    row = Nx.tensor([1.0, -2.0, 3.0])
    u8 = Nx.tensor([0, 2], type: :u8)
    assert Nx.to_flat_list(block(LogicalNot, u8, [u8])) == [1, 0]
    assert [+0.0, pi, +0.0] = Nx.to_flat_list(block(Phase, row, [Nx.as_type(row, :c64)]))
    assert_in_delta pi, :math.pi(), 1.0e-6
    assert Nx.to_flat_list(block(Other, row, [row])) == [2.0, -4.0, 6.0]

    for {name, wanted} <- [
          CumulativeSum: [1.0, -1.0, 2.0],
          CumulativeProduct: [1.0, -2.0, -6.0],
          CumulativeMax: [1.0, 1.0, 3.0],
          CumulativeMin: [1.0, -2.0, -2.0]
        ] do
      found = block(name, [axis: 0, reverse: false], row, [row])
      assert Nx.to_flat_list(found) == wanted
    end

    i = Nx.tensor([2, 0, 0])
    assert Nx.to_flat_list(block(Take, [axis: 0], row, [row, i])) == [3.0, 1.0, 1.0]
    assert Nx.to_flat_list(block(TakeAlongAxis, [axis: 0], row, [row, i])) == [3.0, 1.0, 1.0]
    assert Nx.to_flat_list(Backend.take(row, row, i, axis: 0)) == [3.0, 1.0, 1.0]

    l = block(LinAlg.Cholesky, t, [t])
    near(Nx.dot(l, Nx.transpose(l)), t)
    pair = Nx.tensor([1.0, 1.0])
    {values, vectors} = block(LinAlg.Eigh, [eps: 1.0e-4, max_iter: 10], {pair, t}, [t])
    near(Nx.dot(t, vectors), Nx.multiply(vectors, values))
    {q, r} = block(LinAlg.QR, [mode: :reduced, eps: 1.0e-10], {t, t}, [t])
    near(Nx.dot(q, r), t)
    {p, l, u} = block(LinAlg.LU, [eps: 1.0e-10], {Nx.as_type(t, :u8), t, t}, [t])
    near(p |> Nx.dot(l) |> Nx.dot(u), t)
    {u, s, v} = block(LinAlg.SVD, [full_matrices?: true, max_iter: 10], {t, pair, t}, [t])
    near(u |> Nx.multiply(s) |> Nx.dot(v), t)
    assert Nx.to_flat_list(Backend.stack(t, [pair, pair], 0)) == [1.0, 1.0, 1.0, 1.0]
  end

  defp near(a, b), do: assert(Nx.to_number(Nx.all_close(a, b, atol: 1.0e-4)) == 1)

  test "types narrower than MLX's" do
    for {type, list, bits} <- [
          {{:u, 2}, [0, 3, 1], <<0::2, 3::2, 1::2>>},
          {{:s, 4}, [-8, 7, -1], <<8::4, 7::4, 15::4>>},
          {{:f, 8}, [1.0, -1.5, 57_344.0], <<0x3C, 0xBE, 0x7B>>},
          {{:f8_e4m3fn, 8}, [1.0, -1.5, 448.0], <<0x38, 0xBC, 0x7E>>}
        ] do
      array = Types.from_binary(bits, type, {3})
      assert Mlx.to_list(array) == list
      assert Types.to_binary(array, type) == bits
      template = %Nx.Tensor{type: type, shape: {3}, names: [nil], data: nil}
      assert Types.tensor(array, template).data.array |> Mlx.to_list() == list
    end

    template = %Nx.Tensor{type: {:s, 2}, shape: {3}, names: [nil], data: nil}
    wide = Mlx.array([3, 4, -3], :int32)
    assert Types.tensor(wide, template).data.array |> Mlx.to_list() == [-1, 0, 1]
    assert Types.type(:bool) == {:u, 8}
    assert Mlx.to_list(Types.array(2)) == 2
  end

  test "pointers" do
    t = Nx.iota({2, 2}, type: :f32)
    {address, 16} = Mlx.Unsafe.pointer(Backend.array(t))
    pointer = %{kind: :local, address: address}
    same = Backend.from_pointer(pointer, {:f, 32}, {4}, [], names: [:x])
    assert {Nx.to_flat_list(same), same.names} == {[0.0, 1.0, 2.0, 3.0], [:x]}

    assert_raise ArgumentError, fn ->
      Backend.from_pointer(%{kind: :ipc}, {:f, 32}, {4}, [], [])
    end

    assert_raise ArgumentError, fn -> Backend.to_pointer(t, mode: :ipc) end
  end

  test "copies, transfers and batch groups" do
    t = Nx.tensor([[[1, 2, 3]], [[4, 5, 6]]])
    assert Nx.to_flat_list(Backend.backend_copy(t, Backend, [])) == [1, 2, 3, 4, 5, 6]
    assert Nx.to_flat_list(Backend.backend_copy(t, Nx.Tensor, [])) == [1, 2, 3, 4, 5, 6]
    assert Backend.backend_transfer(t, Backend, []) == t
    assert Backend.reverse(t, t, []) |> Nx.to_flat_list() == [1, 2, 3, 4, 5, 6]

    grouped = Nx.conv(t, Nx.tensor([[[1, 0]], [[0, 1]]]), batch_group_size: 2)
    assert Nx.to_flat_list(grouped) == [1.0, 2.0, 5.0, 6.0]
    assert Nx.to_flat_list(Nx.as_type(Nx.tensor([1.5e19, -1.0]), :u64)) |> hd() > 1.4e19
  end

  test "eval computes a container" do
    assert %{a: %Nx.Tensor{}, b: {_, 2}} = Backend.eval(%{a: Nx.add(1, 2), b: {Nx.tensor(1), 2}})
  end
end
