"""A Kubernetes control plane on loopback: etcd, kube-apiserver and kube-controller-manager.

The real programs, because the rules that matter (binding, protection, garbage collection,
conflicts, watches) are theirs; containers or machines would need more rights than a test has.
There are no nodes; see kubelet.py for what stands in for one.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from testbed import commands, kubeconfig
from testbed.certificates import Authority, Pair
from testbed.client import Client
from testbed.errors import KubectlError, PortTakenError
from testbed.ports import LOOPBACK, free_ports
from testbed.processes import Guard, Process
from testbed.programs import Programs

_ATTEMPTS = 5  # at finding ports that stay free until they are used


class ControlPlane:
    """A control plane whose data, keys and logs lie in `folder`; a context manager.

    Args:
        programs: what to start.
        folder: made when it is not there; the owner removes it.
        api_qps: requests a second that each controller may make; None leaves the default (20).

    Attributes:
        url: of the API server; settled once the first start succeeded.
        kubeconfig: an administrator's.
        authority: the certificate that signs the server's.
        client: requests as the administrator.
        etcd, apiserver, controller_manager: the running programs.
    """

    def __init__(self, programs: Programs, folder: Path, *, api_qps: int | None = None) -> None:
        self.programs = programs
        self.folder = folder
        self._api_qps = api_qps
        self._certificates = Authority(folder / "certificates")
        self.authority = self._certificates.pair.certificate
        self._admin = self._certificates.client("admin", "admin", ["system:masters"])
        self._serving = self._certificates.serving("serving")
        self._tokens = self._certificates.signing_key("tokens")
        self._guard = Guard()
        self._lay_out()

    def start(self) -> None:
        """Start all that is not running, and wait until it is ready.

        Raises:
            StartError: a program ended or is not ready in time; nothing is left running.
        """
        for _ in range(_ATTEMPTS - 1):
            try:
                return self._start_all()
            except PortTakenError:
                self._lay_out()
        return self._start_all()

    def stop(self) -> None:
        """End all programs; the data stays, for another start."""
        for process in (self.controller_manager, self.apiserver, self.etcd):
            process.kill()  # they lose nothing: etcd has written what it answered
        self.client.close()

    def restart_controllers(self) -> None:
        """Start the controllers anew, for their back-off when the API server was away.

        In a cluster they end with their lease and begin anew; here they would wait longer and
        longer, up to minutes.
        """
        self.controller_manager.kill()
        self.controller_manager.start()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def kubeconfig_for(self, user: str, groups: Sequence[str] = ()) -> Path:
        """A kubeconfig for `user`, member of `groups`, who may do what RBAC gives them."""
        file_name = user.replace(":", "-").replace("/", "-")
        identity = self._certificates.client(file_name, user, groups)
        return self._write_kubeconfig(file_name, identity)

    def token_for(self, namespace: str, account: str, *, seconds: int = 3600) -> str:
        """A token of a service account, as a pod has one; valid for `seconds`, at least 600."""
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token"
        body = {"spec": {"expirationSeconds": seconds}}
        token: str = self.client.send("POST", path, body)["status"]["token"]
        return token

    def kubectl(
        self,
        *arguments: str,
        input: str | None = None,  # noqa: A002 - as subprocess.run calls it
        deadline: float = 60.0,
    ) -> str:
        """Run kubectl as the administrator and return its stdout.

        Raises:
            KubectlError: it failed (the message is what it wrote to stderr), or had not ended
                after `deadline` seconds.
        """
        try:
            return subprocess.run(
                [self.programs.kubectl, f"--kubeconfig={self.kubeconfig}", *arguments],
                input=input or "",
                capture_output=True,
                text=True,
                timeout=deadline,
                env={"HOME": str(self.folder)},
                check=True,
            ).stdout
        except subprocess.CalledProcessError as error:
            raise KubectlError(f"kubectl {' '.join(arguments)}: {error.stderr.strip()}") from error
        except subprocess.TimeoutExpired as error:
            raise KubectlError(f"kubectl {' '.join(arguments)}: not within {deadline} s") from error

    def _start_all(self) -> None:
        try:
            for process in (self.etcd, self.apiserver, self.controller_manager):
                process.start()
        except BaseException:
            self.stop()
            raise

    def _lay_out(self) -> None:
        """Choose ports, and write down everything that names them."""
        ports = free_ports(4)
        self.url = f"https://{LOOPBACK}:{ports[2]}"
        self.client = Client(self.url, self.authority, self._admin)
        self.kubeconfig = self._write_kubeconfig("admin", self._admin)
        self.etcd = self._etcd(ports[0], ports[1])
        self.apiserver = self._apiserver(ports[0], ports[2])
        self.controller_manager = self._controller_manager(ports[3])

    def _etcd(self, port: int, peer_port: int) -> Process:
        command = commands.etcd(
            self.programs.etcd, data=self.folder / "etcd", port=port, peer_port=peer_port
        )
        return self._process(command, f"http://{LOOPBACK}:{port}/readyz")

    def _apiserver(self, etcd_port: int, port: int) -> Process:
        command = commands.apiserver(
            self.programs.apiserver,
            etcd_port=etcd_port,
            port=port,
            authority=self.authority,
            serving=self._serving,
            tokens=self._tokens,
        )
        return self._process(command, f"{self.url}/readyz")

    def _controller_manager(self, port: int) -> Process:
        user = "system:kube-controller-manager"
        identity = self._certificates.client("controller-manager", user)
        command = commands.controller_manager(
            self.programs.controller_manager,
            kubeconfig=self._write_kubeconfig("controller-manager", identity),
            port=port,
            authority=self.authority,
            serving=self._serving,
            tokens=self._tokens,
            api_qps=self._api_qps,
        )
        # It calls itself healthy before its controllers run; an account is the work of one.
        account = f"{self.url}/api/v1/namespaces/default/serviceaccounts/default"
        return self._process(command, f"https://{LOOPBACK}:{port}/healthz", account)

    def _process(self, command: commands.Command, *healthy: str) -> Process:
        log = self.folder / f"{Path(command[0]).name}.log"
        return Process(command, log=log, ready=lambda: self._all_found(healthy), guard=self._guard)

    def _all_found(self, urls: Sequence[str]) -> bool:
        return all(self.client.status(url) == 200 for url in urls)

    def _write_kubeconfig(self, name: str, identity: Pair) -> Path:
        path = self.folder / f"{name}.kubeconfig"
        return kubeconfig.write(path, url=self.url, authority=self.authority, identity=identity)
