ExUnit.start()
{:ok, _} = Application.ensure_all_started(:nx)

defmodule Mlx.NxLeftOut do
  # What prints digits that follow from the steps of Nx's own algorithms (cholesky, eigh, erf_inv,
  # least_squares, pinv, and lu, which chooses pivots of its own), a zero's sign (solve), and the
  # error of a singular triangular_solve, which here gives infinities.

  def nx, do: [erf_inv: 1]

  def linalg do
    [
      cholesky: 1,
      eigh: 2,
      least_squares: 2,
      lu: 2,
      pinv: 2,
      solve: 2,
      triangular_solve: 3
    ]
  end
end
