defmodule Mlx.Optimizers.Schedules do
  @moduledoc false
  # Learning rates as functions of the step; Mlx.Optimizers has them.

  use Mlx.Operators
  alias Mlx.Error

  def exponential_decay(init, decay_rate) do
    numbers!(:exponential_decay, init: init, decay_rate: decay_rate)
    fn step -> init * decay_rate ** step end
  end

  def step_decay(init, decay_rate, step_size) do
    numbers!(:step_decay, init: init, decay_rate: decay_rate)
    counts!(:step_decay, step_size: step_size)
    fn step -> init * decay_rate ** Mlx.floor_divide(step, step_size) end
  end

  def cosine_decay(init, steps, stop) do
    numbers!(:cosine_decay, init: init, stop: stop)
    counts!(:cosine_decay, steps: steps)

    fn step ->
      fraction = Mlx.minimum(step, steps) / steps
      stop + 0.5 * (init - stop) * (1.0 + Mlx.cos(:math.pi() * fraction))
    end
  end

  def linear_schedule(init, stop, steps) do
    numbers!(:linear_schedule, init: init, stop: stop)
    counts!(:linear_schedule, steps: steps)
    fn step -> Mlx.minimum(step, steps) * ((stop - init) / steps) + init end
  end

  def join_schedules(schedules, boundaries) do
    unless is_list(schedules) and is_list(boundaries) and
             length(schedules) == length(boundaries) + 1,
           do: Error.fail(:join_schedules, "there must be one boundary less than schedules")

    for schedule <- schedules, not is_function(schedule, 1) do
      wrong(:join_schedules, "a schedule", "a function of the step", schedule)
    end

    counts!(:join_schedules, for(boundary <- boundaries, do: {:boundary, boundary}))
    fn step -> joined(schedules, boundaries, step) end
  end

  defp joined([first | rest], boundaries, step) do
    boundaries
    |> Enum.zip(rest)
    |> Enum.reduce(first.(step), fn {boundary, following}, rate ->
      Mlx.where(Mlx.less(step, boundary), rate, following.(step - boundary))
    end)
  end

  @doc "Are they integers from 1?"
  def counts!(name, counts) do
    for {what, n} <- counts,
        not (is_integer(n) and n > 0),
        do: wrong(name, what, "an integer, at least 1", n)
  end

  defp numbers!(name, numbers) do
    for {what, x} <- numbers, not is_number(x), do: wrong(name, what, "a number", x)
  end

  @spec wrong(atom, atom | String.t(), String.t(), term) :: no_return
  defp wrong(name, what, wanted, given),
    do: Error.fail(name, "#{what} must be #{wanted}, not #{inspect(given, limit: 5)}")
end
