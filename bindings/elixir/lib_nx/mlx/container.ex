# Arrays stand where tensors may: as arguments of defn and of Nx's functions, alone or within maps,
# tuples and structs of containers. There they are tensors of Mlx.Backend, without a copy.

defimpl Nx.LazyContainer, for: Mlx.Array do
  def traverse(array, state, function) do
    tensor = Mlx.Backend.tensor(array)
    function.(%{tensor | data: %Nx.TemplateBackend{}}, fn -> tensor end, state)
  end
end

defimpl Nx.Container, for: Mlx.Array do
  def traverse(array, state, function), do: function.(Mlx.Backend.tensor(array), state)
  def reduce(array, state, function), do: function.(Mlx.Backend.tensor(array), state)
  def serialize(array), do: {__MODULE__, [array: Mlx.Backend.tensor(array)], :ok}

  def deserialize([{:array, tensor}], :ok), do: Mlx.Backend.array(tensor)
end
