defmodule Mlx.UnsafeTest do
  use ExUnit.Case, async: false
  import Mlx.Check
  alias Mlx.Unsafe

  test "memory of arrays, read and written" do
    a = Mlx.add(Mlx.array([1.0, 2.0, 3.0, 4.0]), 0)
    {address, 16} = Unsafe.pointer(a)
    assert Unsafe.read(address, 8) == <<1.0::float-32-native, 2.0::float-32-native>>
    assert Unsafe.write(address, <<7.0::float-32-native>>) == :ok
    assert Mlx.to_list(a) == [7.0, 2.0, 3.0, 4.0]
    b = Unsafe.from_pointer(address, :float32, {2, 2})
    assert Mlx.to_list(Mlx.multiply(b, 2)) == [[14.0, 4.0], [6.0, 8.0]]
    assert Mlx.to_list(Unsafe.from_pointer(address, {:u, 32}, [1])) == [0x40E00000]
    transposed = Mlx.transpose(b)
    assert error(fn -> Unsafe.pointer(transposed) end).message =~ "row order"
    rows = Mlx.contiguous(transposed)
    {address, 16} = Unsafe.pointer(rows)
    assert Unsafe.read(address, 16) == Mlx.to_binary(transposed)
    assert {_, 0} = Unsafe.pointer(Mlx.zeros([0, 3]))
    # both are referred to until here, as is what points to their memory
    assert Mlx.available?(rows) and Mlx.available?(a)
  end

  test "what can be checked is" do
    assert error(fn -> Unsafe.from_pointer(0, :float32, [1]) end).message =~ "address"
    assert error(fn -> Unsafe.from_pointer(8, :float, [1]) end).message =~ "dtype"
    assert error(fn -> Unsafe.from_pointer(8, :float32, [-1]) end).reason in [:range, :invalid]
    assert error(fn -> Unsafe.from_pointer(8, :float32, :a) end).message =~ "shape"
    assert error(fn -> Unsafe.read(-5, 1) end).message =~ "address"
    assert error(fn -> Unsafe.read(8, -1) end).message =~ "bytes"
    assert error(fn -> Unsafe.write(8, :a) end).message =~ "binary"
    assert error(fn -> Unsafe.pointer(5) end).message =~ "array"
    assert error(fn -> Unsafe.load_plugin("/nowhere.so") end).reason == :io

    assert error(fn -> Unsafe.load_plugin(System.find_executable("sh")) end).reason in [
             :io,
             :format
           ]

    assert error(fn -> Unsafe.call(:nothing_like_it, []) end).message =~ "nothing_like_it"
  end

  # --- a kernel in C --------------------------------------------------------------------------

  @source """
  #include <string.h>
  #include "mlx/c/mlx.h"

  static int shape(const mlx_plugin_call *call, const mlx_plugin_array *in, size_t n, mlx_plugin_shape *out) {
      if (n != 1 || in->dtype != MLX_FLOAT32)
          return call->fail(call->ctx, "x is not float32");
      out->dtype = in->dtype;
      out->ndim = in->ndim;
      memcpy(out->shape, in->shape, (size_t)in->ndim * sizeof(int));
      return 0;
  }

  static int kernel(const mlx_plugin_call *call, const mlx_plugin_array *in, size_t n, const mlx_plugin_array *out) {
      const float *x = in->data;
      float *y = out->data;
      (void)n;
      for (size_t i = 0; i < in->size; i++)
          y[i] = (float)call->numbers[0].number * x[i] * x[i];
      return 0;
  }

  static int start(const mlx_plugin_host *host) {
      static const mlx_plugin_operation o = {
          .size = sizeof o, .results = 1, .shape = shape, .kernel = kernel,
          .signature = "elixir_square(x: array, /, by: float = 1.0, *, stream: StreamOrDevice = None) -> array"};
      if (!host->symbol("mlx_multiply") || host->symbol("malloc"))
          return 1;
      return host->operation_register(&o);
  }

  const mlx_plugin *mlx_plugin_entry(void) {
      static const mlx_plugin p = {ABI, "test", start};
      return &p;
  }
  """

  @include Path.expand("../../../include", __DIR__)

  defp built(name, abi) do
    source = Path.join(folder(), "#{name}.c")
    library = Path.rootname(source) <> ".so"
    File.write!(source, @source)

    options = [
      "-std=c11",
      "-shared",
      "-fPIC",
      "-DABI=#{abi}",
      "-I#{@include}",
      source,
      "-o",
      library
    ]

    {_, 0} = System.cmd("cc", options, stderr_to_stdout: true)
    library
  end

  @tag skip: (System.find_executable("cc") == nil or not File.dir?(@include)) and "no C compiler"
  test "operations of a shared library" do
    assert error(fn -> Unsafe.load_plugin(built("other", "77")) end).message =~ "ABI 77"
    library = built("square", "MLX_PLUGIN_ABI")
    assert Unsafe.load_plugin(library) == :ok
    x = Mlx.array([1.0, 2.0, 3.0])
    assert Mlx.to_list(Unsafe.call(:elixir_square, [x], by: 2.0)) == [2.0, 8.0, 18.0]
    assert Mlx.to_list(Unsafe.call("elixir_square", [Mlx.add(x, 1)])) == [4.0, 9.0, 16.0]
    batched = Mlx.vmap(fn x -> Unsafe.call(:elixir_square, [x]) end).(Mlx.reshape(x, [3, 1]))
    assert Mlx.to_list(batched) == [[1.0], [4.0], [9.0]]
    compiled = Mlx.compile(fn x -> Unsafe.call(:elixir_square, [x]) end)
    assert Mlx.to_list(compiled.(x)) == [1.0, 4.0, 9.0]
    assert error(fn -> Unsafe.call(:elixir_square, [Mlx.array([1])]) end).message =~ "float32"
    assert error(fn -> Unsafe.call(:elixir_square, [x], by: :a) end).operation != ""
    assert error(fn -> Unsafe.call(:elixir_square, [x], of: 1) end).message =~ "no option :of"
    # the same name again
    assert error(fn -> Unsafe.load_plugin(built("again", "MLX_PLUGIN_ABI")) end).message =~
             "elixir_square"
  end
end
