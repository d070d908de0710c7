"""A Slurm cluster of three nodes on loopback, for tests: started, broken and stopped by them.

Every daemon stays in the foreground as a child of this process, under a folder and on ports of its
own, so that any number of clusters may run beside each other and beside a real one. Each node has
a process namespace: what runs on it dies with it, as if the machine had lost its power.

Needs Debian's `slurm-wlm` and `munge`, and root.
"""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "unshare")
NODES = ("n1", "n2", "n3")
_SETTINGS = """
ClusterName=loop
SlurmctldHost=localhost(127.0.0.1)
SlurmctldPort={controller}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket,cred_expire=10
CredType=cred/munge
StateSaveLocation={folder}/controller
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
SlurmdParameters=config_overrides
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
MpiDefault=none
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/filetxt
JobCompLoc={folder}/completed.txt
ReturnToService=2
SlurmdTimeout=20
KillWait=5
MinJobAge=3600
SchedulerParameters=batch_sched_delay=0,sched_min_interval=0,bf_interval=5
"""
_PARTITION = (
    "PartitionName=main Nodes={nodes} Default=YES MaxTime=INFINITE DefMemPerCPU=500 "
    "OverSubscribe=NO\n"
)
_NODE = (
    "NodeName={name} NodeHostname=localhost NodeAddr=127.0.0.1 Port={port} CPUs=2 "
    "CoresPerSocket=2 RealMemory={memory}\n"
)


def missing() -> str | None:
    """Why no cluster can be started here; None where one can."""
    if os.geteuid() != 0:
        return "a Slurm cluster can be started by root only"
    if absent := [name for name in PROGRAMS if shutil.which(name) is None]:
        return f"{', '.join(absent)} not installed (Debian: apt-get install slurm-wlm munge)"
    probe = subprocess.run(
        ["unshare", "--pid", "--fork", "--mount-proc", "true"], capture_output=True, text=True
    )
    if probe.returncode:
        return f"no process namespaces here: {probe.stderr.strip()}"
    return None


def free_ports(count: int) -> list[int]:
    """Ports of 127.0.0.1 that nobody listens on."""
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def wait_until(condition: Callable[[], T], seconds: float, what: str) -> T:
    """What `condition` gives once that counts as true.

    Raises:
        TimeoutError: `what` did not come.
    """
    end = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not after {seconds:.0f} s")
        time.sleep(0.2)
    return found


class Cluster:
    """Three nodes of two cores each; `slurm_cluster` starts and stops it.

    folder: where daemons keep their files and logs.
    """

    def __init__(self, folder: Path, memory: int) -> None:
        self.folder = folder
        self._running: dict[str, subprocess.Popen] = {}
        self._write_settings(memory)
        self._write_srun()

    def _write_settings(self, memory: int) -> None:
        controller, *ports = free_ports(1 + len(NODES))
        lines = _SETTINGS.format(folder=self.folder, controller=controller)
        for name, port in zip(NODES, ports, strict=True):
            lines += _NODE.format(name=name, port=port, memory=memory)
        lines += _PARTITION.format(nodes=",".join(NODES))
        self._conf.write_text(lines.lstrip())

    def _write_srun(self) -> None:
        """An `srun` that knows where the settings are: Snakemake's plugin calls it without the
        variable that says so."""
        script = self.folder / "bin" / "srun"
        script.parent.mkdir()
        script.write_text(f'#!/bin/sh\nSLURM_CONF={self._conf} exec {shutil.which("srun")} "$@"\n')
        script.chmod(0o755)

    @property
    def _conf(self) -> Path:
        return self.folder / "slurm.conf"

    @property
    def environment(self) -> dict[str, str]:
        """What Slurm's commands need to find this cluster."""
        path = f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
        return {"SLURM_CONF": str(self._conf), "PATH": path}

    def _start(self, name: str, *command: str) -> None:
        with (self.folder / f"{name}.out").open("ab") as log:
            self._running[name] = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=os.environ | self.environment,
            )

    def _end(self, name: str, number: signal.Signals) -> None:
        process = self._running.pop(name)
        process.send_signal(number)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def start_munge(self) -> None:
        """Munge, by which daemons know each other, with a key of its own."""
        home = self.folder / "munge"
        home.mkdir(mode=0o755)
        key = home / "key"
        key.touch(mode=0o600)
        key.write_bytes(os.urandom(128))
        files = {"key-file": "key", "socket": "socket", "pid-file": "pid", "seed-file": "seed"}
        options = [f"--{option}={home / name}" for option, name in files.items()]
        options += [f"--log-file={home / 'log'}", "--foreground", "--force"]
        self._start("munged", "munged", *options)
        wait_until((home / "socket").exists, 20, "munged's socket")

    def start_controller(self) -> None:
        self._start("slurmctld", "slurmctld", "-D", "-f", str(self._conf))

    def start_node(self, name: str) -> None:
        (self.folder / f"spool-{name}").mkdir(exist_ok=True)
        own = ["unshare", "--pid", "--fork", "--kill-child=KILL", "--mount-proc"]
        self._start(name, *own, "slurmd", "-D", "-f", str(self._conf), "-N", name)

    def restart_controller(self) -> None:
        """End the controller as a shutdown does, and start it again after two seconds."""
        self._end("slurmctld", signal.SIGTERM)
        time.sleep(2)
        self.start_controller()

    def kill_node(self, name: str) -> None:
        """Everything on a node ends at once, and nobody is told."""
        self._end(name, signal.SIGKILL)

    def command(self, *words: str, check: bool = True) -> str:
        """What one of Slurm's commands prints."""
        run = subprocess.run(
            words,
            env=os.environ | self.environment,
            capture_output=True,
            text=True,
            timeout=60,
        )
        if check and run.returncode:
            raise RuntimeError(f"{' '.join(words)}: {run.stdout}{run.stderr}")
        return run.stdout

    def jobs(self, *states: str) -> list[dict[str, str]]:
        """Jobs that the controller knows, in these states or in any: id, state, node, comment."""
        fields = ("id", "state", "node", "comment")
        chosen = [f"--states={','.join(states)}"] if states else ["--states=all"]
        text = self.command("squeue", "--noheader", *chosen, "--format=%i|%T|%N|%k", check=False)
        return [dict(zip(fields, line.split("|"), strict=True)) for line in text.splitlines()]

    def wait_for_nodes(self) -> None:
        def idle() -> bool:
            text = self.command("sinfo", "--noheader", "--Node", "--format=%N %T", check=False)
            return sorted(text.splitlines()) == [f"{name} idle" for name in NODES]

        wait_until(idle, 90, f"three idle nodes ({self.folder})")

    def stop(self) -> None:
        """End all daemons, and with the nodes what runs on them."""
        for name in NODES:
            if name in self._running:
                self._end(name, signal.SIGKILL)
        for name in ("slurmctld", "munged"):
            if name in self._running:
                self._end(name, signal.SIGTERM)


@contextmanager
def slurm_cluster(folder: Path, memory: int = 4000) -> Iterator[Cluster]:
    """The cluster, while it runs.

    Args:
        folder: an existing one, on a short path: a socket lies in it.
        memory: megabytes of each node, which is what it says, not what there is.
    """
    cluster = Cluster(folder, memory)
    try:
        (folder / "controller").mkdir()
        cluster.start_munge()
        cluster.start_controller()
        for name in NODES:
            cluster.start_node(name)
        cluster.wait_for_nodes()
        yield cluster
    finally:
        cluster.stop()
