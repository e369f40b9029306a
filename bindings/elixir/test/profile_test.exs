defmodule Mlx.ProfileTest do
  use ExUnit.Case, async: false
  import Mlx.Check
  alias Mlx.Profile

  test "what ran, and what it cost" do
    a = Mlx.eval(Mlx.Random.normal(shape: {64, 32}))
    b = Mlx.eval(Mlx.Random.normal(shape: {32, 16}))
    {result, profile} = Profile.run(fn -> %{y: a |> Mlx.matmul(b) |> Mlx.exp()} end)
    assert Mlx.available?(result.y)
    events = Profile.events(profile)
    product = Enum.find(events, &(&1.name == "Matmul"))
    assert product.flops == 2.0 * 64 * 32 * 16
    assert product.inputs == [float32: [64, 32], float32: [32, 16]]
    assert product.outputs == [float32: [64, 16]]
    assert product.bytes_written == 64 * 16 * 4
    assert product.duration > 0 and product.self <= product.duration
    assert product.depth == 0 and not product.failed
    assert Profile.dropped(profile) == 0
    rows = Profile.rows(profile)
    assert %{calls: 1, flops: flops} = Enum.find(rows, &(&1.name == "Matmul"))
    assert flops == product.flops
    assert Profile.table(profile) =~ "Matmul"
    file = Path.join(folder(), "out.json")
    assert Profile.write(profile, file) == :ok
    assert File.read!(file) =~ "\"Matmul\""
  end

  test "what a function raises comes out, and the profile has stopped" do
    assert_raise RuntimeError, "no", fn -> Profile.run(fn -> raise "no" end) end
    assert catch_throw(Profile.run(fn -> throw(:x) end)) == :x
  end

  test "what is wrong is said" do
    profile = Profile.start(memory: 1_000_000)
    assert error(fn -> Profile.events(profile) end).message =~ "profile"
    Profile.stop(profile)
    assert error(fn -> Profile.stop(profile) end).message =~ "profile"
    assert error(fn -> Profile.write(profile, "/nowhere/x.json") end).reason == :io
    assert error(fn -> Profile.start(memory: :all) end).message =~ "bytes"
    assert error(fn -> Profile.table(%Profile{ref: make_ref()}) end).message =~ "a profile"
  end

  test "what the machine can do" do
    assert %{bandwidth: bandwidth, flops: flops} = Profile.machine_limits()
    assert bandwidth > 1.0e8 and flops > 1.0e8
  end
end
