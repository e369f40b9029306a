"""What mlx.launch and mlx.distributed_config share: lists of hosts, and messages."""

import json
import socket
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Union

LOCAL = {"localhost", "127.0.0.1", "::1"}


@dataclass
class Host:
    """A machine of a group: how it is reached, and its addresses."""

    rank: int
    ssh_hostname: str
    ips: list[str]
    rdma: list[Union[str, list[str], None]]

    def is_local(self):
        return self.ssh_hostname in LOCAL | {socket.gethostname(), socket.getfqdn()}


@dataclass
class Hostfile:
    """The machines of a group; as JSON a list of {"ssh", "ips", "rdma"}, or {"backend", "envs",
    "hosts": list}."""

    hosts: list[Host]
    backend: str = ""
    envs: list[str] = field(default_factory=list)

    @classmethod
    def from_file(cls, path):
        try:
            data = json.loads(Path(path).read_text())
            whole = data if isinstance(data, dict) else {"hosts": data}
            hosts = [
                Host(i, host["ssh"], list(host.get("ips", [])), list(host.get("rdma", [])))
                for i, host in enumerate(whole["hosts"])
            ]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ValueError(f"'{path}' is not a hostfile: {error}") from error
        return cls(hosts, whole.get("backend", ""), list(whole.get("envs", [])))

    @classmethod
    def from_list(cls, names, repeats=1):
        """From "a,b": each name so many times; a number is taken as an address, too."""
        all_names = [name for name in names.split(",") if name for _ in range(repeats)]
        addresses = ([name] if name.replace(".", "").isdigit() else [] for name in all_names)
        return cls(
            [Host(i, name, ips, []) for i, (name, ips) in enumerate(zip(all_names, addresses))]
        )

    def to_json(self):
        hosts = [{"ssh": h.ssh_hostname, "ips": h.ips, "rdma": h.rdma} for h in self.hosts]
        return json.dumps({"backend": self.backend, "envs": self.envs, "hosts": hosts}, indent=4)


def positive_number(text):
    number = int(text)
    if number <= 0:
        raise ValueError("the number must be positive")
    return number


def log(verbose, *args, **kwargs):
    if verbose:
        print("[INFO]", *args, **kwargs)


def log_warning(*args, **kwargs):
    print("[WARN]", *args, **{"file": sys.stderr, **kwargs})


def log_error(*args, **kwargs):
    print("[ERROR]", *args, **{"file": sys.stderr, **kwargs})
