defmodule Mlx.Precompiled do
  @moduledoc """
  The native half as an archive that carries libmlxc, so that neither a C compiler nor the library is
  needed: `mlx-VERSION-nif-2.16-x86_64-linux-gnu.tar.gz`, made by `precompile.sh`. `MLX_PRECOMPILED` says where
  archives are, as a folder or the address of one; `checksum.txt` of this package has their SHA-256, and no
  other archive is used. Without it, or where there is none for this machine, make builds.
  """

  # Those that were built and tried, the second under qemu-user. precompile.sh makes one of any machine; its
  # row in checksum.txt is what has it taken there.
  @targets ~w(x86_64-linux-gnu aarch64-linux-gnu)

  @doc "The machine that Erlang runs on, in the names of archives."
  def target do
    [cpu | rest] = :erlang.system_info(:system_architecture) |> to_string() |> String.split("-")

    "#{cpu}-linux-#{List.last(rest)}"
  end

  @doc "Put the archive for this machine into a folder: :ok, or {:none, why} where there is none."
  def install(version, priv, place \\ System.get_env("MLX_PRECOMPILED")) do
    with {:ok, place} <- place(place),
         {:ok, name, checksum} <- listed(version, target(), nif_version()) do
      archive = read(place, name)
      found = Base.encode16(:crypto.hash(:sha256, archive), case: :lower)

      if found != checksum do
        Mix.raise("#{name} of #{place} has the SHA-256 #{found}, and checksum.txt #{checksum}")
      end

      File.rm_rf!(priv)
      File.mkdir_p!(priv)
      options = [:compressed, cwd: String.to_charlist(priv)]
      :ok = :erl_tar.extract({:binary, archive}, options)
    end
  end

  defp place(nil), do: {:none, "MLX_PRECOMPILED is not set"}
  defp place(place), do: {:ok, place}

  defp nif_version, do: :erlang.system_info(:nif_version) |> to_string() |> number()
  defp number(text), do: text |> String.split(".") |> Enum.map(&String.to_integer/1)

  # The newest that this Erlang can load.
  defp listed(version, target, runs) do
    name = ~r/^([0-9a-f]{64})\s+(mlx-#{Regex.escape(version)}-nif-([0-9.]+)-#{target}\.tar\.gz)$/m
    [major | _] = runs

    fitting =
      for [_, sum, file, nif] <- Regex.scan(name, checksums()),
          [^major | _] = needs <- [number(nif)],
          needs <= runs,
          do: {needs, file, sum}

    case Enum.max(fitting, fn -> nil end) do
      {_, file, sum} -> {:ok, file, sum}
      nil when target in @targets -> {:none, "checksum.txt has no archive for #{target}"}
      nil -> {:none, "there are no archives for #{target}"}
    end
  end

  defp checksums do
    case File.read(Path.join(__DIR__, "checksum.txt")) do
      {:ok, text} -> text
      {:error, _} -> ""
    end
  end

  defp read("http" <> _ = place, name) do
    for app <- [:inets, :ssl], do: {:ok, _} = Application.ensure_all_started(app)
    address = String.to_charlist(place <> "/" <> name)

    case :httpc.request(:get, {address, []}, [ssl: tls()], body_format: :binary) do
      {:ok, {{_, 200, _}, _headers, body}} -> body
      {:ok, {{_, status, _}, _headers, _body}} -> Mix.raise("#{address}: status #{status}")
      {:error, reason} -> Mix.raise("#{address}: #{inspect(reason)}")
    end
  end

  defp read(place, name), do: File.read!(Path.join(place, name))

  defp tls do
    [
      verify: :verify_peer,
      cacerts: :public_key.cacerts_get(),
      customize_hostname_check: [match_fun: :public_key.pkix_verify_hostname_match_fun(:https)]
    ]
  end
end

defmodule Mix.Tasks.Compile.MlxNative do
  @moduledoc "Brings or builds the native half, before Elixir's modules, which read the catalog."
  use Mix.Task.Compiler

  @impl true
  def run(_arguments) do
    project = Mix.Project.config()
    priv = Path.join(Mix.Project.app_path(project), "priv")
    installed = Path.join(priv, "precompiled")

    cond do
      File.read(installed) == {:ok, project[:version]} -> {:ok, []}
      Mlx.Precompiled.install(project[:version], priv) == :ok -> note(installed, project)
      true -> make(priv)
    end
  end

  defp note(installed, project) do
    File.write!(installed, project[:version])
    {:ok, []}
  end

  defp make(priv) do
    case System.cmd("make", ["--no-print-directory", "PRIV=#{priv}"], stderr_to_stdout: true) do
      {output, 0} ->
        if output =~ "warning", do: Mix.shell().info(output)
        {:ok, []}

      {output, status} ->
        Mix.raise("make failed with status #{status}:\n#{output}")
    end
  end
end
