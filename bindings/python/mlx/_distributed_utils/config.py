"""mlx.distributed_config: ask machines for their addresses and write a hostfile.

    mlx.distributed_config --hosts one,two --over ethernet --output-hostfile hosts.json

Each host is asked by ssh (this machine directly) for its addresses. The file is for programs that
form groups; this version of the package forms none of several processes, and mlx.launch starts
processes on this machine alone. Thunderbolt and RDMA (the backends jaccl) belong to macOS and are
refused.
"""

import argparse
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from mlx._distributed_utils.common import Hostfile, log, log_error, log_warning
from mlx._saved import write_file

SECONDS = 10


def arguments():
    parser = argparse.ArgumentParser(
        prog="mlx.distributed_config", description="Write a hostfile for a group of machines."
    )
    parser.add_argument("--verbose", action="store_true", help="Say what is asked")
    parser.add_argument("--hosts", default="127.0.0.1", help="Hosts, separated by commas")
    parser.add_argument("--hostfile", help="A JSON file of hosts, in place of --hosts")
    parser.add_argument(
        "--ignore-unreachable", action="store_true", help="Leave out hosts that do not answer"
    )
    parser.add_argument(
        "--over",
        choices=["thunderbolt", "ethernet"],
        default="ethernet",
        help="The connection to use",
    )
    parser.add_argument("--output-hostfile", help="Where to write; else it is printed")
    parser.add_argument(
        "--backend",
        choices=["ring", "jaccl", "jaccl-ring"],
        default="ring",
        help="Who will read it",
    )
    parser.add_argument(
        "--env", action="append", default=[], help="NAME=VALUE for the processes; several times"
    )
    return parser


def addresses(host):
    """A host's addresses, those of the loopback left out; OSError or SubprocessError where it does
    not answer."""
    ask = ["hostname", "-I"]
    command = (
        ask
        if host.is_local()
        else [
            "ssh",
            "-o",
            "BatchMode=yes",
            "-o",
            f"ConnectTimeout={SECONDS}",
            "--",
            host.ssh_hostname,
            *ask,
        ]
    )
    out = subprocess.run(
        command, capture_output=True, text=True, check=True, timeout=2 * SECONDS
    ).stdout
    return [ip for ip in out.split() if ":" not in ip] or ["127.0.0.1"]


def ask(host, verbose):
    log(verbose, f"asking {host.ssh_hostname}")
    try:
        return addresses(host)
    except (OSError, subprocess.SubprocessError) as error:
        log_warning(f"{host.ssh_hostname} does not answer: {error}")
        return None


def ask_all(hosts, options):
    """Fills in the addresses; the hosts that do not answer are gone, or False."""
    with ThreadPoolExecutor() as pool:
        found = list(pool.map(lambda host: ask(host, options.verbose), hosts.hosts))
    if None in found and not options.ignore_unreachable:
        return False
    for host, ips in zip(hosts.hosts, found):
        host.ips = ips
    hosts.hosts = [host for host in hosts.hosts if host.ips]
    return bool(hosts.hosts)


def main():
    parser = arguments()
    options = parser.parse_args()
    if options.over == "thunderbolt" or options.backend != "ring":
        parser.error(
            "Thunderbolt and RDMA are reached on macOS alone: use --over ethernet --backend ring"
        )
    try:
        hosts = (
            Hostfile.from_file(options.hostfile)
            if options.hostfile
            else Hostfile.from_list(options.hosts)
        )
    except ValueError as error:
        parser.error(str(error))
    hosts.backend, hosts.envs = options.backend, [*hosts.envs, *options.env]
    if not ask_all(hosts, options):
        log_error("no hostfile was written")
        sys.exit(1)
    if options.output_hostfile:
        write_file(options.output_hostfile, hosts.to_json().encode() + b"\n")
    else:
        print(hosts.to_json())


if __name__ == "__main__":
    main()
