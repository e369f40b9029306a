defmodule Mlx.NxModel do
  @derive {Nx.Container, containers: [:weight, :bias], keep: [:name]}
  defstruct [:weight, :bias, :name]
end

defmodule Mlx.NxContainersTest do
  use ExUnit.Case, async: false
  import Nx.Defn

  # Mlx.Array where Nx takes tensors and containers.

  setup do
    former = Nx.default_backend(Mlx.Backend)
    on_exit(fn -> Nx.default_backend(former) end)
    %{w: Mlx.array([[1.0, 2.0], [3.0, 4.0]]), b: Mlx.array([0.5, -0.5])}
  end

  defn(affine(m, x), do: Nx.dot(x, m.weight) + m.bias)
  defn(twice(x), do: {x * 2, %{same: x}})
  defn(slope(m, x), do: grad(m, fn m -> Nx.sum(affine(m, x)) end))

  @compilers [Mlx.Compiler, Nx.Defn.Evaluator]
  @wanted [[4.5, 5.5]]

  test "models that hold arrays are arguments of defn", %{w: w, b: b} do
    for compiler <- @compilers,
        m <- [%{weight: w, bias: b}, %Mlx.NxModel{weight: w, bias: b, name: :m}] do
      run = Nx.Defn.jit(&affine/2, compiler: compiler)
      assert Nx.to_list(run.(m, Nx.tensor([[1.0, 1.0]]))) == @wanted
      assert Nx.to_list(run.(m, Mlx.array([[1.0, 1.0]]))) == @wanted
      assert Nx.to_list(affine(m, Mlx.array([[1.0, 1.0]]))) == @wanted
    end
  end

  test "and so are arrays alone, in tuples and beside tensors", %{b: b} do
    for compiler <- @compilers do
      {double, %{same: same}} = Nx.Defn.jit(&twice/1, compiler: compiler).(b)
      assert %Nx.Tensor{data: %Mlx.Backend{}} = double
      assert Nx.to_list(double) == [1.0, -1.0]
      assert Nx.to_list(same) == [0.5, -0.5]
    end
  end

  test "gradients come in the structure of the model, as tensors", %{w: w, b: b} do
    for compiler <- @compilers do
      m = %Mlx.NxModel{weight: w, bias: b, name: :m}
      g = Nx.Defn.jit(&slope/2, compiler: compiler).(m, Mlx.array([[1.0, 2.0]]))
      assert %Mlx.NxModel{name: :m} = g
      assert Nx.to_list(g.bias) == [1.0, 1.0]
      assert Nx.to_list(g.weight) == [[1.0, 1.0], [2.0, 2.0]]
    end
  end

  test "functions of Nx take arrays", %{w: w, b: b} do
    assert Nx.to_list(Nx.add(w, b)) == [[1.5, 1.5], [3.5, 3.5]]
    assert Nx.type(Mlx.array([1], :bfloat16)) == {:bf, 16}
    assert Nx.to_list(Nx.stack([b, b])) == [[0.5, -0.5], [0.5, -0.5]]

    assert %{b: %Nx.Tensor{data: %Nx.BinaryBackend{}}} =
             Nx.backend_copy(%{b: b}, Nx.BinaryBackend)

    assert Mlx.to_list(b) == [0.5, -0.5]
  end

  test "arrays are written and read with Nx.serialize", %{w: w, b: b} do
    read = %{w: w, deep: {b, Nx.tensor(1)}} |> Nx.serialize() |> Nx.deserialize()
    assert %{w: %Mlx.Array{} = again, deep: {%Mlx.Array{}, %Nx.Tensor{}}} = read
    assert Mlx.to_list(again) == Mlx.to_list(w)
  end

  test "what was deallocated is refused, and shown as that", %{b: b} do
    tensor = Mlx.Backend.tensor(b)
    assert inspect(tensor) =~ "0.5"
    Nx.backend_deallocate(tensor)
    assert inspect(tensor) =~ "deallocated"
    assert inspect(%{a: tensor}) =~ "deallocated"
    assert_raise Mlx.Error, fn -> twice(b) end
    assert_raise Mlx.Error, fn -> Nx.add(tensor, 1) end
  end
end
