"""The control channel, its secret and its certificates, over real sockets."""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from contract.errors import SettingsError
from tests.training.clusters import LEADER, SECOND, free_port
from tests.training.jobs import DEADLINE
from training_entry.cluster import connect, is_wanted
from training_entry.cluster.addresses import own_address
from training_entry.cluster.certificates import job_secret, write_certificates
from training_entry.cluster.cluster_settings import ClusterSettings
from training_entry.cluster.control_channel import Channel, PeerGone
from training_entry.cluster.member import Member
from training_entry.job import leader_of

SECRET, OTHER = b"s" * 32, b"o" * 32
# A leader that has left its block, and lives until its input ends.
LINGERING_LEADER = f"""
import sys
from training_entry.cluster.leader import Leader
with Leader(["{SECOND}"], ("{LEADER}", int(sys.argv[1])), {SECRET}, lambda: None) as leader:
    leader.end({{"exit_code": 0}}, absent_too=True)
print("over", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def sockets():
    """Both ends of a TCP connection."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = socket.create_connection(server.getsockname())
        accepted, _ = server.accept()
    with client, accepted:
        yield client, accepted


def greet(sockets, secrets):
    """What each end gets of the greeting: a channel, or the error that ended it."""
    with ThreadPoolExecutor() as pool:
        ends = [
            pool.submit(Channel, end, secret, leading=leading)
            for end, secret, leading in zip(sockets, secrets, (False, True), strict=True)
        ]
    return [end.exception(DEADLINE) or end.result() for end in ends]


def next_message(channel):
    """The next message that is more than a sign of life."""
    while not (message := channel.receive()):
        pass
    return message


def test_both_ends_hear_each_other(sockets):
    """Messages arrive in order and whole, in either direction."""
    member, leader = greet(sockets, (SECRET, SECRET))

    member.send(host="algo-2")
    leader.send(scheduler="tls://algo-1:1")
    leader.send(outcome={"exit_code": 3, "reason": "ä\n" * 512})

    assert next_message(leader) == {"host": "algo-2"}
    assert next_message(member) == {"scheduler": "tls://algo-1:1"}
    assert next_message(member)["outcome"]["reason"] == "ä\n" * 512
    member.close()
    with pytest.raises(PeerGone, match="closed the connection"):
        next_message(leader)
    leader.close()


def test_who_does_not_know_the_secret_is_not_heard(sockets):
    """A wrong secret ends the greeting on the leader's side, before any message counts."""
    _, leader = greet(sockets, (OTHER, SECRET))

    assert isinstance(leader, PeerGone)
    assert str(leader) in ("does not know this job's secret", "closed the connection")


@pytest.mark.parametrize("said", [b"GET / HTTP/1.1\r\n\r\n", b"\xff\n", b"0" * 70000, b""])
def test_a_stranger_is_refused(sockets, said):
    """Whatever else connects to the port is told apart, without a traceback."""
    stranger, accepted = sockets

    def speak():
        with contextlib.suppress(OSError):  # refused before all was said
            stranger.sendall(said)
            stranger.shutdown(socket.SHUT_WR)

    thread = threading.Thread(target=speak)
    thread.start()
    with pytest.raises(PeerGone):
        Channel(accepted, SECRET, leading=True)
    thread.join(DEADLINE)


def test_a_message_that_was_altered_is_refused(sockets):
    """One changed byte under way, and the channel ends."""
    (near, far), (member_side, relay_in) = sockets, socket.socketpair()

    def relay(source, target, spoil):
        for number, line in enumerate(source.makefile("rb")):
            target.sendall(line.replace(b"algo-2", b"algo-3") if spoil and number else line)

    for source, target, spoil in ((relay_in, near, True), (near, relay_in, False)):
        threading.Thread(target=relay, args=(source, target, spoil), daemon=True).start()
    member, leader = greet((member_side, far), (SECRET, SECRET))
    member.send(host="algo-2")

    with pytest.raises(PeerGone, match="does not know this job's secret"):
        next_message(leader)
    member.close()
    leader.close()
    relay_in.close()


def test_a_member_stays_until_the_leaders_process_has_ended():
    """The leader need not wait for it, and it waits for the leader."""
    port = free_port()
    command = [sys.executable, "-P", "-c", LINGERING_LEADER, str(port)]
    with (
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as leader,
        Member(SECOND, SECOND, (LEADER, port), SECRET, DEADLINE) as member,
        ThreadPoolExecutor() as pool,
    ):
        member.wait_for("outcome", timeout=DEADLINE)
        seen_off = pool.submit(member.see_off)
        said = leader.stdout.readline()
        stayed = not seen_off.done()
        leader.stdin.close()

        assert seen_off.result(DEADLINE)
    assert (said, stayed) == (b"over\n", True)


