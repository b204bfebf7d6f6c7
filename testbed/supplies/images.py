"""Which images the registry holds: an image is one entry here.

Names and tags are those of the upstream images, so that a cluster pulls them by the usual names
from a mirror; what is in them are the programs built here and Debian's packages.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from testbed.programs.recipes import ETCD, KUBERNETES_VERSION, Recipe
from testbed.supplies.oci import Run
from testbed.supplies.recipes import (
    COREDNS,
    COREDNS_VERSION,
    ETCDUTL,
    FLANNEL_CNI,
    FLANNEL_CNI_VERSION,
    FLANNEL_VERSION,
    FLANNELD,
    KUBERNETES,
    PAUSE,
    PAUSE_VERSION,
    PREVIOUS_VERSION,
)


@dataclass(frozen=True)
class Image:
    """One image.

    Attributes:
        name: the repository's path.
        tags: all of them name the same image.
        run: what it runs.
        packages: of Debian, on top of a minimal Debian system; None for an image without one.
        unpacked: packages whose files are all there is of Debian.
        programs: built here, by path.
        files: small ones, by path.
        links: symbolic links, by path.
    """

    name: str
    tags: tuple[str, ...]
    run: Run = field(default_factory=Run)
    packages: tuple[str, ...] | None = None
    unpacked: tuple[str, ...] = ()
    programs: Mapping[str, Recipe] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)


# What kube-proxy and flannel call to set up the nodes' networks: one set, hence one layer.
_NETWORK: Final = ("iproute2", "iptables", "nftables")

# What a person expects to find in busybox; the program knows some hundred more.
_APPLETS: Final = (
    "ash awk base64 cat chmod chown cmp cp cut date dd df diff dirname du echo env expr false find "
    "free grep gunzip gzip head hostname httpd id ip kill ln ls md5sum mkdir mkfifo mktemp more "
    "mount mv nc netstat nslookup od ping pgrep pidof printf ps pwd readlink realpath rm rmdir sed "
    "seq sh sha256sum sleep sort stat sync tail tar tee telnet test time timeout top touch tr true "
    "umount uname uniq uptime usleep vi watch wc wget which whoami xargs yes zcat"
)

_NGINX_SITE: Final = """\
server {
    listen 80 default_server;
    root /usr/share/nginx/html;
    index index.html;
    access_log /dev/stdout;
}
"""

# Where upstream's image has them, so that a pod finds its pages and its configuration there.
_HTTPD: Final = """\
ServerRoot /usr/local/apache2
ServerName localhost
Listen 80
DefaultRuntimeDir /tmp
PidFile /tmp/httpd.pid
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule dir_module /usr/lib/apache2/modules/mod_dir.so
LoadModule mime_module /usr/lib/apache2/modules/mod_mime.so
User www-data
Group www-data
TypesConfig /etc/mime.types
ErrorLog /dev/stderr
CustomLog /dev/stdout common
DocumentRoot /usr/local/apache2/htdocs
DirectoryIndex index.html
<Directory /usr/local/apache2/htdocs>
    Require all granted
</Directory>
"""

_MARIADB: Final = """\
[mariadbd]
datadir = /var/lib/mysql
socket = /tmp/mysqld.sock
pid-file = /tmp/mysqld.pid
!includedir /etc/mysql/conf.d/
"""

# As upstream's with an empty password for root: databases are made on the first start only.
_MARIADB_START: Final = """\
set -e
if [ "$1" = mariadbd ] && [ ! -e /var/lib/mysql/mysql/db.frm ]; then
    mariadb-install-db --datadir=/var/lib/mysql --skip-test-db --force \\
        --auth-root-authentication-method=normal >&2
    # In this mode a line is a statement, and nothing goes into the binary log.
    printf '%s\\n' 'FLUSH PRIVILEGES;' "CREATE USER root@'%';" \\
        "GRANT ALL ON *.* TO root@'%' WITH GRANT OPTION;" |
        mariadbd --bootstrap --skip-log-bin
