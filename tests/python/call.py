"""Logs in to a master over PB and calls what it is told to: call.py PORT USER PASSWORD CALLS

CALLS is a JSON list of [OBJECT, METHOD, ARGUMENTS...]. OBJECT is "" for what the login gave, or the number of an
earlier call (from 1) whose result it is; "3/0" is the first item of result 3, "3/name" the value under a key.
Prints one JSON value a line: the result, or ["failed", CLASS, VALUE]. An object is printed as "object".
"""

import json
import sys

from twisted.cred.credentials import UsernamePassword
from twisted.internet import defer, task
from twisted.internet.endpoints import TCP4ClientEndpoint
from twisted.spread import pb


def pick(results, path):
    found, *parts = path.split("/")
    found = results[int(found or 0)]
    for part in parts:
        found = found[part if isinstance(found, dict) else int(part)]
    return found


def plain(value):
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {plain(key): plain(item) for key, item in value.items()}
    if value is None or isinstance(value, (str, int, float)):
        return value
    return "object" if isinstance(value, pb.RemoteReference) else type(value).__name__


def named(value):
    """Keys as text, so that they can be told on the command line."""
    return {plain(key): item for key, item in value.items()} if isinstance(value, dict) else value


@defer.inlineCallbacks
def main(reactor, port, user, password, calls):
    factory = pb.PBClientFactory()
    TCP4ClientEndpoint(reactor, "127.0.0.1", int(port)).connect(factory)
    results = [(yield factory.login(UsernamePassword(user.encode(), password.encode())))]
    for target, method, *arguments in json.loads(calls):
        try:
            result = yield pick(results, target).callRemote(method, *arguments)
            print(json.dumps(plain(result)), flush=True)
        except Exception as error:
            result = None
            name = getattr(error, "remoteType", None) or type(error).__name__
            name = name.decode() if isinstance(name, bytes) else name
            print(json.dumps(["failed", name, str(error)]), flush=True)
        results.append(named(result))


task.react(main, sys.argv[1:])
