"""A page for each command of `mlx`, from its help."""

import json
import os
import subprocess


def output(program, *arguments):
    variables = {**os.environ, "NO_COLOR": "1", "COLUMNS": "100"}
    done = subprocess.run(
        [program, *arguments], capture_output=True, text=True, env=variables, check=True
    )
    return done.stdout


def commands(program):
    return json.loads(output(program, "help", "--json"))["commands"]


def write(folder, program):
    folder.mkdir(parents=True)
    rows = commands(program)
    out = [
        "# The program mlx\n",
        "What the commands have in common is told in [the guide](/cli.md).\n",
    ]
    out += ["| command | what it does |\n|---|---|"]
    for row in rows:
        name = row["name"]
        out.append(f"| [mlx {name}]({name}.md) | {row['summary']} |")
        text = f"# mlx {name}\n\n{row['summary'][:1].upper()}{row['summary'][1:]}.\n\n"
        text += f"```text\n{output(program, name, '--help').rstrip()}\n```\n"
        (folder / f"{name}.md").write_text(text)
    out += [
        "\n```{toctree}\n:hidden:\n",
        *[f"mlx {r['name']} <{r['name']}>" for r in rows],
        "```\n",
    ]
    (folder / "index.md").write_text("\n".join(out))