fi
exec "$@"
"""

# The tags that kubeadm asks for. Upstream's etcd and CoreDNS of exactly the previous version's
# tags are not on every module proxy: there, the ones of the current version stand in.
_ETCD_TAGS: Final = {KUBERNETES_VERSION: "3.6.8-0", PREVIOUS_VERSION: "3.6.6-0"}
_COREDNS_TAGS: Final = {KUBERNETES_VERSION: COREDNS_VERSION, PREVIOUS_VERSION: "v1.13.1"}
_PAUSE_TAGS: Final = (PAUSE_VERSION, "3.10.1")  # the second is what containerd's packages name

_COMMON: Final = (
    Image("pause", _PAUSE_TAGS, Run(("/pause",), user="65535:65535"), programs={"pause": PAUSE}),
    Image(
        "flannel-io/flannel",
        (FLANNEL_VERSION,),
        Run(("/opt/bin/flanneld",)),
        packages=_NETWORK,
        programs={"opt/bin/flanneld": FLANNELD},
    ),
    Image(
        "flannel-io/flannel-cni-plugin",
        (FLANNEL_CNI_VERSION,),
        packages=(),
        programs={"flannel": FLANNEL_CNI},
    ),
    Image("library/debian", ("trixie-slim",), Run(command=("bash",)), packages=()),
    Image(
        "library/busybox",
        ("1.37", "latest"),
        Run(command=("sh",)),
        unpacked=("busybox-static",),
        files={"etc/passwd": "root:x:0:0:root:/root:/bin/sh\n", "etc/group": "root:x:0:\n"},
        links={f"bin/{name}": "/usr/bin/busybox" for name in _APPLETS.split()},
    ),
    Image(
        "library/nginx",
        ("1.26", "1.26.3", "latest"),
        Run(("nginx",), ("-g", "daemon off; error_log /dev/stderr;")),
        packages=("curl", "nginx-light"),
        files={"etc/nginx/sites-enabled/default": _NGINX_SITE},
    ),
    Image(
        "library/httpd",
        ("2.4", "latest"),
        Run(command=("apache2", "-f", "/usr/local/apache2/conf/httpd.conf", "-DFOREGROUND")),
        packages=("apache2-bin", "media-types"),
        files={"usr/local/apache2/conf/httpd.conf": _HTTPD},
    ),
    Image(
        "library/redis",
        ("8.0", "8", "latest"),
        Run(command=("redis-server", "--protected-mode", "no")),
        packages=("redis-server",),
    ),
    Image(
        "library/perl",
        ("5.40", "latest"),
        Run(command=("perl", "-de0")),
        packages=("perl",),
    ),
    Image(
        "library/mariadb",
        ("11.8", "latest"),
        Run(("bash", "/entrypoint.sh"), ("mariadbd",)),
        packages=("mariadb-backup", "mariadb-client", "mariadb-server-core", "socat"),
        files={"etc/mysql/my.cnf": _MARIADB, "entrypoint.sh": _MARIADB_START},
    ),
)


def images(versions: tuple[str, ...]) -> list[Image]:
    """All images for clusters of these Kubernetes versions."""
    etcd = Image(
        "etcd",
        tuple(_ETCD_TAGS[version] for version in versions),
        programs={"usr/local/bin/etcd": ETCD, "usr/local/bin/etcdutl": ETCDUTL},
    )
    coredns = Image(
        "coredns/coredns",
        tuple(_COREDNS_TAGS[version] for version in versions),
        Run(("/coredns",)),
        programs={"coredns": COREDNS},
    )
    return [*_COMMON, etcd, coredns, *(row for version in versions for row in _kubernetes(version))]


def _kubernetes(version: str) -> list[Image]:
    programs = KUBERNETES[version]
    return [
        Image(
            name,
            (version,),
            packages=_NETWORK if name == "kube-proxy" else None,
            programs={f"usr/local/bin/{name}": programs[name]},
        )
        for name in ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy")
    ]
