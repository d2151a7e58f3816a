"""The ports of a stack: the default ones, free ones near them, or the requested ones."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict

import pytest

from local_stack.ports import USUAL_REDIS, PortReservation, Ports, StackError, choose_ports, is_free, variable
from local_stack.postgres import find_free_port

pytestmark = pytest.mark.ux(2)
WITH_REDIS = Ports(redis=USUAL_REDIS)  # as with several workers


@pytest.fixture
def reservation() -> Iterator[PortReservation]:
    with PortReservation() as opened:
        yield opened


@pytest.fixture
def taken() -> Iterator[list[int]]:
    """Return five ports in use."""
    with ExitStack() as sockets:
        ports = []
        for _ in range(5):
            listener = sockets.enter_context(socket.socket())
            listener.bind(("127.0.0.1", 0))
            listener.listen()
            ports.append(listener.getsockname()[1])
        yield ports


def ask(monkeypatch: pytest.MonkeyPatch, **ports: int | str) -> None:
    for name, port in ports.items():
        monkeypatch.setenv(variable(name), str(port))


def test_all_ports_in_use_are_named_in_one_message_with_free_ones_for_all(
    monkeypatch: pytest.MonkeyPatch, taken: list[int], reservation: PortReservation
) -> None:
    ask(monkeypatch, **dict(zip(asdict(WITH_REDIS), taken, strict=True)))
    with pytest.raises(StackError) as said:
        choose_ports(reservation, WITH_REDIS)
    for name, port in zip(asdict(WITH_REDIS), taken, strict=True):
        assert f"{port} (" in str(said.value)
        assert f"{variable(name)}=" in str(said.value)
    offered = [int(word.partition("=")[2]) for word in str(said.value).split() if "_PORT=" in word]
    assert len(set(offered)) == 5
    assert all(is_free(port) for port in offered)


def test_ports_that_are_asked_for_are_taken_as_they_are(
    monkeypatch: pytest.MonkeyPatch, reservation: PortReservation
) -> None:
    wanted = Ports(*(find_free_port() for _ in range(4)))
    ask(monkeypatch, **asdict(wanted))
    assert choose_ports(reservation) == (wanted, [])


def test_a_usual_port_in_use_is_replaced_by_a_free_one_and_the_choice_is_printed(
    reservation: PortReservation,
) -> None:
    with socket.socket() as somebody:
        if is_free(Ports().ui):
            somebody.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            somebody.bind(("127.0.0.1", Ports().ui))
            somebody.listen()
        ports, notes = choose_ports(reservation)
    assert ports.ui > Ports().ui
    assert f"Port 8080 is in use; the Airflow UI is at {ports.ui} (CRM_EXPORT_UI_PORT)." in notes


def test_without_workers_no_port_is_taken_for_redis(
    monkeypatch: pytest.MonkeyPatch, taken: list[int], reservation: PortReservation
) -> None:
    ask(monkeypatch, redis=taken[0])
    assert choose_ports(reservation)[0].redis == 0
    with pytest.raises(StackError, match=rf"{taken[0]} \(Redis, CRM_EXPORT_REDIS_PORT\)"):
        choose_ports(reservation, WITH_REDIS)


def test_two_stacks_that_start_at_once_choose_different_ports(reservation: PortReservation) -> None:
    first, _ = choose_ports(reservation, WITH_REDIS)
    with PortReservation() as another:
        second, _ = choose_ports(another, WITH_REDIS)
    assert not set(asdict(first).values()) & set(asdict(second).values())


def test_a_port_is_free_again_once_its_stack_has_ended() -> None:
    with PortReservation() as first:
        ports, _ = choose_ports(first)
    with PortReservation() as second:
        assert choose_ports(second)[0] == ports


@pytest.mark.parametrize("wrong", ["eighty", "0", "65536", "-1", "٨٠"])
def test_a_port_that_is_none_names_the_variable(
    monkeypatch: pytest.MonkeyPatch, reservation: PortReservation, wrong: str
) -> None:
    ask(monkeypatch, ui=wrong)
    with pytest.raises(StackError, match=f"CRM_EXPORT_UI_PORT={wrong} is not a port number"):
        choose_ports(reservation)