def secret_of(tmp_path, *, hosts=("algo-1", "algo-2"), hyperparameters="{}", arn="a", given=None):
    file = tmp_path / "hyperparameters.json"
    file.write_text(hyperparameters)
    secret_file = None
    if given is not None:
        secret_file = tmp_path / "secret"
        secret_file.write_bytes(given)
    return job_secret(hosts, file, secret_file, {"TRAINING_JOB_ARN": arn})


@pytest.mark.parametrize(
    "other",
    [
        {"hosts": ("algo-1", "algo-3")},
        {"hyperparameters": '{"a": "2", "b": "2"}'},
        {"arn": "b"},
        {"given": b"more"},
    ],
)
def test_each_job_has_a_secret_of_its_own(tmp_path, other):
    """The same on hosts that read the same job, whatever the order; else another."""
    job = {"hyperparameters": '{"a": "1", "b": "2"}'}
    same = {"hyperparameters": '{"b": "2",  "a": "1"}', "hosts": ("algo-2", "algo-1")}

    assert secret_of(tmp_path, **job) == secret_of(tmp_path, **same)
    assert secret_of(tmp_path, **job) != secret_of(tmp_path, **{**job, **other})


def test_a_secret_file_must_hold_a_secret(tmp_path):
    """An empty file is no secret, and is named."""
    with pytest.raises(SettingsError, match="which is empty"):
        secret_of(tmp_path, given=b" \n")


def test_a_secret_file_must_be_there(tmp_path):
    """A file that can't be read is named, with the reason."""
    file = tmp_path / "hyperparameters.json"
    file.write_text("{}")

    with pytest.raises(SettingsError, match="missing, which can't be read: No such file"):
        job_secret(("algo-1", "algo-2"), file, tmp_path / "missing", {})


@pytest.mark.parametrize(("secret", "trusted"), [(SECRET, True), (OTHER, False)])
def test_hosts_of_one_job_trust_each_others_certificates(tmp_path, secret, trusted):
    """Each makes its own authority and certificate, and they fit; another job's do not."""
    pytest.importorskip("cryptography")
    contexts = []
    for name, key in (("algo-1", SECRET), ("algo-2", secret)):
        folder = tmp_path / name
        folder.mkdir()
        write_certificates(key, name, folder)
        side = ssl.PROTOCOL_TLS_SERVER if name == "algo-1" else ssl.PROTOCOL_TLS_CLIENT
        context = ssl.SSLContext(side)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_REQUIRED
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        context.load_verify_locations(folder / "ca.pem")
        context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
        contexts.append(context)
        assert (folder / "key.pem").stat().st_mode & 0o077 == 0

    assert handshake(*contexts) is trusted


def handshake(server, client):
    """Whether a TLS handshake in memory succeeds on both sides."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    sides = [
        server.wrap_bio(to_server, to_client, server_side=True),
        client.wrap_bio(to_client, to_server),
    ]
    done = set()
    for _ in range(10):
        for number, side in enumerate(sides):
            try:
                side.do_handshake()
                done.add(number)
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLError:
                return False
    return done == {0, 1}


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({"BYO_CLUSTER_PORT": "0"}, "BYO_CLUSTER_PORT must be a whole number from 1 to 65535"),
        ({"BYO_CLUSTER_JOIN_SECONDS": "soon"}, "BYO_CLUSTER_JOIN_SECONDS must be a whole number"),
        ({"BYO_CLUSTER_DASHBOARD": "maybe"}, "BYO_CLUSTER_DASHBOARD must be true or false"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(environ, message):
    """The message names the variable and what would be right."""
    with pytest.raises(SettingsError, match=message):
        ClusterSettings.from_environ(environ)


def test_one_host_is_no_cluster():
    """Nor are several with the cluster switched off; a switch that is neither is refused."""
    assert not is_wanted(["algo-1"], {})
    assert not is_wanted(["algo-1", "algo-2"], {"BYO_CLUSTER": "false"})
    with pytest.raises(SettingsError, match="BYO_CLUSTER must be true or false"):
        is_wanted(["algo-1", "algo-2"], {"BYO_CLUSTER": "dask"})


def test_the_first_host_by_name_leads():
    """Every host comes to the same, in whatever order it reads the names."""
    assert leader_of(["algo-2", "algo-1"]) == "algo-1"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("no-such-host.invalid", "does not resolve to an address"),
        ("192.0.2.1", "which is no address of this host"),
    ],
)
def test_a_host_that_does_not_know_itself_is_told(name, message):
    """A current_host that points nowhere, or to another machine, can't be bound to."""
    with pytest.raises(SettingsError, match=message):
        own_address(name)


def test_without_a_cluster_connect_changes_nothing():
    """The same script runs by hand: joblib keeps its backend."""
    assert "DASK_SCHEDULER_ADDRESS" not in os.environ

    with connect() as client:
        assert client is None
