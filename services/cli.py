"""`python -m services …`: everything one does with Samvirke from a terminal."""

import argparse
import asyncio
import gc
import getpass
import os
import socket
import sys
from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from importlib import import_module
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from pydantic import ValidationError

from services import access, demo, running, verifier
from services.chassis import clock, contract, db, log
from services.chassis.embedded import DataFolderBroken
from services.chassis.problems import Problem
from services.settings import RunSettings, adopt, environment

SERVICES = ("catalog", "agreements", "integration")
KEEP_ALIVE_SECONDS = 75
"""Longer than any client keeps an idle connection, or it is closed in the moment when it is used again."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m services", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("run", help="start everything on this machine")
    commands.add_parser("migrate", help="bring the databases to this version")
    commands.add_parser("seed", help="load the seed data that is not there yet")
    commands.add_parser("index", help="let the catalogue's search find everything anew")
    story = commands.add_parser("demo", help="tell five stories, or one of them, against the running services")
    story.add_argument("story", nargs="?", choices=tuple(demo.STORIES), help="all of them without it")
    commands.add_parser("contracts", help="write each service's openapi.json")
    commands.add_parser("permissions", help="print who may do what")
    for name, about, choices in (
        ("serve", "run one service", (*SERVICES, "sandbox")),
        ("work", "run one service's worker", SERVICES),
    ):
        commands.add_parser(name, help=about).add_argument("service", choices=choices)
    token = commands.add_parser("token", help="print an access token from the sandbox")
    token.add_argument(
        "--as",
        "--organisation",
        dest="organisation",
        default="1813",
        metavar="NUMBER",
        help="who acts: a municipality (1820), a county (18) or an organisation number (default: Brønnøy kommune)",
    )
    token.add_argument(
        "--scope",
        nargs="*",
        default=["agreements.read", "agreements.order"],
        help="without our prefix, or any with its own",
    )
    migrated = commands.add_parser("svarut-integration", help="make an integration of an account of SvarUT's REST v1")
    migrated.description = "Asks for the account's password. Every time, the integration gets a new password."
    migrated.add_argument("--api", required=True, help="KS Fiks' address, such as https://api.fiks.ks.no")
    migrated.add_argument("--user", required=True, help="the account's name, as REST v1 wants it")
    migrated.add_argument(
        "--to", required=True, type=Path, help="a new file for the settings, which holds the password"
    )
    _add_keys(commands.add_parser("keys", help="the keys that certificates and status lists are signed with"))
    _add_verifying(commands.add_parser("verify-certificate", help="verify a certificate without the catalogue"))
    given = parser.parse_args()
    try:
        _do(given)
    except (running.CannotStart, DataFolderBroken, access.NoToken, demo.Stopped, Problem) as error:
        sys.exit(f"samvirke: {error}")
    except KeyboardInterrupt:
        sys.exit("samvirke: stopped before it was ready.")
    except ValidationError as error:
        sys.exit("samvirke: " + "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()))


def _add_keys(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("list", help="each key, and what it does now")
    actions.add_parser("new", help="make a key, which signs when verifiers have had time to see it")
    actions.add_parser(
        "sealing", help="make the key that bids in mini-competitions are sealed under, unless there is one"
    )
    retire = actions.add_parser("retire", help="let a key sign no more, and destroy its private half")
    retire.add_argument("kid", help="the key's id")
    retire.add_argument(
        "--compromised", action="store_true", help="others may have it: nothing that it signed counts any more"
    )


def _add_verifying(parser: argparse.ArgumentParser) -> None:
    parser.description = "Exit code 0: valid. 1: not valid. 2: nobody can tell, so do not rely on it."
    parser.add_argument("file", help="the signed certificate: a file, or its address")
    parser.add_argument("--jwks", required=True, help="the issuer's public keys: a file, or their address")
    parser.add_argument("--status-list", required=True, help="the status list that it names: a file, or its address")
    parser.add_argument("--on", type=date.fromisoformat, help="an earlier day, as it was known by its end")
    parser.add_argument("--product", help="the product that it has to be a certificate of")
    parser.add_argument("--version", help="of the product")
    parser.add_argument("--delivery-form", help="in which the product is delivered")
    parser.add_argument("--issuer", help="who has to have issued it: the catalogue's address")


def _do(given: argparse.Namespace) -> None:
    match given.command:
        case "run":
            running.everything(RunSettings(), lambda line: print(line, flush=True))
        case "migrate" | "seed" | "index":
            run = RunSettings()
            with running.databases(run, print) as urls:
                adopt(environment(run, urls))
                commands: dict[str, Callable[[dict[str, str], running.Tell], None]] = {
                    "migrate": running.migrate,
                    "seed": partial(running.seed, made_up=run.made_up),
                    "index": running.index,
                }
                commands[given.command](urls, print)
        case "serve":
            _serve(given.service)
        case "work":
            _work(given.service)
        case "demo":
            demo.walk(RunSettings(), given.story)
        case "contracts":
            for name in SERVICES:
                changed = contract.write(app_of(name), db.PROJECT / "services" / name / "openapi.json")
                print(f"{name}: {'changed' if changed else 'as before'}")
        case "permissions":
            for name in SERVICES:
                print(f"# {name}\n\n{import_module(f'services.{name}.permissions').PERMISSIONS.page()}")
        case "keys":
            adopt(environment(RunSettings(), {}))
            _keys(given)
        case "verify-certificate":
            asked = verifier.Asked(given.on, given.product, given.version, given.delivery_form, given.issuer)
            verdict = verifier.verdict(given.file, given.jwks, given.status_list, asked, clock.now())
            print(verdict.text())
            sys.exit(verdict.answer)
        case "svarut-integration":
            adopt(environment(RunSettings(), {}))
            _svarut_integration(given.api, given.user, given.to)
        case "token":
            print(access.token(RunSettings(), access.organisation(given.organisation), *given.scope))


def _svarut_integration(api_url: str, user: str, file: Path) -> None:
    """The file is made before SvarUT is asked: a password that nobody kept would be lost."""
    from services.integration import jobs
    from services.integration.settings import Settings

    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
            told = jobs.migrate_account(Settings(), api_url, user, getpass.getpass(f"Password of {user}: "))
            opened.write("".join(f"{name}={value}\n" for name, value in told.items()))
    except (OSError, jobs.NotMigrated) as error:
        sys.exit(f"samvirke: {error}")
    print(f"{file} holds the settings of konto {told['INTEGRATION_SVARUT_KONTO']}.")


def _keys(given: argparse.Namespace) -> None:
    from services.catalog.signing_keys import rules

    ring, now = running.keyring(), clock.now()
    match given.action:
        case "new":
            made = ring.make(now)
            print(f"{made.key.kid} signs from {made.key.signs_from.isoformat(timespec='seconds')}")
        case "sealing":
            made_one = running.sealing_key().first()
            print("made" if made_one else "there is one already")
        case "retire":
            ring.retire(given.kid, now, compromised=given.compromised)
            print(f"{given.kid} signs no more")
        case _:
            keys = ring.every()
            for key in sorted(keys, key=lambda one: one.made_at):
                state = rules.state(key, keys, now, needed={key.kid}, lists_live=timedelta())
                print(f"{key.kid}  {state:8}  signs from {key.signs_from.isoformat(timespec='seconds')}")


def app_of(name: str) -> FastAPI:
    """A service's application as the contract is generated from it: with default settings, on no database."""
    settings = import_module(f"services.{name}.settings").Settings(database_url="postgresql://127.0.0.1/none")
    app = import_module(f"services.{name}.app").create_app(settings)
    assert isinstance(app, FastAPI)
    return app


def _serve(name: str) -> None:
    package = "services.integration.sandbox" if name == "sandbox" else f"services.{name}"
    settings = import_module(f"{package}.settings").Settings()
    log.to_stdout(name, settings.log_level)
    config = uvicorn.Config(
        import_module(f"{package}.app").create_app(settings),
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=20,
    )
    # What lives as long as the process is not worth looking at in every collection: p99 falls by half.
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    ports = settings.ports if name == "sandbox" else [settings.port]
    uvicorn.Server(config).run(sockets=[_listening(settings.host, port) for port in ports])


def _listening(host: str, port: int) -> socket.socket:
    one = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    one.bind((host, port))
    one.listen(2048)
    one.set_inheritable(True)
    return one


def _work(name: str) -> None:
    settings = import_module(f"services.{name}.settings").Settings()
    log.to_stdout(f"{name}-worker", settings.log_level)
    asyncio.run(import_module(f"services.{name}.jobs").work(settings))
