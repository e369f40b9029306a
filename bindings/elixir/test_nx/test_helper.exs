ExUnit.start()
{:ok, _} = Application.ensure_all_started(:nx)

defmodule Mlx.NxLeftOut do
  # The doctests of Nx that do not hold here: the examples' numbers within their modules, by Nx's
  # version and the reason.
  #   inexact     digits that follow from the steps of Nx's own algorithms, where ours are nearer to the
  #               exact value (lu chooses pivots as LAPACK does); random numbers are made of erf_inv
  #   last_digit  of functions of f64, which are within one unit here, and there the C library's
  #   zero        the sign of a zero
  #   singular    the error is an Mlx.Error, which comes when values are computed
  #   c128        a type that MLX does not have

  @examples %{
    "0.7.3" => [
      inexact: %{
        "Nx.LinAlg.cholesky/1" => [3, 4, 5, 7],
        "Nx.LinAlg.eigh/2" => [20, 21, 22, 23],
        "Nx.LinAlg.least_squares/2" => [30, 31],
        "Nx.LinAlg.lu/2" => [36, 38, 39],
        "Nx.LinAlg.pinv/2" => [75],
        "Nx.Random.multivariate_normal/4" => [15, 17],
        "Nx.Random.normal/4" => [18, 20, 21],
        "Nx.erf_inv/1" => [288]
      },
      zero: %{
        "Nx.LinAlg.solve/2" => [88]
      },
      singular: %{
        "Nx.LinAlg.triangular_solve/3" => [110]
      },
      c128: %{
        "Nx.Constants.i/2" => [17]
      }
    ],
    "0.9.2" => [
      inexact: %{
        "Nx.LinAlg.cholesky/1" => [3, 4, 5, 7],
        "Nx.LinAlg.eigh/2" => [69, 70, 71, 72],
        "Nx.LinAlg.least_squares/3" => [106, 107, 108],
        "Nx.LinAlg.lu/2" => [77, 79, 80],
        "Nx.LinAlg.pinv/2" => [67],
        "Nx.Random.multivariate_normal/4" => [21, 23],
        "Nx.Random.normal/4" => [16, 18, 19],
        "Nx.erf_inv/1" => [462]
      },
      zero: %{
        "Nx.LinAlg.solve/2" => [46]
      },
      singular: %{
        "Nx.LinAlg.triangular_solve/3" => [40]
      },
      c128: %{
        "Nx.Constants.i/2" => [27]
      }
    ],
    "0.13.1" => [
      inexact: %{
        "Nx.LinAlg.cholesky/1" => [5],
        "Nx.LinAlg.least_squares/3" => [107],
        "Nx.LinAlg.lu/1" => [79],
        "Nx.LinAlg.matrix_power/2" => [87],
        "Nx.LinAlg.pinv/2" => [67],
        "Nx.Random.multivariate_normal/4" => [21, 23],
        "Nx.Random.normal/4" => [16, 18, 19],
        "Nx.erf_inv/1" => [453, 476]
      },
      last_digit: %{
        "Nx.acosh/1" => [467],
        "Nx.asin/1" => [468],
        "Nx.cosh/1" => [451, 474],
        "Nx.erfc/1" => [454, 477],
        "Nx.exp/1" => [455, 478],
        "Nx.expm1/1" => [456, 479],
        "Nx.log/1" => [488],
        "Nx.log1p/1" => [480],
        "Nx.sin/1" => [483],
        "Nx.sinh/1" => [461, 484],
        "Nx.tan/1" => [463, 486]
      },
      singular: %{
        "Nx.LinAlg.triangular_solve/3" => [40]
      },
      c128: %{
        "Nx.Constants.i/2" => [27]
      }
    ]
  }

  @doc "Names of tests, for the newest of these versions that is not newer than Nx."
  def tests do
    version = :nx |> Application.spec(:vsn) |> to_string() |> Version.parse!()
    listed = for key <- Map.keys(@examples), Version.compare(key, version) != :gt, do: key

    for {_reason, functions} <- @examples[Enum.max(listed, Version)],
        {function, numbers} <- functions,
        number <- numbers,
        do: {:test, :"doctest #{function} (#{number})"}
  end
end

ExUnit.configure(exclude: Mlx.NxLeftOut.tests())
