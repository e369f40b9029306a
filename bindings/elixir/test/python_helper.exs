defmodule Mlx.PythonHelper do
  @moduledoc """
  The Python package of the same build as an oracle: MLX_TEST_PYTHON is the interpreter that it was
  built for, and PYTHONPATH has it (test/run.sh). Without it these comparisons are left out.
  """

  import ExUnit.Assertions

  def python, do: System.get_env("MLX_TEST_PYTHON")

  @doc "For `@tag skip:`, why there is nothing to compare with, or false."
  def missing, do: python() == nil and "the Python package of this build is not there"

  @head """
  import json, sys
  import mlx.core as mx
  import mlx.nn as nn
  import mlx.optimizers as optim
  from mlx.utils import tree_flatten, tree_unflatten

  given = mx.load(sys.argv[1])
  out = {}

  def tree(prefix):
      "The arrays whose names begin so, as a tree."
      return tree_unflatten([(k[len(prefix):], v) for k, v in given.items() if k.startswith(prefix)])

  def put(name, value):
      if isinstance(value, (tuple, list)):
          value = {str(i): v for i, v in enumerate(value)}
      if isinstance(value, dict):
          for k, v in tree_flatten(value):
              out[name + "." + k] = v
      else:
          out[name] = value

  """

  @doc "What a script puts, given arrays by name."
  def run(folder, script, arrays) do
    given = Path.join(folder, "given.safetensors")
    made = Path.join(folder, "made.safetensors")
    file = Path.join(folder, "script.py")
    :ok = Mlx.IO.save(given, arrays)
    File.write!(file, @head <> script <> "\nmx.save_safetensors(sys.argv[2], out)\n")
    {text, status} = System.cmd(python(), [file, given, made], stderr_to_stdout: true)
    assert status == 0, text
    Mlx.IO.load(made)
  end

  @doc "Whether two arrays are the same within a tolerance, relative to the larger one."
  def near?(a, b, tolerance \\ 2.0e-6) do
    Mlx.shape(a) == Mlx.shape(b) and Mlx.dtype(a) == Mlx.dtype(b) and
      Mlx.item(Mlx.allclose(a, b, rtol: tolerance, atol: tolerance, equal_nan: true))
  end
end
