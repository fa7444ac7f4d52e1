"""A small container engine: the part of Docker's HTTP API that starts workers, on a socket file.

usage: engine.py FOLDER WORKER_PROGRAM

A container is a process of the worker agent in a folder of its own. The file FOLDER/history tells what was asked. The
image "crashing" ends at once with some last words; "nowhere" is in no registry; FOLDER/garbage, if it is there, is sent
instead of any answer.
"""

import json
import os
import re
import signal
import socketserver
import struct
import subprocess
import sys
import urllib.parse
from http.server import BaseHTTPRequestHandler

FOLDER, PROGRAM = sys.argv[1:3]
IMAGES = {"crashing:latest"}
CONTAINERS = {}

AGENT = """
"$PROGRAM" create home --master "$BUILDMASTER:$BUILDMASTER_PORT" --name "$WORKERNAME" --password "$WORKERPASS"
exec "$PROGRAM" run home
"""
CRASH = "echo nothing here knows the way; exit 3"


def note(text):
    with open(os.path.join(FOLDER, "history"), "a") as history:
        history.write(text + "\n")


class Container:
    def __init__(self, number, wanted):
        self.wanted = wanted
        self.folder = os.path.join(FOLDER, "container-%d" % number)
        self.process = None
        os.mkdir(self.folder)

    def start(self):
        environment = dict(line.split("=", 1) for line in self.wanted["Env"])
        environment.update(PATH=os.environ.get("PATH", os.defpath), PROGRAM=PROGRAM)
        script = CRASH if self.wanted["Image"].startswith("crashing") else AGENT
        with open(os.path.join(self.folder, "output"), "wb") as output:
            self.process = subprocess.Popen(
                ["/bin/sh", "-c", script], cwd=self.folder, env=environment, stdin=subprocess.DEVNULL,
                stdout=output, stderr=subprocess.STDOUT, start_new_session=True)

    def state(self):
        code = self.process.poll() if self.process else 0
        return {"Running": self.process is not None and code is None, "ExitCode": code or 0}

    def remove(self):
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def has(self, labels):
        return all(self.wanted["Labels"].get(name) == value for name, value in labels)


class Request(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body=b""):
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def stream(self, lines):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for line in lines + [None]:
            piece = b"" if line is None else json.dumps(line).encode() + b"\r\n"
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))

    def missing(self, what):
        self.answer(404, {"message": "no such " + what})

    def do(self):
        if os.path.exists(os.path.join(FOLDER, "garbage")):
            self.wfile.write(b"\x00\xff certainly not HTTP\r\n" * 1000)
            self.close_connection = True
            return
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        length = int(self.headers.get("Content-Length", 0))
        body = json.loads(self.rfile.read(length)) if length else None
        path = urllib.parse.unquote(re.sub(r"^/v[0-9.]+", "", url.path))
        what = self.command + " " + path
        one = re.match(r"/containers/([0-9]+)", path)
        container = CONTAINERS.get(int(one.group(1))) if one else None
        if what == "GET /containers/json":
            labels = [label.split("=", 1) for label in json.loads(query["filters"])["label"]]
            self.answer(200, [{"Id": str(id)} for id, it in CONTAINERS.items() if it.has(labels)])
        elif path.startswith("/images/") and path.endswith("/json"):
            image = path[len("/images/"):-len("/json")]
            known = image in IMAGES or image + ":latest" in IMAGES
            self.answer(200, {"Id": image}) if known else self.missing("image")
        elif what == "POST /images/create":
            image = query["fromImage"]
            note("pull " + image)
            if image.startswith("nowhere"):
                self.stream([{"status": "pulling"}, {"error": "no registry has " + image}])
            else:
                IMAGES.add(image)
                self.stream([{"status": "pulling"}, {"status": "done"}])
        elif what == "POST /containers/create":
            number = len(os.listdir(FOLDER))
            CONTAINERS[number] = Container(number, body)
            note("create " + body["Image"])
            self.answer(201, {"Id": str(number)})
        elif container is None:
            self.missing("container")
        elif what.endswith("/start"):
            container.start()
            self.answer(204)
        elif self.command == "DELETE":
            CONTAINERS.pop(int(one.group(1))).remove()
            note("remove " + container.wanted["Image"])
            self.answer(204)
        elif what.endswith("/logs"):
            with open(os.path.join(container.folder, "output"), "rb") as output:
                said = output.read()
            self.answer(200, struct.pack(">BxxxL", 1, len(said)) + said)
        else:
            self.answer(200, {"State": container.state()})

    do_GET = do_POST = do_DELETE = do


class Engine(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True

    def get_request(self):
        request, _ = super().get_request()
        return request, ("engine", 0)


with Engine(os.path.join(FOLDER, "engine.sock"), Request) as engine:
    print("engine is ready", flush=True)
    engine.serve_forever()
