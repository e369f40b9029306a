"""mlx.launch: start a program several times on this machine.

    mlx.launch -n 4 -- train.py --steps 100

Each process gets the variables that mlx.core.distributed.init looks at: MLX_RANK, MLX_WORLD_SIZE
and, for the ring, MLX_HOSTFILE, a list of every rank's addresses. This version of the package has
no way between processes: each of them is a group of one, and `init(strict=True)` fails there. So
the launcher starts, watches and ends processes, and says so when there is more than one; it starts
none on other machines.
"""

import argparse
import json
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from mlx._distributed_utils.common import Hostfile, log, log_error, log_warning, positive_number

BACKENDS = ("any", "ring", "mpi", "nccl", "jaccl", "jaccl-ring")


def arguments():
    parser = argparse.ArgumentParser(
        prog="mlx.launch", description="Start a program several times on this machine."
    )
    parser.add_argument(
        "--print-python", action="store_true", help="Print the interpreter's path and exit"
    )
    parser.add_argument("--verbose", action="store_true", help="Say what is started")
    parser.add_argument(
        "--hosts", default="127.0.0.1", help="Hosts, separated by commas; all of them this machine"
    )
    parser.add_argument(
        "--repeat-hosts", "-n", type=positive_number, default=1, help="Processes of each host"
    )
    parser.add_argument("--hostfile", help="A JSON file of hosts, in place of --hosts")
    parser.add_argument(
        "--backend", choices=BACKENDS, help="The backend whose variables are set (ring)"
    )
    parser.add_argument(
        "--env", action="append", default=[], help="NAME=VALUE for the processes; several times"
    )
    parser.add_argument(
        "--starting-port",
        "-p",
        type=positive_number,
        default=32323,
        help="The first port in the ring's list of addresses, one more for each rank",
    )
    parser.add_argument("--cwd", help="The folder the processes start in")
    parser.add_argument(
        "--python", default=sys.executable, help="The interpreter for a program that ends in .py"
    )
    return parser


def hosts_of(parser, options):
    try:
        hosts = (
            Hostfile.from_file(options.hostfile)
            if options.hostfile
            else Hostfile.from_list(options.hosts, options.repeat_hosts)
        )
    except ValueError as error:
        parser.error(str(error))
    if not hosts.hosts:
        parser.error("there are no hosts")
    away = sorted({host.ssh_hostname for host in hosts.hosts if not host.is_local()})
    if away:
        parser.error(f"processes are started on this machine alone, not on {', '.join(away)}")
    return hosts


def command_of(parser, options, rest):
    rest = rest[1:] if rest[:1] == ["--"] else rest
    if not rest:
        parser.error("no program was given")
    script = Path(options.cwd or ".") / rest[0]
    if script.is_file() and script.suffix == ".py":
        return [options.python, *rest]
    return rest


def pairs(parser, given):
    bad = [text for text in given if "=" not in text]
    if bad:
        parser.error(f"'{bad[0]}' is not NAME=VALUE")
    return dict(text.split("=", 1) for text in given)


def follow(rank, pipe, to, lock):
    """Lines of one process, whole, to ours."""
    for line in iter(pipe.readline, b""):
        with lock:
            to.write(line)
            to.flush()


class Processes:
    """All ranks of one program: when one fails the others are ended."""

    def __init__(self, command, environments, cwd):
        self.running, self.threads, lock = [], [], threading.Lock()
        for rank, variables in enumerate(environments):
            process = subprocess.Popen(
                command,
                env=variables,
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
            self.running.append(process)
            for pipe, to in (
                (process.stdout, sys.stdout.buffer),
                (process.stderr, sys.stderr.buffer),
            ):
                self.threads.append(
                    threading.Thread(target=follow, args=(rank, pipe, to, lock), daemon=True)
                )
                self.threads[-1].start()

    def end(self):
        for process in self.running:
            if process.poll() is None:
                process.terminate()
        for process in self.running:
            try:
                process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                process.kill()

    def wait(self):
        """The status of the first one that fails, else 0."""
        left = dict(enumerate(self.running))
        while left:
            for rank, process in list(left.items()):
                try:
                    status = process.wait(timeout=0.05)
                except subprocess.TimeoutExpired:
                    continue
                del left[rank]
                if status:
                    self.end()
                    log_error(f"rank {rank} ended with status {status}")
                    return status if status > 0 else 128 - status
        return 0

    def close(self):
        self.end()
        for thread in self.threads:
            thread.join()


def environments(hosts, extra, hostfile):
    size = len(hosts.hosts)
    common = {**os.environ, **extra, "MLX_WORLD_SIZE": str(size), "PYTHONUNBUFFERED": "1"}
    if hostfile:
        common["MLX_HOSTFILE"] = hostfile
    return [{**common, "MLX_RANK": str(rank)} for rank in range(size)]


def ring_addresses(hosts, port):
    return [
        [f"{ip}:{port + host.rank}" for ip in host.ips or ["127.0.0.1"]] for host in hosts.hosts
    ]


def run(hosts, options, command, extra):
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        ring = (options.backend or hosts.backend or "ring") in ("any", "ring")
        json.dump(ring_addresses(hosts, options.starting_port), file)
        file.flush()
        processes = Processes(
            command, environments(hosts, extra, file.name if ring else None), options.cwd
        )
        try:
            return processes.wait()
        except KeyboardInterrupt:
            return 128 + signal.SIGINT
        finally:
            processes.close()


def _launch(backend, hosts, args, command):
    """Run the command once for each of a list of hosts; `args` may set what the command line
    sets."""
    options = arguments().parse_known_args([])[0]
    vars(options).update(vars(args), backend=backend)
    extra = pairs(None, options.env or [])
    if code := run(Hostfile(list(hosts), backend), options, command, extra):
        sys.exit(code)


def launch_ring(parser, hosts, args, command):
    """`mlx.launch --backend ring` for programs."""
    _launch("ring", hosts, args, command)


def launch_jaccl(parser, hosts, args, command):
    """`mlx.launch --backend jaccl` for programs: without such hardware the processes are groups of
    one."""
    _launch("jaccl", hosts, args, command)


def main():
    parser = arguments()
    options, rest = parser.parse_known_args()
    if options.print_python:
        print(options.python)
        return
    hosts = hosts_of(parser, options)
    command = command_of(parser, options, rest)
    extra = pairs(parser, [*hosts.envs, *options.env])
    log(options.verbose, f"{len(hosts.hosts)} times {shlex.join(command)}")
    if len(hosts.hosts) > 1:
        log_warning(
            f"this version of mlx has no way between processes: each of the {len(hosts.hosts)} is a group of one"
        )
    try:
        sys.exit(run(hosts, options, command, extra))
    except OSError as error:
        parser.error(f"'{command[0]}' cannot be started: {error}")


if __name__ == "__main__":
    main()
